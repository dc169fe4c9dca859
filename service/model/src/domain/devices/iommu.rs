//! The guest's own IOMMU.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// What the guest sees.
    pub enum IommuModel {
        /// Intel VT-d.
        Intel = "intel",
        /// AMD-Vi.
        Amd = "amd",
        /// ARM SMMU v3.
        Smmuv3 = "smmuv3",
        /// virtio.
        Virtio = "virtio",
    }
}

element! {
    /// An IOMMU: `<iommu>`.
    pub struct Iommu {
        /// What the guest sees.
        required "model" model: IommuModel,
        /// How the hypervisor treats it.
        child "driver" driver: Option<IommuDriver>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the hypervisor treats an IOMMU.
    pub struct IommuDriver {
        /// Interrupt remapping.
        attr "intremap" intremap: Option<OnOff>,
        /// Whether host devices can sit behind it.
        attr "caching_mode" caching_mode: Option<OnOff>,
        /// Extended interrupt mode, for more than 255 processors.
        attr "eim" eim: Option<OnOff>,
        /// Whether devices keep translations.
        attr "iotlb" iotlb: Option<OnOff>,
        /// Width of addresses in bits.
        attr "aw_bits" address_bits: Option<u32>,
        /// Whether it translates the accesses of devices.
        attr "dma_translation" dma_translation: Option<OnOff>,
        /// Whether devices that ask for it bypass translation, of AMD-Vi.
        attr "passthrough" passthrough: Option<OnOff>,
        /// Whether interrupts carry the wide processor numbers of x2APIC, of AMD-Vi.
        attr "xtsup" extended_apic: Option<OnOff>,
    }
}
