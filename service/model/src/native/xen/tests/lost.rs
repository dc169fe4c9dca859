//! No key of a configuration is lost: for every key of the manual pages, in every guest, what it says is in the domain and is
//! written back, or a warning names it.
//!
//! A value that is kept cannot be told from another by what it should become, since that is known of some keys only; so each key
//! is tried with values that mean different things, and two of them that become the same domain without a warning are a loss. A
//! value that is nonsense is refused, named in a warning, or kept word by word.
//!
//! The keys are those of xl.cfg(5), xl-disk-configuration(5), xl-network-configuration(5) and xl-pci-configuration(5) of Xen
//! 4.17, of xmdomain.cfg(5) with the example files of xm, and of what xend stored of a domain.

mod expressions;
mod overruled;
mod parts;
mod settings;

use std::collections::HashMap;

use crate::document::Document;
use crate::native::xen::{self, Dialect};

/// Keys that are tried in the same place.
struct Group {
    /// The formats that have them; in the others they are foreign, and may be lost when they are written.
    own: &'static [Dialect],
    /// What stands around them; `{}` is their place.
    template: &'static str,
    /// What is between a key and its value.
    between: &'static str,
    /// `KEY: VALUE | OTHER VALUE ! NONSENSE`, one a line; `KEY` alone is a word without a value.
    rows: &'static str,
}

/// One line of a group.
struct Row<'a> {
    key: &'a str,
    sensible: Vec<String>,
    nonsense: Vec<String>,
}

impl Group {
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let lines = self.rows.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        lines.map(|line| {
            let Some((key, values)) = line.split_once(": ") else {
                return Row { key: line, sensible: vec![self.template.replace("{}", line)], nonsense: Vec::new() };
            };
            let text = |value: &str| self.template.replace("{}", &format!("{key}{}{}", self.between, value.trim()));
            let (sensible, nonsense) = values.split_once(" ! ").unwrap_or((values, ""));
            let nonsense = nonsense.trim();
            Row {
                key,
                sensible: sensible.split(" | ").map(text).collect(),
                nonsense: if nonsense.is_empty() { Vec::new() } else { vec![text(nonsense)] },
            }
        })
    }
}

/// What became of a value.
#[derive(Debug, PartialEq)]
enum Outcome {
    Refused(String),
    /// A warning names the key.
    Told,
    /// The domain as a document, and what is lost when it is written again.
    Kept(String, Vec<String>),
}

/// Reads a configuration of which the key is in the second part, the last one, and writes what it becomes.
fn outcome(before: &str, text: &str, after: &str, key: &str, dialect: Dialect) -> Outcome {
    let whole = format!("{before}{text}{after}");
    let (first, last) = (before.lines().count() + 1, before.lines().count() + text.lines().count());
    let converted = match xen::read(&whole, dialect) {
        Ok(converted) => converted,
        Err(error) => return Outcome::Refused(error.reason),
    };
    let told = |line: u32| (first..=last).contains(&(line as usize));
    if converted.warnings.iter().any(|warning| told(warning.position.line) && names(&warning.reason, text, key)) {
        return Outcome::Told;
    }
    let lost = xen::write(&converted.domain, dialect).map_or_else(|error| vec![error.0], |written| written.warnings);
    Outcome::Kept(converted.domain.to_xml(), lost)
}

/// Whether a reason is about a key: it has it as a word, or is about the whole list of devices that the key is in.
fn names(reason: &str, text: &str, key: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let list = text.trim_start_matches("(device").trim_start_matches(" (").split(|c| !is_word(c)).next().unwrap_or_default();
    let word = if key.chars().all(is_word) { reason.split(|c| !is_word(c)).any(|word| word == key) } else { reason.contains(key) };
    word || reason.starts_with(&format!("'{list}' "))
}

/// Everything that is wrong with what becomes of a row, in sentences.
fn losses(row: &Row<'_>, own: bool, outcome: impl Fn(&str) -> Outcome) -> Vec<String> {
    let mut losses = Vec::new();
    let mut seen = HashMap::new();
    for text in &row.sensible {
        match outcome(text) {
            Outcome::Refused(reason) => losses.push(format!("{text} is refused: {reason}")),
            Outcome::Told => {}
            Outcome::Kept(xml, lost) => {
                if own && !lost.is_empty() {
                    losses.push(format!("{text} is not written again: {lost:?}"));
                }
                if let Some(other) = seen.insert(xml, text) {
                    losses.push(format!("{text} becomes the same as {other}"));
                }
            }
        }
    }
    for text in &row.nonsense {
        // The value, without what the notation puts around it.
        let word = text.rsplit(['\'', '=', ' ', ',', ')']).find(|word| word.len() > 2 && !word.ends_with(']')).unwrap_or(text);
        match outcome(text) {
            Outcome::Kept(xml, _) if !xml.contains(word) => losses.push(format!("{text} is nonsense, and {word} vanishes")),
            _ => {}
        }
    }
    losses
}

/// Tries groups in every guest of a format.
fn check(groups: &[Group], dialect: Dialect, guests: &[(&str, &str)]) {
    let mut losses = Vec::new();
    for (guest, head) in guests {
        let before = format!("name = 'x'\n{head}\n");
        for group in groups {
            for row in group.rows() {
                // What a row says itself does not stand before it as well.
                let again = |line: &&str| group.template == "{}" && line.split(' ').next() == Some(row.key);
                let before: String = before.split_inclusive('\n').filter(|line| !again(line)).collect();
                let found =
                    self::losses(&row, group.own.contains(&dialect), |text| outcome(&before, &format!("{text}\n"), "", row.key, dialect));
                losses.extend(found.into_iter().map(|loss| format!("{guest}: {loss}")));
            }
        }
    }
    assert!(losses.is_empty(), "{} losses in {}:\n{}", losses.len(), dialect.name(), losses.join("\n"));
}

const XL_GUESTS: [(&str, &str); 3] =
    [("pv", "type = 'pv'\nkernel = '/k'"), ("pvh", "type = 'pvh'\nkernel = '/k'"), ("hvm", "type = 'hvm'")];

const XM_GUESTS: [(&str, &str); 2] = [("linux", "kernel = '/k'"), ("hvm", "builder = 'hvm'\nkernel = '/hvmloader'")];

#[test]
fn settings_of_xl() {
    check(&settings::GROUPS, Dialect::Xl, &XL_GUESTS);
}

#[test]
fn settings_of_xm() {
    check(&settings::GROUPS, Dialect::Xm, &XM_GUESTS);
}

#[test]
fn parts_of_devices_of_xl() {
    check(&parts::GROUPS, Dialect::Xl, &XL_GUESTS);
}

#[test]
fn parts_of_devices_of_xm() {
    check(&parts::GROUPS, Dialect::Xm, &XM_GUESTS);
}

/// A guest without emulated devices and one with them have different controllers, and not all of them can be said alike.
#[test]
fn controllers_of_usb() {
    check(&[parts::CONTROLLERS], Dialect::Xl, &XL_GUESTS);
}
