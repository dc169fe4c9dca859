//! Routes of the host into networks behind guests, checked.

use core::net::IpAddr;
use std::collections::HashSet;

use super::{Network, NetworkSubnet};
use crate::addresses::{IpFamily, Subnet, WrittenSubnet};
use crate::document::Problems;
use crate::domain::devices::Route;

/// A network that the host reaches through a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaticRoute {
    /// The network.
    pub network: Subnet,
    /// The guest that knows the way.
    pub gateway: IpAddr,
    /// The weight; the smallest wins.
    pub metric: u32,
}

/// Metric of a route that does not say one.
const METRIC: u32 = 1;

/// Checks the routes of a network whose addresses are these.
pub(super) fn of(network: &Network, subnets: &[NetworkSubnet<'_>], found: &mut Problems) -> Vec<StaticRoute> {
    // Where an address cannot be told, nothing is said about what would be in its network.
    let complete = subnets.len() == network.ips.len();
    let neighbours = Neighbours::of(subnets);
    let mut routes = Vec::new();
    found.each("route", &network.routes, |found, route| routes.extend(check(route, complete.then_some(&neighbours), found)));
    routes
}

fn check(route: &Route, neighbours: Option<&Neighbours>, found: &mut Problems) -> Option<StaticRoute> {
    let Route { family, address, netmask, prefix, .. } = *route;
    let network = WrittenSubnet { family, address, netmask, prefix }.check(found);
    let gateway = found.needed("@gateway", route.gateway);
    if route.metric == Some(0) {
        found.add("@metric", "the weight of a route begins with 1; write that, or leave metric out");
    }
    let (network, gateway) = network.zip(gateway)?;
    if network.family() != IpFamily::of(gateway) {
        let family = network.family();
        found.add("@gateway", format!("the way to {} cannot lead to {gateway}; write an address of '{family}'", network.network()));
    } else if let Some(neighbours) = neighbours {
        if neighbours.own.contains(&gateway) {
            found.add("@gateway", format!("{gateway} is the host itself; write the address of the guest that knows the way"));
        } else if !neighbours.reach(gateway) {
            let reason = format!(
                "no <ip> of this network has {gateway} in its subnet, so that the host cannot reach it; write the address of a guest, or add such an <ip>"
            );
            found.add("@gateway", reason);
        }
    }
    Some(StaticRoute { network: network.network(), gateway, metric: route.metric.unwrap_or(METRIC) })
}

/// Who is reached without a gateway. Sets, since a document may have as many routes as addresses.
struct Neighbours {
    own: HashSet<IpAddr>,
    networks: HashSet<Subnet>,
    prefixes: HashSet<u8>,
}

impl Neighbours {
    fn of(subnets: &[NetworkSubnet<'_>]) -> Self {
        let subnets = || subnets.iter().map(|subnet| subnet.subnet);
        Self {
            own: subnets().map(Subnet::address).collect(),
            networks: subnets().map(Subnet::network).collect(),
            prefixes: subnets().map(Subnet::prefix).collect(),
        }
    }

    fn reach(&self, address: IpAddr) -> bool {
        let mut networks = self.prefixes.iter().filter_map(|prefix| Subnet::new(address, *prefix));
        networks.any(|subnet| self.networks.contains(&subnet.network()))
    }
}
