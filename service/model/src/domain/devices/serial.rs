//! Serial ports of the guest.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::parts::{Acpi, Alias};
use super::problem::Problem;
use crate::element;

element! {
    /// A serial port: `<serial>`.
    pub struct Serial {
        /// What is at the host's end; a pseudo terminal when left out.
        attr "type" kind: Option<ChardevType>,
        /// Path of the pseudo terminal while the guest runs; the older form of the source's path.
        attr "tty" tty: Option<String>,
        /// Where the bytes go.
        children "source" sources: Vec<ChardevSourceElement>,
        /// What is spoken on a TCP connection.
        child "protocol" protocol: Option<Protocol>,
        /// A copy of what the guest writes.
        child "log" log: Option<Log>,
        /// What the guest sees.
        child "target" target: Option<SerialTarget>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the guest sees a serial port.
    pub struct SerialTarget {
        /// `isa-serial`, `usb-serial`, `pci-serial`, `isa-debug`, …; open, as hypervisors add kinds.
        attr "type" kind: Option<String>,
        /// Number of the port, from 0.
        attr "port" port: Option<u32>,
        /// The hypervisor's device.
        child "model" model: Option<SerialModel>,
    }
}

element! {
    /// The hypervisor's device for a serial port.
    pub struct SerialModel {
        /// Its name such as `isa-serial`; open, as hypervisors add devices.
        attr "name" name: Option<String>,
    }
}

impl Serial {
    /// Where the bytes go.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<ChardevSource<'_>, Problem> {
        match ChardevSource::of("serial", self.kind, &self.sources, self.protocol.as_ref())? {
            ChardevSource::Pty { path: None } => Ok(ChardevSource::Pty { path: self.tty.as_deref() }),
            source => Ok(source),
        }
    }
}
