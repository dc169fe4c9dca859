//! Every element, attribute and word that a grammar knows, each with the smallest document that has it.
//!
//! A walk goes down the grammar and takes each branch in turn; around the place where it stands, everything else is as small as
//! the grammar allows. A definition inside itself is not entered again, so the walk ends.

use crate::grammar::{Grammar, Name, Pattern};
use crate::sample::{ANY_TEXT, Sample, Smallest, qualified, value};

/// Calls `found` with the path of each element, attribute and word, such as `/domain/devices/disk/@type='file'`, and a document
/// that has it. A path comes as often as there are ways to it.
pub fn walk(grammar: &Grammar, found: &mut dyn FnMut(String, String)) {
    Walk { grammar, smallest: Smallest::new(grammar), outside: None, found, open: Vec::new() }.visit(&grammar.start, None);
}

/// The way from the root to where a walk stands; each step is what is around the next.
struct Step<'a, 'o> {
    around: Around<'a>,
    outer: Option<&'o Self>,
}

enum Around<'a> {
    Element(&'a Name),
    Attribute(&'a Name),
    /// The parts of a group, of which this one was entered.
    Group(&'a [Pattern], usize),
}

struct Walk<'a, 'f> {
    grammar: &'a Grammar,
    smallest: Smallest<'a>,
    /// For a grammar in another one: makes path and document of the outer one.
    outside: Option<&'f dyn Fn(String, Sample) -> (String, Sample)>,
    found: &'f mut dyn FnMut(String, String),
    /// Definitions that are entered.
    open: Vec<&'a str>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, pattern: &'a Pattern, way: Option<&Step<'a, '_>>) {
        match pattern {
            Pattern::Element(name, content) => {
                let step = Step { around: Around::Element(name), outer: way };
                if let Some(smallest) = self.smallest.of(content) {
                    self.tell("", smallest, Some(&step));
                }
                self.visit(content, Some(&step));
            }
            Pattern::Attribute(name, content) => self.visit(content, Some(&Step { around: Around::Attribute(name), outer: way })),
            Pattern::Group(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    self.visit(part, Some(&Step { around: Around::Group(parts, at), outer: way }));
                }
            }
            Pattern::Choice(parts) => parts.iter().for_each(|part| self.visit(part, way)),
            Pattern::Optional(inside) => self.visit(inside, way),
            Pattern::Ref(name) if self.open.contains(&name.as_str()) => {}
            Pattern::Ref(name) => {
                self.open.push(name);
                self.visit(&self.grammar.defines[name], way);
                self.open.pop();
            }
            Pattern::Nested(nested) => self.nested(nested, way),
            Pattern::Value(word) => self.tell(&format!("='{word}'"), Sample::text(word), way),
            Pattern::Data(data) => self.tell("", Sample::text(&value(data)), way),
            Pattern::Text => self.tell("", Sample::text(ANY_TEXT), way),
            Pattern::Empty | Pattern::NotAllowed => {}
        }
    }

    fn nested(&mut self, nested: &Grammar, way: Option<&Step<'a, '_>>) {
        let (smallest, outside) = (&self.smallest, self.outside);
        let around = |path: String, sample: Sample| match wrap(smallest, sample, way) {
            Some(sample) => out(outside, path_of(way) + &path, sample),
            None => (String::new(), Sample::default()),
        };
        Walk { grammar: nested, smallest: Smallest::new(nested), outside: Some(&around), found: self.found, open: Vec::new() }
            .visit(&nested.start, None);
    }

    fn tell(&mut self, word: &str, sample: Sample, way: Option<&Step<'a, '_>>) {
        let Some(sample) = wrap(&self.smallest, sample, way) else { return };
        let (path, sample) = out(self.outside, path_of(way) + word, sample);
        if !path.is_empty() {
            (self.found)(path, sample.into_document());
        }
    }
}

fn out(outside: Option<&dyn Fn(String, Sample) -> (String, Sample)>, path: String, sample: Sample) -> (String, Sample) {
    match outside {
        Some(outside) => outside(path, sample),
        None => (path, sample),
    }
}

/// Puts everything around a sample that is needed around it; `None` where that is not allowed.
fn wrap<'a>(smallest: &Smallest<'a>, mut sample: Sample, mut way: Option<&Step<'a, '_>>) -> Option<Sample> {
    while let Some(step) = way {
        sample = match step.around {
            Around::Element(name) => sample.into_element(name),
            Around::Attribute(name) => sample.into_attribute(name),
            Around::Group(parts, at) => smallest.all(parts[..at].iter())?.and(sample).and(smallest.all(parts[at + 1..].iter())?),
        };
        way = step.outer;
    }
    Some(sample)
}

fn path_of(mut way: Option<&Step<'_, '_>>) -> String {
    let mut names = Vec::new();
    while let Some(step) = way {
        match step.around {
            Around::Element(name) => names.push(format!("/{}", qualified(name).0)),
            Around::Attribute(Name::Of(local, _)) => names.push(format!("/@{local}")),
            Around::Attribute(Name::Any) => names.push("/@any".to_owned()),
            Around::Group(..) => {}
        }
        way = step.outer;
    }
    names.into_iter().rev().collect()
}
