//! What else a device is or can do, checked: for each type what it needs, and what to write when that is
//! missing.

use super::need::Need;
use super::{Blocks, Capability, CapabilityType, MdevType, NestedCapability, NestedType, VpdFields};
use crate::document::Problems;
use crate::domain::devices::PciAddress;
use crate::fibre_channel::world_wide_name;

/// What else a device is or can do, by its type.
#[derive(Debug, Clone, PartialEq)]
pub enum NestedView<'a> {
    /// A PCI function that is part of the one with this address.
    PhysFunction(&'a PciAddress),
    /// A PCI function that has others as its parts.
    VirtFunctions {
        /// How many there can be, if the kernel tells it.
        most: Option<u32>,
        /// The parts.
        functions: &'a [PciAddress],
    },
    /// A bridge to another bus of PCI, or to CardBus.
    Bridge,
    /// What mediated devices of these types are made on.
    MdevTypes(&'a [MdevType]),
    /// A PCI device with vital product data.
    Vpd {
        /// Name of the device.
        name: &'a str,
        /// Its data.
        fields: &'a [VpdFields],
    },
    /// Ethernet.
    Ieee80203,
    /// Wireless LAN.
    Ieee80211,
    /// An adapter of Fibre Channel.
    FcHost {
        /// World wide node and port name; none of an adapter that is to be made with ones made up.
        names: Option<(&'a str, &'a str)>,
        /// World wide name of the fabric.
        fabric_wwn: Option<&'a str>,
    },
    /// What virtual adapters are made on.
    VportOps {
        /// How many there can be.
        most: Option<u32>,
        /// How many there are.
        made: Option<u32>,
    },
    /// The other end of a Fibre Channel.
    FcRemotePort {
        /// Name of the port.
        name: &'a str,
        /// World wide port name.
        wwpn: &'a str,
    },
    /// A drive whose medium is changed.
    Removable(Option<Medium<'a>>),
    /// A drive that is plugged in and out.
    Hotpluggable,
    /// A device that is part of a group.
    CcwGroupMember {
        /// Name of the group.
        group: &'a str,
    },
    /// A network adapter of S/390.
    Qeth {
        /// The layer it works on, 2 or 3, once that is chosen.
        layer: Option<u8>,
        /// Model of the card.
        card_type: Option<&'a str>,
        /// Identifier of its channel path.
        channel_path: Option<&'a str>,
    },
}

/// A medium in a drive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Medium<'a> {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Label.
    pub label: Option<&'a str>,
    /// Its blocks.
    pub blocks: Option<Blocks>,
}

/// Checks one that stands in a capability of this type.
pub(super) fn of<'a>(
    nested: &'a NestedCapability,
    outer_type: CapabilityType,
    outer: &Capability,
    found: &mut Problems,
) -> Option<NestedView<'a>> {
    let word = found.needed_word::<NestedType>("@type", nested.kind.as_deref())?;
    if !outer_type.nested().contains(&word) {
        found.add("@type", format!("a capability of the type '{outer_type}' has none of the type '{word}' in it; remove it"));
        return None;
    }
    let need = &mut Need::new(word.as_str(), found);
    Some(match word {
        NestedType::PhysFunction => NestedView::PhysFunction(phys_function(nested, need)?),
        NestedType::VirtFunctions => {
            need.addresses(&nested.addresses);
            NestedView::VirtFunctions { most: nested.max_count, functions: &nested.addresses }
        }
        NestedType::PciBridge | NestedType::CardbusBridge => NestedView::Bridge,
        NestedType::MdevTypes => NestedView::MdevTypes(mdev_types(nested, need)),
        NestedType::Vpd => {
            need.found().each("fields", &nested.fields, |found, fields| fields.check(found));
            NestedView::Vpd {
                name: need.text("name", &nested.name, "the name of the device; write <name>…</name>")?,
                fields: &nested.fields,
            }
        }
        NestedType::Ieee80203 => NestedView::Ieee80203,
        NestedType::Ieee80211 => NestedView::Ieee80211,
        NestedType::FcHost => fc_host(nested, outer.host.is_some(), need)?,
        NestedType::VportOps => NestedView::VportOps { most: nested.max_vports, made: nested.vports },
        NestedType::FcRemotePort => {
            let name = need.text("rport", &nested.remote_port, "the name of the port; write <rport>rport-0:0-1</rport>");
            let wwpn = world_wide_name(need.found(), "wwpn", nested.wwpn.as_deref());
            NestedView::FcRemotePort { name: name?, wwpn: wwpn? }
        }
        NestedType::Removable => removable(nested, need)?,
        NestedType::Hotpluggable => NestedView::Hotpluggable,
        NestedType::CcwGroupMember => NestedView::CcwGroupMember {
            group: need.text("group_device", &nested.group_device, "the name of the group; write <group_device>…</group_device>")?,
        },
        NestedType::QethGeneric => qeth(nested, None),
        NestedType::QethLayer2 => qeth(nested, Some(2)),
        NestedType::QethLayer3 => qeth(nested, Some(3)),
    })
}

