//! `<iommu>`: translates the addresses that the guest's devices use.

use lodge_model::domain::devices::{Iommu, IommuModel};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds an IOMMU.
///
/// # Errors
/// A model that the machine does not have, or no place.
pub fn add(draft: &mut Draft<'_>, iommu: &Iommu) -> Result<(), Refusal> {
    let name = alias::of(iommu.alias.as_ref());
    let model = iommu.model;
    if !draft.is_q35() && model != IommuModel::Virtio {
        return Err(Refusal::invalid(format!("<iommu model='{model}'> is for q35 machines: use machine='q35', or take <iommu> out")));
    }
    let driver = iommu.driver.clone().unwrap_or_default();
    let front_end = match model {
        IommuModel::Intel => Props::device("intel-iommu")
            .on_off("intremap", driver.intremap)
            .bool("caching-mode", driver.caching_mode)
            .on_off("eim", driver.eim)
            .bool("device-iotlb", driver.iotlb)
            .bool("dma-translation", driver.dma_translation)
            .opt("aw-bits", driver.address_bits),
        IommuModel::Amd => Props::device("amd-iommu")
            .on_off("intremap", driver.intremap)
            .bool("device-iotlb", driver.iotlb)
            .bool("pt", driver.passthrough)
            .bool("xtsup", driver.extended_apic),
        IommuModel::Virtio => Props::device("virtio-iommu-pci").and(buses::pci(draft, name, iommu.address.as_ref())?),
        IommuModel::Smmuv3 => {
            return Err(Refusal::invalid("<iommu model='smmuv3'> is for ARM guests: use model='intel' or model='virtio'"));
        }
    };
    draft.device("<iommu>", front_end.with("id", name))
}
