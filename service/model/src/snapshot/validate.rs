//! What must hold of a snapshot, whatever hypervisor takes it.

use std::collections::HashMap;

use super::{Snapshot, SnapshotDisk, SnapshotDisks, SnapshotDomain, SnapshotState};
use crate::document::{Document, Problems};
use crate::domain::Domain;
use crate::domain::devices::{Disk, DiskSnapshot, DiskSource, DiskType};
use crate::storage_volume::VolumeFormat;
use crate::xml::Value;

/// Tells every problem of a snapshot.
pub(super) fn check(snapshot: &Snapshot, found: &mut Problems) {
    names(snapshot, found);
    memory(snapshot, found);
    let domain = match &snapshot.domain {
        Some(SnapshotDomain::Whole(domain)) => Some(&**domain),
        _ => None,
    };
    for (name, part) in [("disks", &snapshot.disks), ("revertDisks", &snapshot.revert_disks)] {
        if let Some(part) = part {
            found.inside(name, |found| disks(part, domain, found));
        }
    }
    for (name, domain) in [("domain", domain), ("inactiveDomain", snapshot.inactive_domain.as_deref())] {
        if let Some(domain) = domain {
            found.inside(name, |found| domain.check(found));
        }
    }
    if let Some(SnapshotDomain::Identity(identity)) = &snapshot.domain
        && identity.uuid.is_none()
    {
        found.add("domain/uuid", "it is not said which domain it was; write its <uuid>, or the whole definition with type='…'");
    }
}

fn names(snapshot: &Snapshot, found: &mut Problems) {
    if let Some(name) = &snapshot.name {
        found.name("name", "snapshot", name);
    }
    let Some(parent) = &snapshot.parent else { return };
    found.name("parent/name", "parent snapshot", &parent.name);
    if snapshot.name.as_ref() == Some(&parent.name) {
        found.add("parent/name", format!("the snapshot '{}' cannot come after itself; name another, or remove <parent>", parent.name));
    }
}

fn memory(snapshot: &Snapshot, found: &mut Problems) {
    let Some(memory) = &snapshot.memory else { return };
    let location = memory.location();
    match (location, &memory.file) {
        (Some(DiskSnapshot::External), None) => {
            found.add("memory/@file", "it is not said where the memory is saved; write the absolute path of a new file, file='/…'");
        }
        (Some(DiskSnapshot::External), Some(file)) => found.absolute("memory/@file", file),
        (Some(other), Some(_)) => {
            found.add("memory/@file", format!("memory is saved to a file with snapshot='external', here it is '{other}'; remove one"));
        }
        (_, None) | (None, _) => {}
    }
    match (location, snapshot.state) {
        (Some(DiskSnapshot::Manual), _) => {
            let reason = "'manual' is for disks, memory is saved by the service or not at all; write one of 'no', 'internal', 'external'";
            found.add("memory/@snapshot", reason);
        }
        (Some(DiskSnapshot::Internal | DiskSnapshot::External), Some(state @ (SnapshotState::Shutoff | SnapshotState::DiskSnapshot))) => {
            found.add("memory/@snapshot", format!("in the state '{state}' there is no memory to save; write snapshot='no'"));
        }
        _ => {}
    }
}

fn disks(part: &SnapshotDisks, domain: Option<&Domain>, found: &mut Problems) {
    found.unique("disk/@name", "disk", part.disks.iter().map(|disk| &disk.name));
    let mut targets = HashMap::new();
    found.each("disk", &part.disks, |found, disk| {
        name(disk, found);
        new_image(disk, found);
        let Some(domain) = domain.filter(|_| !disk.name.trim().is_empty()) else { return };
        match find(domain, &disk.name) {
            Err(reason) => found.add("@name", reason),
            // The same name twice is told above.
            Ok(target) => match targets.insert(target, &disk.name) {
                Some(other) if *other != disk.name => {
                    found.add("@name", format!("'{}' is the same disk as '{other}'; keep one of them", disk.name));
                }
                _ => {}
            },
        }
    });
}

fn name(disk: &SnapshotDisk, found: &mut Problems) {
    if disk.name.trim().is_empty() {
        found.add("@name", "it is not said which disk; write the name of its target, such as name='vda'");
    } else if disk.name.contains('/') {
        found.absolute("@name", &disk.name);
    }
}

/// The target of the disk of a domain that goes by this name.
fn find<'a>(domain: &'a Domain, name: &str) -> Result<&'a str, String> {
    let mut by_target = domain.devices.disks().filter(|disk| disk.target_dev() == name);
    if let Some(disk) = by_target.next() {
        return Ok(disk.target_dev());
    }
    let image = |disk: &&Disk| match disk.source_view() {
        Ok(DiskSource::File { path } | DiskSource::Block { path }) => path == name,
        _ => false,
    };
    let disks: Vec<&Disk> = domain.devices.disks().filter(image).collect();
    match disks[..] {
        [disk] => Ok(disk.target_dev()),
        [] => Err(format!("the domain has no disk '{name}'; write the name of a target, such as name='vda'")),
        _ => Err(format!("{} disks of the domain have the image '{name}'; write the name of the target", disks.len())),
    }
}

fn new_image(disk: &SnapshotDisk, found: &mut Problems) {
    let Some(location) = disk.location() else { return };
    if location != DiskSnapshot::External {
        for (path, there) in [("@type", disk.kind.is_some()), ("driver", disk.driver.is_some()), ("source", disk.source.is_some())] {
            if there {
                found.add(path, format!("a new image is for snapshot='external', and this disk has '{location}'; remove it"));
            }
        }
        return;
    }
    let format = disk.driver.as_ref().and_then(|driver| driver.kind.as_deref()).and_then(VolumeFormat::parse);
    if let Some(format) = format.filter(|format| format.stands_alone()) {
        found.add("driver/@type", format!("a new image of the format '{format}' cannot be laid over the old one; write type='qcow2'"));
    }
    let kind = disk.kind.unwrap_or_default();
    if !matches!(kind, DiskType::File | DiskType::Block | DiskType::Network) {
        found.add("@type", format!("a new image cannot be of the type '{kind}'; write one of 'file', 'block', 'network'"));
        return;
    }
    match DiskSource::of(kind, disk.source.as_ref(), "disk") {
        // The name of a file is made up.
        Ok(DiskSource::Empty) if kind == DiskType::File => {}
        Ok(DiskSource::Empty) => found.add("source", DiskSource::missing(kind, "disk").to_string()),
        Ok(DiskSource::File { path }) => found.absolute("source/@file", path),
        Ok(DiskSource::Block { path }) => found.absolute("source/@dev", path),
        Ok(_) => {}
        Err(problem) => found.add("source", problem.to_string()),
    }
}
