//! From text to the element tree, within limits.
//!
//! quick-xml does the lexing; this adds positions, the caps, and the refusal of everything that
//! could make a document mean more than it shows (document types, custom entities).

use std::borrow::Cow;
use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::characters::{first_forbidden, is_name};
use super::element::{Attribute, Element, Node, Position};
use super::error::XmlError;

/// Largest document that is read, in bytes.
pub const MAX_SIZE: usize = 4 << 20;
/// Deepest nesting of elements that is read.
pub const MAX_DEPTH: usize = 64;
/// Most elements, attributes, texts and comments that a document may hold.
pub const MAX_NODES: usize = 100_000;

/// Reads a document into its root element.
///
/// # Errors
/// [`XmlError`] for text that is not well-formed XML 1.0, is over a limit, has a document type, or
/// refers to an entity other than `amp`, `lt`, `gt`, `apos` and `quot`.
pub fn parse(text: &str) -> Result<Element, XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree { cursor: Cursor::new(text), stack: Vec::new(), root: None, nodes: 0 };
    if text.len() > MAX_SIZE {
        return Err(tree.error(0, format!("the document has {} bytes, more than the {MAX_SIZE} that are read", text.len())));
    }
    if let Some((at, character)) = first_forbidden(text) {
        return Err(tree.error(at, format!("the character {character:?} cannot stand in XML; remove it")));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    loop {
        let start = offset(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(error) => return Err(tree.error(offset(reader.error_position()), error.to_string())),
        };
        tree.add(event, start, offset(reader.buffer_position()))?;
    }
    if let Some(open) = tree.stack.last() {
        let name = open.name.clone();
        return Err(tree.error(text.len(), format!("the document ends inside <{name}>, expected </{name}>")));
    }
    match tree.root.take() {
        Some(root) => Ok(root),
        None => Err(tree.error(0, "expected an XML element, found none".to_owned())),
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// The tree while it is being read.
struct Tree<'a> {
    cursor: Cursor<'a>,
    stack: Vec<Element>,
    root: Option<Element>,
    nodes: usize,
}

impl Tree<'_> {
    fn add(&mut self, event: Event<'_>, start: usize, end: usize) -> Result<(), XmlError> {
        match event {
            Event::Start(tag) => {
                let element = self.open(&tag, start, end)?;
                self.stack.push(element);
                if self.stack.len() > MAX_DEPTH {
                    return Err(self.error(start, format!("elements are nested more than {MAX_DEPTH} deep")));
                }
            }
            Event::Empty(tag) => {
                let mut element = self.open(&tag, start, end)?;
                element.outer.end = end;
                self.close(element, start)?;
            }
            Event::End(_) => {
                if let Some(mut element) = self.stack.pop() {
                    element.inner.end = start;
                    element.outer.end = end;
                    self.close(element, start)?;
                }
            }
            Event::Text(text) => self.text(&line_ends(&text), start)?,
            Event::CData(text) => self.text(&line_ends(&text), start)?,
            Event::GeneralRef(name) => {
                let reference = format!("&{};", &*name);
                match unescape(&reference) {
                    Ok(text) if first_forbidden(&text).is_none() => self.text(&text, start)?,
                    Ok(_) => return Err(self.error(start, format!("the reference {reference} is to a character that XML cannot hold"))),
                    Err(_) => {
                        return Err(self.error(
                            start,
                            format!("the entity {reference} is not known; entities other than amp, lt, gt, apos and quot are refused"),
                        ));
                    }
                }
            }
            Event::Comment(text) => self.node(Node::Comment(text.to_string()), start)?,
            Event::PI(text) => self.node(Node::Instruction(text.to_string()), start)?,
            Event::DocType(_) => return Err(self.error(start, "document type definitions are refused".to_owned())),
            Event::Decl(_) if start > 0 => {
                return Err(self.error(start, "a declaration <?xml …?> can only be the first thing of a document".to_owned()));
            }
            Event::Decl(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>, start: usize, end: usize) -> Result<Element, XmlError> {
        self.count(start)?;
        let position = self.cursor.advance(start);
        let mut element =
            Element { name: tag.name().as_ref().to_owned(), position, inner: end..end, outer: start..start, ..Element::default() };
        if !is_name(&element.name) {
            return Err(self.error(start, format!("'{}' cannot be the name of an element", element.name)));
        }
        // The tag's text starts just behind the `<`.
        let tag_start = start + 1;
        let text: &str = tag;
        let mut names = Names::default();
        // The lexer would compare each name with all others.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.error(start, format!("<{}>: {error}", element.name)))?;
            self.count(start)?;
            let name: &str = attribute.key.as_ref();
            let inside = name.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            let position = self.cursor.advance(tag_start + inside);
            if !is_name(name) || !names.is_new(name, &element.attributes) {
                let reason = if is_name(name) { "is there twice; remove one" } else { "cannot be the name of an attribute" };
                return Err(self.error(tag_start + inside, format!("<{}>: '{name}' {reason}", element.name)));
            }
            // White space behind a reference, such as `&#10;`, is meant as it is.
            let value = normalize(&attribute.value);
            let value = unescape(&value).map_err(|error| self.error(start, format!("attribute {name}: {error}")))?;
            if matches!(value, Cow::Owned(_)) && first_forbidden(&value).is_some() {
                return Err(self.error(start, format!("attribute {name}: a reference is to a character that XML cannot hold")));
            }
            element.attributes.push(Attribute { name: name.to_owned(), value: value.into_owned(), position });
        }
        Ok(element)
    }

    fn close(&mut self, element: Element, start: usize) -> Result<(), XmlError> {
        match self.stack.last_mut() {
            Some(parent) => parent.nodes.push(Node::Element(element)),
            None if self.root.is_none() => self.root = Some(element),
            None => return Err(self.error(start, format!("a second root element <{}>, expected the end of the document", element.name))),
        }
        Ok(())
    }

    /// Text, joined with the text before it, so that a reference does not split it.
    fn text(&mut self, text: &str, start: usize) -> Result<(), XmlError> {
        match self.stack.last_mut() {
            Some(parent) => match parent.nodes.last_mut() {
                Some(Node::Text(before)) => before.push_str(text),
                _ => self.node(Node::Text(text.to_owned()), start)?,
            },
            None if text.trim().is_empty() => {}
            None => return Err(self.error(start, format!("text '{}' outside of any element, expected an XML element", text.trim()))),
        }
        Ok(())
    }

    fn node(&mut self, node: Node, start: usize) -> Result<(), XmlError> {
        self.count(start)?;
        if let Some(parent) = self.stack.last_mut() {
            parent.nodes.push(node);
        }
        Ok(())
    }

    fn count(&mut self, start: usize) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error(start, format!("the document has more than the {MAX_NODES} elements and attributes that are read")));
        }
        Ok(())
    }

    fn error(&mut self, at: usize, reason: String) -> XmlError {
        let mut path: String = self.stack.iter().map(|element| format!("/{}", element.name)).collect();
        if path.is_empty() {
            path.push('/');
        }
        XmlError { path, position: self.cursor.advance(at), reason }
    }
}

