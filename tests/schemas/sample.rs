//! The smallest document that a pattern allows, and values of its types.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;

use crate::grammar::{Data, Grammar, Name, Pattern};

/// What stands where a schema allows any text.
pub const ANY_TEXT: &str = "text";

const UUID: &str = "5ed04a1e-2d77-4c3a-9d0b-8b6f3c1f0a77";

/// Attributes and elements that schemas leave open, where the documentation says what may stand there: what a sample would have,
/// and such a value.
const CLOSED_WORDS: &[(&str, &str, &str)] = &[
    ("port", ANY_TEXT, "1"),
    ("mode", ANY_TEXT, "bind"),
    ("startport", "1.1", "2"),
    ("uuid", ANY_TEXT, UUID),
    ("creationTime", ANY_TEXT, "1"),
    ("domain", ANY_TEXT, "qemu"),
];

/// Attributes and content of an element.
#[derive(Clone, Default)]
pub struct Sample {
    attributes: Vec<(String, String)>,
    content: String,
    /// Elements and attributes in it.
    size: usize,
}

impl Sample {
    pub fn text(text: &str) -> Self {
        Self { content: escape(text), ..Self::default() }
    }

    /// An attribute whose value is this sample's text.
    pub fn into_attribute(self, name: &Name) -> Self {
        let name = match name {
            Name::Of(local, _) => local.clone(),
            Name::Any => "any".to_owned(),
        };
        Self { attributes: vec![(name.clone(), closed(&name, self.content))], content: String::new(), size: 1 }
    }

    /// An element with this sample in it.
    pub fn into_element(self, name: &Name) -> Self {
        let (name, declaration) = qualified(name);
        let mut element = format!("<{name}{declaration}");
        for (name, value) in &self.attributes {
            let _ = write!(element, " {name}='{value}'");
        }
        let _ = write!(element, ">{}</{name}>", closed(&name, self.content));
        Self { attributes: Vec::new(), content: element, size: self.size + 1 }
    }

    /// Both.
    pub fn and(mut self, other: Self) -> Self {
        self.attributes.extend(other.attributes);
        self.content.push_str(&other.content);
        self.size += other.size;
        self
    }

    /// The document that this is.
    pub fn into_document(self) -> String {
        self.content
    }
}

/// The value, or one that the documentation allows instead.
fn closed(name: &str, value: String) -> String {
    let closed = CLOSED_WORDS.iter().find(|(known, open, _)| *known == name && value == *open);
    closed.map_or(value, |(.., word)| (*word).to_owned())
}

