//! A bridge that the service makes, checked: with its addresses, what it serves, and its routes.

use super::{Bridge, DnsDomain, DnsServer, MacTableManager, Network, NetworkSubnet, StaticRoute, dns_server, names, route, subnet};
use crate::addresses::IpFamily;
use crate::document::Problems;
use crate::domain::devices::MacAddress;

/// A bridge that the service makes.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnBridge<'a> {
    /// Its name; chosen by the service when not said. A `%d` in it stands for the first number that
    /// is free, as the kernel has it.
    pub name: Option<&'a str>,
    /// Whether it takes part in the spanning tree.
    pub stp: bool,
    /// Seconds until a port of it forwards. The kernel makes 2 of less when the spanning tree is on.
    pub delay: u32,
    /// Who keeps its table of addresses.
    pub mac_table_manager: MacTableManager,
    /// Zone of firewalld; the service's own when not said.
    pub zone: Option<&'a str>,
    /// Largest packet in bytes; what the kernel has when not said.
    pub mtu: Option<u32>,
    /// Its Ethernet address; chosen by the service when not said.
    pub mac: Option<MacAddress>,
    /// Whether guests may speak IPv6 with each other though the host has no IPv6 address there.
    pub ipv6_among_guests: bool,
    /// Addresses of the host, with their networks.
    pub subnets: Vec<NetworkSubnet<'a>>,
    /// Networks that the host reaches through a guest.
    pub routes: Vec<StaticRoute>,
    /// Name that the guests' names end with.
    pub domain: Option<&'a DnsDomain>,
    /// The DNS server, if there is one.
    pub dns: Option<DnsServer<'a>>,
}

/// Most seconds that the spanning tree lets a port wait (IEEE 802.1D, table 8-3).
const LONGEST_DELAY: u32 = 30;
/// Smallest and largest size of a packet on a bridge (RFC 791, 3.2; 16 bits).
const MTU: (u32, u32) = (68, 65535);
/// Smallest size of a packet where IPv6 works (RFC 8200, 5).
const MTU_OF_IPV6: u32 = 1280;

/// Checks a bridge that the service makes.
pub(super) fn of<'a>(network: &'a Network, found: &mut Problems) -> OwnBridge<'a> {
    let bridge = network.bridge.as_ref();
    if let Some(bridge) = bridge {
        found.inside("bridge", |found| check_bridge(bridge, found));
    }
    let mac = network.mac.as_ref().and_then(|mac| found.inside("mac", |found| found.needed("@address", mac.address)));
    if mac.is_some_and(MacAddress::is_multicast) {
        found.add("mac/@address", "it is the address of a group; write one whose first pair of digits is even, such as 52:54:00:6b:3c:58");
    }
    let domain = network.domain.as_ref();
    if let Some(domain) = domain {
        names::dns(found, "domain/@name", &domain.name);
    }
    let dns = dns_server::of(network.dns.as_ref(), found);
    let subnets = subnet::of(network, found);
    let mtu = mtu(network, &subnets, found);
    let routes = route::of(network, &subnets, found);
    OwnBridge {
        name: bridge.and_then(|bridge| bridge.name.as_deref()),
        stp: bridge.and_then(|bridge| bridge.stp).is_none_or(|stp| stp.0),
        delay: bridge.and_then(|bridge| bridge.delay).unwrap_or_default(),
        mac_table_manager: bridge.and_then(|bridge| bridge.mac_table_manager).unwrap_or_default(),
        zone: bridge.and_then(|bridge| bridge.zone.as_deref()),
        mtu,
        mac,
        ipv6_among_guests: network.ipv6.is_some_and(|ipv6| ipv6.0),
        subnets,
        routes,
        domain,
        dns,
    }
}

fn check_bridge(bridge: &Bridge, found: &mut Problems) {
    if let Some(name) = &bridge.name {
        names::interface(found, "@name", name);
    }
    if let Some(zone) = &bridge.zone {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if zone.is_empty() || !zone.chars().all(allowed) {
            found.add("@zone", format!("'{zone}' is no zone of firewalld; write one that firewall-cmd --get-zones tells"));
        }
    }
    let stp = bridge.stp.is_none_or(|stp| stp.0);
    if let Some(delay) = bridge.delay.filter(|delay| stp && *delay > LONGEST_DELAY) {
        let reason = format!(
            "a port cannot wait {delay} seconds in the spanning tree; write {LONGEST_DELAY} at most, or stp='off', or leave delay out"
        );
        found.add("@delay", reason);
    }
}

fn mtu(network: &Network, subnets: &[NetworkSubnet<'_>], found: &mut Problems) -> Option<u32> {
    let size = network.mtu.as_ref()?.size;
    let (smallest, largest) = MTU;
    if !(smallest..=largest).contains(&size) {
        found.add("mtu/@size", format!("a packet cannot have {size} bytes; write a number from {smallest} to {largest}, or remove <mtu>"));
    } else if size < MTU_OF_IPV6 && subnets.iter().any(|subnet| subnet.subnet.family() == IpFamily::Ipv6) {
        found.add("mtu/@size", format!("IPv6 needs packets of {MTU_OF_IPV6} bytes, and this is {size}; write more, or remove <mtu>"));
    }
    Some(size)
}
