//! Channels: named connections between a program in the guest and one on the host.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::parts::{Acpi, Alias};
use super::problem::Problem;
use crate::{element, keywords};

keywords! {
    /// What the guest sees as a channel.
    pub enum ChannelType {
        /// A port of a virtio-serial controller.
        Virtio = "virtio",
        /// An address on the guest's network that is forwarded.
        Guestfwd = "guestfwd",
        /// Xen's channel.
        Xen = "xen",
    }
}

keywords! {
    /// Whether the guest has opened a channel.
    pub enum ChannelState {
        /// It has not.
        Disconnected = "disconnected",
        /// It has.
        Connected = "connected",
    }
}

element! {
    /// A channel: `<channel>`.
    pub struct Channel {
        /// What is at the host's end; a pseudo terminal when left out.
        attr "type" kind: Option<ChardevType>,
        /// Where the bytes go.
        children "source" sources: Vec<ChardevSourceElement>,
        /// What is spoken on a TCP connection.
        child "protocol" protocol: Option<Protocol>,
        /// A copy of what the guest writes.
        child "log" log: Option<Log>,
        /// What the guest sees.
        child "target" target: Option<ChannelTarget>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the guest sees a channel.
    pub struct ChannelTarget {
        /// As what.
        required "type" kind: ChannelType,
        /// Name of the port such as `org.qemu.guest_agent.0`.
        attr "name" name: Option<String>,
        /// Address that is forwarded.
        attr "address" address: Option<String>,
        /// TCP port that is forwarded.
        attr "port" port: Option<u16>,
        /// Whether the guest has opened it; reported, never configured.
        attr "state" state: Option<ChannelState>,
    }
}

impl Channel {
    /// Where the bytes go.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<ChardevSource<'_>, Problem> {
        ChardevSource::of("channel", self.kind, &self.sources, self.protocol.as_ref())
    }
}
