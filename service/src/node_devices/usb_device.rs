//! USB devices: `/sys/bus/usb/devices` (the kernel's `Documentation/ABI/stable/sysfs-bus-usb`).

use lodge_model::node_device::{Capability, CapabilityType, DeviceIdElement};

use super::ids::Ids;
use super::scan::Described;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, ids: &mut Ids) -> Option<Described> {
    let id = |attribute| u16::try_from(device.hex(attribute)?).ok();
    let (vendor, product) = ids.usb(device.sysfs(), id("idVendor")?, id("idProduct")?);
    // What a device says of itself stands in for what no list knows.
    let named = |element: DeviceIdElement, attribute| DeviceIdElement { name: element.name.or_else(|| device.text(attribute)), ..element };
    Some(Described::of(
        CapabilityType::UsbDevice,
        Capability {
            bus: Some(device.number::<u32>("busnum")?.to_string()),
            device: Some(device.number("devnum")?),
            product: Some(named(product, "product")),
            vendor: Some(named(vendor, "manufacturer")),
            ..Capability::default()
        },
    ))
}
