//! `<console>`: what a person types at. The first of a guest with serial ports is the first of these, and no device.

use lodge_model::domain::devices::{Console, ConsoleType};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses, chardev};

/// Adds a console, unless it is a serial port.
///
/// # Errors
/// A kind of console that a PC cannot have, no place, or a back end that cannot be.
pub fn add(draft: &mut Draft<'_>, console: &Console) -> Result<(), Refusal> {
    let name = alias::of(console.alias.as_ref());
    let kind = console.target.as_ref().and_then(|target| target.kind).unwrap_or_default();
    match kind {
        ConsoleType::Serial if draft.domain.devices.serials().any(|serial| alias::of(serial.alias.as_ref()) == name) => Ok(()),
        ConsoleType::Serial => Err(Refusal::invalid(
            "<console> is for a serial port that is not there: add <serial type='pty'/>, or use <target type='virtio'/>",
        )),
        ConsoleType::Virtio => {
            let backend = chardev::add(draft, name, "console", &console.source_view()?, console.log.as_ref())?;
            let place = buses::virtio_serial(draft, name, console.address.as_ref())?;
            draft.console(backend.stream);
            draft.device("<console>", Props::device("virtconsole").and(place).with("chardev", backend.id).with("id", name))
        }
        other => Err(Refusal::unsupported(format!("<console> has the target '{other}', which a PC cannot have: use serial or virtio"))),
    }
}
