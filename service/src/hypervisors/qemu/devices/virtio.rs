//! What all virtio devices have: a name per bus and generation, and options of the transport.

use lodge_model::domain::devices::{VirtioDriver, VirtioModel};

use crate::hypervisors::qemu::props::Props;

/// The name of a virtio device on PCI: `virtio-blk` is `virtio-blk-pci`.
pub fn name(device: &str, model: Option<VirtioModel>) -> String {
    match model.unwrap_or_default() {
        VirtioModel::Virtio => format!("{device}-pci"),
        VirtioModel::Transitional => format!("{device}-pci-transitional"),
        VirtioModel::NonTransitional => format!("{device}-pci-non-transitional"),
    }
}

/// Options of the transport, which several kinds of element have under the same names.
macro_rules! transport {
    ($driver:expr) => {
        match $driver {
            None => $crate::hypervisors::qemu::props::Props::empty(),
            Some(driver) => $crate::hypervisors::qemu::props::Props::empty()
                .bool("iommu_platform", driver.iommu)
                .bool("ats", driver.ats)
                .bool("packed", driver.packed)
                .bool("page-per-vq", driver.page_per_vq),
        }
    };
}

pub(super) use transport;

/// Options of the transport of a device whose `<driver>` has nothing else.
pub fn driver(driver: Option<&VirtioDriver>) -> Props {
    transport!(driver)
}
