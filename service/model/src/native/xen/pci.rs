//! PCI functions of the host that are given to the guest.

use super::Dialect;
use super::fields::Fields;
use super::input::Input;
use super::output::{Output, Record};
use super::value::{Value, number};
use crate::domain::Domain;
use crate::domain::devices::{
    Address, HostAddress, Hostdev, HostdevMode, HostdevSource, HostdevSourceElement, HostdevType, Number, PciAddress,
};
use crate::native::ReadError;
use crate::xml::{Position, YesNo};

/// xend's number for a slot that is to be chosen.
const ANY_SLOT: u32 = 0x100;

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let items = input.list("pci");
    if items.is_empty() {
        // What is said of all devices stays, and is told.
        return Ok(());
    }
    let mut permissive = Usual::read(input, "pci_permissive")?;
    let mut seize = Usual::read(input, "pci_seize")?;
    for item in items {
        let split = matches!(item.value, Value::Record(_));
        let mut parts = Fields::of(item, "pci device")?;
        let place = if split { Some(of_parts(&mut parts)?) } else { of_address(&mut parts, input)? };
        let permissive = permissive.unless(parts.switch("permissive")?);
        let seize = seize.unless(parts.switch("seize")?);
        parts.finish(input);
        let Some((host, guest)) = place else { continue };
        let source = HostdevSourceElement {
            address: Some(host),
            write_filtering: permissive.map(|permissive| YesNo(!permissive)),
            ..HostdevSourceElement::default()
        };
        let device = Hostdev {
            mode: Some(HostdevMode::Subsystem),
            kind: HostdevType::Pci,
            managed: Some(YesNo(seize.unwrap_or(false))),
            source: Some(source),
            address: guest.map(|slot| Address::Pci(PciAddress::new(0, 0, slot, 0))),
            ..Hostdev::default()
        };
        domain.devices.list.push(device.into());
    }
    permissive.finish(input);
    seize.finish(input);
    Ok(())
}

/// A setting that says what devices have that say nothing themselves.
struct Usual {
    key: &'static str,
    said: Option<(bool, Position)>,
    counts: bool,
}

impl Usual {
    fn read(input: &mut Input, key: &'static str) -> Result<Self, ReadError> {
        let said = input.take(key).map(|item| Ok((item.switch(key)?, item.position))).transpose()?;
        Ok(Self { key, said, counts: false })
    }

    fn unless(&mut self, own: Option<bool>) -> Option<bool> {
        self.counts |= own.is_none();
        own.or(self.said.map(|(on, _)| on))
    }

    fn finish(self, input: &mut Input) {
        if let Some((_, position)) = self.said.filter(|_| !self.counts) {
            input.warn(position, format!("'{}' does not count, since every device says it itself, and is left out", self.key));
        }
    }
}

type Place = (HostAddress, Option<u32>);

fn host_address(domain: u32, bus: u32, slot: u32, function: u32) -> HostAddress {
    HostAddress {
        domain: Some(Number::hex(domain, 4)),
        bus: Some(Number::hex(bus, 2)),
        slot: Some(Number::hex(slot, 2)),
        function: Some(Number::hex(function, 1)),
        ..HostAddress::default()
    }
}

/// `[DOMAIN:]BUS:SLOT.FUNCTION[@SLOT OF THE GUEST]`, all in hexadecimal, by itself or as `bdf=`.
/// None for what only the host knows.
fn of_address(parts: &mut Fields, input: &mut Input) -> Result<Option<Place>, ReadError> {
    if let Some(name) = parts.take("name") {
        let reason =
            format!("the 'name' {name} of a pci device is known to its host only; the device is left out, write its address instead");
        input.warn(parts.position, reason);
        return Ok(None);
    }
    let text = parts.take("bdf").or_else(|| parts.take_bare()).unwrap_or_default();
    let (address, slot) = text.split_once('@').map_or((text.as_str(), None), |(address, slot)| (address, Some(slot.to_owned())));
    let slot = slot.or_else(|| parts.take("vslot"));
    if address.ends_with(".*") {
        let reason = format!(
            "the 'bdf' {address} of a pci device means every function that the host has there; the device is left out, write its functions one by one"
        );
        input.warn(parts.position, reason);
        return Ok(None);
    }
    let read = || {
        let hex = |text: &str, most| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok().filter(|number| *number <= most);
        let (rest, function) = address.rsplit_once('.')?;
        let (bus, device) = rest.rsplit_once(':')?;
        let (domain, bus) = bus.rsplit_once(':').unwrap_or(("0", bus));
        let guest = slot.as_deref().map(|slot| hex(slot, 0x1f).ok_or(()));
        Some((host_address(hex(domain, 0xffff)?, hex(bus, 0xff)?, hex(device, 0x1f)?, hex(function, 7)?), guest.transpose().ok()?))
    };
    read().map(Some).ok_or_else(|| parts.error(format!("expected the address of a PCI function such as 0000:03:00.0, found '{text}'")))
}

/// The parts of xend: `(domain 0x0) (bus 0x3) (slot 0x0) (func 0x0)`.
fn of_parts(parts: &mut Fields) -> Result<Place, ReadError> {
    let mut part = |key, most| {
        let Some(text) = parts.take(key) else { return Ok(0) };
        let found = number(&text).and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= most);
        found.ok_or_else(|| parts.unexpected(key, &text, "a number of a PCI address"))
    };
    let host = host_address(part("domain", 0xffff)?, part("bus", 0xff)?, part("slot", 0x1f)?, part("func", 7)?);
    let guest = part("vslot", ANY_SLOT).and_then(|slot| match slot {
        0 | ANY_SLOT => Ok(None),
        1..=0x1f => Ok(Some(slot)),
        _ => Err(parts.unexpected("vslot", &format!("{slot:#x}"), "a number of a PCI address")),
    })?;
    Ok((host, guest))
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let dialect = output.dialect;
    let devices = domain.devices.hostdevs().filter_map(|device| record(device, dialect));
    output.records("pci", devices.collect());
}

fn record(device: &Hostdev, dialect: Dialect) -> Option<Record> {
    let HostdevSource::Pci { address } = device.source_view().ok()? else { return None };
    let guest = match &device.address {
        Some(Address::Pci(guest)) if guest.parts().2 > 0 => Some(guest.parts().2),
        _ => None,
    };
    let mut record = Record::default();
    if dialect == Dialect::Sxpr {
        let (domain, bus, slot, function) = address.parts();
        for (key, number, digits) in [("domain", domain, 4), ("bus", bus, 2), ("slot", slot, 2), ("func", function, 1)] {
            record.put(key, Some(format!("0x{number:0digits$x}")));
        }
        record.put("vslot", guest.map(|slot| format!("0x{slot:02x}")));
    } else {
        let slot = guest.map(|slot| format!("@{slot:02x}")).unwrap_or_default();
        record.flag(format!("{address}{slot}"));
    }
    let filtering = device.source.as_ref().and_then(|source| source.write_filtering);
    if dialect == Dialect::Xl {
        record.switch("permissive", filtering.map(|filtering| !filtering.0));
        record.switch("seize", device.managed.map(|managed| managed.0).filter(|managed| *managed));
    }
    Some(record)
}
