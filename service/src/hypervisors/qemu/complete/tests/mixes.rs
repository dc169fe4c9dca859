//! Any mix of devices is completed, and no two devices are in one place.

use std::collections::{BTreeMap, BTreeSet};

use lodge_model::document::Document as _;
use lodge_model::domain::devices::{Address, ControllerType, Device, Devices};
use lodge_model::xml::Choice;
use proptest::prelude::*;

use super::{Qemu, complete, completed, guest, numbers};

/// Devices that a machine can have many of; `{n}` is made a number, `{l}` a letter or two.
const KINDS: &[&str] = &[
    "<disk><target dev='vd{l}' bus='virtio'/></disk>",
    "<disk><target dev='sd{l}' bus='sata'/></disk>",
    "<disk><target dev='sx{l}' bus='scsi'/></disk>",
    "<disk><target dev='su{l}' bus='usb'/></disk>",
    "<disk model='virtio-transitional'><target dev='vt{l}' bus='virtio'/></disk>",
    "<interface type='user'/>",
    "<interface type='user'><model type='virtio'/></interface>",
    "<interface type='user'><model type='rtl8139'/></interface>",
    "<channel type='unix'><target type='virtio' name='c{n}'/></channel>",
    "<console type='pty'><target type='virtio'/></console>",
    "<input type='tablet' bus='usb'/>",
    "<input type='keyboard' bus='virtio'/>",
    "<redirdev bus='usb' type='spicevmc'/>",
    "<rng><backend model='builtin'/></rng>",
    "<sound model='ich9'/>",
    "<video><model type='virtio'/></video>",
    "<controller type='pci' model='{bridge}'/>",
    "<controller type='usb' model='nec-xhci'/>",
    "<smartcard mode='host'/>",
    "<hub type='usb'/>",
];

fn letters(number: usize) -> String {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
    if number < 26 { letter(number).to_string() } else { format!("{}{}", letter(number / 26 - 1), letter(number)) }
}

fn mix(machine: &str, kinds: &[usize]) -> String {
    let bridge = if machine == "q35" { "pcie-root-port" } else { "pci-bridge" };
    let device = |(number, kind): (usize, &usize)| {
        KINDS[*kind].replace("{n}", &number.to_string()).replace("{l}", &letters(number)).replace("{bridge}", bridge)
    };
    guest(machine, &kinds.iter().enumerate().map(device).collect::<String>())
}

/// The place of a device, with the bus it is on.
fn place(device: &Device) -> Option<String> {
    Some(match device.address()? {
        Address::Pci(pci) => format!("pci {pci}"),
        Address::Usb(usb) => format!("usb {:?} {:?}", usb.bus, usb.port),
        Address::VirtioSerial(port) => format!("virtio-serial {:?} {:?}", port.controller, port.port),
        Address::Ccid(card) => format!("ccid {:?} {:?}", card.controller, card.slot),
        Address::Drive(drive) => {
            let Device::Disk(disk) = device else { return None };
            format!("{} {:?} {:?} {:?} {:?}", disk.bus(), drive.controller, drive.bus, drive.target, drive.unit)
        }
        _ => return None,
    })
}

fn check_places(devices: &Devices) {
    let mut places = BTreeMap::new();
    for device in &devices.list {
        if let Some(place) = place(device)
            && let Some(other) = places.insert(place.clone(), device)
        {
            panic!("{place} has two devices: {other:?} and {device:?}");
        }
    }
    let of = |kind: ControllerType| -> BTreeSet<u32> {
        devices.controllers().filter(|controller| controller.kind == kind).map(|controller| controller.index()).collect()
    };
    for device in &devices.list {
        let (kind, number) = match device.address() {
            Some(Address::Pci(pci)) => (ControllerType::Pci, pci.parts().1),
            Some(Address::Usb(usb)) => (ControllerType::Usb, usb.bus.unwrap()),
            Some(Address::VirtioSerial(port)) => (ControllerType::VirtioSerial, port.controller.unwrap()),
            Some(Address::Ccid(card)) => (ControllerType::Ccid, card.controller.unwrap()),
            _ => continue,
        };
        assert!(of(kind).contains(&number), "<{}> is on the {kind} controller {number}, which is not there", device.name());
    }
    let mut bridges = devices.controllers().filter(|controller| controller.kind == ControllerType::Pci && controller.index() > 0);
    assert!(bridges.all(|bridge| bridge.address.is_some()), "a bridge is nowhere");
    let on_pci = |device: &&Device| matches!(device.name(), "interface" | "rng" | "memballoon");
    assert!(devices.list.iter().filter(on_pci).all(|device| matches!(device.address(), Some(Address::Pci(_)))));
}

proptest! {
    #[test]
    fn no_two_devices_share_a_place(q35: bool, kinds in prop::collection::vec(0..KINDS.len(), 0..60)) {
        let text = mix(if q35 { "q35" } else { "pc" }, &kinds);
        let domain = completed(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        check_places(&domain.devices);
        let mut again = domain.clone();
        complete(&mut again, &Qemu::new(), &mut numbers()).unwrap();
        prop_assert_eq!(again.to_xml(), domain.to_xml());
    }
}

#[test]
fn a_bus_is_filled_to_its_end_and_then_the_error_says_so() {
    let disks = |count: usize| mix("q35", &vec![0; count]);
    check_places(&completed(&disks(200)).unwrap().devices);
    let error = completed(&disks(300)).unwrap_err().to_string();
    assert!(error.contains("PCI"), "{error}");
}

#[test]
fn a_device_that_is_taken_away_moves_no_other() {
    let all = completed(&mix("q35", &[0, 5, 8, 10, 13, 0, 7])).unwrap();
    for index in 0..all.devices.list.len() {
        if matches!(all.devices.list[index], Device::Controller(_) | Device::Serial(_) | Device::Console(_)) {
            continue;
        }
        let mut fewer = all.clone();
        fewer.devices.list.remove(index);
        let kept = fewer.devices.clone();
        complete(&mut fewer, &Qemu::new(), &mut numbers()).unwrap();
        for device in kept.list {
            assert!(fewer.devices.list.contains(&device), "{device:?} changed when number {index} went");
        }
    }
}

#[test]
fn a_definition_is_unchanged_after_an_error() {
    let text = guest("pc", "<disk><target dev='vda'/></disk><disk><target dev='xvdb'/></disk>");
    let (mut domain, _) = lodge_model::domain::Domain::parse(&text).unwrap();
    let before = domain.clone();
    complete(&mut domain, &Qemu::new(), &mut numbers()).unwrap_err();
    assert_eq!(domain, before);
}
