//! Nothing is lost silently: without an option, or without a property of one, the document or the warnings are others. What says
//! nothing stands in tables, each line with its reason; a line that is no longer true fails.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::super::option_names::{FLAGS, WITH_VALUES};
use super::super::options::Opt;
use super::super::{CommandLine, ReadError, Warnings, convert, options, the_one_of_qemu, words};
use crate::document::Document as _;
use crate::native::Warning;
use crate::testing::fixtures;

/// What says nothing: an option, or `*` for all; how its value starts; the property, or nothing for the option as a whole; why.
const SAYS_NOTHING: &[(&str, &str, &str, &str)] = &[
    ("*", "", "id", "names of options are ours to choose, where nobody says them"),
    ("*", "", "wait", "a service waits for no client"),
    ("accel", "tcg", "", "QEMU takes the first that it can, and so does the document"),
    ("balloon", "none", "", "without one there is none"),
    ("blockdev", "", "auto-read-only", "QEMU's own choice"),
    ("blockdev", "", "discard", "firmware and images below are not written"),
    ("boot", "", "strict", "the service is always strict"),
    ("chardev", "socket,id=charmonitor", "", "the monitor's"),
    ("chardev", "socket,id=qmp", "", "the monitor's"),
    ("chardev", "spiceport,name=org.qemu.monitor", "", "the monitor's"),
    ("chardev", "socket,id=chrtpm", "path", "the service starts a TPM emulator of its own, which is told"),
    ("chardev", "socket,id=chrtpm", "socket", "the service starts a TPM emulator of its own, which is told"),
    ("device", "", "cad", "a card has one codec"),
    ("device", "", "mq", "it follows from the queues"),
    ("device", "", "vectors", "it follows from the queues"),
    ("device", "hda-duplex", "", "what a card has when nothing is said"),
    ("display", "", "gl", "what a window looks like goes with it"),
    ("display", "", "show-cursor", "what a window looks like goes with it"),
    ("display", "none", "", "nobody would show it anyway"),
    ("drive", "", "file.locking", "QEMU's own business"),
    ("name", "", "debug-threads", "for whoever looks at processes"),
    ("name", "", "process", "for whoever looks at processes"),
    ("net", "none", "", "there is another card"),
    ("net", "user", "", "where a card is when nothing is said"),
    ("netdev", "", "fd", "descriptors are of whoever started it, which is told"),
    ("netdev", "", "fds", "descriptors are of whoever started it, which is told"),
    ("netdev", "", "vhost", "descriptors are of whoever started it, which is told"),
    ("netdev", "", "vhostfd", "descriptors are of whoever started it, which is told"),
    ("netdev", "", "vhostfds", "descriptors are of whoever started it, which is told"),
    ("no-user-config", "", "", "it holds for all guests of the service"),
    ("nodefaults", "", "", "it holds for all guests of the service"),
    ("nographic", "", "", "there is nothing to show anyway"),
    ("object", "", "size", "the size is that of -m"),
    ("object", "", "x-use-canonical-path-for-ramblock-id", "for migration from old versions"),
    ("overcommit", "mem-lock=off", "", "what QEMU does by itself"),
    ("parallel", "none", "", "without one there is none"),
    ("smp", "1", "", "what there is when nothing is said"),
    ("spice", "", "password", "a password goes into no document by itself, which is told"),
    ("spice", "", "seamless-migration", "for migration"),
    ("usb", "", "", "there are USB devices, so there is a controller"),
    ("watchdog-action", "reset", "", "what watchdogs do when nothing is said"),
];

/// The line of the table for an option or one of its properties.
fn known(option: &Opt, key: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    let is_it = |(name, start, known, _): &&(&str, &str, &str, &str)| {
        (*name == "*" || *name == option.name) && option.value.starts_with(start) && *known == key
    };
    SAYS_NOTHING.iter().find(is_it)
}

fn command_line(text: &str) -> CommandLine {
    let mut warnings = Warnings::default();
    let commands = words::split(text, &mut warnings).unwrap();
    options::read(the_one_of_qemu(commands, &mut warnings).unwrap(), &mut warnings).unwrap()
}

/// All that a reader is told.
fn said(line: &CommandLine) -> Result<(String, Vec<Warning>), ReadError> {
    let converted = convert(line, Warnings::default())?;
    Ok((converted.domain.to_xml(), converted.warnings))
}

/// Whether an option is told to be left out.
fn is_left_out(option: &Opt, warnings: &[Warning]) -> bool {
    warnings.iter().any(|warning| warning.position == option.position && warning.reason.contains(" is left out"))
}

/// What no property has as its value.
const STRANGE: &str = "zz9";

/// The values of an option with one of its properties changed to what it cannot be, by the property's key.
fn with_changes(value: &str) -> Vec<(String, String)> {
    if let Ok(Value::Object(members)) = serde_json::from_str::<Value>(value) {
        let change = |key: &String| {
            let mut changed = members.clone();
            changed.insert(key.clone(), Value::String(STRANGE.to_owned()));
            (key.clone(), Value::Object(changed).to_string())
        };
        return members.keys().map(change).collect();
    }
    // Doubled commas are of a text.
    let parts: Vec<String> = value.replace(",,", "\0").split(',').map(|part| part.replace('\0', ",,")).collect();
    let change = |at: usize| {
        let (key, changed) = match parts[at].split_once('=') {
            Some((key, _)) => (key, format!("{key}={STRANGE}")),
            None => (parts[at].as_str(), STRANGE.to_owned()),
        };
        let mut all: Vec<&str> = parts.iter().map(String::as_str).collect();
        all[at] = &changed;
        (key.to_owned(), all.join(","))
    };
    (0..parts.len()).filter(|at| !parts[*at].is_empty()).map(change).collect()
}

