//! USB devices of a client, redirected to the guest.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::hub::HubType;
use super::parts::{Acpi, Alias, Boot};
use super::problem::Problem;
use crate::element;
use crate::xml::YesNo;

element! {
    /// A redirected device: `<redirdev>`.
    pub struct Redirdev {
        /// Its bus; USB when left out.
        attr "bus" bus: Option<HubType>,
        /// What is at the other end.
        required "type" kind: ChardevType,
        /// Where the bytes go.
        children "source" sources: Vec<ChardevSourceElement>,
        /// What is spoken on a TCP connection.
        child "protocol" protocol: Option<Protocol>,
        /// A copy of the traffic.
        child "log" log: Option<Log>,
        /// Place in the boot order.
        child "boot" boot: Option<Boot>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// Which devices may be redirected: `<redirfilter>`.
    pub struct Redirfilter {
        /// The rules; the first that fits decides.
        children "usbdev" rules: Vec<RedirfilterRule>,
    }
}

element! {
    /// A rule about USB devices. What is left out, or `-1`, fits every device.
    pub struct RedirfilterRule {
        /// Class such as `0x08`.
        attr "class" class: Option<String>,
        /// Vendor such as `0x1234`.
        attr "vendor" vendor: Option<String>,
        /// Product such as `0xbeef`.
        attr "product" product: Option<String>,
        /// Revision of the device such as `2.56`.
        attr "version" version: Option<String>,
        /// Whether such a device may be redirected.
        required "allow" allow: YesNo,
    }
}

impl Redirdev {
    /// Where the bytes go.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<ChardevSource<'_>, Problem> {
        ChardevSource::of("redirdev", Some(self.kind), &self.sources, self.protocol.as_ref())
    }
}
