//! What a device is: `<capability>` directly in the device, with the parts of all types.

use uuid::Uuid;

use super::{
    ChannelAddress, DeviceIdElement, DeviceLink, Firmware, GroupMembers, Hardware, IommuGroup, MdevAttribute, NestedCapability, NestedType,
    NumaAffinity, PciExpress, Subtype,
};
use crate::domain::devices::Number;
use crate::storage_pool::NamedPart;
use crate::xml::{Hex, Value};
use crate::{element, keywords};

keywords! {
    /// What a device is.
    pub enum CapabilityType {
        /// The host as a whole, called `computer`.
        System = "system",
        /// A function of a PCI device.
        Pci = "pci",
        /// A USB device.
        UsbDevice = "usb_device",
        /// An interface of a USB device.
        UsbInterface = "usb",
        /// A network interface.
        Net = "net",
        /// A SCSI host, that is an adapter.
        ScsiHost = "scsi_host",
        /// A SCSI target.
        ScsiTarget = "scsi_target",
        /// A SCSI unit.
        Scsi = "scsi",
        /// The generic interface to a SCSI unit.
        ScsiGeneric = "scsi_generic",
        /// A block device.
        Storage = "storage",
        /// A node of the direct rendering manager, that is of a graphics card.
        Drm = "drm",
        /// A mediated device.
        Mdev = "mdev",
        /// A device of the channel subsystem of S/390.
        Ccw = "ccw",
        /// Several of them that are used as one.
        CcwGroup = "ccwgroup",
        /// A subchannel.
        Css = "css",
        /// A network device whose data path is that of virtio.
        Vdpa = "vdpa",
        /// A cryptographic card of S/390.
        ApCard = "ap_card",
        /// A domain on such a card.
        ApQueue = "ap_queue",
        /// What gives queues to guests.
        ApMatrix = "ap_matrix",
    }
}

keywords! {
    /// Whether a device of the channel subsystem is in use.
    pub enum ChannelState {
        /// It is.
        Online = "online",
        /// It is not.
        Offline = "offline",
    }
}

