//! Combinators that read a type from an element and notice what nobody read.

use std::collections::{HashMap, HashSet};

use super::element::{Element, Node, Position};
use super::error::{Warning, XmlError};
use super::namespace::{self, Namespace};
use super::parse::parse;
use super::rest::{Rest, Sibling};
use super::value::{RawXml, Value};
use super::writer::Writer;

/// A type that an element's content becomes.
pub trait Content: Sized {
    /// Reads the type from the reader's element.
    ///
    /// # Errors
    /// [`XmlError`] when something required is missing or a value is not one of those possible.
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError>;
    /// Writes the type into the writer's element.
    fn write(&self, writer: &mut Writer);
}

impl<T: Content> Content for Box<T> {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
        T::read(reader).map(Self::new)
    }
    fn write(&self, writer: &mut Writer) {
        T::write(self, writer);
    }
}

/// A type that is one of several elements, told apart by their names.
pub trait Choice: Sized {
    /// Whether an element of this name is one of them.
    fn knows(name: &str) -> bool;
    /// Reads it; [`Reader::name`] says which it is.
    ///
    /// # Errors
    /// [`XmlError`] as for [`Content::read`].
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError>;
    /// The element's name.
    fn name(&self) -> &'static str;
    /// Writes it into an element of that name.
    fn write(&self, writer: &mut Writer);
}

/// Reads a whole document whose root must be `<root>`.
///
/// # Errors
/// [`XmlError`] from the parser or from the type.
pub fn read_document<T: Content>(text: &str, root: &str) -> Result<(T, Vec<Warning>), XmlError> {
    read_document_with(text, root, &[])
}

/// Reads a whole document in which elements of these namespaces may stand, whatever prefixes it
/// gives them; the type finds them under the [`Namespace::prefix`]es of ours.
///
/// # Errors
/// As for [`read_document`], or the root declares such a prefix for something else.
pub fn read_document_with<T: Content>(text: &str, root: &str, namespaces: &[Namespace]) -> Result<(T, Vec<Warning>), XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut element = parse(text)?;
    namespace::normalize(&mut element, namespaces)?;
    read_element(&element, text, root)
}

/// Reads a parsed document; `text` is what it was parsed from.
fn read_element<T: Content>(element: &Element, text: &str, root: &str) -> Result<(T, Vec<Warning>), XmlError> {
    let mut context = Context { text, root: &element.name, path: Vec::new(), warnings: Vec::new(), warnings_left_out: 0 };
    if element.name != root {
        let reason = format!("expected <{root}>, found <{}>", element.name);
        return Err(XmlError { path: context.path(), position: element.position, reason });
    }
    let mut reader = Reader::new(element, &mut context);
    let value = T::read(&mut reader)?;
    if !reader.rest_taken {
        reader.rest();
    }
    Ok((value, context.finish()))
}

/// Warnings kept one by one; of a document with more, the last one says how many more there are.
const MAX_WARNINGS: usize = 200;

/// What all readers of one document share.
struct Context<'a> {
    text: &'a str,
    root: &'a str,
    /// The way down from the root: an element and which of its nodes was entered.
    path: Vec<(&'a Element, usize)>,
    warnings: Vec<Warning>,
    warnings_left_out: usize,
}

impl Context<'_> {
    /// Told only when there is something to tell: counting siblings for every element would make
    /// long documents slow.
    fn path(&self) -> String {
        let mut path = format!("/{}", self.root);
        for (parent, at) in &self.path {
            let Some(Node::Element(element)) = parent.nodes.get(*at) else { continue };
            path.push('/');
            path.push_str(&element.name);
            let same = |nodes: &[Node]| nodes.iter().filter(|node| matches!(node, Node::Element(e) if e.name == element.name)).count();
            if same(&parent.nodes) > 1 {
                path.push_str(&format!("[{}]", same(&parent.nodes[..*at]) + 1));
            }
        }
        path
    }

    fn warn(&mut self, step: &str, position: Position, reason: String) {
        if self.warnings.len() < MAX_WARNINGS {
            let path = self.path() + step;
            self.warnings.push(Warning { path, position, reason });
        } else {
            self.warnings_left_out += 1;
        }
    }

    fn finish(mut self) -> Vec<Warning> {
        self.warnings.sort_by_key(|warning| (warning.position.line, warning.position.column));
        if self.warnings_left_out > 0 {
            let reason = format!("{} more places are not understood; they are kept as they are", self.warnings_left_out);
            self.warnings.push(Warning { path: format!("/{}", self.root), position: Position { line: 1, column: 1 }, reason });
        }
        self.warnings
    }
}

