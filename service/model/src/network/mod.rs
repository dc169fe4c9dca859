//! A virtual network: the `<network>` document. What guests are connected to, and how they reach
//! the rest of the world (libvirt, formatnetwork and its schema, 11.3; limits of dnsmasq(8) 2.90).
//!
//! [`Network`] is the element as it is written, with the parts of all modes, so that an incomplete
//! one can be read, shown and corrected; [`NetworkView`] is the checked union that a driver works
//! with.
//!
//! Invariants:
//! - Reading fills in nothing; defaults are in the [`NetworkView`].
//! - Addresses are numbers, and a driver never sees a range, route or reservation that is not in its
//!   network.
//! - No text of a valid network holds a control character where it goes into the configuration of
//!   another program; none can smuggle a line into that.

use uuid::Uuid;

use crate::document::{Document, Problem, Problems};
use crate::domain::devices::{Bandwidth, BridgePort, MacAddress, Mtu, Route, VirtualPort, Vlan};
use crate::element;
use crate::xml::{Namespace, RawXml, YesNo};

mod bridge;
mod dhcp;
mod dns;
mod dns_server;
mod forward;
mod ip;
mod kind;
mod names;
mod options;
mod own_bridge;
mod pool;
mod port_group;
mod route;
mod subnet;
mod validate;
mod view;

pub use bridge::*;
pub use dhcp::*;
pub use dns::*;
pub use dns_server::{DnsServer, NamedAddress};
pub use forward::*;
pub use ip::*;
pub use options::*;
pub use own_bridge::OwnBridge;
pub use pool::Pool;
pub use port_group::*;
pub use route::StaticRoute;
pub use subnet::{AddressRange, DhcpClient, DhcpServer, NetworkSubnet, Reservation};
pub use view::{NatView, NetworkView};

element! {
    /// A virtual network.
    pub struct Network {
        /// Interfaces of guests in it; reported, never configured.
        attr "connections" connections: Option<u32>,
        /// Whether guests may speak IPv6 with each other though the host has no IPv6 address there.
        attr "ipv6" ipv6: Option<YesNo>,
        /// Whether guests may choose what they receive; an interface or its port group can say
        /// otherwise.
        attr "trustGuestRxFilters" trust_guest_rx_filters: Option<YesNo>,
        /// Name, unique on a host.
        required_leaf "name" name: String,
        /// Identity. Made up when the network is defined without one.
        leaf "uuid" uuid: Option<Uuid>,
        /// One line that says what it is.
        leaf "title" title: Option<String>,
        /// Free text.
        leaf "description" description: Option<String>,
        /// Elements of applications, kept byte for byte.
        raw "metadata" metadata: Option<RawXml>,
        /// How guests reach the rest of the world; without it they do not.
        child "forward" forward: Option<Forward>,
        /// The bridge they are connected to.
        child "bridge" bridge: Option<Bridge>,
        /// Largest packet, of the bridge and of the guests' interfaces on the host.
        child "mtu" mtu: Option<Mtu>,
        /// Ethernet address of the bridge; chosen by the service when left out.
        child "mac" mac: Option<BridgeMac>,
        /// Name that the guests' names end with.
        child "domain" domain: Option<DnsDomain>,
        /// The DNS server; without the element there is one that knows the guests only.
        child "dns" dns: Option<Dns>,
        /// Virtual networks of the guests' interfaces, where neither these nor their port group say.
        child "vlan" vlan: Option<Vlan>,
        /// Limits for all guests together.
        child "bandwidth" bandwidth: Option<Bandwidth>,
        /// The guests' ports on the bridge.
        child "port" port: Option<BridgePort>,
        /// Addresses of the host, with what is given out beside them.
        children "ip" ips: Vec<NetworkIp>,
        /// Networks that the host reaches through a guest.
        children "route" routes: Vec<Route>,
        /// Parameters for a switch.
        child "virtualport" virtual_port: Option<VirtualPort>,
        /// Classes of guests' interfaces.
        children "portgroup" port_groups: Vec<PortGroup>,
        /// Options for dnsmasq.
        child "dnsmasq:options" dnsmasq_options: Option<DnsmasqOptions>,
    }
}

element! {
    /// The Ethernet address of a bridge.
    pub struct BridgeMac {
        /// The address.
        attr "address" address: Option<MacAddress>,
    }
}

impl Document for Network {
    const ROOT: &'static str = "network";
    const NAMESPACES: &'static [Namespace] = &[DNSMASQ_NAMESPACE];

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl Network {
    /// How guests reach the rest of the world; `None` when they do not.
    pub fn mode(&self) -> Option<ForwardMode> {
        let mode = self.forward.as_ref()?.mode.unwrap_or_default();
        Some(mode).filter(|mode| *mode != ForwardMode::None)
    }

    /// Whether guests are kept from each other at their ports on the bridge.
    pub fn isolates_ports(&self) -> bool {
        self.port.as_ref().and_then(|port| port.isolated).is_some_and(|isolated| isolated.0)
    }

    /// What its mode makes of it.
    ///
    /// # Errors
    /// Every [`Problem`] of these parts; of a network without [`Document::validate`]'s problems there is none.
    pub fn view(&self) -> Result<NetworkView<'_>, Vec<Problem>> {
        Problems::checked(Self::ROOT, |found| view::of(self, found))
    }
}

#[cfg(test)]
mod tests;
