//! What a verb, an event or a job is about: an object of the service, by the words that people know it by.

use std::fmt;

use uuid::Uuid;

/// An object of the service. Names are unique among the objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A domain, by name.
    Domain(String),
    /// A secret.
    Secret(Uuid),
    /// A device of the host, by name.
    Device(String),
}

impl Subject {
    /// Keys and values by which rules tell it from others: `domain.name`, `secret.uuid`.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Domain(name) => vec![("domain.name", name.clone())],
            Self::Secret(uuid) => vec![("secret.uuid", uuid.to_string())],
            Self::Device(name) => vec![("device.name", name.clone())],
        }
    }
}

/// For a sentence: `domain 'web'`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => write!(f, "domain '{name}'"),
            Self::Secret(uuid) => write!(f, "secret {uuid}"),
            Self::Device(name) => write!(f, "device '{name}'"),
        }
    }
}
