//! What a type did not understand, kept so that it can be written back where it stood.

use std::collections::HashMap;

use super::element::{Attribute, Element, Node};

/// The unconsumed part of an element. Empty for nearly every element of nearly every document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rest(Option<Box<Kept>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Kept {
    attributes: Vec<Attribute>,
    nodes: Vec<(Anchor, Node)>,
    /// Leftovers of child elements whose type has no place for them.
    inside: Vec<(Sibling, Rest)>,
}

/// The element behind which a kept node stands; `None` at the start.
type Anchor = Option<Sibling>;

/// A child element by name and by its number among those of that name, from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sibling {
    pub name: String,
    pub number: usize,
}

impl Rest {
    /// Whether everything was understood.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn kept(&mut self) -> &mut Kept {
        self.0.get_or_insert_with(Box::default)
    }

    pub(super) fn keep_attribute(&mut self, attribute: &Attribute) {
        self.kept().attributes.push(Attribute { position: Default::default(), ..attribute.clone() });
    }

    pub(super) fn keep_node(&mut self, anchor: Anchor, node: &Node) {
        let mut node = node.clone();
        if let Node::Element(element) = &mut node {
            element.forget_positions();
            element.forget_layout();
        }
        self.kept().nodes.push((anchor, node));
    }

    pub(super) fn keep_inside(&mut self, sibling: Sibling, rest: Self) {
        self.kept().inside.push((sibling, rest));
    }

    /// Brings what was kept into an order that does not depend on the order of what was read.
    pub(super) fn sort(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
            // Texts that something of another place stood between are one text when they are read again.
            kept.nodes.dedup_by(|(anchor, node), (before, earlier)| match (node, earlier) {
                (Node::Text(text), Node::Text(earlier)) if anchor == before => {
                    earlier.push_str(text);
                    true
                }
                _ => false,
            });
            kept.inside.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }

    /// Puts everything kept back into a freshly written element.
    pub(super) fn put_back(&self, element: &mut Element) {
        let Some(kept) = &self.0 else { return };
        element.attributes.extend(kept.attributes.iter().cloned());
        if kept.nodes.is_empty() && kept.inside.is_empty() {
            return;
        }
        let mut nodes_by_anchor = HashMap::<&Anchor, Vec<&Node>>::new();
        for (anchor, node) in &kept.nodes {
            nodes_by_anchor.entry(anchor).or_default().push(node);
        }
        let inside: HashMap<&Sibling, &Self> = kept.inside.iter().map(|(sibling, rest)| (sibling, rest)).collect();
        let written = std::mem::take(&mut element.nodes);
        let mut numbers = HashMap::<String, usize>::new();
        element.nodes.extend(nodes_by_anchor.remove(&None).into_iter().flatten().cloned());
        for mut node in written {
            let anchor = match &mut node {
                Node::Element(child) => {
                    let number = numbers.entry(child.name.clone()).or_default();
                    let sibling = Sibling { name: child.name.clone(), number: *number };
                    *number += 1;
                    if let Some(rest) = inside.get(&sibling) {
                        rest.put_back(child);
                    }
                    Some(sibling)
                }
                _ => None,
            };
            element.nodes.push(node);
            if anchor.is_some() {
                element.nodes.extend(nodes_by_anchor.remove(&anchor).into_iter().flatten().cloned());
            }
        }
        // What stood behind a sibling that is gone (a device taken away) goes to the end.
        for (anchor, node) in &kept.nodes {
            if nodes_by_anchor.contains_key(anchor) {
                element.nodes.push(node.clone());
            }
        }
    }
}
