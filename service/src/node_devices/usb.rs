//! Interfaces of USB devices, which are what drivers bind to.

use lodge_model::domain::devices::Number;
use lodge_model::node_device::{Capability, CapabilityType};

use super::ids::Ids;
use super::scan::Described;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    Some(Described::of(
        CapabilityType::UsbInterface,
        Capability {
            number: Some(device.hex("bInterfaceNumber")?),
            class: Some(Number::decimal(device.hex("bInterfaceClass")?)),
            subclass: Some(device.hex("bInterfaceSubClass")?),
            protocol: Some(device.hex("bInterfaceProtocol")?),
            description: device.text("interface"),
            ..Capability::default()
        },
    ))
}
