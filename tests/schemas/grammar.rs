//! RELAX NG grammars, as far as libvirt's schemas use the language.
//!
//! Facts: RELAX NG specification, 2001. What makes no difference to which names and values a schema knows is folded together:
//! `group` and `interleave`, `zeroOrMore` and `optional`, `oneOrMore` and its content. Unknown words of the language fail the test
//! instead of being skipped.

use std::collections::HashMap;
use std::path::Path;

use lodge_model::xml::{Element, parse};

/// A grammar with its includes read in.
pub struct Grammar {
    pub start: Pattern,
    pub defines: HashMap<String, Pattern>,
}

#[derive(Clone, PartialEq)]
pub enum Pattern {
    Element(Name, Box<Self>),
    Attribute(Name, Box<Self>),
    /// All of them.
    Group(Vec<Self>),
    /// One of them.
    Choice(Vec<Self>),
    /// It or nothing.
    Optional(Box<Self>),
    Ref(String),
    /// A grammar of its own, such as that of the domain in a snapshot. Its references are its own.
    Nested(std::rc::Rc<Grammar>),
    Text,
    Empty,
    NotAllowed,
    Value(String),
    Data(Data),
}

impl PartialEq for Grammar {
    fn eq(&self, other: &Self) -> bool {
        self.start == other.start
    }
}

#[derive(Clone, PartialEq)]
pub enum Name {
    /// Local name and namespace; none is the empty one.
    Of(String, String),
    /// Any name, which only elements of applications have.
    Any,
}

/// A type of values.
#[derive(Clone, PartialEq)]
pub struct Data {
    pub kind: String,
    /// `pattern`, `minInclusive` and the like.
    pub params: HashMap<String, String>,
}

impl Grammar {
    /// Reads a schema.
    pub fn load(file: &Path) -> Self {
        let mut defines = Defines::default();
        defines.read(file);
        defines.into_grammar()
    }
}

/// Definitions by name while files are read; the start has the empty name. One that is there several times is a choice of them.
#[derive(Default)]
struct Defines(HashMap<String, Vec<Pattern>>);

impl Defines {
    fn read(&mut self, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let root = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.components(&root, "", file);
    }

    fn components(&mut self, parent: &Element, namespace: &str, file: &Path) {
        for element in parent.elements() {
            match &*element.name {
                "start" => self.define("", element, namespace, file),
                "define" => self.define(element.attribute("name").unwrap(), element, namespace, file),
                "include" => self.include(element, namespace, file),
                other => panic!("{}: {}: <{other}> is not known here", file.display(), element.position),
            }
        }
    }

    fn define(&mut self, name: &str, element: &Element, namespace: &str, file: &Path) {
        let pattern = group(element, namespace, file);
        let patterns = self.0.entry(name.to_owned()).or_default();
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }

    /// What stands in an include replaces what it includes; a start there, too.
    fn include(&mut self, element: &Element, namespace: &str, file: &Path) {
        let mut included = Self::default();
        included.read(&file.with_file_name(element.attribute("href").unwrap()));
        for replaced in element.elements() {
            included.0.remove(replaced.attribute("name").unwrap_or(""));
        }
        included.components(element, namespace, file);
        for (name, patterns) in included.0 {
            let known = self.0.entry(name).or_default();
            let new: Vec<Pattern> = patterns.into_iter().filter(|pattern| !known.contains(pattern)).collect();
            known.extend(new);
        }
    }

    fn into_grammar(self) -> Grammar {
        let choice = |mut patterns: Vec<Pattern>| if patterns.len() == 1 { patterns.remove(0) } else { Pattern::Choice(patterns) };
        let mut defines: HashMap<String, Pattern> = self.0.into_iter().map(|(name, patterns)| (name, choice(patterns))).collect();
        Grammar { start: defines.remove("").unwrap_or(Pattern::NotAllowed), defines }
    }
}

/// Everything inside an element, one after another.
fn group(parent: &Element, namespace: &str, file: &Path) -> Pattern {
    let mut patterns = parts(parent, namespace, file);
    if patterns.len() == 1 { patterns.remove(0) } else { Pattern::Group(patterns) }
}

fn parts(parent: &Element, namespace: &str, file: &Path) -> Vec<Pattern> {
    let named = matches!(&*parent.name, "element" | "attribute") && parent.attribute("name").is_none();
    parent.elements().skip(usize::from(named)).map(|element| pattern(element, namespace, file)).collect()
}

fn pattern(element: &Element, outer: &str, file: &Path) -> Pattern {
    let namespace = element.attribute("ns").unwrap_or(outer);
    let inside = || Box::new(group(element, namespace, file));
    match &*element.name {
        "element" => Pattern::Element(name(element, namespace), inside()),
        "attribute" => {
            let content = if parts(element, namespace, file).is_empty() { Box::new(Pattern::Text) } else { inside() };
            Pattern::Attribute(name(element, element.attribute("ns").unwrap_or("")), content)
        }
        "group" | "interleave" | "oneOrMore" => *inside(),
        "choice" => Pattern::Choice(parts(element, namespace, file)),
        "optional" | "zeroOrMore" => Pattern::Optional(inside()),
        "ref" => Pattern::Ref(element.attribute("name").unwrap().to_owned()),
        "grammar" => {
            let mut defines = Defines::default();
            defines.components(element, namespace, file);
            Pattern::Nested(defines.into_grammar().into())
        }
        "text" => Pattern::Text,
        "empty" => Pattern::Empty,
        "notAllowed" => Pattern::NotAllowed,
        "value" => Pattern::Value(element.text()),
        "data" => {
            let param = |param: &Element| (param.attribute("name").unwrap().to_owned(), param.text().to_string());
            let params = element.elements().filter(|inside| inside.name == "param").map(param).collect();
            Pattern::Data(Data { kind: element.attribute("type").unwrap().to_owned(), params })
        }
        other => panic!("{}: {}: the pattern <{other}> is not known here", file.display(), element.position),
    }
}

fn name(element: &Element, namespace: &str) -> Name {
    element.attribute("name").map_or(Name::Any, |local| Name::Of(local.to_owned(), namespace.to_owned()))
}
