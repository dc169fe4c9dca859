//! Virtual networks of guests (libvirt, formatnetwork, `<vlan>`): what of a document becomes of a port of a bridge.
//!
//! Pure. One tag is an access port: the guest sees no tag, and reaches no other network. Several, or `trunk`, are a trunk: the guest
//! sees the tags, but for those of a native network that says otherwise.

use lodge_model::domain::devices::{NativeMode, Vlan};
use lodge_model::network::Network;

use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::{Link, VlanMember};

/// The numbers that bridges of the kernel know (IEEE 802.1Q keeps the first and the last).
const NUMBERS: std::ops::RangeInclusive<u16> = 1..=4094;

/// The virtual networks of a port.
///
/// # Errors
/// `NotSupported` for a number that bridges do not know.
pub fn members(vlan: &Vlan) -> Result<Vec<VlanMember>> {
    if let Some(tag) = vlan.tags.iter().find(|tag| !NUMBERS.contains(&tag.id)) {
        let reason = format!("bridges of the kernel know the virtual networks 1 to 4094, and <vlan> says {}; write another <tag>", tag.id);
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    let access = !vlan.is_trunk();
    let member = |id, mode: Option<NativeMode>| VlanMember {
        id,
        native: access || mode.is_some(),
        untagged: access || mode == Some(NativeMode::Untagged),
    };
    Ok(vlan.tags.iter().map(|tag| member(tag.id, tag.native_mode)).collect())
}

/// The virtual networks of a network's guests that say none themselves.
///
/// # Errors
/// `NotSupported`, as [`members`].
pub fn of(network: &Network) -> Result<Vec<VlanMember>> {
    network.vlan.as_ref().map_or_else(|| Ok(Vec::new()), members)
}

/// Whether a network, or a port group of it, is in virtual networks.
pub fn are_in(network: &Network) -> bool {
    network.vlan.is_some() || network.port_groups.iter().any(|group| group.vlan.is_some())
}

/// Whether a bridge can keep virtual networks apart now, or only after it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtering {
    /// It does.
    On,
    /// It can.
    Off,
}

/// What a bridge does about virtual networks.
///
/// # Errors
/// `NotSupported` where this kernel's bridges know none.
pub fn filtering(bridge: &Link) -> Result<Filtering> {
    match bridge.filters_vlans {
        Some(true) => Ok(Filtering::On),
        Some(false) => Ok(Filtering::Off),
        None => {
            let reason = format!(
                "<vlan> needs a bridge that keeps virtual networks apart, and this kernel's bridges, {} among them, do not know any \
                 (CONFIG_BRIDGE_VLAN_FILTERING); start a kernel that does, or take <vlan> out",
                bridge.name
            );
            Err(Error::new(ErrorKind::NotSupported, reason))
        }
    }
}

/// Why a guest with `<vlan>` is not connected to something that is no bridge.
pub fn refuse_elsewhere(what: &str) -> Error {
    let reason = format!("<vlan> keeps guests apart at bridges, and the guest would be on {what}; take <vlan> out, or use a bridge");
    Error::new(ErrorKind::NotSupported, reason)
}

/// Why guests are not connected to a bridge of somebody else that does not keep virtual networks apart.
pub fn refuse_unfiltered(bridge: &str) -> Error {
    let reason = format!(
        "the bridge {bridge} does not keep virtual networks apart, and it is not this service's to change that: ip link set {bridge} type \
         bridge vlan_filtering 1"
    );
    Error::new(ErrorKind::InvalidState, reason)
}

#[cfg(test)]
mod tests {
    use lodge_model::domain::devices::VlanTag;

    use super::*;

    fn of(tags: &[(u16, Option<NativeMode>)], trunk: Option<bool>) -> Result<Vec<(u16, bool, bool)>> {
        let tags = tags.iter().map(|(id, native_mode)| VlanTag { id: *id, native_mode: *native_mode, ..VlanTag::default() }).collect();
        let vlan = Vlan { trunk: trunk.map(lodge_model::xml::YesNo), tags, ..Vlan::default() };
        Ok(members(&vlan)?.iter().map(|member| (member.id, member.native, member.untagged)).collect())
    }

    #[test]
    fn one_tag_is_an_access_port_and_several_are_a_trunk() {
        assert_eq!(of(&[(42, None)], None).unwrap(), [(42, true, true)]);
        assert_eq!(of(&[(42, None)], Some(true)).unwrap(), [(42, false, false)]);
        let trunk = of(&[(42, Some(NativeMode::Untagged)), (43, None)], Some(true)).unwrap();
        assert_eq!(trunk, [(42, true, true), (43, false, false)]);
        assert_eq!(of(&[(42, Some(NativeMode::Tagged)), (43, None)], None).unwrap()[0], (42, true, false));
        for number in [0, 4095] {
            assert_eq!(of(&[(number, None)], None).unwrap_err().kind(), ErrorKind::NotSupported);
        }
    }
}
