//! Ports of USB devices.
//!
//! A hub widens the port it is on: port 2 with a hub is left to the hub, whose ports are 2.1, 2.2 and so on.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Address, Controller, ControllerType, Device, Devices, DiskBus, HostdevType, Hub, InputBus, UsbAddress};

use super::list::{describe, settle};
use super::{Result, invalid, unsupported};

/// The device on each port, by bus.
type Taken = BTreeMap<(u32, String), usize>;

/// Ports of QEMU's hub.
const HUB_PORTS: u32 = 8;
/// Tiers of hubs below a root port; the USB 2.0 specification (4.1.1) allows five.
const MAX_TIERS: usize = 5;

pub(super) fn place(devices: &mut Devices) -> Result<()> {
    let Some(first) = devices.list.iter().position(is_usb) else { return Ok(()) };
    let buses = buses(devices);
    if buses.is_empty() {
        let who = describe(&devices.list, first);
        return invalid(format!("{who} is a USB device, and USB is off; take it away or the <controller type='usb' model='none'/>"));
    }
    let before = devices.list.len();
    let mut taken = Taken::new();
    for index in 0..before {
        if let Some((bus, Some(port))) = written(&devices.list[index]) {
            let port = port.to_owned();
            keep(devices, &buses, &mut taken, index, bus, port)?;
        }
    }
    // Hubs first, as they make ports for the others.
    let (hubs, others): (Vec<_>, Vec<_>) = waiting(devices).into_iter().partition(|index| matches!(devices.list[*index], Device::Hub(_)));
    let mut waiting = hubs;
    waiting.extend(others);
    for (done, index) in waiting.iter().enumerate() {
        let wanted = written(&devices.list[*index]).map(|(bus, _)| bus);
        let mut free = free_ports(devices, &buses, &taken, wanted);
        // The last port goes to a hub when others still wait: it makes eight of it.
        if free.len() == 1 && waiting.len() - done > 1 && !matches!(devices.list[*index], Device::Hub(_)) {
            let place = free.remove(0);
            devices.list.push(Hub::default().into());
            let hub = devices.list.len() - 1;
            set(&mut devices.list[hub], &place);
            taken.insert(place, hub);
            free = free_ports(devices, &buses, &taken, wanted);
        }
        let Some(place) = free.into_iter().next() else {
            let who = describe(&devices.list, *index);
            return unsupported(format!("there is no free USB port for {who}; add <controller type='usb' model='qemu-xhci' ports='15'/>"));
        };
        set(&mut devices.list[*index], &place);
        taken.insert(place, *index);
    }
    settle(devices, before);
    Ok(())
}

/// The devices without a port.
fn waiting(devices: &Devices) -> Vec<usize> {
    let waits = |device: &Device| is_usb(device) && !matches!(written(device), Some((_, Some(_))));
    (0..devices.list.len()).filter(|index| waits(&devices.list[*index])).collect()
}

fn set(device: &mut Device, (bus, port): &(u32, String)) {
    if let Some(address) = device.address_mut() {
        *address = Some(Address::Usb(UsbAddress { bus: Some(*bus), port: Some(port.clone()), ..UsbAddress::default() }));
    }
}

fn keep(devices: &Devices, buses: &BTreeMap<u32, u32>, taken: &mut Taken, index: usize, bus: u32, port: String) -> Result<()> {
    let who = || describe(&devices.list, index);
    let Some(ports) = buses.get(&bus) else {
        return invalid(format!(
            "{} is on the USB bus {bus}, and there is no USB controller {bus}; add it, or leave the <address> out",
            who()
        ));
    };
    let root = port.split('.').next().and_then(|root| root.parse().ok());
    if !root.is_some_and(|root: u32| (1..=*ports).contains(&root)) {
        return invalid(format!("{} is on port '{port}' of the USB bus {bus}, which has the ports 1 to {ports}", who()));
    }
    if let Some(other) = taken.insert((bus, port.clone()), index) {
        let other = describe(&devices.list, other);
        return invalid(format!("{other} and {} are both on port {port} of the USB bus {bus}; change the <address> of one", who()));
    }
    Ok(())
}

/// The free ports of all buses or of one: those of the controllers first, then those of hubs.
fn free_ports(devices: &Devices, buses: &BTreeMap<u32, u32>, taken: &Taken, wanted: Option<u32>) -> Vec<(u32, String)> {
    let is_wanted = |bus: &u32| wanted.is_none_or(|wanted| wanted == *bus);
    let roots = buses.iter().flat_map(|(bus, ports)| (1..=*ports).map(|port| (*bus, port.to_string())));
    let hubs =
        taken.iter().filter(|((_, port), index)| matches!(devices.list[**index], Device::Hub(_)) && port.split('.').count() <= MAX_TIERS);
    let below = hubs.flat_map(|((bus, hub), _)| (1..=HUB_PORTS).map(move |port| (*bus, format!("{hub}.{port}"))));
    roots.chain(below).filter(|place| is_wanted(&place.0) && !taken.contains_key(place)).collect()
}

/// Whether a device is on USB.
fn is_usb(device: &Device) -> bool {
    if let Some(address) = device.address() {
        return matches!(address, Address::Usb(_));
    }
    match device {
        Device::Disk(disk) => disk.bus() == DiskBus::Usb,
        Device::Input(input) => input.bus() == InputBus::Usb,
        Device::Sound(sound) => sound.model.as_deref() == Some("usb"),
        Device::Interface(interface) => interface.model_name() == "usb-net",
        Device::Controller(controller) => controller.kind == ControllerType::Ccid,
        Device::Hostdev(hostdev) => hostdev.kind == HostdevType::Usb,
        Device::Redirdev(_) | Device::Hub(_) => true,
        Device::Serial(serial) => serial.target.as_ref().is_some_and(|target| target.kind.as_deref() == Some("usb-serial")),
        _ => false,
    }
}

/// Bus and port as they are written; a port that is empty is none.
fn written(device: &Device) -> Option<(u32, Option<&str>)> {
    match device.address() {
        Some(Address::Usb(address)) => Some((address.bus.unwrap_or(0), address.port.as_deref().filter(|port| !port.is_empty()))),
        _ => None,
    }
}

/// The USB buses and how many ports each has. The companions of a set share the ports of its USB 2 controller.
fn buses(devices: &Devices) -> BTreeMap<u32, u32> {
    let mut buses = BTreeMap::new();
    for controller in devices.controllers().filter(|controller| controller.kind == ControllerType::Usb) {
        if controller.model.as_deref() == Some("none") {
            continue;
        }
        let ports = buses.entry(controller.index()).or_insert(0);
        *ports = ports_of(controller).max(*ports);
    }
    buses
}

/// Ports of a controller; facts from QEMU's `-device NAME,help` and its `docs/usb2.txt`.
fn ports_of(controller: &Controller) -> u32 {
    match controller.model.as_deref().unwrap_or_default() {
        "ich9-ehci1" | "ich9-ehci2" | "ehci" => 6,
        "qemu-xhci" | "nec-xhci" => controller.ports.unwrap_or(4),
        "pci-ohci" => 3,
        _ => 2,
    }
}
