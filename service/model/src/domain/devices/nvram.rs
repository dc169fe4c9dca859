//! Non-volatile memory of POWER machines.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::element;

element! {
    /// Non-volatile memory: `<nvram>`.
    pub struct Nvram {
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}
