//! `<input>`: keyboards, mice and tablets. Those on PS/2 are part of the machine.

use lodge_model::domain::devices::{Input, InputBus, InputType};
use lodge_model::xml::OnOff;

use super::virtio;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds an input device.
///
/// # Errors
/// A kind that the bus does not have, no place, or no source.
pub fn add(draft: &mut Draft<'_>, input: &Input) -> Result<(), Refusal> {
    let name = alias::of(input.alias.as_ref());
    let element = format!("<input type='{}' bus='{}'>", input.kind, input.bus());
    let source = input.source_view()?;
    if let Some(path) = source {
        draft.resource(path, Access::ReadWrite, LabelClass::Device);
    }
    if input.kind == InputType::Evdev {
        draft.object(evdev(input, name, source));
        return Ok(());
    }
    let front_end = match (input.bus(), input.kind) {
        (InputBus::Ps2, InputType::Mouse | InputType::Keyboard) => return Ok(()),
        (InputBus::Usb, kind) => {
            let driver = match kind {
                InputType::Tablet => "usb-tablet",
                InputType::Mouse => "usb-mouse",
                InputType::Keyboard => "usb-kbd",
                InputType::Passthrough | InputType::Evdev => return Err(wrong_bus(&element)),
            };
            Props::device(driver).with("id", name).and(buses::usb(draft, name, input.address.as_ref())?)
        }
        (InputBus::Virtio, kind) => {
            let device = match kind {
                InputType::Tablet => "virtio-tablet",
                InputType::Mouse => "virtio-mouse",
                InputType::Keyboard => "virtio-keyboard",
                InputType::Passthrough | InputType::Evdev => "virtio-input-host",
            };
            let place = buses::pci(draft, name, input.address.as_ref())?;
            Props::device(&virtio::name(device, None))
                .with("id", name)
                .and(place)
                .and(virtio::driver(input.driver.as_ref()))
                .opt("evdev", source)
        }
        _ => return Err(wrong_bus(&element)),
    };
    draft.device(&element, front_end)
}

fn wrong_bus(element: &str) -> Refusal {
    Refusal::invalid(format!(
        "{element} cannot be: a tablet is on usb or virtio, a mouse or keyboard on ps2, usb or virtio, passthrough on virtio"
    ))
}

/// A device of the host that QEMU reads itself.
fn evdev(input: &Input, name: &str, path: Option<&str>) -> Props {
    let source = input.source.as_ref();
    let grab_all = source.and_then(|source| source.grab.as_deref()) == Some("all");
    let repeat = source.and_then(|source| source.repeat) == Some(OnOff(true));
    let toggle = source.and_then(|source| source.grab_toggle.clone());
    Props::object("input-linux", name)
        .opt("evdev", path)
        .opt("grab_all", grab_all.then_some(true))
        .opt("repeat", repeat.then_some(true))
        .opt("grab-toggle", toggle)
}
