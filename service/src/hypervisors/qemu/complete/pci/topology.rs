//! The PCI buses of a guest while its devices are placed on them.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Address, ControllerType, Device, PciAddress};
use lodge_model::xml::OnOff;

use super::super::controllers::is_ich9;
use super::super::list::describe;
use super::super::machine::Family;
use super::super::{Result, invalid, unsupported};
use super::bridge;
use super::bus::{Bus, BusKind, Owner};
use super::need::{Home, is_unset};

/// Parts of the boards that are on the root bus: slot, function, name.
const Q35_BOARD: &[(u32, u32, &str)] =
    &[(0, 0, "the host bridge"), (0x1f, 0, "the ISA bridge"), (0x1f, 2, "the SATA controller"), (0x1f, 3, "the SMBus controller")];
const I440FX_BOARD: &[(u32, u32, &str)] =
    &[(0, 0, "the host bridge"), (1, 0, "the ISA bridge"), (1, 1, "the IDE controller"), (1, 3, "the power management")];

/// Bus, slot, function.
type Place = (u32, u32, u32);

/// The buses, and the devices that are placed on them. Bridges and ports that are added go to the end of the list.
pub(super) struct Topology<'a> {
    pub list: &'a mut Vec<Device>,
    family: Family,
    buses: BTreeMap<u32, Bus>,
    ports_added: usize,
}

impl<'a> Topology<'a> {
    /// The buses that the controllers of `list` make, with the machine's own parts on them.
    pub fn new(list: &'a mut Vec<Device>, family: Family) -> Self {
        let mut buses: BTreeMap<_, _> = list.iter().filter_map(pci_bus).map(|(index, kind)| (index, Bus::new(kind))).collect();
        if let Some(root) = buses.get_mut(&0) {
            for (slot, function, name) in if family == Family::Q35 { Q35_BOARD } else { I440FX_BOARD } {
                root.take(*slot, *function, Owner::Machine(name));
            }
        }
        Self { list, family, buses, ports_added: 0 }
    }

    /// Takes the addresses that are written.
    ///
    /// # Errors
    /// One names a bus, slot or function that is not there or is another's.
    pub fn keep(&mut self) -> Result<()> {
        for index in 0..self.list.len() {
            let Some(Address::Pci(address)) = self.list[index].address() else { continue };
            let parts = address.parts();
            if !is_unset(parts) {
                self.check(index, parts)?;
                let (_, bus, slot, function) = parts;
                self.set(index, (bus, slot, function));
            }
        }
        Ok(())
    }

    fn check(&self, index: usize, (domain, bus, slot, function): (u32, u32, u32, u32)) -> Result<()> {
        let who = || describe(self.list, index);
        let at = PciAddress::new(domain, bus, slot, function);
        if domain != 0 {
            return unsupported(format!("{} has the PCI address {at}; guests have the domain 0 only", who()));
        }
        let Some(there) = self.buses.get(&bus) else {
            return invalid(format!(
                "{} has the PCI address {at}, and there is no PCI controller {bus}; add it, or leave the <address> out",
                who()
            ));
        };
        let slots = there.kind.slots();
        if !slots.contains(&slot) || function > 7 {
            let (first, last) = (slots.start(), slots.end());
            return invalid(format!(
                "{} has the PCI address {at}; bus {bus} has the slots {first:#x} to {last:#x} with functions 0 to 7",
                who()
            ));
        }
        if let Some(fixed) = self.fixed_place(index)
            && fixed != (bus, slot, function)
        {
            let fixed = PciAddress::new(0, fixed.0, fixed.1, fixed.2);
            return invalid(format!("{} has the PCI address {at}; it is part of the machine and can only have {fixed}", who()));
        }
        match there.owner(slot, function) {
            Some(Owner::Device(other)) => {
                let other = describe(self.list, other);
                invalid(format!("{other} and {} both have the PCI address {at}; change the <address> of one or leave it out", who()))
            }
            Some(Owner::Machine(part)) if self.fixed_place(index).is_none() => {
                invalid(format!("{} has the PCI address {at}, which is that of {part}; change its <address> or leave it out", who()))
            }
            _ => Ok(()),
        }
    }

    /// The place of a device that is part of the machine.
    fn fixed_place(&self, index: usize) -> Option<Place> {
        let Device::Controller(controller) = &self.list[index] else { return None };
        match (self.family, controller.kind, controller.index()) {
            (Family::I440fx, ControllerType::Ide, 0) => Some((0, 1, 1)),
            (Family::Q35, ControllerType::Sata, 0) => Some((0, 0x1f, 2)),
            _ => None,
        }
    }

