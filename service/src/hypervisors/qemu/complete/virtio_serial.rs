//! Ports of channels and virtio consoles on virtio-serial controllers.
//!
//! Port 0 of a controller is kept for a console, as old guests look for one there; channels start at 1.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Address, ChannelType, ConsoleType, Controller, ControllerType, Device, Devices, VirtioSerialAddress};

use super::list::describe;
use super::machine::Machine;
use super::{Result, controllers, invalid};

/// Ports of a controller that says nothing; QEMU's number too.
const PORTS: u32 = 31;

pub(super) fn place(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    let on_one = devices.list.iter().filter(|device| first_port(device).is_some());
    let Some(highest) = on_one.map(|device| written(device).map_or(0, |(controller, _)| controller)).max() else { return Ok(()) };
    controllers::require(devices, machine, ControllerType::VirtioSerial, highest)?;
    let mut taken = BTreeMap::new();
    for index in 0..devices.list.len() {
        if let Some((controller, Some(port))) = written(&devices.list[index]) {
            check(devices, index, controller, port)?;
            if let Some(other) = taken.insert((controller, port), index) {
                let (one, two) = (describe(&devices.list, other), describe(&devices.list, index));
                return invalid(format!("{one} and {two} are both port {port} of the virtio-serial controller {controller}"));
            }
        }
    }
    for index in 0..devices.list.len() {
        let Some(first) = first_port(&devices.list[index]) else { continue };
        let wanted = match written(&devices.list[index]) {
            Some((_, Some(_))) => continue,
            Some((controller, None)) => Some(controller),
            None => None,
        };
        let free =
            |(controller, ports): (u32, u32)| Some((controller, (first..ports).find(|port| !taken.contains_key(&(controller, *port)))?));
        let mut candidates = ports(devices).filter(|(controller, _)| wanted.is_none_or(|wanted| wanted == *controller));
        let Some((controller, port)) = candidates.find_map(free) else {
            drop(candidates);
            return place_on_another(devices, machine, index, wanted);
        };
        drop(candidates);
        taken.insert((controller, port), index);
        set(&mut devices.list[index], controller, port);
    }
    Ok(())
}

/// Adds a controller and goes on; what has a place keeps it.
fn place_on_another(devices: &mut Devices, machine: &Machine<'_>, index: usize, wanted: Option<u32>) -> Result<()> {
    if let Some(controller) = wanted {
        let who = describe(&devices.list, index);
        return invalid(format!("the virtio-serial controller {controller} has no free port for {who}; leave its <address> out"));
    }
    let next = ports(devices).map(|(controller, _)| controller + 1).max().unwrap_or(0);
    controllers::require(devices, machine, ControllerType::VirtioSerial, next)?;
    place(devices, machine)
}

fn check(devices: &Devices, index: usize, controller: u32, port: u32) -> Result<()> {
    let Some((_, count)) = ports(devices).find(|(other, _)| *other == controller) else { return Ok(()) };
    let lowest = first_port(&devices.list[index]).unwrap_or(0);
    if (lowest..count).contains(&port) {
        return Ok(());
    }
    let (who, highest) = (describe(&devices.list, index), count.saturating_sub(1));
    invalid(format!("{who} is port {port} of the virtio-serial controller {controller}, which has the ports {lowest} to {highest} for it"))
}

/// The lowest port that a device can have; `None` for what is on no such controller.
fn first_port(device: &Device) -> Option<u32> {
    if device.address().is_some_and(|address| !matches!(address, Address::VirtioSerial(_))) {
        return None;
    }
    match device {
        Device::Channel(channel) => {
            let kind = channel.target.as_ref().map(|target| target.kind).unwrap_or_default();
            (kind == ChannelType::Virtio).then_some(1)
        }
        Device::Console(console) => {
            let kind = console.target.as_ref().and_then(|target| target.kind);
            (kind == Some(ConsoleType::Virtio)).then_some(0)
        }
        _ => None,
    }
}

/// Controller and port as they are written.
fn written(device: &Device) -> Option<(u32, Option<u32>)> {
    first_port(device)?;
    match device.address() {
        Some(Address::VirtioSerial(address)) => Some((address.controller.unwrap_or(0), address.port)),
        _ => None,
    }
}

/// The controllers and how many ports each has, in the order of their numbers.
fn ports(devices: &Devices) -> impl Iterator<Item = (u32, u32)> {
    let mut ports: Vec<_> = devices
        .controllers()
        .filter(|controller| controller.kind == ControllerType::VirtioSerial)
        .map(|controller: &Controller| (controller.index(), controller.ports.unwrap_or(PORTS)))
        .collect();
    ports.sort_unstable();
    ports.into_iter()
}

fn set(device: &mut Device, controller: u32, port: u32) {
    if let Some(address) = device.address_mut() {
        let place = VirtioSerialAddress { controller: Some(controller), bus: Some(0), port: Some(port), ..VirtioSerialAddress::default() };
        *address = Some(Address::VirtioSerial(place));
    }
}
