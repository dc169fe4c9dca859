//! What else a device is or can do: `<capability>` inside of the device's own, with the parts of all types.

use super::{MdevType, VpdFields};
use crate::domain::devices::PciAddress;
use crate::xml::Value;
use crate::{element, keywords};

keywords! {
    /// What else a device is or can do.
    pub enum NestedType {
        /// A PCI function that is part of another (SR-IOV).
        PhysFunction = "phys_function",
        /// A PCI function that has others as its parts.
        VirtFunctions = "virt_functions",
        /// A bridge to another bus; not given to guests.
        PciBridge = "pci-bridge",
        /// A bridge to CardBus.
        CardbusBridge = "cardbus-bridge",
        /// What mediated devices are made on.
        MdevTypes = "mdev_types",
        /// A PCI device with vital product data.
        Vpd = "vpd",
        /// Ethernet (IEEE 802.3).
        Ieee80203 = "80203",
        /// Wireless LAN (IEEE 802.11).
        Ieee80211 = "80211",
        /// An adapter of Fibre Channel.
        FcHost = "fc_host",
        /// What virtual adapters are made on.
        VportOps = "vport_ops",
        /// The other end of a Fibre Channel.
        FcRemotePort = "fc_remote_port",
        /// A drive whose medium is changed.
        Removable = "removable",
        /// A drive that is plugged in and out.
        Hotpluggable = "hotpluggable",
        /// A device that is part of a group.
        CcwGroupMember = "ccwgroup_member",
        /// A network adapter of S/390 whose layer is not chosen yet.
        QethGeneric = "qeth_generic",
        /// One that works on layer 2.
        QethLayer2 = "qeth_layer2",
        /// One that works on layer 3.
        QethLayer3 = "qeth_layer3",
    }
}

element! {
    /// What else a device is or can do, as it is written; which parts count depends on the type.
    pub struct NestedCapability {
        /// What it is; see [`NestedType`]. Open, as types are added.
        attr "type" kind: Option<String>,
        /// `virt_functions`: how many there can be.
        attr "maxCount" max_count: Option<u32>,
        /// `phys_function`: the function that this is part of. `virt_functions`: the parts.
        children "address" addresses: Vec<PciAddress>,
        /// `mdev_types`: the types that can be made.
        children "type" mdev_types: Vec<MdevType>,
        /// `vpd`: name of the device.
        leaf "name" name: Option<String>,
        /// `vpd`: its data.
        children "fields" fields: Vec<VpdFields>,
        /// `fc_remote_port`: name of the port.
        leaf "rport" remote_port: Option<String>,
        /// `fc_host`: world wide node name. Made up when an adapter is made without one.
        leaf "wwnn" wwnn: Option<String>,
        /// `fc_host`, `fc_remote_port`: world wide port name; the same.
        leaf "wwpn" wwpn: Option<String>,
        /// `fc_host`: world wide name of the fabric.
        leaf "fabric_wwn" fabric_wwn: Option<String>,
        /// `vport_ops`: how many virtual adapters there can be.
        leaf "max_vports" max_vports: Option<u32>,
        /// `vport_ops`: how many there are.
        leaf "vports" vports: Option<u32>,
        /// `removable`: 1 when there is a medium, else 0.
        leaf "media_available" media_available: Option<u32>,
        /// `removable`: its size.
        leaf "media_size" media_size: Option<u64>,
        /// `removable`: its label.
        leaf "media_label" media_label: Option<String>,
        /// `removable`: bytes in a logical block.
        leaf "logical_block_size" logical_block_size: Option<u64>,
        /// `removable`: logical blocks.
        leaf "num_blocks" blocks: Option<u64>,
        /// `ccwgroup_member`: name of the group.
        leaf "group_device" group_device: Option<String>,
        /// `qeth_…`: model of the card.
        leaf "card_type" card_type: Option<String>,
        /// `qeth_…`: identifier of its channel path.
        leaf "chpid" channel_path: Option<String>,
    }
}

impl NestedCapability {
    /// Its type, if that is known.
    pub fn known_type(&self) -> Option<NestedType> {
        NestedType::parse(self.kind.as_deref()?)
    }
}
