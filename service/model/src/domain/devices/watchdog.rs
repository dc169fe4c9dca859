//! Watchdogs: devices that act when the guest no longer answers.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::{element, keywords};

keywords! {
    /// What a watchdog does.
    pub enum WatchdogAction {
        /// Resets the guest.
        Reset = "reset",
        /// Asks the guest to shut down.
        Shutdown = "shutdown",
        /// Turns the guest off.
        Poweroff = "poweroff",
        /// Pauses the guest.
        Pause = "pause",
        /// Nothing.
        None = "none",
        /// Dumps the guest's memory.
        Dump = "dump",
        /// Interrupts the guest so that it dumps itself.
        InjectNmi = "inject-nmi",
    }
}

element! {
    /// A watchdog: `<watchdog>`.
    pub struct Watchdog {
        /// `i6300esb`, `ib700`, `diag288`, `itco`; open, as hypervisors add models.
        required "model" model: String,
        /// What it does; a reset when left out.
        attr "action" action: Option<WatchdogAction>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}
