//! Links: what the kernel calls a network interface.

pub use rtnetlink::packet_route::link::MacVtapMode;
use rtnetlink::packet_route::link::{BridgeStpState, InfoBridge, InfoData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use rtnetlink::packet_route::neighbour::{NeighbourFlags, NeighbourState};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkMacVtap, LinkMessageBuilder, LinkUnspec};

use super::{Netlink, NetlinkError, all};

/// An interface that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Ethernet address; empty where the kind has none.
    pub mac: Vec<u8>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Number of the bridge or bond that it is a port of.
    pub controller: Option<u32>,
    /// Its kind, such as `bridge`; empty for hardware.
    pub kind: String,
    /// Whether it was switched on.
    pub up: bool,
    /// Text for people, where somebody gave it one.
    pub alias: String,
    /// Whether it keeps virtual networks apart; `None` of what is no bridge, and where the kernel's bridges know none.
    pub filters_vlans: Option<bool>,
}

impl Link {
    /// Whether it is a bridge of the kernel.
    pub fn is_bridge(&self) -> bool {
        self.kind == "bridge"
    }
}

/// A bridge to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Its Ethernet address.
    pub mac: [u8; 6],
    /// Whether it takes part in the spanning tree.
    pub stp: bool,
    /// Seconds until a port forwards. The kernel takes no less than 2 with the spanning tree.
    pub delay: u32,
    /// Largest packet in bytes.
    pub mtu: Option<u32>,
}

/// Whether and how a bridge treats a port of it otherwise than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortFlags {
    /// Kept from other isolated ports.
    pub isolated: bool,
    /// Frames for unknown addresses are not flooded to it, and its addresses are not learned.
    pub fixed_addresses: bool,
}

/// The kernel counts times of bridges in hundredths of a second (USER_HZ, time(7)).
const HUNDREDTHS: u32 = 100;
/// Shortest delay with the spanning tree (IEEE 802.1D, table 8-3; the kernel's BR_MIN_FORWARD_DELAY).
const SHORTEST_DELAY_WITH_STP: u32 = 2;

