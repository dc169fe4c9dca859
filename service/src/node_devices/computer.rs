//! `computer`: the host as a whole, as its firmware describes it (SMBIOS, `/sys/class/dmi/id`).

use lodge_model::node_device::{Capability, CapabilityType, DeviceIdElement, Firmware, Hardware, NodeDevice};
use uuid::Uuid;

use super::scan::Described;
use crate::host::sysfs::{Device, Sysfs};

/// Its name.
pub(super) const NAME: &str = "computer";

pub(super) fn document(sysfs: &Sysfs) -> NodeDevice {
    let firmware = sysfs.linked("class/dmi", "id");
    let capability = described(firmware.as_ref());
    let capability = Described::of(CapabilityType::System, capability).capability;
    NodeDevice { name: Some(NAME.to_owned()), capabilities: vec![capability], ..NodeDevice::default() }
}

/// A host without such firmware has no names, and the identity that stands for none: the format wants one.
fn described(firmware: Option<&Device>) -> Capability {
    let text = |attribute| firmware?.text(attribute);
    let hardware = Hardware {
        vendor: text("sys_vendor"),
        version: text("product_version"),
        serial: text("product_serial"),
        // Readable by root only, as the serial number is.
        uuid: Some(text("product_uuid").and_then(|uuid| Uuid::try_parse(&uuid).ok()).unwrap_or_default()),
        ..Hardware::default()
    };
    let release =
        Firmware { vendor: text("bios_vendor"), version: text("bios_version"), release_date: text("bios_date"), ..Firmware::default() };
    Capability {
        product: text("product_name").map(|name| DeviceIdElement { name: Some(name), ..DeviceIdElement::default() }),
        hardware: Some(Box::new(hardware)),
        firmware: Some(Box::new(release)),
        ..Capability::default()
    }
}
