//! Applications' own elements in `<metadata>`: one for each namespace, everything else untouched.
//!
//! The content of `<metadata>` is kept byte for byte, so an element is found by walking the text's
//! events and cut out or put in by position.

use lodge_model::domain::Domain;
use lodge_model::xml::{RawXml, first_forbidden, parse};

use crate::error::{Error, ErrorKind, Result};

/// The element of a namespace.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get(domain: &Domain, uri: &str) -> Result<String> {
    let raw = domain.metadata.as_ref().map_or("", |metadata| metadata.0.as_str());
    match find(raw, uri)? {
        Some(range) => Ok(raw.get(range).unwrap_or_default().to_owned()),
        None => Err(Error::new(ErrorKind::NotFound, format!("domain '{}' has no metadata of the namespace {uri}", domain.name))),
    }
}

/// Puts in, replaces or (when `xml` is empty) removes the element of a namespace.
///
/// # Errors
/// `InvalidArgument` for a namespace or prefix that is none, `InvalidXml` for an element that is none.
pub fn set(domain: &mut Domain, uri: &str, prefix: &str, xml: &str) -> Result<()> {
    if uri.is_empty() || uri.contains(['<', '&', '"', '\'']) || first_forbidden(uri).is_some() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("'{uri}' is not an XML namespace")));
    }
    let raw = domain.metadata.take().unwrap_or_default().0;
    let (before, after) = match find(&raw, uri)? {
        Some(range) => (raw.get(..range.start).unwrap_or_default(), raw.get(range.end..).unwrap_or_default()),
        None => (raw.trim_end(), ""),
    };
    let element = if xml.is_empty() { String::new() } else { qualify(uri, prefix, xml)? };
    let text = format!("{before}{element}{after}");
    domain.metadata = (!text.trim().is_empty()).then_some(RawXml(text));
    Ok(())
}

/// Gives the root of a fragment, and what in it has no prefix, the application's prefix.
fn qualify(uri: &str, prefix: &str, xml: &str) -> Result<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let starts_well = prefix.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !prefix.chars().all(is_name) || prefix.starts_with("xml") {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("'{prefix}' is not a namespace prefix; expected a letter and then letters, digits, '_', '-' or '.'"),
        ));
    }
    let mut root = parse(xml)?;
    root.forget_positions();
    let own = root.name.split_once(':').map_or(prefix, |(own, _)| own).to_owned();
    prefix_names(&mut root, prefix);
    let declaration = format!("xmlns:{own}");
    match root.attribute(&declaration) {
        Some(declared) if declared == uri => {}
        None if own == prefix => root.set_attribute(&declaration, uri),
        other => {
            let found = other.map_or("is not declared in it".to_owned(), |other| format!("stands for {other} there"));
            return Err(Error::new(
                ErrorKind::InvalidXml,
                format!("the element <{}> is not of the namespace {uri}: its prefix {found}; leave the prefix out", root.name),
            ));
        }
    }
    Ok(root.to_inline_xml())
}

fn prefix_names(element: &mut lodge_model::xml::Element, prefix: &str) {
    if !element.name.contains(':') {
        element.name = format!("{prefix}:{}", element.name);
    }
    for node in &mut element.nodes {
        if let lodge_model::xml::Node::Element(child) = node {
            prefix_names(child, prefix);
        }
    }
}

/// Where the element of a namespace stands in the content of `<metadata>`.
fn find(raw: &str, uri: &str) -> Result<Option<std::ops::Range<usize>>> {
    // Prefixes may be declared on the document's root, out of sight here; an element that declares
    // its namespace itself, as applications do, is found.
    const OPEN: &str = "<metadata>";
    let document = format!("{OPEN}{raw}</metadata>");
    let root = parse(&document)?;
    let found = root.elements().find(|element| {
        let prefix = element.name.split_once(':').map_or("xmlns".to_owned(), |(prefix, _)| format!("xmlns:{prefix}"));
        element.attribute(&prefix) == Some(uri)
    });
    Ok(found.map(|element| element.outer.start - OPEN.len()..element.outer.end - OPEN.len()))
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    const BOXES: &str =
        "<boxes:gnome-boxes xmlns:boxes=\"https://wiki.gnome.org/Apps/Boxes\">\n <os-state>installed</os-state></boxes:gnome-boxes>";

    fn domain(metadata: &str) -> Domain {
        Domain::parse(&format!("<domain type='qemu'><name>a</name><metadata>{metadata}</metadata></domain>")).unwrap().0
    }

    #[test]
    fn each_namespace_has_its_own_element_and_the_others_stay_as_they_are() {
        let mut domain = domain(BOXES);
        set(&mut domain, "urn:mine", "m", "<note colour='red'>hello &amp; <b/></note>").unwrap();
        let mine = "<m:note colour='red' xmlns:m='urn:mine'>hello &amp; <m:b/></m:note>";
        assert_eq!(get(&domain, "urn:mine").unwrap(), mine);
        assert_eq!(get(&domain, "https://wiki.gnome.org/Apps/Boxes").unwrap(), BOXES);
        set(&mut domain, "urn:mine", "m", "<note/>").unwrap();
        assert_eq!(domain.metadata.as_ref().unwrap().0, format!("{BOXES}<m:note xmlns:m='urn:mine'/>"));
        set(&mut domain, "urn:mine", "m", "<own:note xmlns:own='urn:mine'><b/></own:note>").unwrap();
        assert_eq!(get(&domain, "urn:mine").unwrap(), "<own:note xmlns:own='urn:mine'><m:b/></own:note>");
        set(&mut domain, "urn:mine", "", "").unwrap();
        assert_eq!(domain.metadata.as_ref().unwrap().0, BOXES);
        assert_eq!(get(&domain, "urn:mine").unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_namespace_prefix_or_element_is_refused() {
        for (uri, prefix, xml, kind) in [
            ("", "m", "<a/>", ErrorKind::InvalidArgument),
            ("urn:a'b", "m", "<a/>", ErrorKind::InvalidArgument),
            ("urn:a", "", "<a/>", ErrorKind::InvalidArgument),
            ("urn:a", "1a", "<a/>", ErrorKind::InvalidArgument),
            ("urn:a", "a:b", "<a/>", ErrorKind::InvalidArgument),
            ("urn:a", "m", "<a>", ErrorKind::InvalidXml),
            ("urn:a", "m", "<a/><b/>", ErrorKind::InvalidXml),
            ("urn:a", "m", "<b:a/>", ErrorKind::InvalidXml),
            ("urn:a", "m", "<b:a xmlns:b='urn:b'/>", ErrorKind::InvalidXml),
            ("urn:a", "m", "<a xmlns:m='urn:b'/>", ErrorKind::InvalidXml),
            ("urn:\u{1}", "m", "<a/>", ErrorKind::InvalidArgument),
        ] {
            assert_eq!(set(&mut domain(""), uri, prefix, xml).unwrap_err().kind(), kind, "{uri} {prefix} {xml}");
        }
    }
}
