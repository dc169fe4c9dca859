//! The guests that a host can run.

use crate::domain::DomainType;
use crate::xml::{OnOff, YesNo};
use crate::{element, keywords};

keywords! {
    /// What kind of guest it is. Unlike in a domain, `xen` and `linux` are two words here.
    pub enum GuestOs {
        /// Fully virtualized, with firmware.
        Hvm = "hvm",
        /// Paravirtualized on Xen.
        Xen = "xen",
        /// The same, as older documents say it.
        Linux = "linux",
        /// Xen guest with hardware virtualization but without emulated devices.
        XenPvh = "xenpvh",
        /// A container that runs a program.
        Exe = "exe",
        /// User mode Linux.
        Uml = "uml",
    }
}

element! {
    /// Guests of one kind and architecture.
    pub struct Guest {
        /// The kind.
        required_leaf "os_type" os: GuestOs,
        /// The architecture.
        child "arch" arch: Option<GuestArch>,
        /// What they can have, whatever their machine.
        child "features" features: Option<GuestFeatures>,
    }
}

element! {
    /// An architecture of guests.
    pub struct GuestArch {
        /// Its name, such as `x86_64`.
        required "name" name: String,
        /// Bits of a word: 31, 32 or 64.
        required_leaf "wordsize" word_bits: u32,
        /// Absolute path of the program that runs them.
        leaf "emulator" emulator: Option<String>,
        /// Absolute path of their boot loader.
        leaf "loader" loader: Option<String>,
        /// Their machines.
        children "machine" machines: Vec<GuestMachine>,
        /// The types of domains that can be used for them.
        children "domain" domains: Vec<GuestDomain>,
    }
}

element! {
    /// A machine type, or another name of one.
    pub struct GuestMachine {
        /// The name that this one stands for, where it does.
        attr "canonical" canonical: Option<String>,
        /// Most virtual processors.
        attr "maxCpus" max_cpus: Option<u32>,
        /// Whether the hypervisor will drop it.
        attr "deprecated" deprecated: Option<YesNo>,
        /// The name.
        text "" name: Option<String>,
    }
}

element! {
    /// A type of domains.
    pub struct GuestDomain {
        /// The type.
        required "type" kind: DomainType,
        /// Absolute path of the program, where it is another than that of the architecture.
        leaf "emulator" emulator: Option<String>,
        /// Machines, where they are others.
        children "machine" machines: Vec<GuestMachine>,
    }
}

element! {
    /// What guests can have.
    pub struct GuestFeatures {
        /// Physical address extension.
        flag "pae" pae: bool,
        /// Doing without it.
        flag "nonpae" nonpae: bool,
        /// Running in big-endian mode (IA64).
        flag "ia64_be" ia64_big_endian: bool,
        /// ACPI.
        child "acpi" acpi: Option<FeatureToggle>,
        /// Local interrupt controllers.
        child "apic" apic: Option<FeatureToggle>,
        /// A `<cpu>` of the definition's choice.
        flag "cpuselection" cpu_selection: bool,
        /// A boot order by device.
        flag "deviceboot" device_boot: bool,
        /// External snapshots of disks.
        child "disksnapshot" disk_snapshot: Option<FeatureToggle>,
        /// Hardware assisted paging.
        child "hap" hap: Option<FeatureToggle>,
        /// Going back to external snapshots and removing them.
        flag "externalSnapshot" external_snapshot: bool,
    }
}

element! {
    /// A feature that is there or not.
    pub struct FeatureToggle {
        /// Whether it is there when a definition says nothing.
        required "default" default: OnOff,
        /// Whether a definition can say otherwise.
        required "toggle" toggle: YesNo,
    }
}

impl FeatureToggle {
    /// One that is so by default, and can be changed or not.
    pub fn new(default: OnOff, toggle: YesNo) -> Self {
        Self { default, toggle, ..Self::default() }
    }
}
