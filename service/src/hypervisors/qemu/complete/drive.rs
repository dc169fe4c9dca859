//! Places of disks on IDE, SATA, SCSI, floppy and NVMe controllers.
//!
//! A disk without a place gets the one that its name stands for (`sdb` is the second), as libvirt does, or else the
//! first that is free. `readonly` and the like play no part: a place depends on names alone.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Address, ControllerType, Device, Devices, DiskBus, DriveAddress, HostdevType};

use super::list::describe;
use super::machine::Machine;
use super::{Result, controllers, invalid, unsupported};

/// A kind of controller and how many drives it takes.
struct Shape {
    kind: ControllerType,
    /// Controllers of the kind that a machine can have.
    controllers: u32,
    buses: u32,
    targets: u32,
    /// Units that an address may name.
    units: u32,
    /// Units that we use, in that order. On SCSI, 7 is the controller's own.
    used: &'static [u32],
}

const TWO: &[u32] = &[0, 1];
const SIX: &[u32] = &[0, 1, 2, 3, 4, 5];
const NARROW: &[u32] = &[0, 1, 2, 3, 4, 5, 6];
const WIDE: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15];

const IDE: Shape = Shape { kind: ControllerType::Ide, controllers: 1, buses: 2, targets: 1, units: 2, used: TWO };
const FLOPPY: Shape = Shape { kind: ControllerType::Fdc, controllers: 1, buses: 1, targets: 1, units: 2, used: TWO };
const SATA: Shape = Shape { kind: ControllerType::Sata, controllers: 256, buses: 1, targets: 1, units: 6, used: SIX };
/// LSI 53C895A and its like: a target's number is the unit here, as in libvirt.
const PARALLEL_SCSI: Shape = Shape { kind: ControllerType::Scsi, controllers: 256, buses: 1, targets: 1, units: 7, used: NARROW };
/// virtio-scsi and other modern ones.
const SCSI: Shape = Shape { kind: ControllerType::Scsi, controllers: 256, buses: 1, targets: 256, units: 16384, used: WIDE };
const NVME: Shape = Shape { kind: ControllerType::Nvme, controllers: 256, buses: 1, targets: 1, units: 256, used: WIDE };

