//! Disks: what the guest sees them as, bus, driver.

use std::collections::HashMap;

use lodge_model::domain::devices::{Devices, Disk, DiskBus, DiskDevice, DiskDriver, DiskType};

use super::machine::Machine;
use super::{Result, invalid, unsupported};

pub(super) fn complete(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    let mut names = HashMap::new();
    for (number, disk) in devices.disks_mut().enumerate() {
        if disk.target_dev().is_empty() {
            return invalid(format!("disk number {} has no name; write <target dev='vda' bus='virtio'/>", number + 1));
        }
        if names.insert(disk.target_dev().to_owned(), ()).is_some() {
            return invalid(format!("two disks have the name '{}'; give each <target> another dev", disk.target_dev()));
        }
        disk.kind.get_or_insert_default();
        disk.device.get_or_insert_default();
        disk.readonly = disk.is_read_only();
        choose_bus(disk, machine)?;
        choose_driver(disk);
    }
    Ok(())
}

fn choose_bus(disk: &mut Disk, machine: &Machine<'_>) -> Result<()> {
    let written = disk.target.as_ref().and_then(|target| target.bus);
    let mut bus = disk.bus();
    // A name such as hda is a habit from before SATA, not a wish for IDE.
    if written.is_none() && bus == DiskBus::Ide && machine.is_q35() {
        bus = DiskBus::Sata;
    }
    let name = disk.target_dev();
    match bus {
        DiskBus::Ide if machine.is_q35() => {
            return unsupported(format!("disk '{name}' is on an IDE bus, which q35 machines do not have; write bus='sata'"));
        }
        DiskBus::Xen | DiskBus::Uml => {
            return unsupported(format!("disk '{name}' is on a bus of type '{bus}', which QEMU does not have; write bus='virtio'"));
        }
        DiskBus::Fdc if disk.device() != DiskDevice::Floppy => {
            return invalid(format!("disk '{name}' is on the floppy controller and is no floppy; write device='floppy'"));
        }
        _ => {}
    }
    if let Some(target) = &mut disk.target {
        target.bus = Some(bus);
    }
    Ok(())
}

/// Images are raw unless the definition says otherwise. They are never probed: a guest that writes a header into its
/// raw disk must not get to choose what else is opened.
fn choose_driver(disk: &mut Disk) {
    let driver = disk.driver.get_or_insert_with(DiskDriver::default);
    driver.name.get_or_insert_with(|| "qemu".to_owned());
    // The format of a volume is known to its pool.
    if !matches!(disk.kind, Some(DiskType::Volume)) {
        driver.kind.get_or_insert_with(|| "raw".to_owned());
    }
}
