//! Who may do what: a call becomes an [`Action`] of a [`Caller`], an [`Authorizer`] answers with a
//! [`Grant`], and only a grant opens the mutating methods of the engine.
//!
//! Invariants:
//! - A [`Grant`] can be made in this module only, so a forgotten check does not compile. It says for which action it is,
//!   and whoever takes it checks that; so neither does the wrong question open anything.
//! - The subject is the caller's bus name, never a process number, which could be reused.
//! - Authorization comes after parsing and before any side effect; it may wait for a person, so it
//!   never happens under a lock or inside an actor.
//! - Whoever drops the future of a question takes the question back.
//! - No answer is a refusal.

mod actions;
mod caller;
mod grant;
mod owner;
mod polkit;
mod subject;

pub use actions::{Action, Details};
pub use caller::Caller;
pub use grant::Grant;
pub use owner::OwnerOnly;
pub use polkit::Polkit;
pub use subject::Subject;

use async_trait::async_trait;

use crate::error::Result;

/// Decides whether a caller may do something.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Answers with a grant for exactly this action.
    ///
    /// # Errors
    /// `NotAuthorized` when the caller may not, or when nobody could be asked.
    async fn require(&self, caller: &Caller, action: Action, details: &Details) -> Result<Grant>;
}
