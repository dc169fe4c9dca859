//! Input devices: keyboards, mice and tablets.

use super::address::Address;
use super::disk::VirtioModel;
use super::parts::{Acpi, Alias, VirtioDriver};
use super::problem::{Problem, needed};
use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// What an input device is.
    pub enum InputType {
        /// Absolute positions.
        Tablet = "tablet",
        /// Relative movements.
        Mouse = "mouse",
        /// Keys.
        Keyboard = "keyboard",
        /// The host's device, given away.
        Passthrough = "passthrough",
        /// The host's device, shared with the host by a key.
        Evdev = "evdev",
    }
}

keywords! {
    /// The bus an input device is on.
    pub enum InputBus {
        /// PS/2.
        Ps2 = "ps2",
        /// USB.
        Usb = "usb",
        /// Xen's paravirtual bus.
        Xen = "xen",
        /// virtio.
        Virtio = "virtio",
        /// The bus of containers.
        Parallels = "parallels",
        /// None.
        None = "none",
    }
}

element! {
    /// An input device: `<input>`.
    pub struct Input {
        /// What it is.
        required "type" kind: InputType,
        /// The bus it is on; chosen by the type when left out.
        attr "bus" bus: Option<InputBus>,
        /// virtio revision.
        attr "model" model: Option<VirtioModel>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<VirtioDriver>,
        /// The host's device.
        child "source" source: Option<InputSource>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// The host's device behind an input device.
    pub struct InputSource {
        /// Absolute path, of a device given away.
        attr "evdev" evdev: Option<String>,
        /// Absolute path, of a shared device.
        attr "dev" dev: Option<String>,
        /// `all`: the other shared devices follow this one.
        attr "grab" grab: Option<String>,
        /// Keys that switch between host and guest such as `ctrl-ctrl`; open, as hypervisors are.
        attr "grabToggle" grab_toggle: Option<String>,
        /// Whether keys repeat.
        attr "repeat" repeat: Option<OnOff>,
    }
}

impl Input {
    /// The bus: as written, else PS/2 for keyboards and mice and USB for tablets, of a Xen guest
    /// always Xen's, which the caller knows.
    pub fn bus(&self) -> InputBus {
        self.bus.unwrap_or(match self.kind {
            InputType::Mouse | InputType::Keyboard => InputBus::Ps2,
            InputType::Tablet => InputBus::Usb,
            InputType::Passthrough => InputBus::Virtio,
            InputType::Evdev => InputBus::None,
        })
    }

    /// Absolute path of the host's device; `None` for devices that have none.
    ///
    /// # Errors
    /// The type asks for a path and none is written.
    pub fn source_view(&self) -> Result<Option<&str>, Problem> {
        let source = self.source.as_ref();
        match self.kind {
            InputType::Tablet | InputType::Mouse | InputType::Keyboard => Ok(None),
            InputType::Passthrough => {
                needed(source.and_then(|source| source.evdev.as_deref()), "<input> of type 'passthrough'", "<source evdev='…'/>").map(Some)
            }
            InputType::Evdev => {
                needed(source.and_then(|source| source.dev.as_deref()), "<input> of type 'evdev'", "<source dev='…'/>").map(Some)
            }
        }
    }
}
