//! What those who convert options ask of the whole, and put into it.

use super::super::back_ends::{BackEnd, Kind};
use super::super::options::Opt;
use super::super::props::Props;
use super::super::tree::{Build, element};
use super::super::{ReadError, audio};
use super::{Conversion, read_props};
use crate::xml::Element;

impl Conversion<'_> {
    /// Whether some device says when it is booted.
    pub fn has_boot_order(&self) -> bool {
        self.devices.iter().any(|device| device.element("boot").is_some())
    }

    /// The properties of the option at hand.
    ///
    /// # Errors
    /// The value begins as JSON and is none.
    pub fn props(&self, option: &Opt, first: &str) -> Result<Props, ReadError> {
        read_props(option, first)
    }

    /// Whether the machine is a q35.
    pub fn is_q35(&self) -> bool {
        self.machine.as_deref().is_some_and(|machine| machine == "q35" || machine.starts_with("pc-q35"))
    }

    /// Whether the guest has the processors and the board of a PC.
    pub fn is_pc(&self) -> bool {
        matches!(self.arch.as_str(), "x86_64" | "i686") && self.machine.as_deref() != Some("microvm")
    }

    /// Whether an option is there.
    pub fn has(&self, name: &str) -> bool {
        self.line.options.iter().any(|option| option.name == name)
    }

    /// How many options say a text anywhere in their values.
    pub fn mentions(&self, text: &str) -> usize {
        self.line.options.iter().filter(|option| option.value.contains(text)).count()
    }

    /// Whether there is a device of one of these drivers.
    pub fn has_device(&self, drivers: &[&str]) -> bool {
        let mut devices = self.line.options.iter().filter(|option| option.name == "device");
        devices.any(|option| {
            let props = Props::read(&option.value, "driver").unwrap_or_default();
            props.get("driver").is_some_and(|driver| drivers.contains(&driver))
        })
    }

    /// A back end by its id, to be looked at. It counts as used when [`Conversion::used`] says so.
    pub fn back_end(&self, kind: Kind, id: &str) -> Option<&BackEnd> {
        self.back_ends.get(kind, id)
    }

    /// Notes that an element has a back end.
    pub fn used(&self, kind: Kind, id: &str) {
        self.back_ends.used(kind, id);
    }

    /// The number of an I/O thread, from 1; of one that says more than its id there is none.
    pub fn io_thread(&mut self, id: &str) -> Option<u32> {
        if let Some(number) = self.io_threads.get(id) {
            return Some(*number);
        }
        let props = &self.back_end(Kind::Object, id)?.props;
        let plain = props.take("qom-type") == Some("iothread");
        props.ignore(&["id"]);
        if !plain || !props.left().is_empty() {
            return None;
        }
        self.used(Kind::Object, id);
        let number = u32::try_from(self.io_threads.len() + 1).ok()?;
        self.io_threads.insert(id.to_owned(), number);
        Some(number)
    }

    /// The number of a sound back end, from 1; its element is added when it is first named.
    pub fn audio_number(&mut self, id: &str) -> Option<u32> {
        if let Some(number) = self.audio.get(id) {
            return Some(*number);
        }
        let number = self.next_audio_number();
        let audio = audio::back_end(&self.back_end(Kind::Audiodev, id)?.props, number)?;
        self.used(Kind::Audiodev, id);
        self.audio.insert(id.to_owned(), number);
        self.add_audio(audio);
        Some(number)
    }

    /// The number of the next sound back end, from 1.
    pub fn next_audio_number(&self) -> u32 {
        u32::try_from(self.later.len() + 1).unwrap_or(u32::MAX)
    }

    /// Adds a sound back end.
    pub fn add_audio(&mut self, audio: Element) {
        self.later.push(audio);
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.line.environment.iter().rev().find(|(known, ..)| known == name);
        found.map(|(_, value, _)| value.as_str())
    }

    /// Tells what becomes of a TPM.
    pub fn warn_about_tpm(&mut self, backend: &Element) {
        if backend.attribute("type") == Some("emulator") {
            self.warn("the service starts a TPM emulator of its own (version 2.0, with new state); copy the state of yours, or the guest's keys are lost");
        }
    }

    /// How many uses of back ends were noted, for [`Conversion::unmark`].
    pub fn marks(&self) -> usize {
        self.back_ends.marks()
    }

    /// Takes back the uses that were noted since.
    pub fn unmark(&self, marks: usize) {
        self.back_ends.unmark(marks);
    }

    /// How many I/O threads disks and controllers have.
    pub fn io_threads(&self) -> usize {
        self.io_threads.len()
    }

    /// `<boot>` of a `bootindex`.
    pub fn boot_order(&self, index: &str) -> Element {
        let order = index.parse::<u64>().unwrap_or(0).saturating_add(u64::from(self.boot_from_zero));
        element("boot").with("order", order)
    }

    /// The number of the next port of a kind.
    pub fn next_port(&mut self, kind: &'static str) -> usize {
        let count = self.ports.entry(kind).or_default();
        *count += 1;
        *count - 1
    }

    /// Adds a device.
    pub fn device(&mut self, device: Element) {
        self.devices.push(device);
    }
}
