//! People's command lines there and back: what a line of the fixtures becomes is printed as a script of today, and that is read
//! again. The devices are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::native::{Format, read};
use lodge_model::units::MIB;
use lodge_model::xml::{Element, parse};
use uuid::Uuid;

use super::{planner, recorded, script};
use crate::hypervisors::qemu::complete::complete;

/// What this version does not run: the fixture, and a part of what is said.
const REFUSED: &[(&str, &str)] = &[
    ("apple", "<transient/>, which this version cannot do"),
    ("arm", "the architecture 'aarch64' cannot be run"),
    ("macos", "<transient/>, which this version cannot do"),
    ("windows98", "<transient/>, which this version cannot do"),
];

/// What tells devices of a kind apart: element, attributes by their paths.
const DEVICES: &[(&str, &[&str])] = &[
    ("disk", &["@device", "target/@bus", "source/@file", "source/@dev", "source/@name"]),
    ("interface", &["mac/@address", "model/@type"]),
    ("graphics", &["@type"]),
    ("video", &["model/@type"]),
    ("sound", &["@model"]),
    ("hostdev", &["@type", "source/vendor/@id", "source/address/@bus", "source/address/@uuid"]),
    ("serial", &["@type", "source/@path"]),
    ("parallel", &["@type", "source/@path"]),
    ("channel", &["@type", "target/@name"]),
    ("filesystem", &["source/@dir", "target/@dir"]),
    ("redirdev", &["@type"]),
    ("rng", &["backend/@model"]),
    ("tpm", &["@model"]),
    ("watchdog", &["@model", "@action"]),
    ("memballoon", &["@model"]),
    ("panic", &["@model"]),
    ("vsock", &["cid/@address"]),
    ("smartcard", &["@mode"]),
];

/// An attribute by its path, empty where there is none.
fn value(element: &Element, path: &str) -> String {
    let mut element = element;
    for step in path.split('/') {
        match (step.strip_prefix('@'), element.element(step)) {
            (Some(name), _) => return element.attribute(name).unwrap_or_default().to_owned(),
            (None, Some(child)) => element = child,
            (None, None) => return String::new(),
        }
    }
    String::new()
}

/// How many devices there are of each kind and description.
fn devices(domain: &Domain) -> BTreeMap<String, usize> {
    let root = parse(&domain.to_xml()).unwrap();
    let mut found = BTreeMap::new();
    for device in root.element("devices").unwrap().elements() {
        let Some((_, paths)) = DEVICES.iter().find(|(name, _)| *name == device.name) else { continue };
        let described = paths.iter().map(|path| value(device, path)).collect::<Vec<_>>().join(" ");
        // That there is no picture is said by nothing at all.
        if described != "none" {
            *found.entry(format!("{} {described}", device.name)).or_default() += 1;
        }
    }
    found
}

/// What a script of today loses of a domain, or adds to it.
fn differences(domain: &Domain, again: &Domain) -> Vec<String> {
    let (before, after) = (devices(domain), devices(again));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let count = |devices: &BTreeMap<String, usize>, device: &str| devices.get(device).copied().unwrap_or(0);
    let told = |device: &&String| format!("{device}: {} became {}", count(&before, device), count(&after, device));
    let mut differences: Vec<_> = all.iter().filter(|device| count(&before, device) != count(&after, device)).map(told).collect();
    // Memory is rounded up.
    let more = again.memory_bytes().checked_sub(domain.memory_bytes());
    let as_much = more.is_some_and(|more| more < MIB) && again.max_vcpus() == domain.max_vcpus();
    differences.extend((!as_much).then(|| "memory or processors".to_owned()));
    differences.extend((again.name != domain.name || again.uuid != domain.uuid).then(|| "name or UUID".to_owned()));
    differences
}

#[test]
fn what_was_converted_is_printed_and_read_again_as_the_same() {
    let host = recorded("10.0");
    let mut wrong = Vec::new();
    let folder = planner::fixtures().join("native/qemu-argv");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "xml")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason);
        let (mut domain, _) = Domain::parse(&planner::read(&path)).unwrap();
        domain.uuid.get_or_insert(Uuid::from_u128(7));
        let written = match complete(&mut domain, &*host.capabilities, &mut || 7) {
            Ok(()) => script(&domain, &host, Path::new("/home/user/lodge")).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match (written, refused) {
            (Ok(written), None) => {
                let again = read(Format::QemuArgv, &written.text).unwrap_or_else(|error| panic!("{name}: {error}\n{}", written.text));
                wrong.extend(differences(&domain, &again.domain).into_iter().map(|difference| format!("{name}: {difference}")));
            }
            (Err(error), Some(reason)) if error.contains(reason) => {}
            (written, _) => wrong.push(format!("{name}: {written:?}, expected {refused:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
