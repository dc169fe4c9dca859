//! Where a device is plugged in: an address of the definition in QEMU's words.
//!
//! Every device of a completed definition has its address; a device without one is refused rather than left to QEMU,
//! which would put it elsewhere the next time.

use lodge_model::domain::devices::{Address, ControllerType, PciAddress};

use super::command::Draft;
use super::props::Props;
use super::refusal::Refusal;

/// `bus` and `addr` (and `multifunction`) for a device on PCI.
pub fn pci(draft: &Draft<'_>, alias: &str, address: Option<&Address>) -> Result<Props, Refusal> {
    match address {
        Some(Address::Pci(address)) => pci_place(draft, alias, address),
        _ => Err(missing(alias, "pci")),
    }
}

fn pci_place(draft: &Draft<'_>, alias: &str, address: &PciAddress) -> Result<Props, Refusal> {
    let (_, bus, slot, function) = address.parts();
    let addr = if function == 0 { format!("{slot:#x}") } else { format!("{slot:#x}.{function:#x}") };
    let bus = pci_bus(draft, bus).ok_or_else(|| {
        Refusal::invalid(format!("{alias} has the address {address}, and there is no <controller type='pci' index='{bus}'>: add it"))
    })?;
    Ok(Props::of("bus", &bus).bool("multifunction", address.multifunction).with("addr", addr))
}

/// The bus of a PCI controller. The root has its machine's name, the others have that of their controller.
fn pci_bus(draft: &Draft<'_>, index: u32) -> Option<String> {
    if index == 0 {
        return Some(draft.pci_root().to_owned());
    }
    alias_of(draft, ControllerType::Pci, index)
}

fn alias_of(draft: &Draft<'_>, kind: ControllerType, index: u32) -> Option<String> {
    let mut controllers = draft.domain.devices.controllers();
    let controller =
        controllers.find(|controller| controller.kind == kind && controller.index() == index && controller.master.is_none())?;
    controller.alias.as_ref()?.name.clone()
}

/// `bus` and `port` for a device on USB.
pub fn usb(draft: &Draft<'_>, alias: &str, address: Option<&Address>) -> Result<Props, Refusal> {
    let Some(Address::Usb(address)) = address else { return Err(missing(alias, "usb")) };
    let index = address.bus.unwrap_or(0);
    let controller = alias_of(draft, ControllerType::Usb, index).ok_or_else(|| no_controller(alias, ControllerType::Usb, index))?;
    Ok(Props::of("bus", &format!("{controller}.0")).opt("port", address.port.clone()))
}

/// `bus` and `nr` for a port of a virtio serial controller.
pub fn virtio_serial(draft: &Draft<'_>, alias: &str, address: Option<&Address>) -> Result<Props, Refusal> {
    let Some(Address::VirtioSerial(address)) = address else { return Err(missing(alias, "virtio-serial")) };
    let index = address.controller.unwrap_or(0);
    let kind = ControllerType::VirtioSerial;
    let controller = alias_of(draft, kind, index).ok_or_else(|| no_controller(alias, kind, index))?;
    Ok(Props::of("bus", &format!("{controller}.{}", address.bus.unwrap_or(0))).opt("nr", address.port))
}

/// `bus`, and the place on it, for a device on SCSI.
pub fn scsi(draft: &Draft<'_>, alias: &str, address: Option<&Address>) -> Result<Props, Refusal> {
    let Some(Address::Drive(address)) = address else { return Err(missing(alias, "drive")) };
    let [bus, target, unit] = [address.bus, address.target, address.unit].map(|part| part.unwrap_or(0));
    let index = address.controller.unwrap_or(0);
    let controller = drive_controller(draft, alias, ControllerType::Scsi, index)?;
    let models = draft.domain.devices.controllers().filter(|one| one.kind == ControllerType::Scsi && one.index() == index);
    let model = models.last().and_then(|controller| controller.model.as_deref());
    let place = Props::of("bus", &format!("{controller}.0"));
    // Old controllers number their units as SCSI ids and have no logical units.
    match model {
        Some("lsilogic") => Ok(place.with("scsi-id", unit)),
        _ => Ok(place.with("channel", bus).with("scsi-id", target).with("lun", unit)),
    }
}

/// The alias of the controller that a drive is on.
pub fn drive_controller(draft: &Draft<'_>, alias: &str, kind: ControllerType, index: u32) -> Result<String, Refusal> {
    alias_of(draft, kind, index).ok_or_else(|| no_controller(alias, kind, index))
}

/// The refusal of a device that has no address of the type it needs.
pub fn missing(alias: &str, kind: &str) -> Refusal {
    Refusal::invalid(format!("{alias} needs an <address type='{kind}'>: add it, or take its <address> out and define the domain again"))
}

fn no_controller(alias: &str, kind: ControllerType, index: u32) -> Refusal {
    Refusal::invalid(format!("{alias} is on <controller type='{kind}' index='{index}'>, which is not there: add it"))
}
