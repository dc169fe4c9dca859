//! Virtual networks at the ports of a bridge (IEEE 802.1Q; bridge(8), `vlan`).

use std::collections::BTreeSet;

use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::link::{
    AfSpecBridge, BridgeFlag, BridgeVlanInfo, BridgeVlanInfoFlags, LinkAttribute, LinkExtentMask, LinkMessage,
};
use rtnetlink::{LinkBridge, LinkBridgeVlan, LinkMessageBuilder};
use serde::{Deserialize, Serialize};

use super::{Link, Netlink, NetlinkError, all};

/// A virtual network that a port is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VlanMember {
    /// Its number, 1 to 4094.
    pub id: u16,
    /// Whether frames that come in without a tag are of it; of one at most.
    pub native: bool,
    /// Whether its frames go out without their tag.
    pub untagged: bool,
}

/// Whose virtual networks are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VlanPort {
    /// Those of an interface that is a port.
    Port,
    /// Those of the host's own end of a bridge.
    Bridge,
}

impl Netlink {
    /// Lets a bridge keep its virtual networks apart.
    ///
    /// # Errors
    /// The kernel refuses, as where its bridges know none.
    pub async fn filter_vlans(&self, bridge: &Link) -> Result<(), NetlinkError> {
        let message = LinkMessageBuilder::<LinkBridge>::new(&bridge.name).index(bridge.index).vlan_filtering(true).build();
        let done = self.handle.link().change(message).execute().await;
        done.map_err(|error| NetlinkError::new("let a bridge keep virtual networks apart (vlan_filtering)", error))
    }

    /// Puts a port into these virtual networks and no others.
    ///
    /// # Errors
    /// The kernel refuses.
    pub async fn set_vlans(&self, index: u32, port: VlanPort, members: &[VlanMember]) -> Result<(), NetlinkError> {
        let what = "put a port of a bridge into its virtual networks";
        let others: BTreeSet<u16> =
            self.vlans(index).await?.into_iter().filter(|id| members.iter().all(|member| member.id != *id)).collect();
        let added = members.iter().fold(message(index, port), |message, member| message.vlan(member.id, flags(*member)));
        self.handle.link().set(added.build()).execute().await.map_err(|error| NetlinkError::new(what, error))?;
        if others.is_empty() {
            return Ok(());
        }
        let removed = others.iter().fold(message(index, port), |message, id| message.vlan(*id, BridgeVlanInfoFlags::empty()));
        let done = self.handle.link().del_with_message(removed.build()).execute().await;
        done.map_err(|error| NetlinkError::new(what, error))
    }

    /// The virtual networks that a port, or a bridge itself, is in.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn vlans(&self, index: u32) -> Result<Vec<u16>, NetlinkError> {
        let asked = self.handle.link().get().set_filter_mask(AddressFamily::Bridge, vec![LinkExtentMask::Brvlan]);
        let found = all(asked.execute(), "list the virtual networks of a bridge").await?;
        Ok(found.iter().filter(|message| message.header.index == index).flat_map(ids).collect())
    }
}

fn message(index: u32, port: VlanPort) -> LinkMessageBuilder<LinkBridgeVlan> {
    let message = LinkBridgeVlan::new(index);
    match port {
        VlanPort::Port => message,
        VlanPort::Bridge => message.append_af_spec(AfSpecBridge::Flags(BridgeFlag::LowerDev)),
    }
}

fn flags(member: VlanMember) -> BridgeVlanInfoFlags {
    let mut flags = BridgeVlanInfoFlags::empty();
    flags.set(BridgeVlanInfoFlags::Pvid, member.native);
    flags.set(BridgeVlanInfoFlags::Untagged, member.untagged);
    flags
}

fn ids(message: &LinkMessage) -> Vec<u16> {
    let specs = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::AfSpecBridge(specs) => Some(specs),
        _ => None,
    });
    let info = |spec: &AfSpecBridge| match spec {
        AfSpecBridge::VlanInfo(BridgeVlanInfo { vid, .. }) => Some(*vid),
        _ => None,
    };
    specs.flatten().filter_map(info).collect()
}
