//! What a capability of each type needs, and what to write when that is missing.

use super::mdev::parent_address_problem;
use super::need::Need;
use super::{BusId, Capability, CapabilityKind, CapabilityType, DrmType, MdevType, NestedType};
use crate::document::interface_name_problem;
use crate::domain::devices::PciAddress;
use crate::xml::Value;

/// Checks a capability of a type.
pub(super) fn view<'a>(kind: CapabilityType, capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    match kind {
        CapabilityType::System => Some(CapabilityKind::System {
            product: capability.product.as_ref().and_then(|product| product.name.as_deref()),
            hardware: capability.hardware.as_deref(),
            firmware: capability.firmware.as_deref(),
        }),
        CapabilityType::Pci => pci(capability, need),
        CapabilityType::UsbDevice => usb_device(capability, need),
        CapabilityType::UsbInterface => usb_interface(capability, need),
        CapabilityType::Net => net(capability, need),
        CapabilityType::ScsiHost => scsi_host(capability, need),
        CapabilityType::ScsiTarget => {
            let name = need.text("target", &capability.target, "the name of the target; write <target>target2:0:0</target>")?;
            Some(CapabilityKind::ScsiTarget { name })
        }
        CapabilityType::Scsi => scsi(capability, need),
        CapabilityType::ScsiGeneric => {
            need.special_file("char", &capability.character, "/dev/sg0").map(|path| CapabilityKind::ScsiGeneric { path })
        }
        CapabilityType::Storage => storage(capability, need),
        CapabilityType::Drm => drm(capability, need),
        CapabilityType::Mdev => mdev(capability, need),
        CapabilityType::Ccw => channel(capability, need).map(|bus_id| CapabilityKind::Ccw { bus_id, state: capability.state }),
        CapabilityType::CcwGroup => channel(capability, need).map(|bus_id| CapabilityKind::CcwGroup {
            bus_id,
            state: capability.state,
            members: capability.members.as_ref().map_or(&[], |members| &members.devices),
        }),
        CapabilityType::Css => {
            let device = capability
                .channel_device
                .as_ref()
                .map(|at| need.inside("channel_dev_addr", |need| need.bus_id(at.cssid, at.ssid, at.devno)));
            let bus_id = channel(capability, need);
            Some(CapabilityKind::Css { bus_id: bus_id?, device: device.flatten() })
        }
        CapabilityType::Vdpa => {
            need.special_file("chardev", &capability.character_device, "/dev/vhost-vdpa-0").map(|path| CapabilityKind::Vdpa { path })
        }
        CapabilityType::ApCard => ap_adapter(capability, need).map(|adapter| CapabilityKind::ApCard { adapter }),
        CapabilityType::ApQueue => {
            let adapter = ap_adapter(capability, need);
            let domain = need.number("ap-domain", capability.ap_domain.map(|domain| domain.0), 0xff);
            Some(CapabilityKind::ApQueue { adapter: adapter?, domain: domain? })
        }
        CapabilityType::ApMatrix => Some(CapabilityKind::ApMatrix),
    }
}

fn pci<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    if capability.class.is_some_and(|class| class.hex_digits != 6) {
        need.tell("class", "the class of a PCI device has three bytes; write six hexadecimal digits, such as 0x020000");
    }
    // Devices behind Intel's VMD have domains above 0xffff.
    let domain = need.number("domain", capability.domain, u32::MAX);
    let bus = need.number_in("bus", &capability.bus, 0xff);
    let slot = need.number("slot", capability.slot, 0x1f);
    let function = need.number("function", capability.function, 7);
    let product = need.id("product", &capability.product);
    let vendor = need.id("vendor", &capability.vendor);
    if let Some(group) = &capability.iommu_group {
        need.inside("iommuGroup", |need| need.addresses(&group.addresses));
    }
    Some(CapabilityKind::Pci {
        address: PciAddress::new(domain?, bus?, slot?, function?),
        class: capability.class.map(|class| class.value),
        product: product?,
        vendor: vendor?,
        iommu_group: capability.iommu_group.as_ref(),
        numa_node: capability.numa.as_ref().and_then(|numa| u32::try_from(numa.node?).ok()),
        links: capability.pci_express.as_ref().map_or(&[], |express| &express.links),
    })
}

fn usb_device<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let bus = need.number_in("bus", &capability.bus, u32::MAX);
    let device = need.number("device", capability.device, u32::MAX);
    let product = need.id("product", &capability.product);
    let vendor = need.id("vendor", &capability.vendor);
    Some(CapabilityKind::UsbDevice { bus: bus?, device: device?, product: product?, vendor: vendor? })
}