fn phys_function<'a>(nested: &'a NestedCapability, need: &mut Need<'_>) -> Option<&'a PciAddress> {
    need.addresses(&nested.addresses);
    if nested.addresses.len() > 1 {
        need.tell("address", "a virtual function is part of one function; keep one address");
    }
    need.given(
        "address",
        nested.addresses.first(),
        "the function that this one is part of; write <address domain='0x0000' bus='…' slot='…' function='…'/>",
    )
}

fn mdev_types<'a>(nested: &'a NestedCapability, need: &mut Need<'_>) -> &'a [MdevType] {
    let types = &nested.mdev_types;
    need.given("type", types.first(), "a type that can be made; write <type id='…'> for each, or remove the capability");
    need.found().each("type", types, |found, mdev_type| {
        if let Some(reason) = MdevType::id_problem(&mdev_type.id) {
            found.add("@id", reason);
        }
    });
    need.found().unique("type/@id", "type", types.iter().map(|mdev_type| &mdev_type.id));
    types
}

fn fc_host<'a>(nested: &'a NestedCapability, numbered: bool, need: &mut Need<'_>) -> Option<NestedView<'a>> {
    let (wwnn, wwpn, fabric_wwn) = (nested.wwnn.as_deref(), nested.wwpn.as_deref(), nested.fabric_wwn.as_deref());
    let fabric_is_right = fabric_wwn.is_none_or(|name| world_wide_name(need.found(), "fabric_wwn", Some(name)).is_some());
    // An adapter that has no number yet is to be made.
    let names = if numbered || wwnn.is_some() || wwpn.is_some() {
        let wwnn = world_wide_name(need.found(), "wwnn", wwnn);
        let wwpn = world_wide_name(need.found(), "wwpn", wwpn);
        Some((wwnn?, wwpn?))
    } else {
        None
    };
    fabric_is_right.then_some(NestedView::FcHost { names, fabric_wwn })
}

fn removable<'a>(nested: &'a NestedCapability, need: &mut Need<'_>) -> Option<NestedView<'a>> {
    let what = "to say whether there is a medium; write <media_available>1</media_available>, or 0";
    let available = need.given("media_available", nested.media_available, what);
    let available = available.and_then(|number| need.number::<u8>("media_available", Some(number), 1));
    let blocks = need.blocks(nested.logical_block_size, nested.blocks);
    let medium = Medium { size: nested.media_size, label: nested.media_label.as_deref(), blocks };
    Some(NestedView::Removable((available? == 1).then_some(medium)))
}

fn qeth(nested: &NestedCapability, layer: Option<u8>) -> NestedView<'_> {
    NestedView::Qeth { layer, card_type: nested.card_type.as_deref(), channel_path: nested.channel_path.as_deref() }
}
