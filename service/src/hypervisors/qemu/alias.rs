//! Names of devices: what QEMU calls them, what QMP events and clients speak of.
//!
//! The words are those that libvirt's live definitions use, so that scripts keep working. A name that begins with
//! `ua-` is the user's and stays; every other one is given anew at each start.
//!
//! Invariant: the same definition gets the same names.

use std::collections::HashMap;

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{
    Address, Alias, Console, ConsoleType, Controller, ControllerType, Device, Disk, DiskBus, DriveAddress, MemoryModel,
};

/// What a user's own names begin with.
const USER_PREFIX: &str = "ua-";

/// Gives every device its name.
pub fn assign(domain: &mut Domain) {
    let mut numbers = Numbers::default();
    let serial_ports = domain.devices.serials().count();
    for device in &mut domain.devices.list {
        let name = match device {
            Device::Disk(disk) => of_disk(disk),
            Device::Controller(controller) => of_controller(controller),
            Device::Interface(_) => numbers.next("net"),
            Device::Serial(_) => numbers.next("serial"),
            Device::Parallel(_) => numbers.next("parallel"),
            Device::Console(console) => of_console(console, numbers.next("console"), serial_ports),
            Device::Channel(_) => numbers.next("channel"),
            Device::Input(_) => numbers.next("input"),
            Device::Video(_) => numbers.next("video"),
            Device::Sound(_) => numbers.next("sound"),
            Device::Watchdog(_) => numbers.next("watchdog"),
            Device::Memballoon(_) => numbers.next("balloon"),
            Device::Rng(_) => numbers.next("rng"),
            Device::Filesystem(_) => numbers.next("fs"),
            Device::Smartcard(_) => numbers.next("smartcard"),
            Device::Tpm(_) => numbers.next("tpm"),
            Device::Hostdev(_) => numbers.next("hostdev"),
            Device::Redirdev(_) => numbers.next("redir"),
            Device::Hub(_) => numbers.next("hub"),
            Device::Nvram(_) => "nvram".to_owned(),
            Device::Panic(_) => numbers.next("panic"),
            Device::Shmem(_) => numbers.next("shmem"),
            Device::MemoryDevice(memory) => numbers.next(memory_word(memory.model)),
            Device::Iommu(_) => "iommu0".to_owned(),
            Device::Vsock(_) => numbers.next("vsock"),
            Device::Crypto(_) => numbers.next("crypto"),
            Device::Pstore(_) => numbers.next("pstore"),
            Device::Graphics(_) | Device::Audio(_) | Device::Lease(_) | Device::Redirfilter(_) => continue,
        };
        let Some(alias) = device.alias_mut() else { continue };
        let users = alias.as_ref().and_then(|alias| alias.name.as_deref()).is_some_and(|name| name.starts_with(USER_PREFIX));
        if !users {
            *alias = Some(Alias { name: Some(name), ..Alias::default() });
        }
    }
}

/// The name of a device that [`assign`] has named; empty before.
pub fn of(alias: Option<&Alias>) -> &str {
    alias.and_then(|alias| alias.name.as_deref()).unwrap_or_default()
}

/// The number of the next device of a kind.
#[derive(Default)]
struct Numbers(HashMap<&'static str, u32>);

impl Numbers {
    fn next(&mut self, kind: &'static str) -> String {
        let number = self.0.entry(kind).or_default();
        let name = format!("{kind}{number}");
        *number += 1;
        name
    }
}

fn memory_word(model: MemoryModel) -> &'static str {
    match model {
        MemoryModel::Dimm => "dimm",
        MemoryModel::Nvdimm => "nvdimm",
        MemoryModel::VirtioPmem => "virtiopmem",
        MemoryModel::VirtioMem => "virtiomem",
        MemoryModel::SgxEpc => "epc",
    }
}

fn of_disk(disk: &Disk) -> String {
    let bus = disk.bus();
    let number = number_of_target(disk.target_dev());
    match (bus, &disk.address) {
        (DiskBus::Scsi, Some(Address::Drive(DriveAddress { controller, bus, target, unit, .. }))) => {
            let [controller, bus, target, unit] = [controller, bus, target, unit].map(|part| part.unwrap_or(0));
            format!("scsi{controller}-{bus}-{target}-{unit}")
        }
        (_, Some(Address::Drive(DriveAddress { controller, bus: channel, unit, .. }))) => {
            let [controller, channel, unit] = [controller, channel, unit].map(|part| part.unwrap_or(0));
            format!("{bus}{controller}-{channel}-{unit}")
        }
        _ => format!("{bus}-disk{number}"),
    }
}

/// 0 for `vda`, 1 for `vdb`, 26 for `vdaa`.
fn number_of_target(target: &str) -> u32 {
    let letters = target.get(2..).unwrap_or_default().bytes().take_while(u8::is_ascii_lowercase);
    let number = letters.fold(0_u32, |sum, letter| sum.saturating_mul(26).saturating_add(u32::from(letter - b'a') + 1));
    number.saturating_sub(1)
}

fn of_controller(controller: &Controller) -> String {
    let index = controller.index();
    match (controller.kind, index) {
        (ControllerType::Pci, 0) if controller.model.as_deref() == Some("pcie-root") => "pcie.0".to_owned(),
        (ControllerType::Pci, _) => format!("pci.{index}"),
        (ControllerType::Usb, 0) => "usb".to_owned(),
        (ControllerType::Ide, 0) => "ide".to_owned(),
        (kind, _) => format!("{kind}{index}"),
    }
}

/// The first console of a guest with serial ports is the first of these.
fn of_console(console: &Console, own: String, serial_ports: usize) -> String {
    let target = console.target.as_ref();
    let kind = target.and_then(|target| target.kind).unwrap_or_default();
    let port = target.and_then(|target| target.port).unwrap_or(0);
    match kind {
        ConsoleType::Serial if usize::try_from(port).is_ok_and(|port| port < serial_ports) => format!("serial{port}"),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_counted_as_letters() {
        for (target, number) in [("vda", 0), ("sdb", 1), ("hdz", 25), ("vdaa", 26), ("vdab", 27), ("", 0), ("x", 0)] {
            assert_eq!(number_of_target(target), number, "{target}");
        }
    }
}
