//! What a network is, checked: for each mode what it needs, and what to write when that is missing.

use core::net::Ipv4Addr;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::kind::Kind;
use super::{Forward, ForwardMode, MacTableManager, Nat, Network, OwnBridge, Pool, names, own_bridge, pool};
use crate::document::Problems;
use crate::domain::devices::{DirectMode, HostdevDriver, PciAddress, VirtualPort, VirtualPortType};
use crate::xml::Value;

/// How guests are connected, and how they reach the rest of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum NetworkView<'a> {
    /// A bridge that the service makes, which leads no further than to the host.
    Isolated(OwnBridge<'a>),
    /// One whose guests reach the world behind the host's address.
    Nat {
        /// The bridge.
        bridge: OwnBridge<'a>,
        /// Interface of the host by which traffic leaves; any when not said.
        dev: Option<&'a str>,
        /// Behind which addresses.
        nat: NatView,
    },
    /// One whose guests reach the world by routing.
    Route {
        /// The bridge.
        bridge: OwnBridge<'a>,
        /// Interface of the host by which traffic leaves; any when not said.
        dev: Option<&'a str>,
    },
    /// The same with no firewall rule of the service.
    Open(OwnBridge<'a>),
    /// A bridge of the host.
    Bridge {
        /// Its name.
        name: &'a str,
        /// What it is; a bridge of the kernel when not said.
        switch: Option<VirtualPortType>,
        /// Who keeps its table of addresses.
        mac_table_manager: MacTableManager,
    },
    /// Interfaces of the host, through macvtap.
    Direct {
        /// How the frames of guests are treated.
        mode: DirectMode,
        /// The interfaces.
        pool: Pool<'a, &'a str>,
        /// The switch that they are connected to, where it has to know about guests.
        switch: Option<VirtualPortType>,
    },
    /// PCI functions of the host, one for each guest.
    Hostdev {
        /// The functions.
        pool: Pool<'a, &'a PciAddress>,
        /// Whether the service takes them from the host and gives them back.
        managed: bool,
        /// How they are given.
        driver: Option<&'a HostdevDriver>,
        /// The switch that they are connected to, where it has to know about guests.
        switch: Option<VirtualPortType>,
    },
}

/// Behind which addresses guests are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatView {
    /// Whether IPv6 is translated too; else it is routed.
    pub ipv6: bool,
    /// The addresses; that of the interface by which traffic leaves when not said.
    pub addresses: Option<RangeInclusive<Ipv4Addr>>,
    /// The ports.
    pub ports: RangeInclusive<u16>,
}

/// The ports when none are said: those that need no privilege, as libvirt has it.
const PORTS: RangeInclusive<u16> = 1024..=u16::MAX;

/// Checks what a network is.
pub(super) fn of<'a>(network: &'a Network, found: &mut Problems) -> Option<NetworkView<'a>> {
    let kind = Kind::of(network);
    let switch = network.virtual_port.as_ref().and_then(|port| found.inside("virtualport", |found| switch(port, kind, found)));
    match kind {
        Kind::Isolated => Some(NetworkView::Isolated(own_bridge::of(network, found))),
        Kind::Open => Some(NetworkView::Open(own_bridge::of(network, found))),
        Kind::Nat => {
            let forward = network.forward.as_ref()?;
            let (dev, nat) = found.inside("forward", |found| (pool::leaving(forward, found), nat(forward.nat.as_ref(), found)));
            Some(NetworkView::Nat { bridge: routed(network, found), dev, nat })
        }
        Kind::Route => {
            let forward = network.forward.as_ref()?;
            let dev = found.inside("forward", |found| pool::leaving(forward, found));
            Some(NetworkView::Route { bridge: routed(network, found), dev })
        }
        Kind::HostBridge => host_bridge(network, switch, found),
        Kind::Shared | Kind::Passthrough => {
            let forward = network.forward.as_ref()?;
            let pool = found.inside("forward", |found| pool::interfaces(forward, found))?;
            Some(NetworkView::Direct { mode: direct_mode(forward)?, pool, switch })
        }
        Kind::Hostdev => {
            let forward = network.forward.as_ref()?;
            let pool = found.inside("forward", |found| pool::functions(forward, found))?;
            let managed = forward.managed.unwrap_or_default().0;
            Some(NetworkView::Hostdev { pool, managed, driver: forward.driver.as_ref(), switch })
        }
    }
}

