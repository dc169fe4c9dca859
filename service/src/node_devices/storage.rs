//! Block devices that have hardware, or what a hypervisor shows as hardware, behind them (the kernel's
//! `Documentation/ABI/stable/sysfs-block`). Loop devices, device mapper and the like are no devices of the host; partitions are
//! parts of one.

use lodge_model::node_device::{Capability, CapabilityType, DeviceIdElement, NestedCapability, NestedType};

use super::ids::Ids;
use super::scan::{Described, special_file};
use crate::host::sysfs::{Device, Known};

/// Bytes in a unit of `size`, whatever a block of the device has.
const SECTOR: u64 = 512;

/// Buses that can be told by the names of directories.
const BUSES: [&str; 4] = ["nvme", "ata", "usb", "mmc"];

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    if device.has("partition") || !device.has("device") {
        return None;
    }
    let known = device.known_to_udev();
    // Without udevd libvirt knows no serial number, and its name is to be ours.
    let in_name = known.property("ID_SERIAL").map(str::to_owned);
    let drive_type = drive_type(device, &known);
    let size = device.number::<u64>("size")?.checked_mul(SECTOR)?;
    let block_size = device.number("queue/logical_block_size");
    let blocks = block_size.and_then(|block| size.checked_div(block));
    let removable = device.text("removable").as_deref() == Some("1");
    let medium = removable.then(|| NestedCapability {
        kind: Some(NestedType::Removable.to_string()),
        media_available: Some(u32::from(size > 0)),
        media_size: Some(size),
        media_label: known.property("ID_FS_LABEL").map(str::to_owned),
        logical_block_size: block_size,
        blocks,
        ..NestedCapability::default()
    });
    let fixed = !removable;
    let capability = Capability {
        block: Some(special_file(device.event().get("DEVNAME")?)),
        bus: bus(device, &known),
        drive_type: Some(drive_type),
        model: device.text("device/model"),
        vendor: vendor(device).map(|name| DeviceIdElement { name: Some(name), ..DeviceIdElement::default() }),
        serial: in_name.clone().or_else(|| serial(device)),
        size: fixed.then_some(size),
        logical_block_size: block_size.filter(|_| fixed),
        blocks: blocks.filter(|_| fixed),
        capabilities: medium.into_iter().collect(),
        ..Capability::default()
    };
    Some(Described::of(CapabilityType::Storage, capability).named(in_name))
}

/// What the device says, where udev has not made a number of it and of more that the bus knows.
fn serial(device: &Device) -> Option<String> {
    ["serial", "device/serial"].into_iter().find_map(|attribute| device.text(attribute))
}

fn bus(device: &Device, known: &Known) -> Option<String> {
    // The nearest directory above it that is called as a bus, with a number.
    let is_of = |name: &str, bus: &str| name.strip_prefix(bus).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let bus_of = |path: &str| BUSES.into_iter().find(|bus| is_of(path.rsplit('/').next().unwrap_or_default(), bus));
    known.property("ID_BUS").or_else(|| device.ancestors().find_map(bus_of)).map(str::to_owned)
}

/// The name of the vendor; others than SCSI have a number there.
fn vendor(device: &Device) -> Option<String> {
    device.text("device/vendor").filter(|vendor| !vendor.starts_with("0x"))
}

fn drive_type(device: &Device, known: &Known) -> String {
    let word = match device.name() {
        name if name.starts_with("sr") => "cdrom",
        name if name.starts_with("fd") => "floppy",
        name if name.starts_with("mmcblk") => "sd",
        _ => match known.property("ID_TYPE") {
            Some("cd") => "cdrom",
            Some(word) => word,
            None => "disk",
        },
    };
    word.to_owned()
}
