//! USB hubs of the guest.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::{element, keywords};

keywords! {
    /// The bus that a hub is for.
    pub enum HubType {
        /// USB.
        Usb = "usb",
    }
}

element! {
    /// A hub: `<hub>`.
    pub struct Hub {
        /// Its bus.
        required "type" kind: HubType,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}
