//! What all XML documents have in common: a root element, a reader, a writer, and a check.
//!
//! Invariants:
//! - Reading fills in nothing; an absent element is absent in the type.
//! - `T::parse(&value.to_xml())` gives an equal value, whatever the value.
//! - Checking tells every problem at once, each with the path of what to change.

use std::collections::HashSet;
use std::fmt::{self, Display, Write};
use std::hash::Hash;

use crate::xml::{Content, Namespace, Value, Warning, XmlError, read_document_with, write_document_with};

/// Longest name in bytes: it becomes part of file names, which have 255.
pub const MAX_NAME_BYTES: usize = 200;

/// Longest file name in bytes, on the file systems of Linux.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Longest name of an interface in bytes (netdevice(7): `IFNAMSIZ` with the zero behind it).
pub const MAX_INTERFACE_NAME_BYTES: usize = 15;

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
        let mut found = Problems::new(Self::ROOT);
        self.check(&mut found);
        found.into_result()
    }
}

/// Problems told one by one; of a document with more, the last one says how many more there are.
const MAX_PROBLEMS: usize = 200;

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
    /// The element whose content is being checked.
    within: String,
    found: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// None yet, of a document with this root.
    pub fn new(root: &str) -> Self {
        Self { within: format!("/{root}"), found: Vec::new(), left_out: 0 }
    }

    /// What a check makes of a document with this root.
    ///
    /// # Errors
    /// Every problem, in the order found, when there is one.
    pub fn checked<T>(root: &str, check: impl FnOnce(&mut Self) -> Option<T>) -> Result<T, Vec<Problem>> {
        let mut found = Self::new(root);
        let value = check(&mut found);
        found.into_result()?;
        value.ok_or_else(Vec::new)
    }

    /// Adds one; the path starts below the root, or below the part being checked. An empty one is that
    /// part itself.
    pub fn add(&mut self, path: impl Display, reason: impl Into<String>) {
        if self.found.len() < MAX_PROBLEMS {
            let path = format!("{}/{path}", self.within);
            self.found.push(Problem { path: path.trim_end_matches('/').to_owned(), reason: reason.into() });
        } else {
            self.left_out += 1;
        }
    }

    /// Checks a part; the paths it tells start below this one.
    pub fn inside<R>(&mut self, part: impl Display, check: impl FnOnce(&mut Self) -> R) -> R {
        let outside = self.within.len();
        // Writing to a string cannot fail.
        let _ = write!(self.within, "/{part}");
        let result = check(self);
        self.within.truncate(outside);
        result
    }

    /// Checks each of some elements of one name, which are numbered where there are several.
    pub fn each<'a, T>(&mut self, name: &str, elements: &'a [T], mut check: impl FnMut(&mut Self, &'a T)) {
        for (number, element) in (1..).zip(elements) {
            let part = if elements.len() > 1 { format!("{name}[{number}]") } else { name.to_owned() };
            self.inside(part, |found| check(found, element));
        }
    }

    /// Every problem, in the order found.
    ///
    /// # Errors
    /// There is one at least.
    pub fn into_result(mut self) -> Result<(), Vec<Problem>> {
        if self.left_out > 0 {
            self.found.push(Problem { path: self.within, reason: format!("{} more problems are in the document", self.left_out) });
        }
        if self.found.is_empty() { Ok(()) } else { Err(self.found) }
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

    /// The value of a word that documents keep as text; tells what could be there instead of another.
    pub fn word<T: Value>(&mut self, path: impl Display, word: &str) -> Option<T> {
        let value = T::parse(word);
        if value.is_none() {
            self.add(path, format!("'{word}' is not known here; write {}", T::EXPECTED));
        }
        value
    }

    /// The same for a word without which its element says nothing.
    pub fn needed_word<T: Value>(&mut self, path: impl Display, word: Option<&str>) -> Option<T> {
        if word.is_none() {
            self.add(&path, format!("it is not said; write {}, or remove the element", T::EXPECTED));
        }
        self.word(path, word?)
    }

    /// A value without which its element says nothing; tells what could be there when it is not.
    pub fn needed<T: Value>(&mut self, path: impl Display, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(path, format!("it is not said; write {}", T::EXPECTED));
        }
        value
    }

    /// Tells that a path does not begin at the root directory, if it does not.
    pub fn absolute(&mut self, path: impl Display, value: &str) {
        if !value.starts_with('/') {
            self.add(path, format!("'{value}' is not an absolute path; write the whole path, beginning with /"));
        }
    }

    /// Tells a title of more than one line.
    pub fn title(&mut self, title: Option<&str>) {
        if title.is_some_and(|title| title.contains('\n')) {
            self.add("title", "the title has more than one line; put the rest into <description>");
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
    name_problem_within(MAX_NAME_BYTES, what, name)
}

/// Why a text cannot be the name of a thing whose file is called so (`volume`); `None` when it can.
pub fn file_name_problem(what: &str, name: &str) -> Option<String> {
    name_problem_within(MAX_FILE_NAME_BYTES, what, name)
}

fn name_problem_within(limit: usize, what: &str, name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some(format!("the name is empty; give the {what} a name"));
    }
    if name.len() > limit {
        return Some(format!("the name has {} bytes; it becomes a file name and may have {limit}", name.len()));
    }
    if name == "." || name == ".." {
        return Some(format!("'{name}' cannot be a name, since it means a directory; choose another"));
    }
    let bad = name.chars().find(|c| *c == '/' || c.is_control())?;
    Some(format!("the name holds the character {bad:?}, which a file name cannot hold; leave it out"))
}

/// Why a text cannot be the name or address of a server; `None` when it can.
pub fn host_name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the server has no name; write its name or address".to_owned());
    }
    // A program that is handed the name would take a dash in front for an option.
    let odd = name.starts_with('-') || name.contains(|c: char| c == '/' || c == ',' || c.is_whitespace() || c.is_control());
    odd.then(|| format!("'{name}' is no name or address of a server; write that alone, such as nas.example.com"))
}

/// Why the kernel cannot call an interface so; `None` when it can.
pub fn interface_name_problem(name: &str) -> Option<String> {
    let odd = matches!(name, "" | "." | "..") || name.contains(|c: char| matches!(c, '/' | ':') || c.is_whitespace());
    (odd || name.len() > MAX_INTERFACE_NAME_BYTES).then(|| {
        let limit = MAX_INTERFACE_NAME_BYTES;
        format!("'{name}' cannot be the name of an interface; write one such as eth0, of up to {limit} bytes without blanks, / and :")
    })
}
