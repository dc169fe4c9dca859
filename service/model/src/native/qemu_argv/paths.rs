//! Paths in a document: a service has no folder that they could be relative to.

use crate::xml::Element;

/// Attributes that are paths: element, attribute.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("source", "file"),
    ("source", "dev"),
    ("source", "dir"),
    ("source", "path"),
    ("source", "socket"),
    ("source", "evdev"),
    ("entry", "file"),
    ("log", "file"),
    ("rom", "file"),
    ("listen", "socket"),
    ("device", "path"),
    ("audio", "path"),
];

/// Elements whose text is a path.
const TEXTS: &[&str] = &["kernel", "initrd", "dtb", "shim", "loader", "nvram"];

/// The relative ones, in the order of the document.
pub fn relative(element: &Element) -> Vec<String> {
    let mut found = Vec::new();
    collect(element, &mut found);
    found
}

fn collect(element: &Element, found: &mut Vec<String>) {
    let attributes = ATTRIBUTES.iter().filter(|(name, _)| *name == element.name).filter_map(|(_, name)| element.attribute(name));
    // Interfaces of the host have names, not paths.
    let attributes =
        attributes.filter(|_| element.name != "source" || element.attribute("mode").is_none_or(|_| element.attribute("path").is_some()));
    let text = TEXTS.contains(&element.name.as_str()).then(|| element.text().to_owned());
    let paths = attributes.map(str::to_owned).chain(text);
    found.extend(paths.filter(|path| !path.is_empty() && !path.starts_with('/')));
    element.elements().for_each(|child| collect(child, found));
}
