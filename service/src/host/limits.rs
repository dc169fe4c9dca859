//! What a process may use up (getrlimit(2)).

use std::io;

use rustix::process::{Rlimit, getrlimit, setrlimit};

use super::process::ChildStep;

pub use rustix::process::Resource;

/// A limit to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So much, now and for good. More than the process may have now needs a privilege.
    To(u64),
    /// None at all, which needs a privilege.
    Unlimited,
    /// All that the process may have without a privilege.
    AsMuchAsAllowed,
}

/// Sets a limit; `name` completes the sentence "cannot NAME in the new process".
pub fn limit(name: &'static str, resource: Resource, limit: Limit) -> ChildStep {
    ChildStep::new(name, move || {
        let most = match limit {
            Limit::To(most) => Some(most),
            Limit::Unlimited => None,
            Limit::AsMuchAsAllowed => getrlimit(resource).maximum,
        };
        setrlimit(resource, Rlimit { current: most, maximum: most }).map_err(io::Error::from)
    })
}
