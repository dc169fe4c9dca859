//! Tests of the planner: the command line of every completed fixture, refusals, and whether the real QEMU takes it all.

mod golden;
mod live;
mod nics;
pub mod real;
mod refusals;
mod resources;

use std::path::{Path, PathBuf};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Device, InterfaceType, MemoryModel};

use crate::hypervisors::qemu::capabilities::Capabilities;
use crate::hypervisors::qemu::choices::Choices;
use crate::hypervisors::qemu::firmware::FirmwareDescriptor;
use crate::hypervisors::qemu::input::{HostFacts, Nics, Operator, PlanInput, Ports, Programs};

/// Facts about a host that has everything, owned.
pub struct Host {
    pub capabilities: Capabilities,
    pub firmware: Vec<FirmwareDescriptor>,
    pub programs: Programs,
    pub facts: HostFacts,
    pub choices: Choices,
    runtime: PathBuf,
    nvram: PathBuf,
    tpm: PathBuf,
    nics: Nics,
}

impl Host {
    fn new(capabilities: Capabilities) -> Self {
        let program = |name: &str| Some(Path::new("/usr/bin").join(name));
        Self {
            capabilities,
            firmware: firmware(),
            programs: Programs {
                qemu_img: program("qemu-img"),
                swtpm: program("swtpm"),
                passt: program("passt"),
                virtiofsd: Some("/usr/libexec/virtiofsd".into()),
            },
            facts: HostFacts { vhost_vsock: true, vfio: true, ..HostFacts::default() },
            choices: Choices::default(),
            runtime: "/run/lodge/qemu/guest".into(),
            nvram: "/var/lib/lodge/qemu/nvram/guest.qcow2".into(),
            tpm: "/var/lib/lodge/qemu/tpm/guest".into(),
            nics: Nics::new(),
        }
    }

    /// As recorded from a real QEMU of this version.
    pub fn recorded(version: &str) -> Self {
        let text = read(&fixtures().join(format!("qemu/capabilities-{version}.json")));
        Self::new(serde_json::from_str(&text).unwrap())
    }

    fn input(&self) -> PlanInput<'_> {
        PlanInput {
            capabilities: &self.capabilities,
            firmware: &self.firmware,
            programs: &self.programs,
            host: &self.facts,
            operator: Operator::Service,
            session: true,
            choices: &self.choices,
            runtime: &self.runtime,
            nvram: &self.nvram,
            tpm: &self.tpm,
            ports: Ports { vnc: Some(5901), websocket: Some(5701), spice: Some(5902) },
            vsock_cid: Some(3),
            nics: &self.nics,
            now: 1_700_000_000,
        }
    }
}

/// What Debian's package ovmf describes.
fn firmware() -> Vec<FirmwareDescriptor> {
    let flash = |code: &str, variables: &str, machine: &str, features: &str| {
        let text = format!(
            r#"{{"interface-types":["uefi"],"mapping":{{"device":"flash",
            "executable":{{"filename":"/usr/share/OVMF/{code}","format":"raw"}},
            "nvram-template":{{"filename":"/usr/share/OVMF/{variables}","format":"raw"}}}},
            "targets":[{{"architecture":"x86_64","machines":["{machine}"]}}],"features":[{features}]}}"#
        );
        FirmwareDescriptor::parse(&text).unwrap()
    };
    let secure = r#""enrolled-keys","requires-smm","secure-boot""#;
    vec![
        flash("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", "pc-q35-*", secure),
        flash("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd", "pc-q35-*", r#""requires-smm","secure-boot""#),
        flash("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "pc-*", r#""acpi-s3""#),
    ]
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The completed fixtures by name.
fn completed() -> Vec<(String, Domain)> {
    let directory = fixtures().join("completed");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".xml")) else {
            continue;
        };
        found.push((name.to_owned(), Domain::parse(&read(&path)).unwrap().0));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!found.is_empty(), "no fixtures in {}", directory.display());
    found
}

/// The definition without what this version refuses by design; the refusals have tests of their own.
fn supported(mut domain: Domain) -> Domain {
    domain.launch_security = None;
    domain.throttle_groups = None;
    domain.devices.list.retain(|device| match device {
        Device::Shmem(_) | Device::Pstore(_) | Device::Lease(_) | Device::Nvram(_) => false,
        Device::MemoryDevice(memory) => memory.model == MemoryModel::Dimm,
        _ => true,
    });
    for interface in domain.devices.interfaces_mut() {
        if matches!(interface.kind, InterfaceType::Bridge | InterfaceType::Direct | InterfaceType::Network | InterfaceType::Ethernet) {
            interface.kind = InterfaceType::User;
        }
    }
    domain
}
