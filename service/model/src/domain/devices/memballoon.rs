//! The memory balloon: gives memory of the guest back to the host.

use super::address::Address;
use super::parts::{Acpi, Alias, VirtioDriver};
use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// What a balloon is.
    pub enum BalloonModel {
        /// virtio.
        Virtio = "virtio",
        /// virtio 0.9 and 1.0.
        VirtioTransitional = "virtio-transitional",
        /// virtio 1.0 only.
        VirtioNonTransitional = "virtio-non-transitional",
        /// Xen's.
        Xen = "xen",
        /// None: the guest gets no balloon.
        None = "none",
    }
}

element! {
    /// A memory balloon: `<memballoon>`.
    pub struct Memballoon {
        /// What it is.
        required "model" model: BalloonModel,
        /// Whether it shrinks before the guest runs out of memory.
        attr "autodeflate" autodeflate: Option<OnOff>,
        /// Whether the guest tells which pages are free.
        attr "freePageReporting" free_page_reporting: Option<OnOff>,
        /// How often the guest reports its memory.
        child "stats" stats: Option<BalloonStats>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<VirtioDriver>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How often the guest reports its memory.
    pub struct BalloonStats {
        /// Every so many seconds; 0 is never.
        required "period" period: u32,
    }
}
