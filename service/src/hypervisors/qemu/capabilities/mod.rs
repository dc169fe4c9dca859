//! What a QEMU binary can do: its version, machines, devices, processors and back ends.
//!
//! Asked of the binary itself over QMP ([`probe`]), about a quarter of a second, and kept in a [`Cache`] as long as the
//! binary, its modules and the host's KVM stay the same. This module holds the answer and the questions that the
//! validator and the command line put to it; nothing here starts anything.

mod cache;
mod emulator;
mod error;
mod probe;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lodge_model::domain::DomainType;
use serde::{Deserialize, Serialize};

use super::qmp::Version;

pub use cache::Cache;
pub use emulator::{Arch, find_emulator};
pub use error::CapabilitiesError;
pub use probe::{Answers, kvm_usable, parse_list, probe};

/// What one QEMU binary can do on this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Path of the binary.
    pub emulator: PathBuf,
    /// Its version.
    pub version: Version,
    /// The architecture it emulates, in QEMU's names (`x86_64`, `i386`).
    pub target: String,
    /// KVM as this service sees it.
    pub kvm: Kvm,
    /// Machine types by their own names; for aliases see [`Capabilities::machine`].
    pub machines: BTreeMap<String, Machine>,
    /// Processor models by name. What is unavailable is so under KVM when [`Kvm::usable`], else in emulation.
    pub cpu_models: BTreeMap<String, CpuModel>,
    /// Properties of processors by which KVM shows guests a Hyper-V; none where KVM cannot.
    #[serde(default)]
    pub hyperv: BTreeSet<String>,
    /// Names for `-device`, with those of modules that are installed.
    pub devices: BTreeSet<String>,
    /// Names for `-object`.
    pub objects: BTreeSet<String>,
    /// Names for `-chardev`.
    pub chardevs: BTreeSet<String>,
    /// Names for `-netdev`.
    pub netdevs: BTreeSet<String>,
    /// Names for `-audiodev`.
    pub audiodevs: BTreeSet<String>,
    /// Names for `-display`.
    pub displays: BTreeSet<String>,
    /// Drivers for `-blockdev`. Compiled in; a module (`qemu-block-extra` on Debian) may be missing.
    pub block_drivers: BTreeSet<String>,
    /// Command-line options that take parameters, with the parameters each has.
    pub options: BTreeMap<String, BTreeSet<String>>,
    /// QMP commands.
    pub commands: BTreeSet<String>,
    /// Nobody was asked: all that there may be is taken to be there, whatever the sets above hold.
    #[serde(skip)]
    pub assumed: bool,
}

/// State of KVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kvm {
    /// QEMU was built with it.
    pub built_in: bool,
    /// `/dev/kvm` could be opened and QEMU accepted it. No promise that every guest runs.
    pub usable: bool,
    /// Most processors that a guest can have, where the kernel tells.
    #[serde(default)]
    pub max_vcpus: Option<u32>,
}

/// A machine type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// Its full name, as `pc-q35-10.0`.
    pub name: String,
    /// A shorter one that means this in this version of QEMU, as `q35`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The one that is taken when none is named.
    #[serde(default)]
    pub is_default: bool,
    /// Processors it can have, at most.
    pub cpu_max: u32,
    /// Processors can be added to the running machine.
    #[serde(default)]
    pub hotpluggable_cpus: bool,
    /// Memory and processors can be put into NUMA nodes.
    #[serde(default)]
    pub numa_mem_supported: bool,
    /// QEMU's people will remove it.
    #[serde(default)]
    pub deprecated: bool,
    /// The processor it has unless one is named, as a type (`qemu64-x86_64-cpu`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_cpu_type: Option<String>,
    /// The id of its memory, for `memory-backend=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_ram_id: Option<String>,
}

/// A processor model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CpuModel {
    /// As for `-cpu`.
    pub name: String,
    /// Features it has that this host cannot give; `None` when QEMU does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_features: Option<Vec<String>>,
    /// QEMU's people will remove it.
    #[serde(default)]
    pub deprecated: bool,
    /// The versioned model that a name without a version stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<String>,
}

impl CpuModel {
    /// Whether a guest gets all of its features here.
    pub fn is_usable(&self) -> bool {
        self.unavailable_features.as_ref().is_none_or(Vec::is_empty)
    }
}

impl Capabilities {
    /// The machine type of this name or alias: `q35` gives `pc-q35-10.0`.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        let aliased = || self.machines.values().find(|machine| machine.alias.as_deref() == Some(name));
        self.machines.get(name).or_else(aliased)
    }

    /// The machine type that is taken when none is named.
    pub fn default_machine(&self) -> Option<&Machine> {
        self.machines.values().find(|machine| machine.is_default)
    }

    /// Most processors of a guest with this machine, under KVM or in emulation.
    pub fn max_vcpus(&self, machine: &Machine, kind: DomainType) -> u32 {
        let limit = self.kvm.max_vcpus.filter(|_| kind == DomainType::Kvm);
        machine.cpu_max.min(limit.unwrap_or(u32::MAX))
    }

    /// Whether `-cpu NAME` is known.
    pub fn has_cpu_model(&self, name: &str) -> bool {
        self.assumed || self.cpu_models.contains_key(name)
    }

    /// Whether `-device NAME` is known. Devices without a bus of their own kind have one name per bus
    /// (`virtio-net-pci`); the name without a bus (`virtio-net`) is an alias of the command line and not known here.
    pub fn has_device(&self, name: &str) -> bool {
        self.assumed || self.devices.contains(name)
    }

    /// Whether `-object NAME` is known.
    pub fn has_object(&self, name: &str) -> bool {
        self.assumed || self.objects.contains(name)
    }

    /// Whether `-chardev NAME` is known.
    pub fn has_chardev(&self, name: &str) -> bool {
        self.assumed || self.chardevs.contains(name)
    }

    /// Whether `-netdev NAME` is known.
    pub fn has_netdev(&self, name: &str) -> bool {
        self.assumed || self.netdevs.contains(name)
    }

    /// Whether `-audiodev NAME` is known and its module installed.
    pub fn has_audiodev(&self, name: &str) -> bool {
        self.assumed || self.audiodevs.contains(name)
    }

    /// Whether `-display NAME` is known and its module installed.
    pub fn has_display(&self, name: &str) -> bool {
        self.assumed || self.displays.contains(name)
    }

    /// Whether `-blockdev NAME` is compiled in.
    pub fn has_block_driver(&self, name: &str) -> bool {
        self.assumed || self.block_drivers.contains(name)
    }

    /// Whether the QMP command is known.
    pub fn has_command(&self, name: &str) -> bool {
        self.assumed || self.commands.contains(name)
    }

    /// Whether the command line has the option `-NAME`, of those that take parameters.
    pub fn has_option(&self, name: &str) -> bool {
        self.assumed || self.options.contains_key(name)
    }

    /// Whether the option `-NAME` has this parameter.
    pub fn has_option_parameter(&self, name: &str, parameter: &str) -> bool {
        self.assumed || self.options.get(name).is_some_and(|parameters| parameters.contains(parameter))
    }

    /// Whether it can show its guest by SPICE: compiled in, and the modules installed.
    pub fn has_spice(&self) -> bool {
        self.has_option("spice") && self.has_chardev("spicevmc")
    }

    /// Whether it can show its guest by VNC.
    pub fn has_vnc(&self) -> bool {
        self.has_option("vnc")
    }

    /// Whether it can shut itself into a seccomp sandbox.
    pub fn has_sandbox(&self) -> bool {
        self.has_option_parameter("sandbox", "enable")
    }
}

#[cfg(test)]
mod tests;
