//! A device of the host: the `<device>` document (libvirt, formatnode and its schema, 11.3).
//!
//! The same document reports a device that is there and asks for one that the service makes: a
//! mediated device, or a virtual adapter on one of Fibre Channel (NPIV). Such a device may leave out
//! what it gets when it is made: name, path, numbers, and identity.
//!
//! [`NodeDevice`] is the element as it is written, its [`Capability`] with the parts of all types;
//! [`NodeDeviceView`] is the checked union that a driver works with.
//!
//! Invariants:
//! - Reading fills in nothing.
//! - Sizes are bytes.
//! - What a type has no use for is kept.

use crate::document::{Document, Problem, Problems};
use crate::fibre_channel::ParentNames;
use crate::{element, keywords};

mod by_type;
mod capability;
mod mdev;
mod need;
mod nested;
mod nested_view;
mod parts;
mod validate;
mod view;
mod vpd;

pub use capability::*;
pub use mdev::*;
pub use nested::*;
pub use nested_view::{Medium, NestedView};
pub use parts::*;
pub use view::{Blocks, BusId, CapabilityKind, CapabilityView, DeviceId, NodeDeviceView};
pub use vpd::*;

element! {
    /// A device of the host.
    pub struct NodeDevice {
        /// Name, unique on a host: letters, digits and `_`. It is made of what the device is, such as
        /// `pci_0000_00_02_0`; what a device to be made says here counts for nothing.
        leaf "name" name: Option<String>,
        /// Absolute path in sysfs; reported.
        leaf "path" path: Option<String>,
        /// Its special files; reported.
        children "devnode" files: Vec<DeviceFile>,
        /// The device that it is on, up to the one named `computer`.
        child "parent" parent: Option<DeviceParent>,
        /// The driver that is bound to it; reported.
        child "driver" driver: Option<DeviceDriver>,
        /// What it is. Nearly every device is one thing.
        children "capability" capabilities: Vec<Capability>,
    }
}

keywords! {
    /// Which special file it is.
    pub enum DeviceFileType {
        /// The file itself.
        Dev = "dev",
        /// A link to it.
        Link = "link",
    }
}

element! {
    /// A special file of a device.
    pub struct DeviceFile {
        /// Which it is.
        required "type" kind: DeviceFileType,
        /// Absolute path.
        text "" path: Option<String>,
    }
}

element! {
    /// The device that another is on. World wide names are for the parent of a virtual adapter that is
    /// to be made.
    pub struct DeviceParent {
        /// World wide node name; with the port name.
        attr "wwnn" wwnn: Option<String>,
        /// World wide port name.
        attr "wwpn" wwpn: Option<String>,
        /// World wide name of the fabric that it is in.
        attr "fabric_wwn" fabric_wwn: Option<String>,
        /// Name.
        text "" name: Option<String>,
    }
}

element! {
    /// The driver of a device.
    pub struct DeviceDriver {
        /// Name such as `vfio-pci`.
        leaf "name" name: Option<String>,
    }
}

impl Document for NodeDevice {
    const ROOT: &'static str = "device";

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl NodeDevice {
    /// What the device is and what it is on, as its types ask for.
    ///
    /// # Errors
    /// Every [`Problem`] of these; of a device without [`Document::validate`]'s problems there is none.
    pub fn view(&self) -> Result<NodeDeviceView<'_>, Vec<Problem>> {
        Problems::checked(Self::ROOT, |found| view::of(self, found))
    }

    /// Whether the service can make such a device.
    fn can_be_made(&self) -> bool {
        self.capabilities.iter().any(|capability| match capability.known_type() {
            Some(CapabilityType::Mdev) => true,
            Some(CapabilityType::ScsiHost) => capability.has(NestedType::FcHost),
            _ => false,
        })
    }
}

impl DeviceParent {
    fn names(&self) -> ParentNames<'_> {
        ParentNames {
            name: ("parent", self.name.as_deref().filter(|name| !name.trim().is_empty())),
            wwnn: ("parent/@wwnn", self.wwnn.as_deref()),
            wwpn: ("parent/@wwpn", self.wwpn.as_deref()),
            fabric_wwn: ("parent/@fabric_wwn", self.fabric_wwn.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests;
