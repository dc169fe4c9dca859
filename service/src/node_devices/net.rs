//! Network interfaces: `/sys/class/net` (the kernel's `Documentation/ABI/testing/sysfs-class-net`).

use lodge_model::node_device::{Capability, CapabilityType, DeviceLink, LinkState, NestedCapability, NestedType};
use lodge_model::storage_pool::NamedPart;
use lodge_model::xml::Value as _;

use super::ids::Ids;
use super::scan::Described;
use crate::host::ethtool;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let event = device.event();
    let interface = event.get("INTERFACE").map_or(device.name(), String::as_str);
    let address = device.text("address");
    let wireless = event.get("DEVTYPE").is_some_and(|kind| kind == "wlan") || device.has("phy80211");
    let kind = if wireless { NestedType::Ieee80211 } else { NestedType::Ieee80203 };
    let capability = Capability {
        interface: Some(interface.to_owned()),
        address: address.clone(),
        link: link(device),
        features: features(device, interface),
        capabilities: vec![NestedCapability { kind: Some(kind.to_string()), ..NestedCapability::default() }],
        ..Capability::default()
    };
    Some(Described::of(CapabilityType::Net, capability).named(address))
}

fn link(device: &Device) -> Option<DeviceLink> {
    let state = LinkState::parse(&device.text("operstate")?)?;
    // A driver that does not know tells -1, or what is that in 32 bits.
    let speed = device.number::<i64>("speed").and_then(|speed| u32::try_from(speed).ok()).filter(|speed| *speed != u32::MAX && *speed > 0);
    Some(DeviceLink { speed: speed.filter(|_| state == LinkState::Up), state: Some(state), ..DeviceLink::default() })
}

fn features(device: &Device, interface: &str) -> Vec<NamedPart> {
    if !device.sysfs().is_this_host() {
        return Vec::new();
    }
    ethtool::features(interface).into_iter().map(|name| NamedPart { name: name.to_owned(), ..NamedPart::default() }).collect()
}
