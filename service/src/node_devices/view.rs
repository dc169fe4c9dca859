//! How a device looks from outside: one immutable snapshot.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::node_device::{DeviceIdElement, NodeDevice};

use super::scan::Found;
use crate::authorization::Subject;
use crate::host::sysfs::Device;

/// A snapshot of a device.
#[derive(Debug, Clone)]
pub struct DeviceView {
    /// Its name, unique on the host.
    pub name: String,
    /// The name of the device that it is on; empty for the host as a whole.
    pub parent: String,
    /// What it is, and what else it is or can do.
    pub capabilities: Vec<String>,
    /// Absolute path in sysfs; empty for the host as a whole.
    pub path: String,
    /// Its special files, the first of which is no link.
    pub files: Vec<String>,
    /// The driver that is bound to it; empty when there is none.
    pub driver: String,
    /// The name of the vendor; empty when it is not known.
    pub vendor: String,
    /// The name of the product, or the model; empty when it is not known.
    pub product: String,
    /// The group that an IOMMU keeps apart from others.
    pub iommu_group: Option<u32>,
    /// The name of the domain whose running guest has it; empty when none has.
    pub used_by: String,
    /// The document.
    pub definition: Arc<str>,
    pub(super) found: Found,
}

impl DeviceView {
    pub(super) fn of(name: &str, found: Found) -> Self {
        let document = &found.document;
        let capability = document.capabilities.first().cloned().unwrap_or_default();
        let nested = capability.capabilities.iter().filter_map(|nested| nested.kind.clone());
        let text = |element: Option<DeviceIdElement>| element.and_then(|element| element.name);
        let maker = capability.hardware.and_then(|hardware| hardware.vendor);
        Self {
            name: name.to_owned(),
            parent: document.parent.as_ref().and_then(|parent| parent.name.clone()).unwrap_or_default(),
            capabilities: capability.kind.clone().into_iter().chain(nested).collect(),
            path: document.path.clone().unwrap_or_default(),
            files: document.files.iter().filter_map(|file| file.path.clone()).collect(),
            driver: driver(document).unwrap_or_default(),
            vendor: text(capability.vendor).or(maker).unwrap_or_default(),
            product: text(capability.product).or(capability.model).unwrap_or_default(),
            iommu_group: capability.iommu_group.map(|group| group.number),
            used_by: String::new(),
            definition: document.to_xml().into(),
            found,
        }
    }

    /// What it is, for authorizers.
    pub fn subject(&self) -> Subject {
        Subject::Device(self.name.clone())
    }

    /// Its directory in sysfs; none for the host as a whole.
    pub(super) fn device(&self) -> Option<&Device> {
        self.found.listed.as_ref().map(|(_, device)| device)
    }

    /// Whether it is, or can do, something.
    pub fn is(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|found| found == capability)
    }

    /// Whether nothing that is told differs from another snapshot.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        (&self.definition, &self.path, &self.used_by) == (&other.definition, &other.path, &other.used_by)
    }

    /// Whether it can be named so: by its name, or by its path in sysfs.
    pub(super) fn is_named(&self, text: &str) -> bool {
        self.name == text || (!self.path.is_empty() && self.path == text)
    }
}

fn driver(document: &NodeDevice) -> Option<String> {
    document.driver.as_ref()?.name.clone()
}
