//! Serial and parallel ports, consoles and channels.
//!
//! The first console is the first serial port seen from the host: where one of the two is written, the other is added,
//! and where both are, the console follows the port.

use std::collections::BTreeSet;

use lodge_model::domain::devices::{
    Address, Console, ConsoleTarget, ConsoleType, Device, Devices, ParallelTarget, Serial, SerialModel, SerialTarget,
};

use super::list::insert;
use super::{Result, invalid};

pub(super) fn complete(devices: &mut Devices) -> Result<()> {
    serial_of_console(devices);
    serial_ports(devices)?;
    parallel_ports(devices)?;
    console_of_serial(devices);
    consoles(devices);
    for channel in devices.channels_mut() {
        channel.kind.get_or_insert_default();
    }
    Ok(())
}

/// What a console shows to the guest, where it is written; a serial port is what an unwritten one becomes.
fn console_type(console: &Console) -> ConsoleType {
    console.target.as_ref().and_then(|target| target.kind).unwrap_or_default()
}

/// A console for a serial port, where no serial port is written, makes one.
fn serial_of_console(devices: &mut Devices) {
    if devices.serials().next().is_some() {
        return;
    }
    let Some(console) = devices.consoles().next().filter(|console| console_type(console) == ConsoleType::Serial) else { return };
    let serial = Serial {
        kind: console.kind,
        tty: console.tty.clone(),
        sources: console.sources.clone(),
        protocol: console.protocol.clone(),
        log: console.log.clone(),
        alias: console.alias.clone(),
        ..Serial::default()
    };
    insert(devices, serial);
}

fn serial_ports(devices: &mut Devices) -> Result<()> {
    let mut taken = BTreeSet::new();
    for port in devices.serials().filter_map(|serial| serial.target.as_ref()?.port) {
        if !taken.insert(port) {
            return invalid(format!("two serial ports have the number {port}; give each <target> of a <serial> another port"));
        }
    }
    for serial in devices.serials_mut() {
        serial.kind.get_or_insert_default();
        let kind = match serial.address {
            Some(Address::Usb(_)) => "usb-serial",
            Some(Address::Pci(_)) => "pci-serial",
            _ => "isa-serial",
        };
        let target = serial.target.get_or_insert_with(SerialTarget::default);
        let kind = target.kind.get_or_insert_with(|| kind.to_owned());
        // QEMU's device has the target's name but for the debug port.
        let device = if kind == "isa-debug" { "isa-debugcon" } else { kind.as_str() }.to_owned();
        target.model.get_or_insert_with(SerialModel::default).name.get_or_insert(device);
        target.port.get_or_insert_with(|| take_first_free(&mut taken));
    }
    Ok(())
}

fn parallel_ports(devices: &mut Devices) -> Result<()> {
    let mut taken = BTreeSet::new();
    for port in devices.parallels().filter_map(|parallel| parallel.target.as_ref()?.port) {
        if !taken.insert(port) {
            return invalid(format!("two parallel ports have the number {port}; give each <target> of a <parallel> another port"));
        }
    }
    for parallel in devices.parallels_mut() {
        parallel.kind.get_or_insert_default();
        let target = parallel.target.get_or_insert_with(ParallelTarget::default);
        target.port.get_or_insert_with(|| take_first_free(&mut taken));
    }
    Ok(())
}

/// The console of the first serial port: added where there is none, else made to follow the port.
fn console_of_serial(devices: &mut Devices) {
    let Some(serial) = devices.serials().next() else { return };
    let of_serial = Console {
        kind: serial.kind,
        tty: serial.tty.clone(),
        sources: serial.sources.clone(),
        protocol: serial.protocol.clone(),
        log: serial.log.clone(),
        target: Some(ConsoleTarget { kind: Some(ConsoleType::Serial), ..ConsoleTarget::default() }),
        ..Console::default()
    };
    match devices.list.iter_mut().find(|device| matches!(device, Device::Console(_))) {
        Some(Device::Console(console)) if console_type(console) == ConsoleType::Serial => {
            console.kind = of_serial.kind;
            console.tty = of_serial.tty;
            console.sources = of_serial.sources;
            console.protocol = of_serial.protocol;
            console.log = of_serial.log;
        }
        Some(_) => {
            let first = devices.list.iter().position(|device| matches!(device, Device::Console(_))).unwrap_or(0);
            devices.list.insert(first, of_serial.into());
            // The others move up by one.
            for console in devices.consoles_mut().skip(1) {
                if let Some(target) = &mut console.target {
                    target.port = target.port.map(|port| port + 1);
                }
            }
        }
        None => insert(devices, of_serial),
    }
}

/// Consoles after the first are virtio consoles unless they say otherwise.
fn consoles(devices: &mut Devices) {
    let mut taken: BTreeSet<_> = devices.consoles().filter_map(|console| console.target.as_ref()?.port).collect();
    for (number, console) in devices.consoles_mut().enumerate() {
        console.kind.get_or_insert_default();
        let target = console.target.get_or_insert_with(ConsoleTarget::default);
        target.kind.get_or_insert(if number == 0 { ConsoleType::Serial } else { ConsoleType::Virtio });
        target.port.get_or_insert_with(|| take_first_free(&mut taken));
    }
}

fn take_first_free(taken: &mut BTreeSet<u32>) -> u32 {
    let free = (0..).find(|port| !taken.contains(port)).unwrap_or(u32::MAX);
    taken.insert(free);
    free
}
