//! What a verb, an event or a job is about: an object of the service, by the words that people know it by.

use std::fmt;

use uuid::Uuid;

/// An object of the service. Names are unique among the objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A domain, by name.
    Domain(String),
    /// A network, by name.
    Network(String),
    /// A secret.
    Secret(Uuid),
    /// A storage pool, by name.
    StoragePool(String),
    /// A volume of a pool, by their names.
    StorageVolume {
        /// The pool.
        pool: String,
        /// The volume.
        volume: String,
    },
}

impl Subject {
    /// Keys and values by which rules tell it from others: `domain.name`, `network.name`, `secret.uuid`, `pool.name`, `volume.name`.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Domain(name) => vec![("domain.name", name.clone())],
            Self::Network(name) => vec![("network.name", name.clone())],
            Self::Secret(uuid) => vec![("secret.uuid", uuid.to_string())],
            Self::StoragePool(name) => vec![("pool.name", name.clone())],
            Self::StorageVolume { pool, volume } => vec![("pool.name", pool.clone()), ("volume.name", volume.clone())],
        }
    }
}

/// For a sentence: `domain 'web'`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => write!(f, "domain '{name}'"),
            Self::Network(name) => write!(f, "network '{name}'"),
            Self::Secret(uuid) => write!(f, "secret {uuid}"),
            Self::StoragePool(name) => write!(f, "pool '{name}'"),
            Self::StorageVolume { pool, volume } => write!(f, "volume '{volume}' of pool '{pool}'"),
        }
    }
}
