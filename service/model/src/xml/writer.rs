//! Combinators that write a type into an element, named like those of the reader, and the printer.
//!
//! Documents are printed with two blanks of indentation and single quotes; an element that holds
//! text is printed on one line, so that no white space is added to what it says.

use std::borrow::Cow;

use super::characters::is_allowed;
use super::element::{Attribute, Element, Node, Position};
use super::namespace::{self, Namespace};
use super::reader::{Choice, Content};
use super::rest::Rest;
use super::value::{RawXml, Value};

/// Prints a document whose root is `<root>`.
pub fn write_document<T: Content>(value: &T, root: &str) -> String {
    write_document_with(value, root, &[])
}

/// Prints a document whose root is `<root>`, declaring those of the namespaces that it uses.
pub fn write_document_with<T: Content>(value: &T, root: &str, namespaces: &[Namespace]) -> String {
    let mut writer = Writer { element: Element::new(root) };
    value.write(&mut writer);
    namespace::declare(&mut writer.element, namespaces);
    let mut text = String::with_capacity(4096);
    print(&writer.element, 0, &mut text);
    text
}

/// Writes one element.
pub struct Writer {
    element: Element,
}

impl Writer {
    /// An attribute, if there is a value.
    pub fn attr<T: Value>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.required(name, value);
        }
    }

    /// An attribute.
    pub fn required<T: Value>(&mut self, name: &str, value: &T) {
        let value = value.format().into_owned();
        self.element.attributes.push(Attribute { name: name.to_owned(), value, position: Position::default() });
    }

    /// The element's own text.
    pub fn text<T: Value>(&mut self, _own: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.element.nodes.push(Node::Text(value.format().into_owned()));
        }
    }

    /// A child element, if there is a value.
    pub fn child<T: Content>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.element(name, |writer| value.write(writer));
        }
    }

    /// A child element for each value.
    pub fn children<T: Content>(&mut self, name: &str, values: &[T]) {
        for value in values {
            self.element(name, |writer| value.write(writer));
        }
    }

    /// An element for each value, named by what it is.
    pub fn each<T: Choice>(&mut self, _any: &str, values: &[T]) {
        for value in values {
            self.element(value.name(), |writer| value.write(writer));
        }
    }

    /// A child element with text, if there is a value.
    pub fn leaf<T: Value>(&mut self, name: &str, value: &Option<T>) {
        if value.is_some() {
            self.element(name, |writer| writer.text("", value));
        }
    }

    /// A child element with text.
    pub fn required_leaf<T: Value>(&mut self, name: &str, value: &T) {
        self.element(name, |writer| writer.element.nodes.push(Node::Text(value.format().into_owned())));
    }

    /// A child element, unless it would be empty.
    pub fn section<T: Content + Default + PartialEq>(&mut self, name: &str, value: &T) {
        if *value != T::default() {
            self.element(name, |writer| value.write(writer));
        }
    }

    /// A child element with text for each value.
    pub fn leaves<T: Value>(&mut self, name: &str, values: &[T]) {
        for value in values {
            self.element(name, |writer| writer.element.nodes.push(Node::Text(value.format().into_owned())));
        }
    }

    /// An empty child element, if set.
    pub fn flag(&mut self, name: &str, set: &bool) {
        if *set {
            self.element(name, |_| ());
        }
    }

    /// A child element whose content is kept byte for byte.
    pub fn raw(&mut self, name: &str, value: &Option<RawXml>) {
        if let Some(RawXml(raw)) = value {
            self.element(name, |writer| writer.element.nodes.push(Node::Raw(raw.clone())));
        }
    }

    /// What was not understood when the type was read, back where it stood.
    pub fn rest(&mut self, rest: &Rest) {
        rest.put_back(&mut self.element);
    }

    /// A child element that a closure fills.
    pub fn element(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        let mut inside = Self { element: Element::new(name) };
        write(&mut inside);
        self.element.nodes.push(Node::Element(inside.element));
    }
}

fn print(element: &Element, depth: usize, out: &mut String) {
    indent(depth, out);
    open(element, out);
    if element.nodes.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push('>');
    let inline =
        element.nodes.iter().any(|node| matches!(node, Node::Text(text) if !text.trim().is_empty()) || matches!(node, Node::Raw(_)))
            || element.nodes.iter().all(|node| matches!(node, Node::Text(_)));
    if inline {
        element.nodes.iter().for_each(|node| print_inline(node, out));
    } else {
        out.push('\n');
        for node in &element.nodes {
            match node {
                Node::Element(child) => print(child, depth + 1, out),
                Node::Text(_) => {}
                other => {
                    indent(depth + 1, out);
                    print_inline(other, out);
                    out.push('\n');
                }
            }
        }
        indent(depth, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push_str(">\n");
}

impl Element {
    /// The element as markup on one line, with no white space added.
    pub fn to_inline_xml(&self) -> String {
        let mut text = String::new();
        print_inline_element(self, &mut text);
        text
    }
}

fn print_inline_element(element: &Element, out: &mut String) {
    open(element, out);
    if element.nodes.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    element.nodes.iter().for_each(|node| print_inline(node, out));
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

fn print_inline(node: &Node, out: &mut String) {
    match node {
        Node::Element(element) => print_inline_element(element, out),
        Node::Text(text) => out.push_str(&escape(text, false)),
        Node::Comment(text) => {
            out.push_str("<!--");
            out.push_str(text);
            out.push_str("-->");
        }
        Node::Instruction(text) => {
            out.push_str("<?");
            out.push_str(text);
            out.push_str("?>");
        }
        Node::Raw(text) => out.push_str(text),
    }
}

fn open(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for attribute in &element.attributes {
        out.push(' ');
        out.push_str(&attribute.name);
        out.push_str("='");
        out.push_str(&escape(&attribute.value, true));
        out.push('\'');
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Escapes what would end the text or be normalized away (XML 1.0, 2.4 and 3.3.3). What XML cannot
/// hold at all becomes U+FFFD: no document has it, and a document with it could never be read again.
fn escape(text: &str, attribute: bool) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '\r') || (attribute && matches!(c, '\'' | '\n' | '\t')) || !is_allowed(c);
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\'' if attribute => escaped.push_str("&apos;"),
            '\n' if attribute => escaped.push_str("&#10;"),
            '\t' if attribute => escaped.push_str("&#9;"),
            forbidden if !is_allowed(forbidden) => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}