element! {
    /// What a device is, as it is written; which parts count depends on the type. Words whose meaning
    /// differs from type to type are kept as text.
    pub struct Capability {
        /// What it is; see [`CapabilityType`]. Open, as types are added.
        attr "type" kind: Option<String>,
        /// `net`: name of the interface.
        leaf "interface" interface: Option<String>,
        /// `net`: address of its link layer, for Ethernet of six bytes.
        leaf "address" address: Option<String>,
        /// `net`: state of its link.
        child "link" link: Option<DeviceLink>,
        /// `net`: what its hardware does for the host, such as `rxvlan`.
        children "feature" features: Vec<NamedPart>,
        /// `ccw`, `ccwgroup`: whether it is in use.
        leaf "state" state: Option<ChannelState>,
        /// `ccw`, `ccwgroup`, `css`: channel subsystem, 0 to 0xfe.
        leaf "cssid" cssid: Option<Hex<1>>,
        /// The same: subchannel set, 0 to 3.
        leaf "ssid" ssid: Option<Hex<1>>,
        /// The same: device number, of `css` that of the subchannel, 0 to 0xffff.
        leaf "devno" devno: Option<Hex<4>>,
        /// `css`: the device on the subchannel.
        child "channel_dev_addr" channel_device: Option<ChannelAddress>,
        /// `ccwgroup`: the devices in it.
        child "members" members: Option<GroupMembers>,
        /// `usb`: number of the interface.
        leaf "number" number: Option<u32>,
        /// `pci`: class, subclass and programming interface, in six hexadecimal digits. `usb`: class, in
        /// decimal.
        leaf "class" class: Option<Number>,
        /// `usb`: subclass.
        leaf "subclass" subclass: Option<u32>,
        /// `usb`: protocol.
        leaf "protocol" protocol: Option<u32>,
        /// `usb`: what it is, in words.
        leaf "description" description: Option<String>,
        /// `pci`: domain (segment). Devices behind Intel's VMD have one above 0xffff.
        leaf "domain" domain: Option<u32>,
        /// `storage`: absolute path of the block device.
        leaf "block" block: Option<String>,
        /// `scsi_host`, `scsi`: number of the host.
        leaf "host" host: Option<u32>,
        /// `scsi_host`: number of the host among those of one PCI device.
        leaf "unique_id" unique_id: Option<u32>,
        /// `pci`, `usb_device`, `scsi`: number of the bus, in decimal. `storage`: kind of the bus, such as
        /// `ata`.
        leaf "bus" bus: Option<String>,
        /// `pci`: slot, 0 to 31.
        leaf "slot" slot: Option<u32>,
        /// `pci`: function, 0 to 7.
        leaf "function" function: Option<u32>,
        /// `usb_device`: number on the bus.
        leaf "device" device: Option<u32>,
        /// `storage`: `disk`, `cdrom`, `floppy` and the like.
        leaf "drive_type" drive_type: Option<String>,
        /// `storage`: model.
        leaf "model" model: Option<String>,
        /// `pci`, `usb_device`: number and name of the product. `system`: name of the product.
        child "product" product: Option<DeviceIdElement>,
        /// `pci`, `usb_device`: number and name of the vendor. `storage`: name of the vendor.
        child "vendor" vendor: Option<DeviceIdElement>,
        /// `storage`: serial number.
        leaf "serial" serial: Option<String>,
        /// `system`: the hardware.
        child "hardware" hardware: Option<Box<Hardware>>,
        /// `system`: the firmware.
        child "firmware" firmware: Option<Box<Firmware>>,
        /// `storage`: size, unless the medium is removable.
        leaf "size" size: Option<u64>,
        /// `storage`: bytes in a logical block.
        leaf "logical_block_size" logical_block_size: Option<u64>,
        /// `storage`: logical blocks.
        leaf "num_blocks" blocks: Option<u64>,
        /// `scsi_target`: name of the target such as `target2:0:0`. `scsi`: its number, in decimal.
        leaf "target" target: Option<String>,
        /// `scsi`: logical unit number.
        leaf "lun" lun: Option<u64>,
        /// `scsi`: type of the unit such as `disk`. `drm`: see [`super::DrmType`]. `mdev`: the
        /// [`super::MdevType`] that it is of, by its identifier.
        child "type" subtype: Option<Subtype>,
        /// `mdev`: identity. Made up when a device is made without one.
        leaf "uuid" uuid: Option<Uuid>,
        /// `mdev`: address of the parent on its bus, such as `0000:00:02.0`.
        leaf "parent_addr" parent_address: Option<String>,
        /// `mdev`: attributes, in the order in which they are set.
        children "attr" attributes: Vec<MdevAttribute>,
        /// `scsi_generic`: absolute path of the character device.
        leaf "char" character: Option<String>,
        /// `vdpa`: absolute path of the character device.
        leaf "chardev" character_device: Option<String>,
        /// `ap_card`, `ap_queue`: the card, 0 to 255.
        leaf "ap-adapter" ap_adapter: Option<Hex<2>>,
        /// `ap_queue`: the domain, 0 to 255.
        leaf "ap-domain" ap_domain: Option<Hex<4>>,
        /// What else the device is or can do.
        children "capability" capabilities: Vec<NestedCapability>,
        /// `pci`, `mdev`: the devices that are separated from others only together.
        child "iommuGroup" iommu_group: Option<IommuGroup>,
        /// `pci`: the memory that is near.
        child "numa" numa: Option<NumaAffinity>,
        /// `pci`: its links, of PCI Express.
        child "pci-express" pci_express: Option<PciExpress>,
    }
}

impl Capability {
    /// Its type, if that is known.
    pub fn known_type(&self) -> Option<CapabilityType> {
        CapabilityType::parse(self.kind.as_deref()?)
    }

    /// Whether a capability of this type is in it.
    pub fn has(&self, kind: NestedType) -> bool {
        self.capabilities.iter().any(|nested| nested.known_type() == Some(kind))
    }
}

impl CapabilityType {
    /// The types of capabilities that stand in one of this type.
    pub const fn nested(self) -> &'static [NestedType] {
        use NestedType as N;
        match self {
            Self::Pci => &[N::PhysFunction, N::VirtFunctions, N::PciBridge, N::CardbusBridge, N::MdevTypes, N::Vpd],
            Self::Net => &[N::Ieee80203, N::Ieee80211],
            Self::ScsiHost => &[N::FcHost, N::VportOps],
            Self::ScsiTarget => &[N::FcRemotePort],
            Self::Storage => &[N::Removable, N::Hotpluggable],
            Self::Ccw => &[N::CcwGroupMember],
            Self::CcwGroup => &[N::QethGeneric, N::QethLayer2, N::QethLayer3],
            Self::Css | Self::ApMatrix => &[N::MdevTypes],
            Self::System | Self::UsbDevice | Self::UsbInterface | Self::Scsi | Self::ScsiGeneric | Self::Drm => &[],
            Self::Mdev | Self::Vdpa | Self::ApCard | Self::ApQueue => &[],
        }
    }
}
