//! Fixtures that are damaged, for the tests of every format: with what nobody knows put in, with
//! pieces cut out, and bytes of no sense instead.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fixtures::files;
use crate::document::Document;
use crate::xml::{Content, Element, Node, Reader, Writer, XmlError, parse, write_document};

/// A junk element or attribute put into an element of a fixture, found by its number.
fn put_junk(element: &mut Element, at: &mut usize, junk: &Junk, depth: usize) -> bool {
    // Kept byte for byte, whatever is in them.
    if matches!(&*element.name, "metadata" | "cookie") {
        return false;
    }
    // Where text is the value, an element would stand in it.
    let takes_elements = depth == 0 || element.elements().next().is_some();
    if *at == 0 && takes_elements {
        match junk {
            Junk::Attribute(value) => {
                let value = value.clone();
                element.attributes.push(crate::xml::Attribute { name: "junk".into(), value, position: Default::default() });
            }
            Junk::Element(place, text) => {
                let mut junk = Element::new("junk");
                junk.nodes.push(Node::Text(text.clone()));
                element.nodes.insert(place.index(element.nodes.len() + 1), Node::Element(junk));
            }
        }
        return true;
    }
    *at = at.saturating_sub(usize::from(takes_elements));
    element.nodes.iter_mut().any(|node| match node {
        Node::Element(child) => put_junk(child, at, junk, depth + 1),
        _ => false,
    })
}

#[derive(Debug, Clone)]
enum Junk {
    Attribute(String),
    Element(proptest::sample::Index, String),
}

fn junk() -> impl Strategy<Value = Junk> {
    prop_oneof![
        "[a-z&<']{1,8}".prop_map(Junk::Attribute),
        (any::<proptest::sample::Index>(), "[a-z&<']{1,8}").prop_map(|(place, text)| Junk::Element(place, text)),
    ]
}

fn count_junk(element: &Element) -> usize {
    // Inside of an element of a default namespace it gets that namespace's prefix.
    let local = element.name.rsplit(':').next();
    let own = usize::from(local == Some("junk")) + usize::from(element.attribute("junk").is_some());
    own + element.elements().map(count_junk).sum::<usize>()
}

/// Prints a tree; only the fixtures' own shapes matter here.
fn print(element: &Element) -> String {
    struct Tree(Element);
    impl Content for Tree {
        fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
            Err(reader.error("is only written"))
        }
        fn write(&self, writer: &mut Writer) {
            for attribute in &self.0.attributes {
                writer.required(&attribute.name, &attribute.value);
            }
            for node in &self.0.nodes {
                match node {
                    Node::Element(child) => writer.element(&child.name, |inside| Self(child.clone()).write(inside)),
                    Node::Text(text) => writer.text("", &Some(text.clone())),
                    _ => {}
                }
            }
        }
    }
    write_document(&Tree(element.clone()), &element.name)
}

/// Texts of the fixtures of which everything is understood.
fn understood(folder: &str) -> Vec<String> {
    let understood = |file: &PathBuf| !file.with_extension("warnings").exists();
    files(folder).into_iter().filter(understood).map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 200, source_file: Some(file!()), ..Config::default() })
}

/// Unknown elements and attributes are warned of, one by one, and written back.
pub fn junk_is_kept_and_told<T: Document + Debug + PartialEq>(folder: &str) {
    let strategy = (proptest::sample::select(understood(folder)), proptest::collection::vec((0..60_usize, junk()), 1..6));
    let tested = runner().run(&strategy, |(text, junk)| {
        let mut root = parse(&text).unwrap();
        for (at, junk) in &junk {
            let mut at = *at;
            // An element has at most one attribute of a name; junk inside of junk is told with it.
            if matches!(junk, Junk::Element(..)) || count_junk(&root) == 0 {
                put_junk(&mut root, &mut at, junk, 0);
            }
        }
        let put = count_junk(&root);
        let text = print(&root);
        let (document, warnings) = T::parse(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
        prop_assert!(warnings.iter().all(|warning| warning.path.contains("junk")), "{:?}", warnings);
        prop_assert_eq!(warnings.len(), put, "{}\n{:?}", &text, warnings);
        let written = document.to_xml();
        prop_assert_eq!(count_junk(&parse(&written).unwrap()), put, "{}", &written);
        prop_assert_eq!(T::parse(&written).unwrap().0, document);
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
}

/// What can still be read of a damaged document is written so that it reads as the same; nothing panics.
pub fn broken_documents_do_no_harm<T: Document + Debug + PartialEq>(folder: &str) {
    let texts: Vec<String> = files(folder).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let noise = proptest::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let broken = (proptest::sample::select(texts), any::<proptest::sample::Index>(), 0..40_usize, "[<>&'\"/a-z0-9 =-]{0,6}");
    let broken = broken.prop_map(|(text, at, length, patch)| {
        let characters: Vec<char> = text.chars().collect();
        let from = at.index(characters.len());
        let to = (from + length).min(characters.len());
        characters[..from].iter().copied().chain(patch.chars()).chain(characters[to..].iter().copied()).collect()
    });
    let wrapped = noise.clone().prop_map(|noise| format!("<{0}>{noise}</{0}>", T::ROOT));
    let tested = runner().run(&prop_oneof![6 => broken, 1 => noise, 1 => wrapped], |text| {
        if let Ok((document, _)) = T::parse(&text) {
            let written = document.to_xml();
            prop_assert_eq!(T::parse(&written).map(|(again, _)| again), Ok(document), "{}", written);
        }
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
}
