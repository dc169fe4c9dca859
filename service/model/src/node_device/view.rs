//! What a device is, checked. What each type needs stands in [`by_type`].

use uuid::Uuid;

use super::need::Need;
use super::nested_view::{self, NestedView};
use super::{
    Capability, CapabilityType, ChannelState, DeviceLink, DrmType, Firmware, GroupMember, Hardware, IommuGroup, MdevAttribute, NestedType,
    NodeDevice, PciLink, by_type,
};
use crate::document::Problems;
use crate::domain::devices::PciAddress;
use crate::fibre_channel::AdapterParent;
use crate::storage_pool::NamedPart;

/// A device, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDeviceView<'a> {
    /// What it is on. Only a virtual adapter that is to be made may be on any, or name it otherwise
    /// than by name.
    pub parent: AdapterParent<'a>,
    /// What it is; one thing at least.
    pub capabilities: Vec<CapabilityView<'a>>,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq)]
pub struct CapabilityView<'a> {
    /// What it is.
    pub kind: CapabilityKind<'a>,
    /// What else it is or can do.
    pub nested: Vec<NestedView<'a>>,
}

/// What a device is, by its type.
#[derive(Debug, Clone, PartialEq)]
pub enum CapabilityKind<'a> {
    /// The host as a whole.
    System {
        /// Name of the product.
        product: Option<&'a str>,
        /// The hardware.
        hardware: Option<&'a Hardware>,
        /// The firmware.
        firmware: Option<&'a Firmware>,
    },
    /// A function of a PCI device.
    Pci {
        /// Its address; every part is there.
        address: PciAddress,
        /// Class, subclass and programming interface, one byte each.
        class: Option<u32>,
        /// Product.
        product: DeviceId<'a>,
        /// Vendor.
        vendor: DeviceId<'a>,
        /// The devices that are separated from others only together.
        iommu_group: Option<&'a IommuGroup>,
        /// Node of the host whose memory is near.
        numa_node: Option<u32>,
        /// Links of PCI Express.
        links: &'a [PciLink],
    },
    /// A USB device.
    UsbDevice {
        /// Its bus.
        bus: u32,
        /// Its number on the bus.
        device: u32,
        /// Product.
        product: DeviceId<'a>,
        /// Vendor.
        vendor: DeviceId<'a>,
    },
    /// An interface of a USB device.
    UsbInterface {
        /// Its number.
        number: u8,
        /// Class.
        class: u8,
        /// Subclass.
        subclass: u8,
        /// Protocol.
        protocol: u8,
    },
    /// A network interface.
    Net {
        /// Its name.
        interface: &'a str,
        /// Address of its link layer, if that has addresses.
        address: Option<&'a str>,
        /// State of its link.
        link: Option<&'a DeviceLink>,
        /// What its hardware does for the host.
        features: &'a [NamedPart],
    },
    /// A SCSI host.
    ScsiHost {
        /// Its number; none of a virtual adapter that is to be made.
        host: Option<u32>,
        /// Its number among those of one PCI device.
        unique_id: Option<u32>,
    },
    /// A SCSI target.
    ScsiTarget {
        /// Its name.
        name: &'a str,
    },
    /// A SCSI unit.
    Scsi {
        /// Number of the host.
        host: u32,
        /// Bus of the host.
        bus: u32,
        /// Target on the bus.
        target: u32,
        /// Unit of the target.
        lun: u64,
        /// Type of the unit.
        unit_type: Option<&'a str>,
    },
    /// The generic interface to a SCSI unit.
    ScsiGeneric {
        /// Absolute path of the character device.
        path: &'a str,
    },
    /// A block device.
    Storage {
        /// Absolute path.
        path: &'a str,
        /// Kind of the bus.
        bus: Option<&'a str>,
        /// Kind of the drive.
        drive_type: Option<&'a str>,
        /// Size in bytes; none when the medium is removable.
        size: Option<u64>,
        /// Its blocks.
        blocks: Option<Blocks>,
    },
    /// A node of the direct rendering manager.
    Drm(DrmType),
    /// A mediated device.
    Mdev {
        /// The type that it is of.
        mdev_type: &'a str,
        /// Identity; none of a device that is to be made with one made up.
        uuid: Option<Uuid>,
        /// Address of the parent on its bus.
        parent_address: Option<&'a str>,
        /// Attributes, in the order in which they are set.
        attributes: &'a [MdevAttribute],
    },
    /// A device of the channel subsystem.
    Ccw {
        /// Where it is.
        bus_id: BusId,
        /// Whether it is in use.
        state: Option<ChannelState>,
    },
    /// Several of them that are used as one.
    CcwGroup {
        /// Where the first is.
        bus_id: BusId,
        /// Whether it is in use.
        state: Option<ChannelState>,
        /// The devices in it.
        members: &'a [GroupMember],
    },
    /// A subchannel.
    Css {
        /// Where it is.
        bus_id: BusId,
        /// Where the device on it is.
        device: Option<BusId>,
    },
    /// A network device whose data path is that of virtio.
    Vdpa {
        /// Absolute path of the character device.
        path: &'a str,
    },
    /// A cryptographic card.
    ApCard {
        /// Its number.
        adapter: u8,
    },
    /// A domain on a cryptographic card.
    ApQueue {
        /// Number of the card.
        adapter: u8,
        /// Number of the domain.
        domain: u8,
    },
    /// What gives queues to guests.
    ApMatrix,
}

