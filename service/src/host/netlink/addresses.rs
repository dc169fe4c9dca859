//! Addresses of interfaces, and who was seen beside them.

use std::net::IpAddr;

use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};

use super::{Netlink, NetlinkError, all};

/// Somebody who was seen on a link (ARP, neighbour discovery).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Number of the interface.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Its Ethernet address.
    pub mac: Vec<u8>,
}

impl Netlink {
    /// Gives an interface an address, without asking first whether somebody else has it (RFC 4862): nobody is there yet, and
    /// who binds to it need not wait.
    ///
    /// # Errors
    /// The kernel refuses, as where the interface has it already.
    pub async fn add_address(&self, index: u32, address: IpAddr, prefix: u8) -> Result<(), NetlinkError> {
        let mut request = self.handle.address().add(index, address, prefix);
        if address.is_ipv6() {
            request.message_mut().attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        request.execute().await.map_err(|error| NetlinkError::new(format!("give an interface the address {address}/{prefix}"), error))
    }

    /// Takes an address from an interface.
    ///
    /// # Errors
    /// The kernel refuses, as where the interface does not have it.
    pub async fn remove_address(&self, index: u32, address: IpAddr) -> Result<(), NetlinkError> {
        let what = format!("take the address {address} from an interface");
        let found = self.address_messages(&what).await?;
        let is_it = |message: &&AddressMessage| message.header.index == index && ip(message) == Some(address);
        match found.iter().find(is_it) {
            Some(message) => self.handle.address().del(message.clone()).execute().await.map_err(|error| NetlinkError::new(what, error)),
            None => Ok(()),
        }
    }

    /// The addresses of an interface, with the length of their prefixes.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn addresses(&self, index: u32) -> Result<Vec<(IpAddr, u8)>, NetlinkError> {
        let found = self.address_messages("list the addresses of interfaces").await?;
        let of_it = found.iter().filter(|message| message.header.index == index);
        Ok(of_it.filter_map(|message| Some((ip(message)?, message.header.prefix_len))).collect())
    }

    /// Who was seen, on any interface.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn neighbours(&self) -> Result<Vec<Neighbour>, NetlinkError> {
        let found = all(self.handle.neighbours().get().execute(), "list who was seen on networks").await?;
        Ok(found.iter().filter_map(neighbour).collect())
    }

    async fn address_messages(&self, what: &str) -> Result<Vec<AddressMessage>, NetlinkError> {
        all(self.handle.address().get().execute(), what).await
    }
}

fn ip(message: &AddressMessage) -> Option<IpAddr> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    local.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

fn neighbour(message: &NeighbourMessage) -> Option<Neighbour> {
    if matches!(message.header.state, NeighbourState::Failed | NeighbourState::Incomplete | NeighbourState::None) {
        return None;
    }
    let (mut address, mut mac) = (None, Vec::new());
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(found)) => address = Some(IpAddr::V4(*found)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(found)) => address = Some(IpAddr::V6(*found)),
            NeighbourAttribute::LinkLayerAddress(found) => mac.clone_from(found),
            _ => {}
        }
    }
    Some(Neighbour { index: message.header.ifindex, address: address?, mac })
}