/// Reads one element. Every combinator marks what it took; [`Reader::rest`] collects what nobody took.
pub struct Reader<'a, 'c> {
    element: &'a Element,
    attributes_read: Vec<bool>,
    nodes_read: Vec<bool>,
    /// Of the unread ones, those that a combinator looked at and found no value in.
    without_value: HashSet<usize>,
    left_inside: Vec<(usize, Rest)>,
    rest_taken: bool,
    context: &'c mut Context<'a>,
}

impl<'a, 'c> Reader<'a, 'c> {
    fn new(element: &'a Element, context: &'c mut Context<'a>) -> Self {
        Self {
            element,
            attributes_read: vec![false; element.attributes.len()],
            nodes_read: vec![false; element.nodes.len()],
            without_value: HashSet::new(),
            left_inside: Vec::new(),
            rest_taken: false,
            context,
        }
    }

    /// The element's name.
    pub fn name(&self) -> &'a str {
        &self.element.name
    }

    /// Where the element stands.
    pub fn position(&self) -> Position {
        self.element.position
    }

    /// An error about this element.
    pub fn error(&self, reason: impl Into<String>) -> XmlError {
        XmlError { path: self.context.path(), position: self.element.position, reason: reason.into() }
    }

    /// A warning about this element.
    pub fn warn(&mut self, reason: impl Into<String>) {
        self.context.warn("", self.element.position, reason.into());
    }

    /// An attribute, if it is there.
    ///
    /// # Errors
    /// The value is not one of those possible.
    pub fn attr<T: Value>(&mut self, name: &str) -> Result<Option<T>, XmlError> {
        let Some(at) = self.element.attributes.iter().position(|a| a.name == name) else { return Ok(None) };
        self.attributes_read[at] = true;
        let attribute = &self.element.attributes[at];
        match T::parse(&attribute.value) {
            Some(value) => Ok(Some(value)),
            None => Err(XmlError {
                path: format!("{}/@{name}", self.context.path()),
                position: attribute.position,
                reason: format!("expected {}, found '{}'", T::EXPECTED, attribute.value),
            }),
        }
    }

    /// An attribute that must be there.
    ///
    /// # Errors
    /// It is not, or its value is not one of those possible.
    pub fn required<T: Value>(&mut self, name: &str) -> Result<T, XmlError> {
        match self.attr(name)? {
            Some(value) => Ok(value),
            None => Err(self.error(format!("expected the attribute {name} ({})", T::EXPECTED))),
        }
    }

    /// The element's own text, if it has any. White space between elements or comments is none.
    ///
    /// # Errors
    /// The text is not a value of the type.
    pub fn text<T: Value>(&mut self, _own: &str) -> Result<Option<T>, XmlError> {
        for (read, node) in self.nodes_read.iter_mut().zip(&self.element.nodes) {
            *read |= matches!(node, Node::Text(_));
        }
        let text = self.element.text();
        let alone = self.element.nodes.iter().all(|node| matches!(node, Node::Text(_)));
        if text.is_empty() || (text.trim().is_empty() && !alone) {
            return Ok(None);
        }
        match T::parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.error(format!("expected {}, found '{}'", T::EXPECTED, text.trim()))),
        }
    }

    /// A child element, if it is there. A second one of the name is left to the rest.
    ///
    /// # Errors
    /// From the type.
    pub fn child<T: Content>(&mut self, name: &str) -> Result<Option<T>, XmlError> {
        match self.next(0, |child| child == name) {
            Some(at) => self.inside(at, T::read).map(Some),
            None => Ok(None),
        }
    }

    /// All child elements of that name.
    ///
    /// # Errors
    /// From the type.
    pub fn children<T: Content>(&mut self, name: &str) -> Result<Vec<T>, XmlError> {
        self.all(|child| child == name, T::read)
    }

    /// All child elements that are one of a choice, in document order.
    ///
    /// # Errors
    /// From the type.
    pub fn each<T: Choice>(&mut self, _any: &str) -> Result<Vec<T>, XmlError> {
        self.all(T::knows, T::read)
    }

    /// The text of a child element, if that is there. An empty one reads as empty text; where empty
    /// text is no value, it is left to the rest.
    ///
    /// # Errors
    /// The text is not a value of the type.
    pub fn leaf<T: Value>(&mut self, name: &str) -> Result<Option<T>, XmlError> {
        match self.next(0, |child| child == name) {
            Some(at) => self.leaf_at(at),
            None => Ok(None),
        }
    }

    /// The text of a child element that must be there.
    ///
    /// # Errors
    /// It is not there, or its text is not a value of the type.
    pub fn required_leaf<T: Value>(&mut self, name: &str) -> Result<T, XmlError> {
        match self.leaf(name)? {
            Some(value) => Ok(value),
            None => Err(self.error(format!("expected the element <{name}> ({})", T::EXPECTED))),
        }
    }

    /// A child element whose absence means the same as an empty one.
    ///
    /// # Errors
    /// From the type.
    pub fn section<T: Content + Default>(&mut self, name: &str) -> Result<T, XmlError> {
        Ok(self.child(name)?.unwrap_or_default())
    }

    /// The texts of all child elements of that name.
    ///
    /// # Errors
    /// A text is not a value of the type.
    pub fn leaves<T: Value>(&mut self, name: &str) -> Result<Vec<T>, XmlError> {
        let mut values = Vec::new();
        let mut start = 0;
        while let Some(at) = self.next(start, |child| child == name) {
            start = at + 1;
            values.extend(self.leaf_at(at)?);
        }
        Ok(values)
    }

    /// Whether a child element is there.
    ///
    /// # Errors
    /// None; the signature is that of the other combinators.
    pub fn flag(&mut self, name: &str) -> Result<bool, XmlError> {
        match self.next(0, |child| child == name) {
            Some(at) => self.inside(at, |_| Ok(true)),
            None => Ok(false),
        }
    }

    /// The content of a child element, byte for byte.
    ///
    /// # Errors
    /// None; the signature is that of the other combinators.
    pub fn raw(&mut self, name: &str) -> Result<Option<RawXml>, XmlError> {
        let Some(at) = self.next(0, |child| child == name) else { return Ok(None) };
        self.inside(at, |reader| {
            reader.nodes_read.fill(true);
            let text = reader.context.text.get(reader.element.inner.clone()).unwrap_or_default();
            Ok(Some(RawXml(text.to_owned())))
        })
    }

    /// Everything that no combinator took, with a warning for each piece.
    pub fn rest(&mut self) -> Rest {
        let mut rest = Rest::default();
        self.rest_taken = true;
        let element = self.element;
        for (attribute, read) in element.attributes.iter().zip(&self.attributes_read) {
            if *read {
                continue;
            }
            if !attribute.name.starts_with("xmlns") {
                self.context.warn(&format!("/@{}", attribute.name), attribute.position, NOT_UNDERSTOOD.to_owned());
            }
            rest.keep_attribute(attribute);
        }
        let all_read =
            element.nodes.iter().zip(&self.nodes_read).all(|(node, read)| *read || matches!(node, Node::Text(t) if t.trim().is_empty()));
        if !all_read || !self.left_inside.is_empty() {
            self.keep_nodes(&mut rest);
            rest.sort();
        }
        rest
    }

    fn keep_nodes(&mut self, rest: &mut Rest) {
        let element = self.element;
        let mut left_inside = self.left_inside.drain(..).collect::<HashMap<_, _>>();
        let mut numbers = HashMap::<&str, usize>::new();
        let mut anchor = None;
        // The first of a name counts, so that others stay behind it wherever it is written.
        let mut behind_first = HashMap::<&str, Option<Sibling>>::new();
        for (at, node) in element.nodes.iter().enumerate() {
            match node {
                Node::Element(child) if self.nodes_read[at] => {
                    let number = numbers.entry(&child.name).or_default();
                    let sibling = Sibling { name: child.name.clone(), number: *number };
                    *number += 1;
                    if let Some(left) = left_inside.remove(&at) {
                        rest.keep_inside(sibling.clone(), left);
                    }
                    behind_first.insert(&child.name, Some(sibling.clone()));
                    anchor = Some(sibling);
                }
                Node::Element(child) => {
                    self.context.warn(&format!("/{}", child.name), child.position, NOT_UNDERSTOOD.to_owned());
                    let place = behind_first.get(&*child.name).unwrap_or(&anchor).clone();
                    if self.without_value.contains(&at) {
                        behind_first.insert(&child.name, place.clone());
                    }
                    rest.keep_node(place, node);
                }
                Node::Text(text) if !self.nodes_read[at] && !text.trim().is_empty() => {
                    self.context.warn("", element.position, format!("the text '{}' {NOT_UNDERSTOOD}", text.trim()));
                    rest.keep_node(anchor.clone(), node);
                }
                Node::Comment(_) | Node::Instruction(_) if !self.nodes_read[at] => rest.keep_node(anchor.clone(), node),
                _ => {}
            }
        }
    }

    /// The next unread child element from `start` whose name fits; it counts as read from now on.
    fn next(&mut self, start: usize, fits: impl Fn(&str) -> bool) -> Option<usize> {
        let nodes = self.element.nodes.iter().enumerate().skip(start);
        let fitting = |(at, node): (usize, &Node)| match node {
            Node::Element(element) if !self.nodes_read[at] && fits(&element.name) => Some(at),
            _ => None,
        };
        let at = { nodes }.find_map(fitting)?;
        self.nodes_read[at] = true;
        Some(at)
    }

    /// All unread child elements whose names fit, each read by `read`.
    fn all<T>(&mut self, fits: impl Fn(&str) -> bool, read: fn(&mut Reader<'_, '_>) -> Result<T, XmlError>) -> Result<Vec<T>, XmlError> {
        let mut all = Vec::new();
        let mut start = 0;
        while let Some(at) = self.next(start, &fits) {
            start = at + 1;
            all.push(self.inside(at, read)?);
        }
        Ok(all)
    }

    /// The value of a child's text. Without one no element will be written in the child's place, so
    /// that it counts as not read.
    fn leaf_at<T: Value>(&mut self, at: usize) -> Result<Option<T>, XmlError> {
        let value = self.inside(at, |reader| Ok(reader.text("")?.or_else(|| T::parse(""))))?;
        if value.is_none() {
            // What was left inside was put there last.
            self.left_inside.pop_if(|(left, _)| *left == at);
            self.nodes_read[at] = false;
            self.without_value.insert(at);
        }
        Ok(value)
    }

    /// Reads inside a child; what is left there without a place of its own becomes ours to keep.
    fn inside<T>(&mut self, at: usize, read: impl FnOnce(&mut Reader<'_, '_>) -> Result<T, XmlError>) -> Result<T, XmlError> {
        let Some(Node::Element(element)) = self.element.nodes.get(at) else {
            return Err(self.error("expected an element"));
        };
        self.context.path.push((self.element, at));
        let mut reader = Reader::new(element, self.context);
        let value = read(&mut reader)?;
        if !reader.rest_taken {
            let left = reader.rest();
            if !left.is_empty() {
                self.left_inside.push((at, left));
            }
        }
        self.context.path.pop();
        Ok(value)
    }
}

const NOT_UNDERSTOOD: &str = "is not understood; it is kept as it is";
