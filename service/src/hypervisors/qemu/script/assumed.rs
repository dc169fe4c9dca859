//! A host on which nobody has looked: a QEMU of today that has everything, and every program and firmware where Debian has
//! them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lodge_model::domain::Domain;

use crate::hypervisors::qemu::capabilities::{Capabilities, Kvm, Machine};
use crate::hypervisors::qemu::complete::architecture;
use crate::hypervisors::qemu::firmware::{FirmwareDescriptor, FlashFile, Mapping, Target};
use crate::hypervisors::qemu::input::{Host, HostFacts, Programs};
use crate::hypervisors::qemu::qmp::{Release, Version};

/// The version whose spelling is used.
const TODAY: Release = Release { major: 10, minor: 0, micro: 0 };
/// The machine of definitions that name none, as in QEMU itself.
const DEFAULT_MACHINE: &str = "pc";
/// Most processors that a PC of today's QEMU has.
const MOST_PROCESSORS: u32 = 4096;

/// Firmware of Debian's package ovmf, in the order of its descriptions: code, variables, machines, features.
const FIRMWARE: [(&str, &str, &[&str], &[&str]); 3] = [
    ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", &["q35", "pc-q35-*"], &["enrolled-keys", "requires-smm", "secure-boot"]),
    ("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd", &["q35", "pc-q35-*"], &["requires-smm", "secure-boot"]),
    ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", &["pc", "q35", "pc-*"], &[]),
];

/// The host with everything that it may lack.
pub fn host(domain: &Domain, host: &Host) -> Host {
    let program = |found: &Option<PathBuf>, name: &str| Some(found.clone().unwrap_or_else(|| name.into()));
    let programs = Programs {
        qemu_img: program(&host.programs.qemu_img, "qemu-img"),
        swtpm: program(&host.programs.swtpm, "swtpm"),
        passt: program(&host.programs.passt, "passt"),
        // It is not meant to be called by people, and so in no PATH.
        virtiofsd: program(&host.programs.virtiofsd, "/usr/libexec/virtiofsd"),
    };
    Host {
        capabilities: Arc::new(of_emulator(domain, &host.capabilities.emulator)),
        firmware: host.firmware.iter().cloned().chain(firmware()).collect(),
        programs,
        devices: HostFacts { vhost_vsock: true, vfio: true, ..HostFacts::default() },
    }
}

/// What the QEMU that a definition names can do, or the one with the usual name.
pub fn capabilities(domain: &Domain) -> Capabilities {
    let usual = if architecture(domain) == "i686" { "/usr/bin/qemu-system-i386" } else { "/usr/bin/qemu-system-x86_64" };
    let named = domain.devices.emulator.as_deref().map(str::trim).filter(|path| !path.is_empty());
    of_emulator(domain, Path::new(named.unwrap_or(usual)))
}

/// Machine types are taken as they are written: what an alias stands for is the emulator's secret.
fn of_emulator(domain: &Domain, emulator: &Path) -> Capabilities {
    let written = domain.os.os_type.as_ref().and_then(|kind| kind.machine.clone());
    let name = written.unwrap_or_else(|| DEFAULT_MACHINE.to_owned());
    let machine = Machine {
        name: name.clone(),
        alias: None,
        is_default: true,
        cpu_max: MOST_PROCESSORS,
        hotpluggable_cpus: true,
        numa_mem_supported: true,
        deprecated: false,
        default_cpu_type: None,
        default_ram_id: None,
    };
    let target = if emulator.to_string_lossy().ends_with("x86_64") || architecture(domain) != "i686" { "x86_64" } else { "i386" };
    Capabilities {
        emulator: emulator.to_owned(),
        version: Version { qemu: TODAY, package: String::new() },
        target: target.to_owned(),
        kvm: Kvm { built_in: true, usable: true, max_vcpus: None },
        machines: BTreeMap::from([(name, machine)]),
        cpu_models: BTreeMap::default(),
        hyperv: Default::default(),
        devices: Default::default(),
        objects: Default::default(),
        chardevs: Default::default(),
        netdevs: Default::default(),
        audiodevs: Default::default(),
        displays: Default::default(),
        block_drivers: Default::default(),
        options: BTreeMap::default(),
        commands: Default::default(),
        assumed: true,
    }
}

fn firmware() -> impl Iterator<Item = FirmwareDescriptor> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let file = |name: &str| FlashFile { filename: format!("/usr/share/OVMF/{name}"), format: "raw".to_owned() };
    FIRMWARE.iter().map(move |(code, variables, machines, features)| FirmwareDescriptor {
        interface_types: words(&["uefi"]),
        mapping: Mapping::Flash { mode: None, executable: file(code), nvram_template: Some(file(variables)) },
        targets: vec![Target { architecture: "x86_64".to_owned(), machines: words(machines) }],
        features: words(features),
    })
}
