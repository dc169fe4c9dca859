//! What a type takes from a capability, piece by piece: each is there, or what to write is told.

use super::{Blocks, BusId, DeviceId, DeviceIdElement, IdNumber};
use crate::document::Problems;
use crate::domain::devices::PciAddress;
use crate::xml::Hex;

/// Takes what a type needs, and tells what is not there.
pub(super) struct Need<'p> {
    kind: &'static str,
    found: &'p mut Problems,
}

impl<'p> Need<'p> {
    /// For a capability of this type.
    pub(super) fn new(kind: &'static str, found: &'p mut Problems) -> Self {
        Self { kind, found }
    }

    /// Where problems are told.
    pub(super) fn found(&mut self) -> &mut Problems {
        self.found
    }

    /// Tells a problem.
    pub(super) fn tell(&mut self, path: &str, reason: impl Into<String>) {
        self.found.add(path, reason);
    }

    /// The value; tells what to write when there is none.
    pub(super) fn given<T>(&mut self, path: &str, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() {
            self.tell(path, format!("a capability of the type '{}' needs {what}", self.kind));
        }
        value
    }

    /// The same for a text, which says nothing when it is blank.
    pub(super) fn text<'a>(&mut self, path: &str, text: &'a Option<String>, what: &str) -> Option<&'a str> {
        self.given(path, text.as_deref().filter(|text| !text.trim().is_empty()), what)
    }

    /// The same for the path of a special file.
    pub(super) fn special_file<'a>(&mut self, path: &str, text: &'a Option<String>, example: &str) -> Option<&'a str> {
        let file = self.text(path, text, &format!("the path of its special file; write <{path}>{example}</{path}>"))?;
        self.found.absolute(path, file);
        Some(file)
    }

    /// The same for a number from 0 to the most.
    pub(super) fn number<T: TryFrom<u32>>(&mut self, path: &str, number: Option<u32>, most: u32) -> Option<T> {
        let number = self.given(path, number, &format!("its {path}; write <{path}>…</{path}> with a number from 0 to {most}"))?;
        if number > most {
            self.tell(path, format!("{number} is too much; write a number from 0 to {most}"));
        }
        T::try_from(number).ok()
    }

    /// The same for a number that is kept as text. It is written as it stands, so that it must be decimal.
    pub(super) fn number_in<T: TryFrom<u32>>(&mut self, path: &str, text: &Option<String>, most: u32) -> Option<T> {
        let Some(text) = text.as_deref().map(str::trim) else { return self.number(path, None, most) };
        let number = text.parse().ok().filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()));
        if number.is_none() {
            self.tell(path, format!("'{text}' is no decimal number; write one from 0 to {most}"));
        }
        self.number(path, Some(number?), most)
    }

    /// A product or vendor of PCI or USB.
    pub(super) fn id<'a>(&mut self, path: &str, value: &'a Option<DeviceIdElement>) -> Option<DeviceId<'a>> {
        let what = format!("the number of its {path}; write <{path} id='0x…'/>");
        let value = self.given(path, value.as_ref(), &what)?;
        let IdNumber(number) = self.given(&format!("{path}/@id"), value.id, &what)?;
        Some(DeviceId { number, name: value.name.as_deref() })
    }

    /// Where something is in the channel subsystem.
    pub(super) fn bus_id(&mut self, cssid: Option<Hex<1>>, ssid: Option<Hex<1>>, devno: Option<Hex<4>>) -> Option<BusId> {
        let cssid = self.number("cssid", cssid.map(|Hex(number)| number), 0xfe);
        let ssid = self.number("ssid", ssid.map(|Hex(number)| number), 3);
        let devno = self.number("devno", devno.map(|Hex(number)| number), 0xffff);
        Some(BusId { cssid: cssid?, ssid: ssid?, devno: devno? })
    }

    /// The blocks of a medium, if both their size and their number are said.
    pub(super) fn blocks(&mut self, size: Option<u64>, count: Option<u64>) -> Option<Blocks> {
        match (size, count) {
            (Some(_), None) => self.tell("num_blocks", "the number of blocks is not said; write it, or remove <logical_block_size>"),
            (None, Some(_)) => self.tell("logical_block_size", "the size of blocks is not said; write it, or remove <num_blocks>"),
            _ => {}
        }
        Some(Blocks { size: size?, count: count? })
    }

    /// Tells what is missing in addresses of PCI, or too much.
    pub(super) fn addresses(&mut self, addresses: &[PciAddress]) {
        self.found.each("address", addresses, check_address);
    }

    /// Takes from a part; the paths it tells start below this one.
    pub(super) fn inside<R>(&mut self, part: &str, take: impl FnOnce(&mut Need<'_>) -> R) -> R {
        let kind = self.kind;
        self.found.inside(part, |found| take(&mut Need::new(kind, found)))
    }
}

fn check_address(found: &mut Problems, address: &PciAddress) {
    let parts = [
        ("domain", address.domain.is_some(), u32::MAX),
        ("bus", address.bus.is_some(), PciAddress::MAX_BUS),
        ("slot", address.slot.is_some(), PciAddress::MAX_SLOT),
        ("function", address.function.is_some(), PciAddress::MAX_FUNCTION),
    ];
    for (name, _, most) in parts.iter().filter(|(_, there, _)| !there) {
        found.add(format_args!("@{name}"), format!("the address has no {name}; write {name}='…', from 0 to {most:#x}"));
    }
    address.check(found);
}
