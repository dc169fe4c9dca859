//! What must hold of a device: what its types need stands in [`view`]; here is the rest.

use super::{NodeDevice, view};
use crate::document::{Problems, name_problem};

/// Tells every problem of a device.
pub(super) fn check(device: &NodeDevice, found: &mut Problems) {
    match &device.name {
        Some(name) => check_name(name, found),
        // What is made is named when it is made.
        None if device.can_be_made() => {}
        None => found.add("name", "the device has no name; write <name>…</name>"),
    }
    if let Some(path) = &device.path {
        found.absolute("path", path);
    }
    found.each("devnode", &device.files, |found, file| found.absolute("", file.path.as_deref().unwrap_or_default()));
    view::of(device, found);
}

fn check_name(name: &str, found: &mut Problems) {
    if let Some(reason) = name_problem("device", name) {
        found.add("name", reason);
    } else if let Some(odd) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')) {
        let reason = format!("the name holds the character {odd:?}; write letters, digits, _ and - alone, such as pci_0000_00_02_0");
        found.add("name", reason);
    }
}
