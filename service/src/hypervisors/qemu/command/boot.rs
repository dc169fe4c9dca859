//! What the guest boots, and in what order: `-boot`, `-kernel`, `bootindex`.

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Alias, Boot, Device, DiskDevice};
use lodge_model::domain::os::{AcpiTableType, BootDevice};
use lodge_model::xml::YesNo;

use super::draft::Draft;
use crate::hypervisors::qemu::alias;
use crate::hypervisors::qemu::props::Options;
use crate::hypervisors::resources::{Access, LabelClass};

/// A device's place in the boot order, from 1; `None` when it is not booted from.
///
/// Devices say it themselves, or `<boot dev='…'/>` names kinds: then the first device of each kind has its place.
pub fn boot_index(domain: &Domain, name: &str) -> Option<u32> {
    let mut devices = domain.devices.list.iter().filter_map(bootable);
    if domain.os.boot.is_empty() {
        return devices.find(|one| one.name == name).and_then(|one| one.order);
    }
    let own = devices.find(|one| one.name == name)?;
    let first = domain.devices.list.iter().filter_map(bootable).find(|one| one.kind == own.kind)?;
    let place = domain.os.boot.iter().position(|boot| Some(boot.dev) == own.kind)?;
    (first.name == name).then(|| u32::try_from(place + 1).unwrap_or(u32::MAX))
}

struct Bootable<'a> {
    name: &'a str,
    kind: Option<BootDevice>,
    order: Option<u32>,
}

fn bootable(device: &Device) -> Option<Bootable<'_>> {
    let (name, kind, boot): (_, _, Option<&Boot>) = match device {
        Device::Disk(disk) => {
            let kind = match disk.device() {
                DiskDevice::Disk | DiskDevice::Lun => BootDevice::HardDisk,
                DiskDevice::Cdrom => BootDevice::Cdrom,
                DiskDevice::Floppy => BootDevice::Floppy,
            };
            (&disk.alias, Some(kind), disk.boot.as_ref())
        }
        Device::Interface(interface) => (&interface.alias, Some(BootDevice::Network), interface.boot.as_ref()),
        Device::Hostdev(hostdev) => (&hostdev.alias, None, hostdev.boot.as_ref()),
        Device::Redirdev(redirdev) => (&redirdev.alias, None, redirdev.boot.as_ref()),
        Device::Filesystem(filesystem) => (&filesystem.alias, None, filesystem.boot.as_ref()),
        _ => return None,
    };
    let name: &Option<Alias> = name;
    Some(Bootable { name: alias::of(name.as_ref()), kind, order: boot.and_then(|boot| boot.order) })
}

/// Adds the boot menu, a kernel to boot directly, and tables for the firmware.
pub fn add(draft: &mut Draft<'_>) {
    let os = &draft.domain.os;
    let menu = os.boot_menu.as_ref();
    let enabled = menu.and_then(|menu| menu.enable).map(|YesNo(on)| on);
    let options = Options::of("strict", "on").opt_on("menu", enabled);
    let timeout = menu.and_then(|menu| menu.timeout).filter(|_| enabled == Some(true));
    let reboot = os.bios.as_ref().and_then(|bios| bios.reboot_timeout);
    draft.option("-boot", options.opt("splash-time", timeout).opt("reboot-timeout", reboot).render());
    for (option, path) in [("-kernel", &os.kernel), ("-initrd", &os.initrd), ("-dtb", &os.dtb), ("-shim", &os.shim)] {
        if let Some(path) = path.as_deref().filter(|path| !path.is_empty()) {
            draft.resource(path, Access::Read, LabelClass::Kernel);
            draft.option(option, path);
        }
    }
    if let Some(arguments) = os.cmdline.as_deref().filter(|arguments| !arguments.is_empty()) {
        draft.option("-append", arguments);
    }
    for table in os.acpi.iter().flat_map(|acpi| &acpi.tables) {
        if let Some(path) = table.path.as_deref().map(str::trim) {
            draft.resource(path, Access::Read, LabelClass::Kernel);
            let sign = (table.kind == AcpiTableType::Slic).then_some("SLIC");
            let options = match sign {
                Some(sign) => Options::of("sig", sign).with("file", path),
                None => Options::of("file", path),
            };
            draft.option("-acpitable", options.render());
        }
    }
}
