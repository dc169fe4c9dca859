//! Where a device goes in the list, and how it is called in a message.

use lodge_model::domain::devices::{Device, Devices};
use lodge_model::xml::Choice;

/// The order in which libvirt writes kinds of devices. What we add goes where libvirt would have written it.
#[rustfmt::skip]
const ORDER: [&str; 31] = [
    "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel",
    "console", "channel", "input", "tpm", "graphics", "sound", "audio", "video",
    "hostdev", "redirdev", "redirfilter", "hub", "watchdog", "memballoon", "rng", "nvram",
    "panic", "shmem", "memory", "iommu", "vsock", "crypto", "pstore",
];

fn rank(device: &Device) -> usize {
    ORDER.iter().position(|name| *name == device.name()).unwrap_or(ORDER.len())
}

/// Adds a device behind the last one that goes before it.
pub(super) fn insert(devices: &mut Devices, device: impl Into<Device>) {
    let device = device.into();
    let rank_of_new = rank(&device);
    let before = devices.list.iter().rposition(|other| rank(other) <= rank_of_new);
    devices.list.insert(before.map_or(0, |before| before + 1), device);
}

/// Moves the devices that were added at the end, from a position on, to where they belong. What places devices adds at
/// the end, so that positions of others stay what they are while it works.
pub(super) fn settle(devices: &mut Devices, first_added: usize) {
    let added: Vec<_> = devices.list.drain(first_added..).collect();
    for device in added {
        insert(devices, device);
    }
}

/// A device in a message: what a person finds it by in the document.
pub(super) fn describe(list: &[Device], index: usize) -> String {
    match &list[index] {
        Device::Disk(disk) => format!("disk '{}'", disk.target_dev()),
        Device::Controller(controller) => {
            let model = controller.model.as_deref().map(|model| format!(" ({model})")).unwrap_or_default();
            format!("{} controller {}{model}", controller.kind, controller.index())
        }
        Device::Interface(interface) if interface.mac_address().is_some() => {
            format!("interface {}", interface.mac_address().unwrap_or_default())
        }
        device => {
            let number = list[..=index].iter().filter(|other| other.name() == device.name()).count();
            format!("<{}> number {number}", device.name())
        }
    }
}
