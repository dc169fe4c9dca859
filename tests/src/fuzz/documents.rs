//! XML: the parser itself, every kind of document, and what is done with a domain.

use lodge_model::document::Document;
use lodge_model::documents;
use lodge_model::domain::Domain;
use lodge_model::xml::{Position, XmlError, parse};
use lodge_service::domains::{self, Edit, without_secrets};

use super::native;

/// The tree is written so that it reads as the same.
pub fn xml(text: &str) {
    match parse(text) {
        Ok(mut root) => {
            let written = root.to_inline_xml();
            let mut again = parse(&written).unwrap_or_else(|error| panic!("{error} in {written}"));
            again.forget_positions();
            root.forget_positions();
            assert_eq!(again, root, "{written}");
        }
        Err(error) => is_told_well(&error, text),
    }
}

/// A document of any kind is normalized once and for all.
pub fn any(text: &str) {
    match documents::examine(text) {
        Ok(examined) => {
            let again = documents::examine(&examined.normalized).unwrap_or_else(|error| panic!("{error} in {}", examined.normalized));
            assert_eq!(again.normalized, examined.normalized);
            assert_eq!(again.problems, examined.problems);
            for warning in &examined.warnings {
                assert!(warning.path.starts_with(&format!("/{}", examined.root)) && stands_in(warning.position, text), "{warning}");
            }
            for problem in &examined.problems {
                assert!(problem.path.starts_with(&format!("/{}", examined.root)) && !problem.reason.is_empty(), "{problem}");
            }
        }
        Err(error) => is_told_well(&error, text),
    }
}

/// A domain comes back from its document, and can be shown, completed and turned into any other format or is refused.
pub fn domain(text: &str) {
    let Ok((domain, warnings)) = Domain::parse(text) else { return };
    let written = domain.to_xml();
    let again = comes_back(&domain, &written);
    assert_eq!(again.to_xml(), written);
    let shown = without_secrets(&written).unwrap_or_else(|error| panic!("{error} in {written}"));
    let (shown, _) = Domain::parse(&shown).unwrap_or_else(|error| panic!("{error} in {shown}"));
    assert!(shown.devices.graphics().all(|graphics| graphics.password.is_none()), "{written}");
    assert!(warnings.len() <= 201, "{} warnings", warnings.len());
    native::from_domain(&domain);
}

/// An application's metadata: a line with the namespace, one with the prefix, the element, and behind an empty line the
/// metadata that is there.
pub fn metadata(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let (uri, prefix, rest) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let (xml, before) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let Ok((mut domain, _)) = Domain::parse(&format!("<domain type='qemu'><name>a</name><metadata>{before}</metadata></domain>")) else {
        return;
    };
    let edit = Edit::Metadata { uri: uri.to_owned(), prefix: prefix.to_owned(), xml: xml.to_owned() };
    if edit.apply(&mut domain).is_ok() {
        comes_back(&domain, &domain.to_xml());
        if !xml.is_empty() {
            let element = domains::metadata(&domain, uri).unwrap_or_else(|error| panic!("{error}: {:?}", domain.metadata));
            parse(&element).unwrap_or_else(|error| panic!("{error} in {element}"));
        }
    }
}

/// Checks that a domain reads as the same, and gives what was read.
pub fn comes_back(domain: &Domain, written: &str) -> Domain {
    let (again, _) = Domain::parse(written).unwrap_or_else(|error| panic!("{error} in {written}"));
    assert_eq!(&again, domain, "{written}");
    again
}

/// An error has a path from the root, a place in the text and a reason.
fn is_told_well(error: &XmlError, text: &str) {
    assert!(error.path.starts_with('/') && !error.reason.is_empty() && stands_in(error.position, text), "{error:?}");
}

/// Whether a place is one of the text, or just behind it.
pub fn stands_in(position: Position, text: &str) -> bool {
    let line = position.line.checked_sub(1).and_then(|line| text.split('\n').nth(line as usize));
    line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&(position.column as usize)))
}