/// Whether an option's value is properties, and it says something.
fn has_properties(option: &Opt) -> bool {
    option.has_value && known(option, "").is_none() && BACK_ENDS_AND_THE_LIKE.contains(&option.name.as_str())
}

/// An option with a property that nobody knows.
fn with_more(option: &Opt) -> Opt {
    let value = match serde_json::from_str::<Value>(&option.value) {
        Ok(Value::Object(mut members)) => {
            members.insert(STRANGE.to_owned(), Value::String(STRANGE.to_owned()));
            Value::Object(members).to_string()
        }
        _ => format!("{},{STRANGE}={STRANGE}", option.value),
    };
    Opt { value, ..option.clone() }
}

/// Options whose value is properties.
const BACK_ENDS_AND_THE_LIKE: &[&str] = &[
    "M",
    "accel",
    "action",
    "audio",
    "audiodev",
    "blockdev",
    "boot",
    "chardev",
    "cpu",
    "device",
    "display",
    "drive",
    "fsdev",
    "fw_cfg",
    "m",
    "machine",
    "name",
    "net",
    "netdev",
    "nic",
    "numa",
    "object",
    "overcommit",
    "rtc",
    "smbios",
    "smp",
    "spice",
    "tpmdev",
    "virtfs",
    "vnc",
];

fn all_options() -> Vec<Opt> {
    let files = fixtures::with_extension("native/qemu-argv", "args");
    files.iter().flat_map(|file| command_line(&fixtures::text(file)).options).collect()
}

/// Options that say nothing of a machine that has nothing else, and why.
const SAY_NOTHING_ALONE: &[(&str, &str)] = &[
    ("disable-kvm", "guests are emulated unless it is said otherwise"),
    ("no-kqemu", "there is no kqemu any more"),
    ("no-kvm", "guests are emulated unless it is said otherwise"),
    ("no-user-config", "it holds for all guests of the service"),
    ("nodefconfig", "it holds for all guests of the service"),
    ("snapshot", "there is no disk"),
];

#[test]
fn every_name_of_an_option_is_told_or_says_something() {
    let mut lost = Vec::new();
    for name in FLAGS.iter().chain(WITH_VALUES) {
        let value = if WITH_VALUES.contains(name) { STRANGE } else { "" };
        let without = command_line("qemu-system-x86_64 -display none -device usb-tablet");
        let with = command_line(&format!("qemu-system-x86_64 -display none -device usb-tablet -{name} {value}"));
        if said(&with) == said(&without) {
            lost.push(*name);
        }
    }
    let expected: Vec<&str> = SAY_NOTHING_ALONE.iter().map(|(name, _)| *name).collect();
    assert_eq!(lost, expected);
}

proptest! {
    /// Options of all fixtures thrown together, one of them with a property that nobody knows.
    #[test]
    fn a_property_that_nobody_knows_is_kept_or_told(
        chosen in proptest::collection::vec(proptest::sample::select(all_options()), 1..12),
        strange in proptest::sample::select(all_options().into_iter().filter(has_properties).collect::<Vec<_>>()),
        at in any::<proptest::sample::Index>(),
    ) {
        let mut line = command_line("qemu-system-x86_64");
        line.options = chosen;
        line.options.insert(at.index(line.options.len() + 1), with_more(&strange));
        if let Ok((document, warnings)) = said(&line) {
            let told = is_left_out(&strange, &warnings) || warnings.iter().any(|warning| warning.reason.contains(STRANGE));
            prop_assert!(told || document.contains(STRANGE), "{:?} is lost silently\n{}\n{:?}", strange, document, warnings);
        }
    }
}

#[test]
fn no_option_and_no_property_is_lost_silently() {
    let (mut lost, mut used) = (BTreeSet::new(), BTreeSet::new());
    for file in fixtures::with_extension("native/qemu-argv", "args") {
        let line = command_line(&fixtures::text(&file));
        let all = said(&line).unwrap();
        for (at, option) in line.options.iter().enumerate() {
            let mut note = |key: &str| match known(option, key) {
                Some(row) => drop(used.insert(row)),
                None => drop(lost.insert(format!("{}: -{} {} {key}", fixtures::name(&file), option.name, option.value))),
            };
            let mut changed = line.clone();
            changed.options.remove(at);
            if said(&changed).as_ref() == Ok(&all) {
                note("");
                continue;
            }
            if is_left_out(option, &all.1) {
                continue;
            }
            for (key, value) in with_changes(&option.value) {
                let mut changed = line.clone();
                changed.options[at].value = value;
                if said(&changed).as_ref() == Ok(&all) {
                    note(&key);
                }
            }
        }
    }
    let lost: Vec<String> = lost.into_iter().collect();
    assert!(lost.is_empty(), "{} are lost silently:\n{}", lost.len(), lost.join("\n"));
    let stale: Vec<_> = SAYS_NOTHING.iter().filter(|row| !used.contains(row)).collect();
    assert!(stale.is_empty(), "these say something, or are in no fixture: {stale:#?}");
}
