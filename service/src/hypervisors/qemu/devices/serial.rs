//! `<serial>`: serial ports.

use lodge_model::domain::devices::{Address, Serial};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses, chardev};

/// Adds a serial port.
///
/// # Errors
/// A type that is not known, no place, or a back end that cannot be.
pub fn add(draft: &mut Draft<'_>, serial: &Serial) -> Result<(), Refusal> {
    let name = alias::of(serial.alias.as_ref());
    let backend = chardev::add(draft, name, "serial", &serial.source_view()?, serial.log.as_ref())?;
    let target = serial.target.as_ref();
    let model = target.and_then(|target| target.model.as_ref()).and_then(|model| model.name.as_deref());
    let kind = target.and_then(|target| target.kind.as_deref());
    let driver = model.or(kind).unwrap_or("isa-serial");
    let front_end = match driver {
        "isa-serial" => {
            let address = isa(serial);
            Props::device(driver).opt("index", target.and_then(|target| target.port)).and(address)
        }
        "pci-serial" => Props::device(driver).and(buses::pci(draft, name, serial.address.as_ref())?),
        "usb-serial" => Props::device(driver).and(buses::usb(draft, name, serial.address.as_ref())?),
        other => {
            return Err(Refusal::invalid(format!(
                "<serial> has the target '{other}', which a PC cannot have: use isa-serial, pci-serial or usb-serial"
            )));
        }
    };
    draft.console(backend.stream);
    draft.device("<serial>", front_end.with("chardev", backend.id).with("id", name))
}

fn isa(serial: &Serial) -> Props {
    let Some(Address::Isa(address)) = &serial.address else { return Props::empty() };
    Props::empty().opt("iobase", address.iobase.map(|base| base.0)).opt("irq", address.irq.map(|irq| irq.0))
}
