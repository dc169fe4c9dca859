//! Controllers: their numbers and models, and those that a machine or a device implies.

use std::collections::{BTreeMap, BTreeSet};

use lodge_model::domain::devices::{Address, Controller, ControllerType, Device, Devices};

use super::list::insert;
use super::machine::Machine;
use super::{Result, invalid, unsupported};

/// Ports of the USB 3 controller that we add: as many as QEMU's has at most, and as virt-install asks for.
const XHCI_PORTS: u32 = 15;
/// Controllers of one type; libvirt and PCI count no further.
const MAX_INDEX: u32 = 255;

/// SCSI controllers, libvirt's default first: guests whose definition says no model have always had that one.
const SCSI: &[(&str, &str)] = &[("lsilogic", "lsi53c895a"), ("virtio-scsi", "virtio-scsi-pci")];
/// USB controllers of q35: what every system since 2012 has a driver for.
const USB_Q35: &[(&str, &str)] = &[("qemu-xhci", "qemu-xhci"), ("nec-xhci", "nec-usb-xhci"), ("ich9-ehci1", "ich9-usb-ehci1")];
/// USB controllers of 440FX: the one on its board.
const USB_I440FX: &[(&str, &str)] = &[("piix3-uhci", "piix3-usb-uhci"), ("qemu-xhci", "qemu-xhci")];

/// Whether a USB controller is one of the ICH9 set: a USB 2 controller and up to three USB 1 companions, which share
/// one number.
pub(super) fn is_ich9(controller: &Controller) -> bool {
    controller.kind == ControllerType::Usb && controller.model.as_deref().is_some_and(|model| model.starts_with("ich9-"))
}

/// Numbers and models of the controllers that are written, then those that the machine itself has.
pub(super) fn prepare(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    number(devices, machine);
    check_numbers(devices)?;
    check_roots(devices, machine)?;
    for controller in devices.controllers_mut() {
        choose_model(controller, machine);
    }
    // As in libvirt, an address on a bus that nobody made asks for that bus and those before it.
    require(devices, machine, ControllerType::Pci, highest_missing_pci_bus(devices))?;
    if machine.is_q35() {
        require(devices, machine, ControllerType::Sata, 0)?;
    }
    // A guest without USB says so by a controller of the model 'none'.
    if !devices.controllers().any(|controller| controller.kind == ControllerType::Usb) {
        require(devices, machine, ControllerType::Usb, 0)?;
    }
    Ok(())
}

fn highest_missing_pci_bus(devices: &Devices) -> u32 {
    let buses: BTreeSet<u32> = devices.controllers().filter(|of| of.kind == ControllerType::Pci).map(Controller::index).collect();
    let bus = |device: &Device| match device.address() {
        Some(Address::Pci(address)) => Some(address.parts().1),
        _ => None,
    };
    devices.list.iter().filter_map(bus).filter(|bus| !buses.contains(bus)).max().unwrap_or(0)
}

/// Adds the controllers of a type up to a number, those that are missing.
pub(super) fn require(devices: &mut Devices, machine: &Machine<'_>, kind: ControllerType, index: u32) -> Result<()> {
    if index > MAX_INDEX {
        return invalid(format!("a device is on the {kind} controller {index}; the highest number is {MAX_INDEX}"));
    }
    for index in 0..=index {
        let there = devices.controllers().any(|controller| controller.kind == kind && controller.index() == index);
        if !there {
            let mut controller = Controller { kind, index: Some(index), ..Controller::default() };
            choose_model(&mut controller, machine);
            insert(devices, controller);
        }
    }
    Ok(())
}

fn check_numbers(devices: &Devices) -> Result<()> {
    let mut seen = BTreeMap::new();
    for controller in devices.controllers() {
        let Some(index) = controller.index else { continue };
        if index > MAX_INDEX {
            return invalid(format!("the {} controller {index} has too high a number; the highest is {MAX_INDEX}", controller.kind));
        }
        // The companions of a set share its number; each model is there once.
        let model = if is_ich9(controller) { controller.model.clone() } else { None };
        if let Some(other) = seen.insert((controller.kind.as_str(), index, model), controller) {
            let model = |controller: &Controller| controller.model.clone().unwrap_or_else(|| "no model".to_owned());
            return invalid(format!(
                "two {} controllers have the number {index} (models: {}, {}); give each another index",
                controller.kind,
                model(other),
                model(controller)
            ));
        }
    }
    for (kind, index, model) in seen.keys() {
        if model.is_some() && seen.contains_key(&(*kind, *index, None)) {
            return invalid(format!("two {kind} controllers have the number {index}; give each another index"));
        }
    }
    Ok(())
}

/// Gives a number to controllers without one, in the order of the document. Roots are 0, companions follow the USB 2
/// controller before them.
fn number(devices: &mut Devices, machine: &Machine<'_>) {
    let mut taken: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    taken.entry(ControllerType::Pci.as_str()).or_default().insert(0);
    for controller in devices.controllers() {
        taken.entry(controller.kind.as_str()).or_default().extend(controller.index);
    }
    let mut set = None;
    for controller in devices.controllers_mut() {
        let is_companion = is_ich9(controller) && controller.model.as_deref() != Some("ich9-ehci1");
        let is_root = controller.kind == ControllerType::Pci && controller.model.as_deref() == Some(root(machine));
        let taken = taken.entry(controller.kind.as_str()).or_default();
        let first_free = (0..).find(|index| !taken.contains(index)).unwrap_or(u32::MAX);
        let index = match controller.index {
            Some(index) => index,
            None if is_root => 0,
            None if is_companion => set.unwrap_or(first_free),
            None => first_free,
        };
        taken.insert(index);
        controller.index = Some(index);
        if is_ich9(controller) {
            set = Some(index);
        }
    }
}

/// The PCI controller 0 is the machine's root, and there is no other root.
fn check_roots(devices: &Devices, machine: &Machine<'_>) -> Result<()> {
    let root = root(machine);
    for controller in devices.controllers().filter(|controller| controller.kind == ControllerType::Pci) {
        let model = controller.model.as_deref();
        match (controller.index(), model) {
            (0, None) => {}
            (0, Some(model)) if model == root => {}
            (0, Some("pci-root" | "pcie-root")) => {
                return unsupported(format!("the PCI controller 0 of this machine type is of the model '{root}'; write model='{root}'"));
            }
            (0, Some(model)) => {
                return invalid(format!("the PCI controller 0 is the machine's root; give the {model} another index"));
            }
            (index, Some("pci-root" | "pcie-root")) => {
                return unsupported(format!("the PCI controller {index} is a root, and a PC has only one; give it index='0'"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The model of the machine's PCI root.
fn root(machine: &Machine<'_>) -> &'static str {
    if machine.is_q35() { "pcie-root" } else { "pci-root" }
}

/// The model of SCSI controllers that we add.
pub(super) fn scsi_model(machine: &Machine<'_>) -> &'static str {
    machine.first_of(SCSI)
}

fn choose_model(controller: &mut Controller, machine: &Machine<'_>) {
    if controller.model.is_some() {
        return;
    }
    let model = match controller.kind {
        ControllerType::Pci if controller.index() == 0 => root(machine),
        ControllerType::Pci if machine.is_q35() => "pcie-root-port",
        ControllerType::Pci => "pci-bridge",
        ControllerType::Scsi => scsi_model(machine),
        ControllerType::Usb => machine.first_of(if machine.is_q35() { USB_Q35 } else { USB_I440FX }),
        _ => return,
    };
    controller.model = Some(model.to_owned());
    if model == "qemu-xhci" {
        controller.ports.get_or_insert(XHCI_PORTS);
    }
}
