//! Whether a network's addresses are free on this host, and which are.
//!
//! Pure: the host's routes come in as values.

use std::net::IpAddr;

use lodge_model::addresses::Subnet;

use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::{Link, Route};

/// What of the host's addresses is taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Its routes.
    pub routes: Vec<Route>,
    /// Its interfaces, for their names.
    pub links: Vec<Link>,
}

impl Taken {
    /// Refuses a network whose addresses the host reaches otherwise already. Routes by `own`, the network's bridge, do not
    /// count, nor does the default route.
    ///
    /// # Errors
    /// `InUse`, with the route and the next step.
    pub fn refuse_collisions(&self, network: &str, subnets: &[Subnet], own: &str) -> Result<()> {
        for subnet in subnets {
            let Some(route) = self.routes.iter().find(|route| self.collides(route, *subnet, own)) else { continue };
            let by = self.interface(route).map(|name| format!(" by {name}")).unwrap_or_default();
            let reason = format!(
                "network '{network}' cannot have {}/{}: the host reaches {}/{}{by} already; choose other addresses in <ip>, or take that \
                 route away",
                subnet.network().address(),
                subnet.prefix(),
                route.network,
                route.prefix,
            );
            return Err(Error::new(ErrorKind::InUse, reason));
        }
        Ok(())
    }

    fn collides(&self, route: &Route, subnet: Subnet, own: &str) -> bool {
        if route.prefix == 0 || self.interface(route) == Some(own) || is_link_local(route.network) {
            return false;
        }
        Subnet::new(route.network, route.prefix).is_some_and(|there| overlap(there, subnet))
    }

    fn interface(&self, route: &Route) -> Option<&str> {
        self.links.iter().find(|link| Some(link.index) == route.interface).map(|link| link.name.as_str())
    }
}

/// Whether two networks have an address in common: then one holds the other.
pub fn overlap(one: Subnet, other: Subnet) -> bool {
    one.family() == other.family() && (one.contains(other.network().address()) || other.contains(one.network().address()))
}

/// Addresses of IPv6 that every link has again (RFC 4291, 2.5.6).
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(network: &str, prefix: u8, interface: u32) -> Route {
        Route { network: network.parse().unwrap(), prefix, gateway: None, interface: Some(interface), advertised: false }
    }

    fn subnet(address: &str, prefix: u8) -> Subnet {
        Subnet::new(address.parse().unwrap(), prefix).unwrap()
    }

    #[test]
    fn what_the_host_reaches_otherwise_is_refused_with_the_route_named() {
        let link = |index, name: &str| Link { index, name: name.into(), ..Link::default() };
        let routes = vec![route("0.0.0.0", 0, 1), route("10.0.0.0", 8, 1), route("192.168.122.128", 25, 2), route("fe80::", 64, 1)];
        let taken = Taken { routes, links: vec![link(1, "eth0"), link(2, "virbr0")] };
        for (address, prefix, by) in
            [("10.7.7.1", 24, Some("10.0.0.0/8 by eth0")), ("192.168.122.1", 24, Some("192.168.122.128/25 by virbr0"))]
        {
            let error = taken.refuse_collisions("a", &[subnet(address, prefix)], "virbr1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InUse);
            assert!(error.to_string().contains(by.unwrap()), "{error}");
        }
        for free in [subnet("192.168.123.1", 24), subnet("192.168.122.1", 25), subnet("fe80::1", 64), subnet("fd00::1", 64)] {
            taken.refuse_collisions("a", &[free], "virbr1").unwrap();
        }
        // What is the network's own already.
        taken.refuse_collisions("a", &[subnet("192.168.122.1", 24)], "virbr0").unwrap();
    }
}
