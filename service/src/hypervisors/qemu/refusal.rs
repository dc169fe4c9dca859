//! Why a definition cannot be started.
//!
//! The sentence names the element, the reason and what to change: it is shown to people as it is.

use lodge_model::domain::devices::Problem;

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The definition contradicts itself or lacks something.
    InvalidXml,
    /// The definition is right, and this host, this QEMU or this version of the service cannot do it.
    NotSupported,
}

/// Why a definition cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of reason it is.
    pub kind: RefusalKind,
    /// The sentence.
    pub message: String,
}

impl Refusal {
    /// The definition contradicts itself or lacks something.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::InvalidXml, message: message.into() }
    }

    /// It cannot be done here.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::NotSupported, message: message.into() }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::invalid(problem.to_string())
    }
}
