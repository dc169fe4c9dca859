//! What must hold of a host's capabilities. Nobody writes them by hand, but programs do.

use super::{Capabilities, GuestArch, GuestMachine, Host, HostCells};
use crate::document::Problems;

/// Bits that a word can have.
const WORD_BITS: [u32; 3] = [31, 32, 64];

/// Tells every problem of a host's capabilities.
pub(super) fn check(capabilities: &Capabilities, found: &mut Problems) {
    found.inside("host", |found| host(&capabilities.host, found));
    found.each("guest", &capabilities.guests, |found, guest| match &guest.arch {
        Some(one) => found.inside("arch", |found| arch(one, found)),
        None => found.add("arch", "the guest has no architecture; write <arch name='…'>"),
    });
    let kinds = capabilities.guests.iter().filter_map(|guest| Some(format!("{} {}", guest.os, guest.arch.as_ref()?.name)));
    found.unique("guest", "the kind of guest", kinds);
}

fn host(host: &Host, found: &mut Problems) {
    if host.cpu.is_none() {
        found.add("cpu", "the host has no processor; write <cpu> with its <arch>");
    }
    match host.topology.as_ref().map(|topology| &topology.cells) {
        None => {}
        Some(None) => found.add("topology/cells", "the topology has no cells; write them, or remove <topology>"),
        Some(Some(all)) => found.inside("topology/cells", |found| cells(all, found)),
    }
    let banks = host.cache.iter().flat_map(|cache| &cache.banks);
    found.unique("cache/bank", "the cache", banks.map(|bank| format!("{} of level {}", bank.id, bank.level)));
    found.unique("secmodel/model", "model", host.security_models.iter().map(|one| &one.model));
}

fn cells(all: &HostCells, found: &mut Problems) {
    count(found, "cell", all.count, all.cells.len());
    found.unique("cell/@id", "cell", all.cells.iter().map(|cell| cell.id));
    found.each("cell", &all.cells, |found, cell| {
        if let Some(cpus) = &cell.cpus {
            found.inside("cpus", |found| count(found, "cpu", cpus.count, cpus.cpus.len()));
        }
        found.each("cpus/cpu", cell.cpus.as_ref().map_or(&[][..], |cpus| &cpus.cpus), |found, cpu| {
            if cpu.siblings.as_ref().is_some_and(|siblings| !siblings.iter().any(|sibling| sibling == cpu.id)) {
                found.add("@siblings", format!("processor {} is not among the processors of its own core; add it", cpu.id));
            }
        });
    });
    let cpus = all.cells.iter().filter_map(|cell| cell.cpus.as_ref()).flat_map(|cpus| &cpus.cpus);
    found.unique("cell/cpus/cpu/@id", "processor", cpus.map(|cpu| cpu.id));
}

fn count(found: &mut Problems, element: &str, said: u32, there: usize) {
    if usize::try_from(said) != Ok(there) {
        found.add("@num", format!("there are {there} <{element}> elements, and {said} are announced; write num='{there}'"));
    }
}

fn arch(arch: &GuestArch, found: &mut Problems) {
    if !WORD_BITS.contains(&arch.word_bits) {
        found.add("wordsize", format!("no word has {} bits; write 31, 32 or 64", arch.word_bits));
    }
    for (path, file) in [("emulator", &arch.emulator), ("loader", &arch.loader)] {
        if let Some(file) = file {
            found.absolute(path, file);
        }
    }
    machines(&arch.machines, found);
    if arch.domains.is_empty() {
        found.add("domain", "no type of domains is for this architecture; write <domain type='…'/>");
    }
    found.unique("domain/@type", "type", arch.domains.iter().map(|domain| domain.kind));
    found.each("domain", &arch.domains, |found, domain| {
        if let Some(emulator) = &domain.emulator {
            found.absolute("emulator", emulator);
        }
        machines(&domain.machines, found);
    });
}

fn machines(machines: &[GuestMachine], found: &mut Problems) {
    if machines.iter().any(|machine| machine.name.as_ref().is_none_or(|name| name.trim().is_empty())) {
        found.add("machine", "a machine has no name; write it into the element, or remove that");
    }
    found.unique("machine", "machine", machines.iter().filter_map(|machine| machine.name.as_ref()));
}
