//! The element tree: what a document says, with the place where it says it.

use std::fmt;
use std::ops::Range;

/// A place in a document. Lines and columns start at 1, columns count characters; 0 means that the
/// node was not read from a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The place of a byte of a text.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut place = Self { line: 1, column: 1 };
        place.pass(text.get(..offset).unwrap_or(text));
        place
    }

    /// Goes on behind some text.
    pub(super) fn pass(&mut self, text: &str) {
        for character in text.chars() {
            if character == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One attribute, its value with references resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name as written, with its prefix.
    pub name: String,
    /// Value, unescaped.
    pub value: String,
    /// Where the name starts.
    pub position: Position,
}

/// What can stand inside an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A child element.
    Element(Element),
    /// Text with references resolved; CDATA sections become text.
    Text(String),
    /// The inside of a comment.
    Comment(String),
    /// The inside of a processing instruction.
    Instruction(String),
    /// Markup that is written exactly as it stands; made by writers only.
    Raw(String),
}

/// An element with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Name as written, with its prefix.
    pub name: String,
    /// Attributes in document order.
    pub attributes: Vec<Attribute>,
    /// Content in document order.
    pub nodes: Vec<Node>,
    /// Where the element's `<` stands.
    pub position: Position,
    /// Byte range of the content in the document, for content that is kept byte for byte.
    pub inner: Range<usize>,
    /// Byte range of the whole element in the document.
    pub outer: Range<usize>,
}

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// Sets an attribute, in its place if it is there.
    pub fn set_attribute(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|a| a.name == name) {
            Some(attribute) => value.clone_into(&mut attribute.value),
            None => self.attributes.push(Attribute { name: name.to_owned(), value: value.to_owned(), position: Position::default() }),
        }
    }

    /// The child elements in order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The first child element of that name.
    pub fn element(&self, name: &str) -> Option<&Self> {
        self.elements().find(|element| element.name == name)
    }

    /// All text directly inside, joined.
    pub fn text(&self) -> String {
        self.nodes
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Forgets the white space that only lays the elements out; where there is text beside elements,
    /// everything stays.
    pub fn forget_layout(&mut self) {
        let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
        let only_texts = self.nodes.iter().all(|node| matches!(node, Node::Text(_)));
        if only_texts || self.nodes.iter().any(|node| matches!(node, Node::Text(_)) && !blank(node)) {
            return;
        }
        self.nodes.retain(|node| !blank(node));
        for node in &mut self.nodes {
            if let Node::Element(element) = node {
                element.forget_layout();
            }
        }
    }

    /// Forgets where the tree was read, so that equal content compares equal.
    pub fn forget_positions(&mut self) {
        self.position = Position::default();
        self.inner = 0..0;
        self.outer = 0..0;
        for attribute in &mut self.attributes {
            attribute.position = Position::default();
        }
        for node in &mut self.nodes {
            if let Node::Element(element) = node {
                element.forget_positions();
            }
        }
    }
}
