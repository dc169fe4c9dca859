//! `<disk>`: hard disks, CD-ROM and floppy drives.

use lodge_model::domain::devices::{Address, ControllerType, Disk, DiskBus, DiskCache, DiskDevice, DiskIo, DriveAddress, ErrorPolicy};

use super::virtio;
use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::props::{Props, on_off};
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, block, buses};

/// Adds a drive and what is in it.
///
/// # Errors
/// It has no place, or its source cannot be used.
pub fn add(draft: &mut Draft<'_>, disk: &Disk) -> Result<(), Refusal> {
    check(disk)?;
    let node = block::add(draft, disk)?;
    let name = alias::of(disk.alias.as_ref());
    let place = place(draft, disk, name)?;
    let front_end = place.and(front_end(disk)).opt("drive", node).with("id", name);
    let front_end = front_end.opt("bootindex", boot_index(draft.domain, name)).and(media(disk));
    draft.device(&element(disk), front_end)
}

fn element(disk: &Disk) -> String {
    format!("<disk> '{}'", disk.target_dev())
}

fn check(disk: &Disk) -> Result<(), Refusal> {
    let element = element(disk);
    let cache = disk.driver.as_ref().and_then(|driver| driver.cache).unwrap_or_default();
    let native = disk.driver.as_ref().and_then(|driver| driver.io) == Some(DiskIo::Native);
    if native && !matches!(cache, DiskCache::None | DiskCache::Directsync) {
        return Err(Refusal::invalid(format!("{element} has io='native', which needs cache='none' or cache='directsync'")));
    }
    if disk.device() == DiskDevice::Cdrom && disk.bus() == DiskBus::Virtio {
        return Err(Refusal::invalid(format!(
            "{element} is a CD-ROM drive on virtio, which there is none of: use bus='sata' or bus='scsi'"
        )));
    }
    if disk.device() == DiskDevice::Disk && disk.readonly && matches!(disk.bus(), DiskBus::Ide | DiskBus::Sata) {
        let bus = disk.bus();
        return Err(Refusal::invalid(format!(
            "{element} is a read-only hard disk on {bus}, which there is none of: use bus='virtio' or bus='scsi', or device='cdrom'"
        )));
    }
    Ok(())
}

/// The driver and where it is plugged in.
fn place(draft: &Draft<'_>, disk: &Disk, name: &str) -> Result<Props, Refusal> {
    let cdrom = disk.device() == DiskDevice::Cdrom;
    match disk.bus() {
        DiskBus::Virtio => {
            let driver = virtio::name("virtio-blk", disk.model);
            Ok(Props::device(&driver).and(buses::pci(draft, name, disk.address.as_ref())?).and(virtio_options(disk)))
        }
        DiskBus::Ide => {
            let address = drive(disk, name)?;
            let controller = address.controller.unwrap_or(0);
            if controller > 0 {
                return Err(Refusal::invalid(format!("{} is on IDE controller {controller}; a machine has one: use 0", element(disk))));
            }
            let bus = format!("ide.{}", address.bus.unwrap_or(0));
            Ok(Props::device(ata(cdrom)).with("bus", bus).with("unit", address.unit.unwrap_or(0)))
        }
        DiskBus::Sata => {
            let address = drive(disk, name)?;
            let index = address.controller.unwrap_or(0);
            // The first of a q35 is part of the machine, and its buses have IDE's name.
            let controller = match draft.is_q35() && index == 0 {
                true => "ide".to_owned(),
                false => buses::drive_controller(draft, name, ControllerType::Sata, index)?,
            };
            Ok(Props::device(ata(cdrom)).with("bus", format!("{controller}.{}", address.unit.unwrap_or(0))))
        }
        DiskBus::Scsi => scsi(draft, disk, name),
        DiskBus::Usb => {
            let removable = disk.target.as_ref().and_then(|target| target.removable);
            Ok(Props::device("usb-storage").and(buses::usb(draft, name, disk.address.as_ref())?).bool("removable", removable))
        }
        DiskBus::Fdc => {
            let address = drive(disk, name)?;
            let place = Props::device("floppy").with("unit", address.unit.unwrap_or(0));
            match draft.is_q35() {
                true => Ok(place.with("bus", format!("{}.0", buses::drive_controller(draft, name, ControllerType::Fdc, 0)?))),
                false => Ok(place),
            }
        }
        bus @ (DiskBus::Xen | DiskBus::Uml | DiskBus::Sd | DiskBus::Nvme) => Err(Refusal::unsupported(format!(
            "{} is on the bus '{bus}', which a QEMU guest cannot have: use virtio, scsi, sata, ide, usb or fdc",
            element(disk)
        ))),
    }
}

