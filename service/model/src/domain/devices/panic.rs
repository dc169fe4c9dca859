//! Panic devices: the guest's kernel tells that it crashed.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::{element, keywords};

keywords! {
    /// How a guest tells.
    pub enum PanicModel {
        /// An ISA port.
        Isa = "isa",
        /// A PCI device.
        Pvpanic = "pvpanic",
        /// The firmware of POWER machines.
        Pseries = "pseries",
        /// The Hyper-V interface.
        Hyperv = "hyperv",
        /// The firmware of S/390 machines.
        S390 = "s390",
    }
}

element! {
    /// A panic device: `<panic>`.
    pub struct Panic {
        /// How the guest tells; chosen by the machine when left out.
        attr "model" model: Option<PanicModel>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}
