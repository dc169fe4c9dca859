//! The answers of a real QEMU.

use super::super::capabilities::{Capabilities, Machine};
use super::Platform;

impl Platform for Capabilities {
    fn emulator(&self) -> &str {
        // A path that is no text cannot stand in a definition; the default program is looked up at start then.
        self.emulator.to_str().unwrap_or_default()
    }

    fn machine(&self, name: &str) -> Option<&str> {
        Self::machine(self, name).map(|machine| machine.name.as_str())
    }

    fn default_machine(&self) -> Option<&str> {
        Self::default_machine(self).map(|machine: &Machine| machine.name.as_str())
    }

    fn has_device(&self, name: &str) -> bool {
        Self::has_device(self, name)
    }
}
