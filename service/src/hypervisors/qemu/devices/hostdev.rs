//! `<hostdev>`: devices of the host that the guest has for itself.

use std::path::Path;

use lodge_model::domain::devices::{GuestReset, Hostdev, HostdevSource};
use lodge_model::xml::OnOff;
use uuid::Uuid;

use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::input::UsbDevice;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a device of the host.
///
/// # Errors
/// A kind that cannot be, a host without VFIO, or no place.
pub fn add(draft: &mut Draft<'_>, hostdev: &Hostdev) -> Result<(), Refusal> {
    let name = alias::of(hostdev.alias.as_ref());
    let front_end = match hostdev.source_view()? {
        HostdevSource::Usb { ids, place, port } => {
            usb(draft, hostdev, ids, place, port)?.and(buses::usb(draft, name, hostdev.address.as_ref())?)
        }
        HostdevSource::Pci { address } => {
            vfio(draft, &address.to_string())?;
            let place = buses::pci(draft, name, hostdev.address.as_ref())?;
            Props::device("vfio-pci").with("host", address.to_string()).and(rom(draft, hostdev)).and(place)
        }
        HostdevSource::Mdev { uuid } => {
            vfio(draft, &uuid.to_string())?;
            let place = buses::pci(draft, name, hostdev.address.as_ref())?;
            mdev(hostdev, uuid).and(place)
        }
        _ => {
            return Err(Refusal::unsupported(format!(
                "<hostdev type='{}'> cannot be given to a guest by this version: use type='usb', type='pci' or type='mdev', or take it out",
                hostdev.kind
            )));
        }
    };
    draft.device("<hostdev>", front_end.with("id", name).opt("bootindex", boot_index(draft.domain, name)))
}

fn usb(
    draft: &mut Draft<'_>,
    hostdev: &Hostdev,
    ids: Option<(u32, u32)>,
    place: Option<(u32, u32)>,
    port: Option<(u32, &str)>,
) -> Result<Props, Refusal> {
    let reset = hostdev.source.as_ref().and_then(|source| source.guest_reset);
    let (guest_reset, resets_all) = match reset {
        None => (None, None),
        Some(GuestReset::Off) => (Some(false), None),
        Some(GuestReset::Uninitialized) => (Some(true), None),
        Some(GuestReset::On) => (Some(true), Some(true)),
    };
    let device = Props::device("usb-host").opt("guest-reset", guest_reset).opt("guest-resets-all", resets_all);
    if let Some((bus, number)) = place {
        usb_node(draft, bus, number);
        return Ok(device.with("hostbus", bus).with("hostaddr", number));
    }
    let is_meant = |device: &&UsbDevice| match (port, ids) {
        (Some(place), _) => (device.bus, device.port.as_str()) == place,
        (None, ids) => Some((device.vendor, device.product)) == ids,
    };
    let plugged: Vec<_> = draft.input.host.usb.iter().filter(is_meant).map(|device| (device.bus, device.number)).collect();
    if plugged.is_empty() {
        // Which node it is shows when the device is plugged in.
        draft.resource("/dev/bus/usb", Access::ReadWrite, LabelClass::Device);
    }
    plugged.into_iter().for_each(|(bus, number)| usb_node(draft, bus, number));
    match (port, ids) {
        (Some((bus, port)), _) => Ok(device.with("hostbus", bus).with("hostport", port)),
        (None, Some((vendor, product))) => Ok(device.with("vendorid", vendor).with("productid", product)),
        (None, None) => Err(Refusal::invalid("<hostdev type='usb'> does not say which device: add <vendor id='…'/> and <product id='…'/>")),
    }
}

fn usb_node(draft: &mut Draft<'_>, bus: u32, number: u32) {
    draft.resource(format!("/dev/bus/usb/{bus:03}/{number:03}"), Access::ReadWrite, LabelClass::Device);
}

/// `device` is its name in sysfs.
fn vfio(draft: &mut Draft<'_>, device: &str) -> Result<(), Refusal> {
    if !draft.input.host.vfio {
        return Err(Refusal::unsupported(
            "<hostdev> of a PCI device needs /dev/vfio/vfio, which this host does not have: turn on the IOMMU (intel_iommu=on or amd_iommu=on on the kernel's command line) and load the module vfio-pci, or take <hostdev> out",
        ));
    }
    draft.resource("/dev/vfio/vfio", Access::ReadWrite, LabelClass::Device);
    if let Some(group) = draft.input.host.iommu_groups.get(device) {
        draft.resource(Path::new("/dev/vfio").join(group), Access::ReadWrite, LabelClass::Device);
    }
    Ok(())
}

fn rom(draft: &mut Draft<'_>, hostdev: &Hostdev) -> Props {
    let rom = hostdev.rom.as_deref();
    let file = rom.and_then(|rom| rom.file.clone());
    if let Some(file) = &file {
        draft.resource(file, Access::Read, LabelClass::Kernel);
    }
    Props::empty().opt("rombar", rom.and_then(|rom| rom.bar).map(|OnOff(on)| i32::from(on))).opt("romfile", file)
}

fn mdev(hostdev: &Hostdev, uuid: Uuid) -> Props {
    let device = Props::device("vfio-pci").with("sysfsdev", format!("/sys/bus/mdev/devices/{uuid}"));
    device.on_off("display", hostdev.display).bool("ramfb", hostdev.ramfb)
}