/// Controller, bus, target, unit.
type Place = (u32, u32, u32, u32);
/// The disks, by place.
type Taken = BTreeMap<(&'static str, Place), usize>;

pub(super) fn place(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    let mut taken = Taken::new();
    for index in 0..devices.list.len() {
        if let Some(shape) = shape(devices, machine, index)
            && let Some(Address::Drive(address)) = devices.list[index].address()
        {
            let place = (address.controller.unwrap_or(0), address.bus.unwrap_or(0), address.target.unwrap_or(0), address.unit.unwrap_or(0));
            check(devices, index, &shape, place)?;
            take(devices, &mut taken, index, &shape, place)?;
        }
    }
    for index in 0..devices.list.len() {
        if let Some(shape) = shape(devices, machine, index)
            && devices.list[index].address().is_none()
        {
            let place = choose(devices, machine, &taken, index, &shape)?;
            take(devices, &mut taken, index, &shape, place)?;
        }
    }
    for (kind, number) in highest(devices, machine) {
        controllers::require(devices, machine, kind, number)?;
    }
    Ok(())
}

/// The controller that a device is on; `None` for what is on none of these.
fn shape(devices: &Devices, machine: &Machine<'_>, index: usize) -> Option<Shape> {
    let number = match devices.list[index].address() {
        Some(Address::Drive(address)) => address.controller.unwrap_or(0),
        _ => 0,
    };
    let disk = match &devices.list[index] {
        Device::Disk(disk) => disk,
        Device::Hostdev(hostdev) if hostdev.kind == HostdevType::Scsi => return Some(scsi(devices, machine, number)),
        _ => return None,
    };
    Some(match disk.bus() {
        DiskBus::Ide => IDE,
        DiskBus::Fdc => FLOPPY,
        DiskBus::Sata => SATA,
        DiskBus::Nvme => NVME,
        DiskBus::Scsi => scsi(devices, machine, number),
        _ => return None,
    })
}

fn scsi(devices: &Devices, machine: &Machine<'_>, number: u32) -> Shape {
    let written = devices.controllers().find(|controller| controller.kind == ControllerType::Scsi && controller.index() == number);
    let model = written.and_then(|controller| controller.model.as_deref()).unwrap_or_else(|| controllers::scsi_model(machine));
    match model {
        "lsilogic" | "ncr53c90" | "dc390" | "am53c974" | "buslogic" => PARALLEL_SCSI,
        _ => SCSI,
    }
}

fn check(devices: &Devices, index: usize, shape: &Shape, place: Place) -> Result<()> {
    let (controller, bus, target, unit) = place;
    let whole = [
        ("controller", controller, shape.controllers),
        ("bus", bus, shape.buses),
        ("target", target, shape.targets),
        ("unit", unit, shape.units),
    ];
    for (name, value, count) in whole {
        if value >= count {
            let (who, kind, highest) = (describe(&devices.list, index), shape.kind, count - 1);
            return invalid(format!("{who} has {name}='{value}' in its <address>; the highest on this {kind} controller is {highest}"));
        }
    }
    Ok(())
}

fn take(devices: &mut Devices, taken: &mut Taken, index: usize, shape: &Shape, place: Place) -> Result<()> {
    let (controller, bus, target, unit) = place;
    if let Some(other) = taken.insert((shape.kind.as_str(), place), index) {
        let (one, two, kind) = (describe(&devices.list, other), describe(&devices.list, index), shape.kind);
        return invalid(format!(
            "{one} and {two} are both on the {kind} controller {controller}, bus {bus}, target {target}, unit {unit}; \
             change the <address> of one or leave it out"
        ));
    }
    if let Some(address) = devices.list[index].address_mut() {
        *address = Some(Address::Drive(DriveAddress {
            controller: Some(controller),
            bus: Some(bus),
            target: Some(target),
            unit: Some(unit),
            ..DriveAddress::default()
        }));
    }
    Ok(())
}

fn choose(devices: &Devices, machine: &Machine<'_>, taken: &Taken, index: usize, shape: &Shape) -> Result<Place> {
    let name = if let Device::Disk(disk) = &devices.list[index] { disk.target_dev() } else { "" };
    let free = |place: &Place| !taken.contains_key(&(shape.kind.as_str(), *place));
    // A SCSI controller further on may take fewer drives than the first.
    let fits = |place: &Place| shape.kind != ControllerType::Scsi || place.3 < scsi(devices, machine, place.0).units;
    let named = number_of_name(name).and_then(|number| nth(shape, number));
    let found = named.filter(|place| free(place) && fits(place)).or_else(|| {
        // One more than there are disks is enough to find a hole, and numbers that do not fit are few.
        (0..u32::try_from(devices.list.len()).unwrap_or(u32::MAX).saturating_mul(4))
            .map_while(|number| nth(shape, number))
            .find(|place| free(place) && fits(place))
    });
    found.map_or_else(
        || {
            let (who, kind) = (describe(&devices.list, index), shape.kind);
            unsupported(format!("there is no room for {who} on the machine's {kind} controller; write bus='sata' or bus='virtio'"))
        },
        Ok,
    )
}

/// The place of the drive number so and so; `None` behind the last.
fn nth(shape: &Shape, number: u32) -> Option<Place> {
    let units = u32::try_from(shape.used.len()).ok()?;
    let unit = *shape.used.get(usize::try_from(number % units).ok()?)?;
    let bus = number / units % shape.buses;
    let controller = number / units / shape.buses;
    (controller < shape.controllers).then_some((controller, bus, 0, unit))
}

/// The number that a name stands for: `sda` is 0, `sdz` 25, `sdaa` 26; a partition's number does not count.
fn number_of_name(name: &str) -> Option<u32> {
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let letters = ["xvd", "ubd", "hd", "sd", "vd", "fd"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    letters
        .bytes()
        .try_fold(0_u32, |number, letter| {
            let digit = u32::from(letter.is_ascii_lowercase().then(|| letter - b'a')?);
            number.checked_mul(26)?.checked_add(digit + 1)
        })?
        .checked_sub(1)
}

/// The highest controller of each kind that a drive is on.
fn highest(devices: &Devices, machine: &Machine<'_>) -> Vec<(ControllerType, u32)> {
    let mut highest: Vec<(ControllerType, u32)> = Vec::new();
    for (index, device) in devices.list.iter().enumerate() {
        let (Some(shape), Some(Address::Drive(address))) = (shape(devices, machine, index), device.address()) else { continue };
        let number = address.controller.unwrap_or(0);
        match highest.iter_mut().find(|(kind, _)| *kind == shape.kind) {
            Some((_, other)) => *other = number.max(*other),
            None => highest.push((shape.kind, number)),
        }
    }
    highest
}