impl Netlink {
    /// All interfaces.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn links(&self) -> Result<Vec<Link>, NetlinkError> {
        Ok(all(self.handle.link().get().execute(), "list network interfaces").await?.iter().map(link).collect())
    }

    /// The interface of a name, if there is one.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn link(&self, name: &str) -> Result<Option<Link>, NetlinkError> {
        match all(self.handle.link().get().match_name(name).execute(), &format!("look for interface {name}")).await {
            Ok(found) => Ok(found.first().map(link)),
            Err(error) if error.is_not_there() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a bridge, switched off; answers with its number.
    ///
    /// # Errors
    /// The kernel refuses, as where the name is taken.
    pub async fn add_bridge(&self, bridge: &Bridge) -> Result<u32, NetlinkError> {
        let Bridge { name, mac, mtu, .. } = bridge;
        let message = spanning(LinkMessageBuilder::<LinkBridge>::new(name).address(mac.to_vec()), bridge);
        let message = match mtu {
            Some(mtu) => message.mtu(*mtu),
            None => message,
        };
        let what = format!("make the bridge {name}");
        self.handle.link().add(message.build()).execute().await.map_err(|error| NetlinkError::new(&what, error))?;
        self.index_of(name, &what).await
    }

    /// Changes whether and how a bridge takes part in the spanning tree.
    ///
    /// # Errors
    /// The kernel refuses.
    pub async fn set_bridge_times(&self, index: u32, bridge: &Bridge) -> Result<(), NetlinkError> {
        let message = spanning(LinkMessageBuilder::<LinkBridge>::new(&bridge.name).index(index), bridge).build();
        let done = self.handle.link().change(message).execute().await;
        done.map_err(|error| NetlinkError::new(format!("change the spanning tree of the bridge {}", bridge.name), error))
    }

    /// Makes a macvtap interface on another one, switched off. A `%d` in its name stands for the first number that is free.
    ///
    /// # Errors
    /// The kernel refuses, as where the name is taken or the other one is used otherwise.
    pub async fn add_macvtap(&self, name: &str, lower: &Link, mode: MacVtapMode, mac: [u8; 6], alias: &str) -> Result<Link, NetlinkError> {
        let message = LinkMacVtap::new(name, lower.index, mode).address(mac.to_vec()).build();
        let what = format!("make the macvtap interface {name} on {}", lower.name);
        let before = self.links().await?;
        self.handle.link().add(message).execute().await.map_err(|error| NetlinkError::new(&what, error))?;
        // The kernel does not say which number it chose.
        let is_it = |link: &Link| link.kind == "macvtap" && link.mac == mac && before.iter().all(|other| other.index != link.index);
        let gone = || NetlinkError { what, source: std::io::ErrorKind::NotFound.into() };
        let made = self.links().await?.into_iter().find(is_it).ok_or_else(gone)?;
        self.change(LinkUnspec::new_with_index(made.index).alias(alias).build(), "name the owner of an interface").await?;
        Ok(made)
    }

    /// Changes whether an interface is switched on.
    ///
    /// # Errors
    /// The kernel refuses; so for all that follow.
    pub async fn switch(&self, index: u32, on: bool) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index);
        let message = if on { message.up() } else { message.down() };
        self.change(message.build(), if on { "switch an interface on" } else { "switch an interface off" }).await
    }

    /// Makes an interface a port of a bridge.
    pub async fn connect(&self, index: u32, bridge: u32) -> Result<(), NetlinkError> {
        self.change(LinkUnspec::new_with_index(index).controller(bridge).build(), "connect an interface to its bridge").await
    }

    /// Gives an interface an Ethernet address.
    pub async fn set_mac(&self, index: u32, mac: [u8; 6]) -> Result<(), NetlinkError> {
        self.change(LinkUnspec::new_with_index(index).address(mac.to_vec()).build(), "give an interface its Ethernet address").await
    }

    /// Sets the largest packet of an interface, in bytes.
    pub async fn set_mtu(&self, index: u32, mtu: u32) -> Result<(), NetlinkError> {
        self.change(LinkUnspec::new_with_index(index).mtu(mtu).build(), "set the largest packet of an interface").await
    }

    /// Sets how its bridge treats a port.
    pub async fn set_port(&self, index: u32, flags: PortFlags) -> Result<(), NetlinkError> {
        let learns = !flags.fixed_addresses;
        let message = LinkBridgePort::new(index).isolated(flags.isolated).learning(learns).flood(learns).build();
        let set = self.handle.link().set_port(message).execute().await;
        set.map_err(|error| NetlinkError::new("set how a bridge treats a port", error))
    }

    /// Tells a bridge that an Ethernet address is behind a port of it, for good.
    pub async fn pin_mac(&self, index: u32, mac: [u8; 6]) -> Result<(), NetlinkError> {
        let entry = self.handle.neighbours().add_bridge(index, &mac).flags(NeighbourFlags::Controller).state(NeighbourState::Noarp);
        entry.replace().execute().await.map_err(|error| NetlinkError::new("tell a bridge who is behind a port of it", error))
    }

    /// Removes an interface.
    pub async fn remove_link(&self, index: u32) -> Result<(), NetlinkError> {
        self.handle.link().del(index).execute().await.map_err(|error| NetlinkError::new("remove an interface", error))
    }

    async fn change(&self, message: LinkMessage, what: &str) -> Result<(), NetlinkError> {
        self.handle.link().set(message).execute().await.map_err(|error| NetlinkError::new(what, error))
    }

    async fn index_of(&self, name: &str, what: &str) -> Result<u32, NetlinkError> {
        let gone = || NetlinkError { what: what.to_owned(), source: std::io::ErrorKind::NotFound.into() };
        self.link(name).await?.map(|link| link.index).ok_or_else(gone)
    }
}

/// A message about a bridge, with its part in the spanning tree.
fn spanning(message: LinkMessageBuilder<LinkBridge>, bridge: &Bridge) -> LinkMessageBuilder<LinkBridge> {
    let Bridge { stp, delay, .. } = *bridge;
    let delay = if stp { delay.max(SHORTEST_DELAY_WITH_STP) } else { delay };
    message.stp_state(if stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled }).forward_delay(delay * HUNDREDTHS)
}

fn link(message: &LinkMessage) -> Link {
    let mut link = Link { index: message.header.index, up: message.header.flags.contains(LinkFlags::Up), ..Link::default() };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(mac) => link.mac.clone_from(mac),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::IfAlias(alias) => link.alias.clone_from(alias),
            LinkAttribute::Controller(index) => link.controller = Some(*index),
            LinkAttribute::LinkInfo(infos) => {
                link.kind = infos.iter().find_map(kind).unwrap_or_default();
                link.filters_vlans = infos.iter().find_map(filters_vlans);
            }
            _ => {}
        }
    }
    link
}

fn filters_vlans(info: &LinkInfo) -> Option<bool> {
    let LinkInfo::Data(InfoData::Bridge(bridge)) = info else { return None };
    // A kernel whose bridges know no virtual networks says that it does not filter, but no default of theirs.
    let known = bridge.iter().any(|info| matches!(info, InfoBridge::VlanDefaultPvid(_)));
    let filters = bridge.iter().find_map(|info| match info {
        InfoBridge::VlanFiltering(on) => Some(*on),
        _ => None,
    });
    filters.filter(|_| known)
}

fn kind(info: &LinkInfo) -> Option<String> {
    match info {
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    }
}
