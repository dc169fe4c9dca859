//! Mediated devices: `/sys/bus/mdev/devices` (the kernel's `Documentation/driver-api/vfio-mediated-device.rst`).

use lodge_model::node_device::{Capability, CapabilityType, IommuGroup, Subtype};
use uuid::Uuid;

use super::ids::Ids;
use super::pci::iommu_group;
use super::scan::Described;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let uuid = Uuid::try_parse(device.name()).ok()?;
    let parent = device.ancestors().next()?.rsplit('/').next()?.to_owned();
    let capability = Capability {
        subtype: Some(Subtype { id: Some(device.link("mdev_type")?), ..Subtype::default() }),
        uuid: Some(uuid),
        parent_address: Some(parent.clone()),
        iommu_group: iommu_group(device).map(|group| IommuGroup { addresses: Vec::new(), ..group }),
        ..Capability::default()
    };
    Some(Described::of(CapabilityType::Mdev, capability).named(Some(parent)))
}
