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
    /// Why a text cannot be the identifier of a type; `None` when it can.
    pub(super) fn id_problem(id: &str) -> Option<String> {
        let reason = || format!("'{id}' is no type of mediated device; write the id of one that the parent lists, such as nvidia-11");
        (!is_in_sysfs(id)).then(reason)
    }
}

/// Why a text cannot be the address of a mediated device's parent; `None` when it can.
pub(super) fn parent_address_problem(address: &str) -> Option<String> {
    let reason = || format!("'{address}' is no address of a device; write that of the parent on its bus, such as 0000:00:02.0");
    (!is_in_sysfs(address)).then(reason)
}

/// Whether something in a directory of sysfs can be called so.
fn is_in_sysfs(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
}

impl MdevAttribute {
    /// Why the attribute cannot be set; `None` when it can. Its file is one of the device's own.
    pub(super) fn problem(&self) -> Option<String> {
        let inside = self.name.split('/').all(is_in_sysfs);
        (!inside).then(|| {
            format!("'{}' is no attribute of a mediated device; write its path below the device, such as assign_adapter", self.name)
        })
    }
}