/// The kind of switch behind a network or a port group of it; tells one that cannot be.
pub(super) fn switch(port: &VirtualPort, kind: Kind, found: &mut Problems) -> Option<VirtualPortType> {
    let switch = port.check(found)?;
    let possible = kind.switches();
    // Where there can be none, the whole element is told.
    if !possible.is_empty() && !possible.contains(&switch) {
        let words: Vec<String> = possible.iter().map(|switch| format!("'{switch}'")).collect();
        found.add("@type", format!("there is no '{switch}' behind {kind}; write {}, or remove the element", words.join(" or ")));
    }
    Some(switch)
}

/// The bridge of a network that guests leave by routing: the host needs an address there.
fn routed<'a>(network: &'a Network, found: &mut Problems) -> OwnBridge<'a> {
    if network.ips.is_empty() {
        let reason =
            "guests reach the world by way of the host, which has no address here; write <ip address='192.168.122.1' prefix='24'/>";
        found.add("ip", reason);
    }
    own_bridge::of(network, found)
}

/// A bridge that somebody else made.
fn host_bridge<'a>(network: &'a Network, switch: Option<VirtualPortType>, found: &mut Problems) -> Option<NetworkView<'a>> {
    let bridge = network.bridge.as_ref().and_then(|bridge| Some((bridge.name.as_deref()?, bridge.mac_table_manager)));
    let Some((name, mac_table_manager)) = bridge else {
        let reason = "the mode 'bridge' needs a bridge of the host or interfaces of it; write <bridge name='br0'/>, or <interface dev='eth0'/> into <forward>";
        found.add("bridge/@name", reason);
        return None;
    };
    names::interface(found, "bridge/@name", name);
    if let Some(switch) = switch.filter(|_| network.isolates_ports()) {
        found.add(
            "port/@isolated",
            format!("only ports of bridges of the kernel can be isolated, and this one is of '{switch}'; remove it"),
        );
    }
    Some(NetworkView::Bridge { name, switch, mac_table_manager: mac_table_manager.unwrap_or_default() })
}

/// The mode of macvtap that a mode on interfaces of the host is.
fn direct_mode(forward: &Forward) -> Option<DirectMode> {
    match forward.mode? {
        ForwardMode::Bridge => Some(DirectMode::Bridge),
        ForwardMode::Private => Some(DirectMode::Private),
        ForwardMode::Vepa => Some(DirectMode::Vepa),
        ForwardMode::Passthrough => Some(DirectMode::Passthrough),
        ForwardMode::Nat | ForwardMode::Route | ForwardMode::Open | ForwardMode::Hostdev | ForwardMode::None => None,
    }
}

fn nat(nat: Option<&Nat>, found: &mut Problems) -> NatView {
    let Some(nat) = nat else { return NatView { ipv6: false, addresses: None, ports: PORTS } };
    let addresses = nat.address.as_ref();
    let addresses =
        addresses.and_then(|written| found.inside("nat/address", |found| range("the addresses end", written.start, written.end, found)));
    let ports = nat.port.as_ref().and_then(|written| {
        found.inside("nat/port", |found| {
            if written.start == Some(0) {
                found.add("@start", "there is no port 0; write a number from 1 to 65535");
            }
            range("the ports end", written.start, written.end, found)
        })
    });
    NatView { ipv6: nat.ipv6.unwrap_or_default().0, addresses, ports: ports.unwrap_or(PORTS) }
}

/// What is written as start and end; tells when one is missing, or they have to be exchanged.
pub(super) fn range<T>(what: &str, start: Option<T>, end: Option<T>, found: &mut Problems) -> Option<RangeInclusive<T>>
where
    T: Value + PartialOrd + Display,
{
    let (start, end) = (found.needed("@start", start), found.needed("@end", end));
    let (start, end) = start.zip(end)?;
    if end < start {
        found.add("@end", format!("{what} with {end}, which is before {start}; exchange them"));
        return None;
    }
    Some(start..=end)
}