    /// Gives a device a place. `waiting` is how many are still to come, this one included.
    ///
    /// # Errors
    /// There is no room left.
    pub fn place(&mut self, index: usize, home: Home, waiting: usize) -> Result<()> {
        let place = match (home, self.family) {
            (Home::At(slot, function), _) if self.can_be_at(index, slot, function) => Some((0, slot, function)),
            (Home::Ich9Set, _) => self.ich9_place(index, waiting)?,
            (Home::RootPort, Family::Q35) => self.root_port_place(),
            (Home::Chipset, _) => self.free_slot(BusKind::ExpressRoot).or_else(|| self.free_slot(BusKind::Root)),
            (Home::SwitchPort, Family::Q35) => self.free_slot(BusKind::Switch),
            (Home::Express, Family::Q35) => self.express_place()?,
            _ => self.conventional_place(waiting)?,
        };
        let Some(place) = place else {
            let who = describe(self.list, index);
            return unsupported(format!("there is no PCI slot left for {who}; take devices away"));
        };
        self.set(index, place);
        Ok(())
    }

    fn can_be_at(&self, index: usize, slot: u32, function: u32) -> bool {
        let owner = self.buses.get(&0).map(|root| root.owner(slot, function));
        let fixed = self.fixed_place(index) == Some((0, slot, function));
        owner.is_some_and(|owner| owner.is_none() || fixed && matches!(owner, Some(Owner::Machine(_))))
    }

    /// The first free slot of the buses of a kind. The slot of the first graphics card stays free for one: where it is
    /// missing, it can be added later and nothing moves.
    fn free_slot(&self, kind: BusKind) -> Option<Place> {
        self.free_slots(kind).next()
    }

    fn free_slots(&self, kind: BusKind) -> impl Iterator<Item = Place> {
        let graphics = if self.family == Family::Q35 { 1 } else { 2 };
        let buses = self.buses.iter().filter(move |(_, bus)| bus.kind == kind);
        buses.flat_map(move |(number, bus)| {
            let kept = move |slot: u32| *number == 0 && slot == graphics;
            // Slot 0 of a root is the root itself, also of roots that are added to the first.
            let first = if matches!(kind, BusKind::Root | BusKind::ExpressRoot) { 1 } else { *kind.slots().start() };
            (first..=*kind.slots().end()).filter(move |slot| !kept(*slot) && bus.is_free(*slot)).map(|slot| (*number, slot, 0))
        })
    }

    /// The next free function among the ports on the root, which share slots by eight.
    fn root_port_place(&self) -> Option<Place> {
        let root = self.buses.get(&0)?;
        let is_port = |owner: Owner| match owner {
            Owner::Device(index) => matches!(&self.list[index], Device::Controller(controller)
                if controller.kind == ControllerType::Pci && controller.model.as_deref() == Some("pcie-root-port")),
            Owner::Machine(_) => false,
        };
        let shared = (1..=31).find_map(|slot| {
            let ports_only = root.owner(slot, 0).is_some() && root.owners(slot).all(|(_, owner)| is_port(owner));
            let function = (1..8).find(|function| root.owner(slot, *function).is_none()).filter(|_| ports_only)?;
            Some((0, slot, function))
        });
        shared.or_else(|| self.free_slot(BusKind::ExpressRoot))
    }

    fn express_place(&mut self) -> Result<Option<Place>> {
        if let Some(free) = self.free_slot(BusKind::Port) {
            return Ok(Some(free));
        }
        let Some(place) = self.root_port_place() else { return Ok(None) };
        let bus = self.add("pcie-root-port", place)?;
        self.ports_added += 1;
        Ok(Some((bus, 0, 0)))
    }

    fn conventional_place(&mut self, waiting: usize) -> Result<Option<Place>> {
        let free: Vec<_> = self.free_slots(BusKind::Root).chain(self.free_slots(BusKind::Bridge)).take(2).collect();
        match (free.as_slice(), self.family) {
            // The last slot goes to a bridge when others still wait: it makes 31 of it.
            ([last], Family::I440fx) if waiting > 1 => {
                let bus = self.add("pci-bridge", *last)?;
                Ok(Some((bus, 1, 0)))
            }
            ([first, ..], _) => Ok(Some(*first)),
            ([], Family::I440fx) => Ok(None),
            ([], Family::Q35) => {
                let Some(port) = self.express_place()? else { return Ok(None) };
                let bus = self.add("pcie-to-pci-bridge", port)?;
                Ok(Some((bus, 1, 0)))
            }
        }
    }

