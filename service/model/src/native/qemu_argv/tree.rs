//! Short ways to write an element tree.

use crate::xml::{Element, Node};

/// An element of this name.
pub fn element(name: &str) -> Element {
    Element::new(name)
}

/// A switch as an attribute.
pub fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A switch as an attribute of the older kind.
pub fn yes_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

/// What is put into an element one after another.
pub trait Build: Sized {
    /// With an attribute.
    fn with(self, name: &str, value: impl ToString) -> Self;
    /// With an attribute, if there is a value.
    fn maybe(self, name: &str, value: Option<impl ToString>) -> Self;
    /// With a child.
    fn child(self, child: Element) -> Self;
    /// With a child, if there is one.
    fn children(self, children: impl IntoIterator<Item = Element>) -> Self;
    /// With text.
    fn content(self, text: impl ToString) -> Self;
    /// Puts in another child.
    fn add(&mut self, child: Element);
}

impl Build for Element {
    fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set_attribute(name, &value.to_string());
        self
    }

    fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn child(mut self, child: Element) -> Self {
        self.add(child);
        self
    }

    fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.nodes.extend(children.into_iter().map(Node::Element));
        self
    }

    fn content(mut self, text: impl ToString) -> Self {
        self.nodes.push(Node::Text(text.to_string()));
        self
    }

    fn add(&mut self, child: Self) {
        self.nodes.push(Node::Element(child));
    }
}

/// Of options that are there several times the last counts for QEMU: takes out the elements of the others. Those that
/// may be there several times are told apart by their names, or kept.
pub fn keep_last(parent: &mut Element) {
    let key = |element: &Element| match element.name.as_str() {
        "sysinfo" => None,
        name => Some((name.to_owned(), ["name", "dev"].iter().find_map(|name| element.attribute(name)).map(str::to_owned))),
    };
    let mut seen = std::collections::HashSet::new();
    parent.nodes.reverse();
    parent.nodes.retain(|node| match node {
        Node::Element(element) => key(element).is_none_or(|key| seen.insert(key)),
        _ => true,
    });
    parent.nodes.reverse();
}
