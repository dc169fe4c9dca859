//! What can be wrong with a document, always with the place.

use std::fmt;

use super::element::Position;

/// A document that cannot be accepted: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}, {position}: {reason}")]
pub struct XmlError {
    /// Path of the element or attribute, such as `/domain/devices/disk[2]/@type`.
    pub path: String,
    /// Where in the document.
    pub position: Position,
    /// What is wrong and what was expected, as a clause.
    pub reason: String,
}

/// Something that was kept but not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Path of the element or attribute.
    pub path: String,
    /// Where in the document.
    pub position: Position,
    /// What is odd about it, as a clause.
    pub reason: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.path, self.position, self.reason)
    }
}
