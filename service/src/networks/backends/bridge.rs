//! The mode `bridge` on a bridge of the host: nothing is made, guests are connected to what is there.

use lodge_model::domain::devices::VirtualPortType;
use lodge_model::network::Network;

use super::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::VlanMember;
use crate::networks::vlans;

/// A bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBridge {
    /// Its name.
    pub name: String,
    /// Whether guests are kept from each other.
    pub isolated_ports: bool,
    /// Virtual networks of guests that say none.
    pub vlans: Vec<VlanMember>,
    /// Whether guests are in virtual networks.
    pub filters_vlans: bool,
}

pub(super) fn plan(network: &Network, name: &str, switch: Option<VirtualPortType>) -> Result<Plan> {
    if let Some(switch) = switch {
        let reason = format!(
            "network '{}' is on a bridge of '{switch}', which this version cannot connect guests to: use a bridge of the kernel and take \
             <virtualport> out, or connect the guest yourself, with a tap that ovs-vsctl add-port puts into the switch and <interface \
             type='ethernet'> with <target dev='…' managed='no'/>",
            network.name
        );
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    Ok(Plan::HostBridge(HostBridge {
        name: name.to_owned(),
        isolated_ports: network.isolates_ports(),
        vlans: vlans::of(network)?,
        filters_vlans: vlans::are_in(network),
    }))
}
