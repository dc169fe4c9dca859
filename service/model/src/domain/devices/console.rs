//! Consoles of the guest: what a person types at. The first one stands for the first serial port
//! where the guest has one.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::parts::{Acpi, Alias};
use super::problem::Problem;
use crate::{element, keywords};

keywords! {
    /// What the guest sees as a console.
    pub enum ConsoleType {
        /// The serial port of the same number.
        Serial = "serial",
        /// A virtio console.
        Virtio = "virtio",
        /// Xen's paravirtual console.
        Xen = "xen",
        /// The console of user-mode Linux.
        Uml = "uml",
        /// The console of an LXC container.
        Lxc = "lxc",
        /// The console of an OpenVZ container.
        Openvz = "openvz",
        /// The line console of S/390.
        Sclp = "sclp",
        /// The line mode console of S/390.
        Sclplm = "sclplm",
    }
}

element! {
    /// A console: `<console>`.
    pub struct Console {
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
        child "target" target: Option<ConsoleTarget>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the guest sees a console.
    pub struct ConsoleTarget {
        /// As what; chosen by the service when left out.
        attr "type" kind: Option<ConsoleType>,
        /// Number of the console, from 0.
        attr "port" port: Option<u32>,
    }
}

impl Console {
    /// Where the bytes go.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<ChardevSource<'_>, Problem> {
        match ChardevSource::of("console", self.kind, &self.sources, self.protocol.as_ref())? {
            ChardevSource::Pty { path: None } => Ok(ChardevSource::Pty { path: self.tty.as_deref() }),
            source => Ok(source),
        }
    }
}
