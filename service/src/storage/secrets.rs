//! The secrets that storage needs, as it asks for them; whoever composes the service says where they are kept.

use std::fmt;

use async_trait::async_trait;
use lodge_model::encryption::SecretReference;
use uuid::Uuid;

use crate::error::Result;

/// The value of a secret. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(pub Vec<u8>);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Where secrets are kept.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value of the secret that a document names.
    ///
    /// # Errors
    /// `NotFound` when there is no such secret, `InvalidState` when it has no value.
    async fn value(&self, reference: &SecretReference) -> Result<Passphrase>;

    /// The secret that opens the volume at this path, if there is one.
    fn of_volume(&self, path: &str) -> Option<Uuid>;

    /// Keeps a new secret that opens the volume at this path.
    ///
    /// # Errors
    /// `AlreadyExists` when there is one for that path, and those of the store.
    async fn keep_for_volume(&self, path: &str, value: Passphrase) -> Result<Uuid>;

    /// Forgets a secret that [`Secrets::keep_for_volume`] has made.
    ///
    /// # Errors
    /// Those of the store.
    async fn forget(&self, uuid: Uuid) -> Result<()>;
}
