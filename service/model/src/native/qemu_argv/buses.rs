//! Where devices are plugged in: the ids of controllers on the command line, and the numbers that
//! documents have for them.

use std::collections::{BTreeSet, HashMap};

use super::props::Props;
use super::tree::{Build, element};
use crate::xml::Element;

/// A kind of bus, as in `<controller type='…'>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PCI and PCI Express.
    Pci,
    /// USB.
    Usb,
    /// SCSI.
    Scsi,
    /// SATA; on a q35 the board has one.
    Sata,
    /// virtio-serial.
    VirtioSerial,
    /// Smart cards.
    Ccid,
}

impl Kind {
    /// The word of the document.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pci => "pci",
            Self::Usb => "usb",
            Self::Scsi => "scsi",
            Self::Sata => "sata",
            Self::VirtioSerial => "virtio-serial",
            Self::Ccid => "ccid",
        }
    }
}

/// The controllers so far.
#[derive(Debug, Default)]
pub struct Buses {
    by_name: HashMap<String, (Kind, u32)>,
    taken: BTreeSet<(&'static str, u32)>,
    /// Bridges with several slots, by their numbers, and the next slot that QEMU would give.
    bridges: HashMap<u32, u32>,
}

impl Buses {
    /// With what the board has.
    pub fn begin(&mut self, q35: bool) {
        self.add(if q35 { "pcie.0" } else { "pci.0" }, Kind::Pci, 0);
        if q35 {
            self.taken.insert((Kind::Sata.word(), 0));
        }
    }

    fn add(&mut self, name: &str, kind: Kind, index: u32) {
        self.by_name.insert(name.to_owned(), (kind, index));
        self.taken.insert((kind.word(), index));
    }

    /// Gives a new controller its number: the one at the end of its id if that is free, else the next.
    pub fn controller(&mut self, kind: Kind, id: Option<&str>) -> u32 {
        let own = id.and_then(|id| id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().ok());
        let is_free = |index: &u32| *index < 1000 && !self.taken.contains(&(kind.word(), *index));
        let first = u32::from(kind == Kind::Pci);
        let index = own.filter(is_free).or_else(|| (first..1000).find(is_free)).unwrap_or(1000);
        self.taken.insert((kind.word(), index));
        if let Some(id) = id {
            self.add(id, kind, index);
        }
        index
    }

    /// Notes that a PCI controller is a bridge with slots, and not a port with one.
    pub fn is_bridge(&mut self, index: u32) {
        // Slot 0 is the bridge's own.
        self.bridges.insert(index, 1);
    }

    /// The number of a bus of a kind, named as by `bus=`; a bus of a controller is named `ID.N`.
    pub fn index(&self, kind: Kind, bus: &str) -> Option<u32> {
        let whole = self.by_name.get(bus);
        let controller = || self.by_name.get(bus.rsplit_once('.')?.0);
        whole.or_else(controller).filter(|(found, _)| *found == kind).map(|(_, index)| *index)
    }

    /// The place on PCI that properties name. `Err` names a bus that is not known.
    pub fn pci(&mut self, props: &Props) -> Result<Option<Element>, String> {
        let (bus, addr) = (props.take("bus"), props.take("addr"));
        let index = match bus {
            None => 0,
            // Both boards name their first bus so.
            Some("pci.0" | "pcie.0" | "pci") => 0,
            Some(bus) => self.index(Kind::Pci, bus).ok_or_else(|| format!("no element is the bus '{bus}'"))?,
        };
        let (slot, function) = match (addr, self.bridges.get_mut(&index)) {
            (Some(addr), _) => slot_and_function(addr).ok_or_else(|| format!("'{addr}' is no PCI address"))?,
            (None, Some(next)) if *next < 32 => {
                *next += 1;
                (*next - 1, 0)
            }
            // A port has one slot.
            (None, _) if index > 0 => (0, 0),
            (None, _) => return Ok(None),
        };
        let multifunction = props.take_on("multifunction").filter(|on| *on);
        Ok(Some(pci_address(index, slot, function).maybe("multifunction", multifunction.map(|_| "on"))))
    }

    /// The place on USB. `Err` names a bus that is not known.
    pub fn usb(&self, props: &Props) -> Result<Option<Element>, String> {
        let (bus, port) = (props.take("bus"), props.take("port"));
        let index = match bus {
            None | Some("usb-bus.0") => 0,
            Some(bus) => self.index(Kind::Usb, bus).ok_or_else(|| format!("no element is the bus '{bus}'"))?,
        };
        let address = element("address").with("type", "usb").with("bus", index).maybe("port", port);
        Ok((port.is_some() || index > 0).then_some(address))
    }
}

/// A place on PCI.
pub fn pci_address(bus: u32, slot: u32, function: u32) -> Element {
    let address = element("address").with("type", "pci").with("domain", "0x0000").with("bus", format!("0x{bus:02x}"));
    address.with("slot", format!("0x{slot:02x}")).with("function", format!("0x{function:x}"))
}

/// `0x1f.0x2`, `1f.2` or `2`: hexadecimal, as QEMU reads them.
pub fn slot_and_function(text: &str) -> Option<(u32, u32)> {
    let hex = |text: &str| u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok();
    let (slot, function) = text.split_once('.').unwrap_or((text, "0"));
    Some((hex(slot)?, hex(function)?)).filter(|(slot, function)| *slot < 32 && *function < 8)
}
