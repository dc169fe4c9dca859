//! Elements of foreign namespaces, whose prefix a document chooses for itself.
//!
//! A format lists the namespaces it knows with the prefix that its types use. Before reading, the
//! elements of those namespaces get that prefix; after writing, the root declares the namespaces
//! used. A prefix that is not declared at all counts as ours, since documents are often typed with
//! the declaration forgotten.

use std::collections::BTreeMap;

use super::element::{Attribute, Element, Node, Position};
use super::error::XmlError;

/// A namespace that a format knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix that our types use and that is written.
    pub prefix: &'static str,
    /// The name of the namespace.
    pub uri: &'static str,
}

impl Namespace {
    fn declaration(self) -> String {
        format!("xmlns:{}", self.prefix)
    }
}

/// Gives the elements of the namespaces the prefixes that our types use.
///
/// # Errors
/// The root declares such a prefix for something else.
pub(super) fn normalize(root: &mut Element, namespaces: &[Namespace]) -> Result<(), XmlError> {
    for namespace in namespaces {
        let declaration = namespace.declaration();
        if let Some(other) = root.attributes.iter().find(|a| a.name == declaration && a.value != namespace.uri) {
            return Err(XmlError {
                path: format!("/{}/@{declaration}", root.name),
                position: other.position,
                reason: format!("expected {}, found '{}'; choose another prefix for that", namespace.uri, other.value),
            });
        }
        rename(root, *namespace, &mut Scope::from([(namespace.prefix.to_owned(), vec![true])]));
        root.attributes.retain(|attribute| attribute.name != declaration);
    }
    Ok(())
}

/// What each prefix stands for here: whether it is the namespace, the innermost declaration last.
type Scope = BTreeMap<String, Vec<bool>>;

/// Renames inside one element.
fn rename(element: &mut Element, namespace: Namespace, scope: &mut Scope) {
    let mut declared = Vec::new();
    for attribute in &element.attributes {
        let Some(prefix) = declared_prefix(&attribute.name) else { continue };
        let ours = attribute.value == namespace.uri;
        // Another namespace matters only where its prefix has stood for this one.
        if ours || scope.contains_key(prefix) {
            scope.entry(prefix.to_owned()).or_default().push(ours);
            declared.push(prefix.to_owned());
        }
    }
    let (prefix, local) = element.name.split_once(':').unwrap_or(("", &element.name));
    if scope.get(prefix).and_then(|meanings| meanings.last()).is_some_and(|ours| *ours) {
        element.name = format!("{}:{local}", namespace.prefix);
        element.attributes.retain(|attribute| declared_prefix(&attribute.name).is_none() || attribute.value != namespace.uri);
    }
    for node in &mut element.nodes {
        if let Node::Element(child) = node {
            rename(child, namespace, scope);
        }
    }
    for prefix in declared {
        scope.entry(prefix).or_default().pop();
    }
}

/// The prefix that an attribute declares; empty for the default namespace.
fn declared_prefix(attribute: &str) -> Option<&str> {
    if attribute == "xmlns" { Some("") } else { attribute.strip_prefix("xmlns:") }
}

/// Declares on the root those of the namespaces that the tree uses.
pub(super) fn declare(root: &mut Element, namespaces: &[Namespace]) {
    for namespace in namespaces {
        let declaration = namespace.declaration();
        if root.attribute(&declaration).is_none() && uses(root, &format!("{}:", namespace.prefix)) {
            let value = namespace.uri.to_owned();
            root.attributes.push(Attribute { name: declaration, value, position: Position::default() });
        }
    }
}

fn uses(element: &Element, prefix: &str) -> bool {
    element.name.starts_with(prefix)
        || element.nodes.iter().any(|node| match node {
            Node::Element(child) => uses(child, prefix),
            Node::Raw(text) => text.contains(prefix),
            _ => false,
        })
}