/// The names of one tag's attributes, when there are many: few are compared with each other.
#[derive(Default)]
struct Names(HashSet<String>);

/// So many attributes are few.
const FEW: usize = 16;

impl Names {
    /// Whether a name is new beside the attributes before it.
    fn is_new(&mut self, name: &str, before: &[Attribute]) -> bool {
        if before.len() < FEW {
            return before.iter().all(|attribute| attribute.name != name);
        }
        if self.0.is_empty() {
            self.0.extend(before.iter().map(|attribute| attribute.name.clone()));
        }
        self.0.insert(name.to_owned())
    }
}

/// Lines end with a line feed, however they are written (XML 1.0, 2.11); a reference such as `&#13;`
/// is meant as it is.
fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

/// White space in attribute values counts as a blank (XML 1.0, 3.3.3).
fn normalize(value: &str) -> Cow<'_, str> {
    let is_space = |character: char| matches!(character, '\t' | '\n' | '\r');
    if value.contains(is_space) { Cow::Owned(value.replace("\r\n", " ").replace(is_space, " ")) } else { Cow::Borrowed(value) }
}

/// Turns byte offsets into lines and columns, walking forward only.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, position: Position { line: 1, column: 1 } }
    }

    fn advance(&mut self, to: usize) -> Position {
        let to = to.min(self.text.len());
        if let Some(passed) = self.text.get(self.at..to) {
            self.position.pass(passed);
            self.at = to;
        }
        self.position
    }
}