fn ata(cdrom: bool) -> &'static str {
    if cdrom { "ide-cd" } else { "ide-hd" }
}

fn scsi(draft: &Draft<'_>, disk: &Disk, name: &str) -> Result<Props, Refusal> {
    let driver = match disk.device() {
        DiskDevice::Cdrom => "scsi-cd",
        DiskDevice::Lun => "scsi-block",
        DiskDevice::Disk | DiskDevice::Floppy => "scsi-hd",
    };
    Ok(Props::device(driver).and(buses::scsi(draft, name, disk.address.as_ref())?))
}

fn drive<'a>(disk: &'a Disk, name: &str) -> Result<&'a DriveAddress, Refusal> {
    match &disk.address {
        Some(Address::Drive(address)) => Ok(address),
        _ => Err(buses::missing(name, "drive")),
    }
}

fn virtio_options(disk: &Disk) -> Props {
    let driver = disk.driver.as_ref();
    let options = virtio::transport!(driver);
    let Some(driver) = driver else { return options };
    options
        .opt("iothread", driver.iothread.map(|number| format!("iothread{number}")))
        .opt("num-queues", driver.queues)
        .opt("queue-size", driver.queue_size)
        .bool("event_idx", driver.event_idx)
        .bool("ioeventfd", driver.ioeventfd)
}

/// What the guest sees, whatever the bus.
fn front_end(disk: &Disk) -> Props {
    let driver = disk.driver.as_ref();
    let removable_medium = matches!(disk.device(), DiskDevice::Cdrom | DiskDevice::Floppy);
    let write_cache = driver.and_then(|driver| driver.cache).filter(|_| !removable_medium).and_then(write_cache);
    let error = driver.and_then(|driver| driver.error_policy).map(error_word);
    // Reading cannot run out of space: what is asked for writing then holds for reading as its nearest.
    let read_error = driver.and_then(|driver| driver.rerror_policy.or(driver.error_policy)).map(read_error_word);
    let block = disk.block_io.as_deref();
    Props::empty()
        .opt("share-rw", disk.shareable.then_some(true))
        .opt("write-cache", write_cache.map(on_off))
        .opt("werror", error.filter(|_| disk.bus() != DiskBus::Fdc))
        .opt("rerror", read_error.filter(|_| disk.bus() != DiskBus::Fdc))
        .opt("logical_block_size", block.and_then(|block| block.logical_block_size))
        .opt("physical_block_size", block.and_then(|block| block.physical_block_size))
        .opt("discard_granularity", block.and_then(|block| block.discard_granularity))
}

/// What the guest can read about the drive.
fn media(disk: &Disk) -> Props {
    let rotation = disk.target.as_ref().and_then(|target| target.rotation_rate);
    let spins = matches!(disk.bus(), DiskBus::Ide | DiskBus::Sata | DiskBus::Scsi) && disk.device() == DiskDevice::Disk;
    let wwn = disk.wwn.as_deref().and_then(|wwn| u64::from_str_radix(wwn.trim_start_matches("0x"), 16).ok());
    Props::empty()
        .opt("serial", disk.serial.clone())
        .opt("wwn", wwn)
        .opt("vendor", disk.vendor.clone())
        .opt("product", disk.product.clone())
        .opt("rotation_rate", rotation.filter(|_| spins))
}

fn write_cache(cache: DiskCache) -> Option<bool> {
    match cache {
        DiskCache::Default => None,
        DiskCache::None | DiskCache::Writeback | DiskCache::Unsafe => Some(true),
        DiskCache::Writethrough | DiskCache::Directsync => Some(false),
    }
}

fn error_word(policy: ErrorPolicy) -> &'static str {
    match policy {
        ErrorPolicy::Stop => "stop",
        ErrorPolicy::Report => "report",
        ErrorPolicy::Ignore => "ignore",
        ErrorPolicy::Enospace => "enospc",
    }
}

fn read_error_word(policy: ErrorPolicy) -> &'static str {
    match policy {
        ErrorPolicy::Enospace => "report",
        other => error_word(other),
    }
}