/// The name as written, and the declaration that its prefix needs.
pub fn qualified(name: &Name) -> (String, String) {
    match name {
        Name::Of(local, namespace) if namespace.is_empty() => (local.clone(), String::new()),
        // http://libvirt.org/schemas/domain/qemu/1.0
        Name::Of(local, namespace) => {
            let prefix = namespace.rsplit('/').nth(1).unwrap();
            (format!("{prefix}:{local}"), format!(" xmlns:{prefix}='{namespace}'"))
        }
        Name::Any => ("any:any".to_owned(), " xmlns:any='urn:any'".to_owned()),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

/// Makes the smallest samples of a grammar's patterns.
pub struct Smallest<'a> {
    grammar: &'a Grammar,
    /// By definition; `None` while one is being made, which ends recursion.
    known: RefCell<HashMap<&'a str, Option<Sample>>>,
}

impl<'a> Smallest<'a> {
    pub fn new(grammar: &'a Grammar) -> Self {
        Self { grammar, known: RefCell::default() }
    }

    /// `None` when nothing is allowed.
    pub fn of(&self, pattern: &'a Pattern) -> Option<Sample> {
        match pattern {
            Pattern::Element(name, content) => Some(self.of(content)?.into_element(name)),
            Pattern::Attribute(name, content) => Some(self.of(content)?.into_attribute(name)),
            Pattern::Group(parts) => self.all(parts.iter()),
            Pattern::Choice(parts) => parts.iter().filter_map(|part| self.of(part)).min_by_key(|sample| sample.size),
            Pattern::Ref(name) => self.defined(name),
            Pattern::Nested(nested) => Smallest::new(nested).of(&nested.start),
            Pattern::Optional(_) | Pattern::Empty => Some(Sample::default()),
            Pattern::Text => Some(Sample::text(ANY_TEXT)),
            Pattern::Value(value) => Some(Sample::text(value)),
            Pattern::Data(data) => Some(Sample::text(&value(data))),
            Pattern::NotAllowed => None,
        }
    }

    /// The smallest of each, together.
    pub fn all(&self, parts: impl Iterator<Item = &'a Pattern>) -> Option<Sample> {
        let mut all = Sample::default();
        for part in parts {
            all = all.and(self.of(part)?);
        }
        Some(all)
    }

    fn defined(&self, name: &'a str) -> Option<Sample> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        self.known.borrow_mut().insert(name, None);
        let pattern = self.grammar.defines.get(name).unwrap_or_else(|| panic!("nothing is defined as {name}"));
        let sample = self.of(pattern);
        self.known.borrow_mut().insert(name, sample.clone());
        sample
    }
}

/// A value of a type.
pub fn value(data: &Data) -> String {
    let least = data.params.get("minInclusive").and_then(|least| least.parse::<i64>().ok());
    match (data.params.get("pattern"), &*data.kind) {
        // A number of some size is more telling than the pattern of all numbers.
        (Some(pattern), _) if least.is_none_or(|least| least <= 1) => matching(pattern),
        (_, "string" | "NCName") => ANY_TEXT.to_owned(),
        (_, "dateTime") => "2026-01-31T12:00:00".to_owned(),
        (_, "anyURI") => "urn:any".to_owned(),
        _ => least.unwrap_or(1).max(1).to_string(),
    }
}

/// A text that a regular expression matches: of each choice the first, of what may be repeated one.
fn matching(pattern: &str) -> String {
    let characters: Vec<char> = pattern.chars().collect();
    let mut expression = Expression { characters: &characters, at: 0 };
    let text = expression.choice();
    assert_eq!(expression.at, characters.len(), "cannot read the pattern {pattern}");
    text
}

struct Expression<'a> {
    characters: &'a [char],
    at: usize,
}

impl Expression<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn take(&mut self) -> char {
        self.at += 1;
        self.characters[self.at - 1]
    }

    fn choice(&mut self) -> String {
        let first = self.sequence();
        while self.peek() == Some('|') {
            self.at += 1;
            self.sequence();
        }
        first
    }

    fn sequence(&mut self) -> String {
        let mut text = String::new();
        while let Some(next) = self.peek().filter(|next| !matches!(next, '|' | ')')) {
            self.at += 1;
            let atom = match next {
                '(' => {
                    let inside = self.choice();
                    self.at += 1;
                    inside
                }
                '[' => self.class().to_string(),
                '.' => "a".to_owned(),
                '\\' => match self.take() {
                    's' => " ".to_owned(),
                    other => other.to_string(),
                },
                other => other.to_string(),
            };
            text.push_str(&atom.repeat(self.count()));
        }
        text
    }

    /// How often the atom before is there.
    fn count(&mut self) -> usize {
        match self.peek() {
            Some('?') => {
                self.at += 1;
                0
            }
            Some('*' | '+') => {
                self.at += 1;
                1
            }
            Some('{') => {
                let from = self.at + 1;
                while self.take() != '}' {}
                let bounds: String = self.characters[from..self.at - 1].iter().collect();
                bounds.split(',').next().unwrap().parse::<usize>().unwrap().max(1)
            }
            _ => 1,
        }
    }

    /// A character of a class.
    fn class(&mut self) -> char {
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let from = self.at;
        while self.take() != ']' {
            if self.characters[self.at - 1] == '\\' {
                self.at += 1;
            }
        }
        let class = &self.characters[from..self.at - 1];
        match class {
            _ if negated => 'a',
            ['\\', escaped, ..] => *escaped,
            // Where a letter or a digit will do, it is better than punctuation.
            _ if class.windows(3).any(|range| range == ['a', '-', 'z']) => 'a',
            [' ', '-', ..] => 'a',
            ['0', '-', ..] => '1',
            [first, ..] => *first,
            [] => panic!("an empty class"),
        }
    }
}
