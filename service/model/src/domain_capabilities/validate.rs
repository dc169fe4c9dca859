//! What must hold of a document of domain capabilities. Nobody writes it by hand, but programs do.

use super::{CpuModeSupport, CpuModelEntry, DomainCapabilities, Support, SupportEnum};
use crate::document::Problems;
use crate::domain::cpu::CpuMode;
use crate::xml::YesNo;

/// Tells every problem of such a document.
pub(super) fn check(capabilities: &DomainCapabilities, found: &mut Problems) {
    if let Some(path) = &capabilities.path {
        found.absolute("path", path);
    }
    if capabilities.vcpu.as_ref().is_some_and(|vcpu| vcpu.max == 0) {
        found.add("vcpu/@max", "a domain has 1 virtual processor at least; write how many it can have");
    }
    if let Some(os) = &capabilities.os {
        found.inside("os", |found| enums(os.supported, &os.enums, found));
        if let Some(loader) = &os.loader {
            found.inside("os/loader", |found| {
                loader.paths.iter().for_each(|path| found.absolute("value", path));
                enums(loader.supported, &loader.enums, found);
            });
        }
    }
    let modes = capabilities.cpu.as_ref().map_or(&[][..], |cpu| &cpu.modes);
    found.each("cpu/mode", modes, |found, one| mode(one, found));
    found.unique("cpu/mode/@name", "mode", modes.iter().map(|mode| mode.mode));
    supports(capabilities, found);
}

fn supports(capabilities: &DomainCapabilities, found: &mut Problems) {
    let mut support = |path: &str, support: &Option<Support>| {
        if let Some(support) = support {
            found.inside(path, |found| enums(support.supported, &support.enums, found));
        }
    };
    support("iothreads", &capabilities.io_threads);
    support("memoryBacking", &capabilities.memory_backing);
    for (name, one) in capabilities.devices.iter().flat_map(|devices| devices.all()) {
        support(&format!("devices/{name}"), one);
    }
    for (name, one) in capabilities.features.iter().flat_map(|features| features.all()) {
        support(&format!("features/{name}"), one);
    }
}

fn enums(supported: YesNo, enums: &[SupportEnum], found: &mut Problems) {
    if !supported.0 && enums.iter().any(|one| !one.values.is_empty()) {
        found.add("@supported", "there are words for what is not there; write supported='yes', or remove them");
    }
    found.unique("enum/@name", "enum", enums.iter().map(|one| &one.name));
    found.each("enum", enums, |found, one| found.unique("value", "value", &one.values));
}

fn mode(mode: &CpuModeSupport, found: &mut Problems) {
    enums(mode.supported, &mode.enums, found);
    let models = || {
        mode.models.iter().filter_map(|entry| match entry {
            CpuModelEntry::Model(model) => model.name.as_ref(),
            CpuModelEntry::Blockers(_) => None,
        })
    };
    found.unique("model", "model", models());
    if mode.mode == CpuMode::HostModel && models().count() > 1 {
        found.add("model", "a host has one model; keep one");
    }
    for entry in &mode.models {
        match entry {
            CpuModelEntry::Blockers(blockers) if !models().any(|model| *model == blockers.model) => {
                found.add("blockers/@model", format!("there is no model '{}'; add it, or remove the element", blockers.model));
            }
            _ => {}
        }
    }
}
