//! A bridge that the service makes, with addresses, rules and dnsmasq: what the modes `nat`, `route`, `open` and isolated
//! networks have in common.

use std::net::IpAddr;
use std::path::Path;

use lodge_model::addresses::{IpFamily, Subnet};
use lodge_model::network::{MacTableManager, Network, OwnBridge};
use serde_json::Value;

use super::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::{Bridge, VlanMember};
use crate::networks::dnsmasq::config::{self, Files, Input};
use crate::networks::firewall::firewalld::Zone;
use crate::networks::firewall::nftables::{Rules, Way, make};
use crate::networks::limits::Limits;
use crate::networks::vlans;

/// What of the host goes into a plan.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The directory for the network's files.
    pub directory: &'a Path,
    /// The user that dnsmasq becomes.
    pub user: &'a str,
}

/// Everything that a network with a bridge of its own is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnBridgePlan {
    /// The bridge.
    pub bridge: Bridge,
    /// Addresses and routes of the host.
    pub addresses: Addresses,
    /// Whether packets of a family are to be forwarded: IPv4, IPv6.
    pub forwards: (bool, bool),
    /// The commands for the packet filter, if it has rules.
    pub rules: Option<Vec<Value>>,
    /// Limits of all guests together.
    pub limits: Option<Limits>,
    /// What dnsmasq is told, if it is needed.
    pub dnsmasq: Option<Files>,
    /// Whether guests are kept from each other.
    pub isolated_ports: bool,
    /// Whether the bridge's table of addresses is kept by the service.
    pub fixed_addresses: bool,
    /// Virtual networks of guests that say none, and of the host's end.
    pub vlans: Vec<VlanMember>,
    /// Whether guests are in virtual networks.
    pub filters_vlans: bool,
    /// Where firewalld has the bridge.
    pub zone: Zone,
}

/// Addresses and routes of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Its addresses, with their networks.
    pub subnets: Vec<Subnet>,
    /// Networks behind guests: the network, the guest, the weight.
    pub routes: Vec<(Subnet, IpAddr, u32)>,
    /// Whether the bridge speaks IPv6 at all.
    pub ipv6: bool,
}

/// What a mode adds.
pub(super) struct Mode<'a> {
    /// The rules, if there are any.
    pub way: Option<Way<'a>>,
    /// Whether the host forwards.
    pub forwards: bool,
    /// The zone of firewalld where the definition says none.
    pub zone: &'static str,
}

/// The plan for a bridge of a mode.
pub(super) fn plan(network: &Network, own: &OwnBridge<'_>, mode: Mode<'_>, surroundings: &Surroundings<'_>) -> Result<Plan> {
    let (Some(name), Some(mac)) = (own.name.filter(|name| !name.contains('%')), own.mac) else {
        return Err(Error::new(ErrorKind::Internal, format!("the definition of network '{}' was not completed", network.name)));
    };
    let subnets: Vec<Subnet> = own.subnets.iter().map(|subnet| subnet.subnet).collect();
    let has = |family| subnets.iter().any(|subnet| subnet.family() == family);
    let (ipv4, ipv6) = (has(IpFamily::Ipv4), has(IpFamily::Ipv6));
    let zone = own.zone.map_or_else(|| Zone::usual(mode.zone), Zone::said);
    let isolated = matches!(mode.way, Some(Way::Isolated));
    let rules = mode.way.map(|way| make(&Rules { bridge: name, networks: subnets.clone(), way }));
    let input = Input { network, bridge: own, interface: name, isolated, directory: surroundings.directory, user: surroundings.user };
    let dnsmasq = config::is_needed(own).then(|| config::files(&input)).transpose()?;
    let routes = own.routes.iter().map(|route| (route.network, route.gateway, route.metric)).collect();
    Ok(Plan::OwnBridge(Box::new(OwnBridgePlan {
        bridge: Bridge { name: name.to_owned(), mac: mac.0, stp: own.stp, delay: own.delay, mtu: own.mtu },
        addresses: Addresses { subnets, routes, ipv6: ipv6 || own.ipv6_among_guests },
        forwards: (mode.forwards && ipv4, mode.forwards && ipv6),
        rules,
        limits: network.bandwidth.as_ref().and_then(Limits::of),
        dnsmasq,
        isolated_ports: network.isolates_ports(),
        fixed_addresses: own.mac_table_manager == MacTableManager::Libvirt,
        vlans: vlans::of(network)?,
        filters_vlans: vlans::are_in(network),
        zone,
    })))
}
