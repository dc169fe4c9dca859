//! Routes of the main table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType};

use super::{Netlink, NetlinkError, all};

/// A route that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// First address of the network.
    pub network: IpAddr,
    /// Length of its prefix in bits; 0 is the default route.
    pub prefix: u8,
    /// By whom; nobody for a network that is on the link.
    pub gateway: Option<IpAddr>,
    /// By which interface, where it is one.
    pub interface: Option<u32>,
    /// Whether a router's advertisement brought it (RFC 4861).
    pub advertised: bool,
}

/// A route to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRoute {
    /// First address of the network.
    pub network: IpAddr,
    /// Length of its prefix in bits.
    pub prefix: u8,
    /// By whom, of the same family.
    pub gateway: IpAddr,
    /// By which interface.
    pub interface: u32,
    /// Its weight; the smallest wins.
    pub metric: u32,
}

impl Netlink {
    /// The routes of both families in the main table to whole networks.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn routes(&self) -> Result<Vec<Route>, NetlinkError> {
        let mut routes = Vec::new();
        let four = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let six = RouteMessageBuilder::<Ipv6Addr>::new().build();
        for (question, any) in [(four, Ipv4Addr::UNSPECIFIED.into()), (six, Ipv6Addr::UNSPECIFIED.into())] {
            let found = all(self.handle.route().get(question).execute(), "list routes").await?;
            routes.extend(found.iter().filter_map(|message| route(message, any)));
        }
        Ok(routes)
    }

    /// Makes a route.
    ///
    /// # Errors
    /// The kernel refuses, as where the gateway is not beside the interface.
    pub async fn add_route(&self, route: &NewRoute) -> Result<(), NetlinkError> {
        let NewRoute { network, prefix, gateway, interface, metric } = *route;
        let message = builder(network, prefix, gateway).output_interface(interface).priority(metric).build();
        let added = self.handle.route().add(message).execute().await;
        added.map_err(|error| NetlinkError::new(format!("make the route to {network}/{prefix} by {gateway}"), error))
    }
}

fn builder(network: IpAddr, prefix: u8, gateway: IpAddr) -> RouteMessageBuilder<IpAddr> {
    let builder = RouteMessageBuilder::<IpAddr>::new();
    // What does not fit together is left out, and the kernel says what it thinks of that.
    let builder = builder.clone().destination_prefix(network, prefix).unwrap_or(builder);
    builder.clone().gateway(gateway).unwrap_or(builder)
}

fn route(message: &RouteMessage, any: IpAddr) -> Option<Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let advertised = header.protocol == RouteProtocol::Ra;
    let mut route = Route { network: any, prefix: header.destination_prefix_length, gateway: None, interface: None, advertised };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => route.network = ip(address)?,
            RouteAttribute::Gateway(address) => route.gateway = ip(address),
            RouteAttribute::Oif(index) => route.interface = Some(*index),
            _ => {}
        }
    }
    Some(route)
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}