/// A product or vendor of PCI or USB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId<'a> {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: Option<&'a str>,
}

/// The bus-ID of a device or subchannel on S/390, written `0.0.4711`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusId {
    /// Channel subsystem, 0 to 0xfe.
    pub cssid: u8,
    /// Subchannel set, 0 to 3.
    pub ssid: u8,
    /// Device number.
    pub devno: u16,
}

/// The blocks of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Bytes in a logical block.
    pub size: u64,
    /// Logical blocks.
    pub count: u64,
}

/// Checks what a device is and what it is on.
pub(super) fn of<'a>(device: &'a NodeDevice, found: &mut Problems) -> Option<NodeDeviceView<'a>> {
    let parent = parent(device, found);
    let mut capabilities = Vec::new();
    found.each("capability", &device.capabilities, |found, capability| capabilities.push(of_capability(capability, found)));
    if capabilities.is_empty() {
        found.add("capability", "it is not said what the device is; write <capability type='…'>, such as pci, net or mdev");
    }
    Some(NodeDeviceView { parent: parent?, capabilities: capabilities.into_iter().collect::<Option<_>>()? })
}

fn parent<'a>(device: &'a NodeDevice, found: &mut Problems) -> Option<AdapterParent<'a>> {
    let view = match &device.parent {
        Some(parent) => parent.names().view(found)?,
        None => AdapterParent::Any,
    };
    let has = |fits: fn(&Capability) -> bool| device.capabilities.iter().any(fits);
    let reason = match view {
        AdapterParent::Any if device.parent.is_some() => {
            "it is not said what the device is on; write the name of that, such as pci_0000_00_02_0, or remove <parent>"
        }
        AdapterParent::Any if has(|it| it.known_type() == Some(CapabilityType::Mdev) && it.parent_address.is_none()) => {
            "it is not said what the mediated device is made on; write <parent>…</parent> with the name of that, such as pci_0000_00_02_0"
        }
        AdapterParent::WorldWide { .. } | AdapterParent::Fabric(_) if !has(|it| it.has(NestedType::FcHost)) => {
            "world wide names are for the parent of a virtual adapter; write the name of the device that this one is on"
        }
        _ => return Some(view),
    };
    found.add("parent", reason);
    None
}

fn of_capability<'a>(capability: &'a Capability, found: &mut Problems) -> Option<CapabilityView<'a>> {
    let word = found.needed_word::<CapabilityType>("@type", capability.kind.as_deref())?;
    let kind = by_type::view(word, capability, &mut Need::new(word.as_str(), found));
    let mut nested = Vec::new();
    found.each("capability", &capability.capabilities, |found, inside| nested.push(nested_view::of(inside, word, capability, found)));
    found.unique("capability/@type", "capability", capability.capabilities.iter().filter_map(|inside| inside.kind.as_ref()));
    Some(CapabilityView { kind: kind?, nested: nested.into_iter().collect::<Option<_>>()? })
}
