//! All documents that are known: one line for each, for those who take any of them.

use crate::capabilities::Capabilities;
use crate::document::{Document, Problem};
use crate::domain::Domain;
use crate::domain_capabilities::DomainCapabilities;
use crate::encryption::Encryption;
use crate::network::Network;
use crate::node_device::NodeDevice;
use crate::secret::Secret;
use crate::snapshot::Snapshot;
use crate::storage_pool::StoragePool;
use crate::storage_volume::StorageVolume;
use crate::xml::{Position, Warning, XmlError, parse};

/// A kind of document.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Name of the root element.
    pub root: &'static str,
    examine: fn(&str) -> Result<Examined, XmlError>,
}

/// What was found out about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Name of the root element.
    pub root: &'static str,
    /// The document as it is written today.
    pub normalized: String,
    /// What was kept but not understood.
    pub warnings: Vec<Warning>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// All kinds, by their roots' names.
pub const KINDS: &[Kind] = &[
    kind::<Capabilities>(),
    kind::<NodeDevice>(),
    kind::<Domain>(),
    kind::<DomainCapabilities>(),
    kind::<Snapshot>(),
    kind::<Encryption>(),
    kind::<Network>(),
    kind::<StoragePool>(),
    kind::<Secret>(),
    kind::<StorageVolume>(),
];

const fn kind<T: Document>() -> Kind {
    Kind { root: T::ROOT, examine: examine_as::<T> }
}

fn examine_as<T: Document>(text: &str) -> Result<Examined, XmlError> {
    let (document, warnings) = T::parse(text)?;
    let problems = document.validate().err().unwrap_or_default();
    Ok(Examined { root: T::ROOT, normalized: document.to_xml(), warnings, problems })
}

impl Kind {
    /// Reads a document of this kind.
    ///
    /// # Errors
    /// Those of [`Document::parse`].
    pub fn examine(&self, text: &str) -> Result<Examined, XmlError> {
        (self.examine)(text)
    }
}

/// Reads a document of any kind; its root tells which.
///
/// # Errors
/// [`XmlError`] for text that is not XML, has a root that no kind has, or cannot be read as its kind.
pub fn examine(text: &str) -> Result<Examined, XmlError> {
    let root = parse(text)?;
    match KINDS.iter().find(|kind| kind.root == root.name) {
        Some(kind) => kind.examine(text),
        None => Err(unknown(&root.name, root.position)),
    }
}

fn unknown(root: &str, position: Position) -> XmlError {
    let known: Vec<String> = KINDS.iter().map(|kind| format!("<{}>", kind.root)).collect();
    XmlError { path: format!("/{root}"), position, reason: format!("expected one of {}, found <{root}>", known.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_tells_the_kind() {
        let text = "<domain type='kvm'><name>a</name><colour>red</colour></domain>";
        let examined = examine(text).unwrap();
        assert_eq!(examined.root, "domain");
        assert!(examined.normalized.contains("<colour>red</colour>"));
        assert_eq!(examined.warnings[0].path, "/domain/colour");
        assert_eq!(examined.problems[0].path, "/domain/memory");
        let error = examine("<!-- what --><dominion/>").unwrap_err().to_string();
        assert!(error.starts_with("/dominion, line 1, column 14: expected one of <capabilities>, <device>, <domain>, "), "{error}");
    }

    #[test]
    fn no_two_kinds_have_the_same_root() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..at].iter().all(|other| other.root != kind.root), "{}", kind.root);
        }
    }
}
