//! `<hostdev>`: devices of the host that the guest has for itself.

use std::path::Path;

use lodge_model::domain::devices::{GuestReset, Hostdev, HostdevSource, InterfaceDriverName, Rom};
use lodge_model::xml::{OnOff, YesNo};
use uuid::Uuid;

use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a device of the host.
///
/// # Errors
/// A kind that cannot be, a host without VFIO, or no place.
pub fn add(draft: &mut Draft<'_>, hostdev: &Hostdev) -> Result<(), Refusal> {
    if hostdev.source.as_ref().and_then(|source| source.missing) == Some(YesNo(true)) {
        return Ok(());
    }
    let driver = hostdev.driver.as_ref();
    check_driver("<hostdev>", driver.and_then(|driver| driver.name), driver.and_then(|driver| driver.iommufd))?;
    let name = alias::of(hostdev.alias.as_ref());
    let front_end = match hostdev.source_view()? {
        HostdevSource::Usb { ids, place, port } => {
            usb(draft, hostdev, ids, place, port)?.and(buses::usb(draft, name, hostdev.address.as_ref())?)
        }
        HostdevSource::Pci { address } => {
            pci(draft, &address.to_string(), hostdev.rom.as_deref())?.and(buses::pci(draft, name, hostdev.address.as_ref())?)
        }
        HostdevSource::Mdev { uuid } => {
            vfio(draft, &uuid.to_string())?;
            let place = buses::pci(draft, name, hostdev.address.as_ref())?;
            mdev(hostdev, uuid).and(place)
        }
        HostdevSource::Scsi { adapter, bus, target, unit } => {
            let host = adapter.strip_prefix("scsi_host").unwrap_or(adapter);
            let place = buses::scsi(draft, name, hostdev.address.as_ref())?;
            scsi(draft, hostdev, &format!("{host}:{bus}:{target}:{unit}"))?.and(place)
        }
        _ => {
            return Err(Refusal::unsupported(format!(
                "<hostdev type='{}'> of this kind cannot be given to a guest by this version: use type='usb', type='pci', type='mdev', or type='scsi' \
                 with an <adapter>, or take it out",
                hostdev.kind
            )));
        }
    };
    draft.device("<hostdev>", front_end.with("id", name).opt("bootindex", boot_index(draft.domain, name)))
}

/// Refuses ways of giving devices to guests that are not VFIO's.
pub(super) fn check_driver(element: &str, name: Option<InterfaceDriverName>, iommufd: Option<YesNo>) -> Result<(), Refusal> {
    match name {
        None | Some(InterfaceDriverName::Vfio) => {}
        Some(other) => {
            return Err(Refusal::unsupported(format!(
                "{element} has <driver name='{other}'/>, and QEMU is given devices by VFIO only: use name='vfio', or take it out"
            )));
        }
    }
    if iommufd == Some(YesNo(true)) {
        return Err(Refusal::unsupported(format!(
            "{element} has <driver iommufd='yes'/>, which this version does not know: take iommufd out"
        )));
    }
    Ok(())
}

/// A PCI function of the host, by its address there.
pub(super) fn pci(draft: &mut Draft<'_>, address: &str, rom: Option<&Rom>) -> Result<Props, Refusal> {
    vfio(draft, address)?;
    Ok(Props::device("vfio-pci").with("host", address).and(rom_of(draft, rom)))
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
    match (place, port, ids) {
        (Some((bus, number)), ..) => {
            draft.resource(format!("/dev/bus/usb/{bus:03}/{number:03}"), Access::ReadWrite, LabelClass::Device);
            Ok(device.with("hostbus", bus).with("hostaddr", number))
        }
        // Which one it is has been found out for a guest of the service; a person's QEMU looks by itself.
        (None, Some((bus, port)), _) => Ok(device.with("hostbus", bus).with("hostport", port)),
        (None, None, Some((vendor, product))) => Ok(device.with("vendorid", vendor).with("productid", product)),
        (None, None, None) => {
            Err(Refusal::invalid("<hostdev type='usb'> does not say which device: add <vendor id='…'/> and <product id='…'/>"))
        }
    }
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

/// A unit of a SCSI host, by its name in sysfs. QEMU passes the guest's commands to its generic device.
fn scsi(draft: &mut Draft<'_>, hostdev: &Hostdev, unit: &str) -> Result<Props, Refusal> {
    let Some(file) = draft.input.host.scsi_units.get(unit).cloned() else {
        return Err(Refusal::invalid(format!(
            "<hostdev type='scsi'> is the unit {unit}, which the host does not have, or has no generic device of: correct <adapter> and \
             <address>, or load the module sg"
        )));
    };
    let access = if hostdev.readonly { Access::Read } else { Access::ReadWrite };
    draft.resource(&file, access, LabelClass::Device);
    let node = format!("{}-unit", alias::of(hostdev.alias.as_ref()));
    let backend = Props::of("driver", "host_device").with("filename", file.display().to_string());
    draft.blockdev(backend.with("node-name", node.clone()).with("read-only", hostdev.readonly));
    let shared = hostdev.shareable.then_some(true);
    Ok(Props::device("scsi-generic").with("drive", node).opt("share-rw", shared))
}

fn rom_of(draft: &mut Draft<'_>, rom: Option<&Rom>) -> Props {
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
