//! Names of vendors and products, each looked up once.

use std::collections::HashMap;

use lodge_model::node_device::{DeviceIdElement, IdNumber};

use crate::host::hardware_ids::HardwareIds;
use crate::host::sysfs::Sysfs;

/// The names of both buses.
#[derive(Default)]
pub(super) struct Ids {
    pub pci: Names,
    pub usb: Names,
}

/// The names of vendors and products of a bus.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<(u16, u16), (Option<String>, Option<String>)>,
    /// A list has a megabyte, so it is in memory only while devices are looked at.
    list: Option<HardwareIds>,
}

impl Names {
    /// A vendor and a product of it, as elements; `file` is the list that has their names.
    fn of(&mut self, machine: &Sysfs, file: &str, vendor: u16, product: u16) -> (DeviceIdElement, DeviceIdElement) {
        let known = self.known.entry((vendor, product));
        let list = &mut self.list;
        let names = known.or_insert_with(|| list.get_or_insert_with(|| HardwareIds::load(machine, file)).names(vendor, product));
        let element =
            |id, name: &Option<String>| DeviceIdElement { id: Some(IdNumber(id)), name: name.clone(), ..DeviceIdElement::default() };
        (element(vendor, &names.0), element(product, &names.1))
    }
}

impl Ids {
    /// A vendor and a product of PCI.
    pub fn pci(&mut self, machine: &Sysfs, vendor: u16, product: u16) -> (DeviceIdElement, DeviceIdElement) {
        self.pci.of(machine, "pci.ids", vendor, product)
    }

    /// A vendor and a product of USB.
    pub fn usb(&mut self, machine: &Sysfs, vendor: u16, product: u16) -> (DeviceIdElement, DeviceIdElement) {
        self.usb.of(machine, "usb.ids", vendor, product)
    }

    /// Lets go of the lists; what was looked up stays known.
    pub fn close(&mut self) {
        self.pci.list = None;
        self.usb.list = None;
    }
}