    /// The function that a controller of an ICH9 set has, as on the chipset: the USB 1 controllers 0 to 2, the USB 2
    /// controller 7. A USB 2 controller alone is function 0, as a slot without that one looks empty to the guest.
    fn ich9_place(&mut self, index: usize, waiting: usize) -> Result<Option<Place>> {
        let set: Vec<_> = (0..self.list.len()).filter(|other| self.is_same_set(index, *other)).collect();
        let function = if set.len() == 1 { 0 } else { ich9_function(&self.list[index]) };
        let placed = set.iter().find_map(|other| match self.list[*other].address() {
            Some(Address::Pci(address)) if !is_unset(address.parts()) => Some(address.parts()),
            _ => None,
        });
        let free = |topology: &Self, slot: u32| topology.buses.get(&0).is_some_and(|root| root.is_free(slot));
        Ok(match placed {
            Some((_, bus, slot, _)) => {
                let taken = self.buses.get(&bus).is_none_or(|bus| bus.owner(slot, function).is_some());
                if taken { self.conventional_place(waiting)? } else { Some((bus, slot, function)) }
            }
            None if self.family == Family::Q35 => {
                let slot = [0x1d, 0x1a].into_iter().find(|slot| free(self, *slot));
                match slot {
                    Some(slot) => Some((0, slot, function)),
                    None => self.conventional_place(waiting)?.map(|(bus, slot, _)| (bus, slot, function)),
                }
            }
            None => self.conventional_place(waiting)?.map(|(bus, slot, _)| (bus, slot, function)),
        })
    }

    fn is_same_set(&self, one: usize, other: usize) -> bool {
        match (&self.list[one], &self.list[other]) {
            (Device::Controller(one), Device::Controller(other)) => is_ich9(one) && is_ich9(other) && one.index() == other.index(),
            _ => false,
        }
    }

    /// Adds a bridge or port at a place and answers the number of its bus.
    fn add(&mut self, model: &str, place: Place) -> Result<u32> {
        // Also behind controllers that make no bus, since their model is of no kind that is known here.
        let numbers = self.list.iter().filter_map(pci_number);
        let next = numbers.max().map_or(0, |last| last.saturating_add(1));
        let Some(kind) = BusKind::of_model(model).filter(|_| next <= 255) else {
            return unsupported("the devices need more than 256 PCI buses; take some away");
        };
        self.list.push(bridge::new(model, next).into());
        self.buses.insert(next, Bus::new(kind));
        self.set(self.list.len() - 1, place);
        Ok(next)
    }

    fn set(&mut self, index: usize, (bus, slot, function): Place) {
        if let Some(address) = self.list[index].address_mut() {
            let written = match address.take() {
                Some(Address::Pci(written)) => written,
                _ => PciAddress::default(),
            };
            let place = PciAddress::new(0, bus, slot, function);
            *address =
                Some(Address::Pci(PciAddress { multifunction: written.multifunction, zpci: written.zpci, rest: written.rest, ..place }));
        }
        if let Some(bus) = self.buses.get_mut(&bus) {
            bus.take(slot, function, Owner::Device(index));
        }
    }

    /// Adds ports until so many are free, where ports were added at all.
    pub fn add_spare_ports(&mut self, wanted: usize) -> Result<()> {
        if self.ports_added == 0 {
            return Ok(());
        }
        for _ in self.free_slots(BusKind::Port).count()..wanted {
            let Some(place) = self.root_port_place() else { break };
            self.add("pcie-root-port", place)?;
        }
        Ok(())
    }

    /// Function 0 of a slot with several says so, or the guest does not look for the others.
    pub fn mark_multifunction(&mut self) -> Result<()> {
        for bus in self.buses.values() {
            for slot in 0..32 {
                let (Some(Owner::Device(first)), true) = (bus.owner(slot, 0), bus.owners(slot).count() > 1) else { continue };
                let others = bus.owners(slot).filter_map(|(_, owner)| if let Owner::Device(index) = owner { Some(index) } else { None });
                let names: Vec<_> = others.map(|index| describe(self.list, index)).collect();
                let Some(Some(Address::Pci(address))) = self.list[first].address_mut() else { continue };
                if *address.multifunction.get_or_insert(OnOff(true)) == OnOff(false) {
                    return invalid(format!(
                        "{} share the PCI slot {address}, whose function 0 says multifunction='off'; write 'on' or change an <address>",
                        names.join(" and ")
                    ));
                }
            }
        }
        Ok(())
    }
}

fn pci_bus(device: &Device) -> Option<(u32, BusKind)> {
    let Device::Controller(controller) = device else { return None };
    Some((pci_number(device)?, BusKind::of_model(controller.model.as_deref()?)?))
}

fn pci_number(device: &Device) -> Option<u32> {
    match device {
        Device::Controller(controller) if controller.kind == ControllerType::Pci => Some(controller.index()),
        _ => None,
    }
}

fn ich9_function(device: &Device) -> u32 {
    match device {
        Device::Controller(controller) => match controller.model.as_deref() {
            Some("ich9-uhci2" | "ich9-uhci5") => 1,
            Some("ich9-uhci3" | "ich9-uhci6") => 2,
            Some("ich9-ehci1" | "ich9-ehci2") => 7,
            _ => 0,
        },
        _ => 0,
    }
}
