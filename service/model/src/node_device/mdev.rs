//! Mediated devices: what a device of the host can be divided into, and how such a part is set up.

use crate::element;

element! {
    /// A type of mediated device that can be made on a device.
    pub struct MdevType {
        /// Identifier such as `nvidia-11`, given by the driver.
        required "id" id: String,
        /// Name for people.
        leaf "name" name: Option<String>,
        /// How it is shown to a guest: `vfio-pci`, `vfio-ccw` or `vfio-ap`; open, as kernels add more.
        leaf "deviceAPI" device_api: Option<String>,
        /// How many more can be made.
        leaf "availableInstances" available: Option<u32>,
    }
}

element! {
    /// An attribute of a mediated device, set by writing into a file of sysfs.
    pub struct MdevAttribute {
        /// Path of the file below that of the device.
        required "name" name: String,
        /// What is written.
        required "value" value: String,
    }
}

impl MdevType {
    /// Why a text cannot be the identifier of a type; `None` when it can. It becomes a file name.
    pub(super) fn id_problem(id: &str) -> Option<String> {
        let bad = id.is_empty() || id == "." || id == ".." || id.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
        bad.then(|| format!("'{id}' is no type of mediated device; write the id of one that the parent lists, such as nvidia-11"))
    }
}

impl MdevAttribute {
    /// Why the attribute cannot be set; `None` when it can. Its file is one of the device's own.
    pub(super) fn problem(&self) -> Option<String> {
        let component = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        let inside = self.name.split('/').all(component);
        (!inside).then(|| {
            format!("'{}' is no attribute of a mediated device; write its path below the device, such as assign_adapter", self.name)
        })
    }
}
