//! The script of every fixture that QEMU can run, for a QEMU 10.0 that was asked, and of some of them for a host without QEMU.
//! UPDATE_EXPECT=1 writes what is there now.

use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::devices::{Device, MemoryModel};
use lodge_model::domain::{Domain, DomainType};

use super::{bare, planner, recorded, script};
use crate::hypervisors::qemu::script::Host;

const ROOT: &str = "/home/user/lodge";
/// One of the oldest, one with firmware and a program beside it, and one with one of everything.
const WITHOUT_QEMU: [&str; 4] = ["qemu-i686-disk", "virt-install-q35", "q35-everything", "boxes"];

/// Definitions by name, without what this version refuses by design.
fn definitions() -> Vec<(String, Domain)> {
    let entries = std::fs::read_dir(planner::fixtures().join("domain")).unwrap();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name()?.to_str()?.strip_suffix(".xml").filter(|name| !name.contains('.'))?.to_owned();
            let (domain, _) = Domain::parse(&planner::read(&path)).ok()?;
            matches!(domain.kind, DomainType::Qemu | DomainType::Kvm).then(|| (name, writable(domain)))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(found.len() > 10, "only {} fixtures", found.len());
    found
}

fn writable(mut domain: Domain) -> Domain {
    domain.launch_security = None;
    domain.throttle_groups = None;
    domain.devices.list.retain(|device| match device {
        Device::Shmem(_) | Device::Pstore(_) | Device::Lease(_) | Device::Nvram(_) => false,
        Device::MemoryDevice(memory) => memory.model == MemoryModel::Dimm,
        _ => true,
    });
    domain
}

fn check<'a>(folder: &str, definitions: impl IntoIterator<Item = &'a (String, Domain)>, host: impl Fn(&Domain) -> Host) {
    let folder = planner::fixtures().join("native/to-argv").join(folder);
    let mut wrong = Vec::new();
    for (name, domain) in definitions {
        let (text, warnings) = match script(domain, &host(domain), Path::new(ROOT)) {
            Ok(written) => (written.text, written.warnings.into_iter().map(|warning| warning + "\n").collect()),
            Err(error) => (String::new(), format!("refused: {error}\n")),
        };
        for (extension, found) in [("argv", text), ("warnings", warnings)] {
            let path = folder.join(format!("{name}.{extension}"));
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                let written = if found.is_empty() { std::fs::remove_file(&path).or(Ok(())) } else { std::fs::write(&path, &found) };
                written.unwrap();
            } else if std::fs::read_to_string(&path).unwrap_or_default() != found {
                wrong.push(format!("{}:\n{found}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "differs from what is expected (UPDATE_EXPECT=1 rewrites):\n{}", wrong.join("\n"));
}

#[test]
fn scripts_for_qemu_10_are_as_recorded() {
    let host = recorded("10.0");
    check("", &definitions(), |_| host.clone());
}

#[test]
fn scripts_for_a_host_without_qemu_are_as_recorded() {
    let definitions = definitions();
    let chosen = definitions.iter().filter(|(name, _)| WITHOUT_QEMU.contains(&name.as_str()));
    check("assumed", chosen, bare);
}
