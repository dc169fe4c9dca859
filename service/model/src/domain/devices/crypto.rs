//! Cryptographic accelerators of the guest.

use super::address::Address;
use super::parts::{Acpi, Alias, VirtioDriver};
use crate::{element, keywords};

keywords! {
    /// What the guest sees.
    pub enum CryptoModel {
        /// virtio.
        Virtio = "virtio",
    }
}

keywords! {
    /// Who serves an accelerator.
    pub enum CryptoType {
        /// The hypervisor.
        Qemu = "qemu",
    }
}

keywords! {
    /// Who computes.
    pub enum CryptoBackendModel {
        /// The hypervisor.
        Builtin = "builtin",
        /// The kernel.
        Lkcf = "lkcf",
    }
}

element! {
    /// A cryptographic accelerator: `<crypto>`.
    pub struct Crypto {
        /// What the guest sees.
        required "model" model: CryptoModel,
        /// Who serves it.
        required "type" kind: CryptoType,
        /// Who computes.
        child "backend" backend: Option<CryptoBackend>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<VirtioDriver>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// Who computes.
    pub struct CryptoBackend {
        /// Who.
        required "model" model: CryptoBackendModel,
        /// Queues, from 1.
        attr "queues" queues: Option<u32>,
    }
}