fn usb_interface<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let number = need.number("number", capability.number, 0xff);
    if capability.class.is_some_and(|class| class.hex_digits != 0) {
        need.tell("class", "the class of a USB interface is a decimal number; write it so, such as 3");
    }
    let class = need.number("class", capability.class.map(|class| class.value), 0xff);
    let subclass = need.number("subclass", capability.subclass, 0xff);
    let protocol = need.number("protocol", capability.protocol, 0xff);
    Some(CapabilityKind::UsbInterface { number: number?, class: class?, subclass: subclass?, protocol: protocol? })
}

fn net<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let interface = need.text("interface", &capability.interface, "the name of the interface; write <interface>eth0</interface>");
    if let Some(reason) = interface.and_then(interface_name_problem) {
        need.tell("interface", reason);
    }
    let address = capability.address.as_deref();
    if let Some(address) = address.filter(|address| !is_link_layer_address(address)) {
        let reason =
            format!("'{address}' is not the address of an interface; write pairs of hexadecimal digits, such as 52:54:00:6b:3c:58");
        need.tell("address", reason);
    }
    Some(CapabilityKind::Net { interface: interface?, address, link: capability.link.as_ref(), features: &capability.features })
}

/// Whether it is an address of some link layer: of Ethernet six bytes, of InfiniBand 20, of a tunnel four.
fn is_link_layer_address(text: &str) -> bool {
    text.split(':').all(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn scsi_host<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    // A virtual adapter gets its number when it is made.
    let virtual_one = capability.host.is_none() && capability.has(NestedType::FcHost);
    if !virtual_one {
        need.number::<u32>("host", capability.host, u32::MAX)?;
    }
    Some(CapabilityKind::ScsiHost { host: capability.host, unique_id: capability.unique_id })
}

fn scsi<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let host = need.number("host", capability.host, u32::MAX);
    let bus = need.number_in("bus", &capability.bus, u32::MAX);
    let target = need.number_in("target", &capability.target, u32::MAX);
    let lun = need.given("lun", capability.lun, "the number of the unit; write <lun>0</lun>");
    let unit_type = capability.subtype.as_ref().and_then(|subtype| subtype.word.as_deref());
    Some(CapabilityKind::Scsi { host: host?, bus: bus?, target: target?, lun: lun?, unit_type })
}

fn storage<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let path = need.special_file("block", &capability.block, "/dev/sda");
    let what = "its size in bytes; write <size>…</size>, or <capability type='removable'> when the medium is changed";
    let size = if capability.has(NestedType::Removable) { None } else { need.given("size", capability.size, what) };
    let blocks = need.blocks(capability.logical_block_size, capability.blocks);
    Some(CapabilityKind::Storage {
        path: path?,
        bus: capability.bus.as_deref(),
        drive_type: capability.drive_type.as_deref(),
        size,
        blocks,
    })
}

fn drm<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let word = capability.subtype.as_ref().and_then(|subtype| subtype.word.as_deref());
    let word = need.given("type", word, &format!("its type; write <type>…</type> with {}", DrmType::EXPECTED))?;
    need.found().word("type", word).map(CapabilityKind::Drm)
}

fn mdev<'a>(capability: &'a Capability, need: &mut Need<'_>) -> Option<CapabilityKind<'a>> {
    let mdev_type = capability.subtype.as_ref().and_then(|subtype| subtype.id.as_deref());
    let mdev_type = need.given("type", mdev_type, "the type that it is of; write <type id='…'/> with the id of one that the parent lists");
    if let Some(reason) = mdev_type.and_then(MdevType::id_problem) {
        need.tell("type/@id", reason);
    }
    if let Some(reason) = capability.parent_address.as_deref().and_then(parent_address_problem) {
        need.tell("parent_addr", reason);
    }
    need.found().each("attr", &capability.attributes, |found, attribute| {
        if let Some(reason) = attribute.problem() {
            found.add("@name", reason);
        }
    });
    Some(CapabilityKind::Mdev {
        mdev_type: mdev_type?,
        uuid: capability.uuid,
        parent_address: capability.parent_address.as_deref(),
        attributes: &capability.attributes,
    })
}

fn channel(capability: &Capability, need: &mut Need<'_>) -> Option<BusId> {
    need.bus_id(capability.cssid, capability.ssid, capability.devno)
}

fn ap_adapter(capability: &Capability, need: &mut Need<'_>) -> Option<u8> {
    need.number("ap-adapter", capability.ap_adapter.map(|adapter| adapter.0), 0xff)
}
