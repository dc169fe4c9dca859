//! What all XML documents have in common: a root element, a reader, a writer, and a check.
//!
//! Invariants:
//! - Reading fills in nothing; an absent element is absent in the type.
//! - `T::parse(&value.to_xml())` gives an equal value, whatever the value.
//! - Checking tells every problem at once, each with the path of what to change.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::hash::Hash;

use crate::xml::{Content, Namespace, Warning, XmlError, read_document_with, write_document_with};

/// Longest name in bytes: it becomes part of file names, which have 255.
pub const MAX_NAME_BYTES: usize = 200;

/// A whole document.
pub trait Document: Content {
    /// Name of the root element.
    const ROOT: &'static str;
    /// Namespaces that its elements may come from.
    const NAMESPACES: &'static [Namespace] = &[];

    /// Tells what is wrong with a document that could be read.
    fn check(&self, found: &mut Problems);

    /// Reads a document. The warnings say what was kept but not understood.
    ///
    /// # Errors
    /// [`XmlError`] with path and place for text that is not XML, has another root, lacks something
    /// that must be there or has a value that is not one of those possible.
    fn parse(text: &str) -> Result<(Self, Vec<Warning>), XmlError> {
        read_document_with(text, Self::ROOT, Self::NAMESPACES)
    }

    /// The document as text.
    fn to_xml(&self) -> String {
        write_document_with(self, Self::ROOT, Self::NAMESPACES)
    }

    /// Checks the document.
    ///
    /// # Errors
    /// Every [`Problem`] found, in the order of the document.
    fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut found = Problems { root: Self::ROOT, found: Vec::new() };
        self.check(&mut found);
        if found.found.is_empty() { Ok(()) } else { Err(found.found) }
    }
}

/// Something to change in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the element or attribute, such as `/domain/vcpu/@current`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Collects the problems of one document.
#[derive(Debug)]
pub struct Problems {
    root: &'static str,
    found: Vec<Problem>,
}

impl Problems {
    /// Adds one; the path starts below the root.
    pub fn add(&mut self, path: impl Display, reason: impl Into<String>) {
        self.found.push(Problem { path: format!("/{}/{path}", self.root), reason: reason.into() });
    }

    /// Tells each value that is there a second time; `what` names such a value.
    pub fn unique<T: Hash + Eq + Display>(&mut self, path: &str, what: &str, values: impl IntoIterator<Item = T>) {
        let mut seen = HashSet::new();
        for value in values {
            if seen.contains(&value) {
                self.add(path, format!("{what} {value} is there twice; remove one"));
            }
            seen.insert(value);
        }
    }

    /// Tells why the text cannot be the name of such a thing, if it cannot.
    pub fn name(&mut self, path: &str, what: &str, name: &str) {
        if let Some(reason) = name_problem(what, name) {
            self.add(path, reason);
        }
    }
}

/// Why a text cannot be the name of a thing of this kind (`domain`, `network`); `None` when it can.
pub fn name_problem(what: &str, name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some(format!("the name is empty; give the {what} a name"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!("the name has {} bytes; it becomes a file name and may have {MAX_NAME_BYTES}", name.len()));
    }
    if name == "." || name == ".." {
        return Some(format!("'{name}' cannot be a name, since it means a directory; choose another"));
    }
    let bad = name.chars().find(|c| *c == '/' || c.is_control())?;
    Some(format!("the name holds the character {bad:?}, which a file name cannot hold; leave it out"))
}
