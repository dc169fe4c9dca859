//! Video devices: the guest's graphics cards.

use super::address::Address;
use super::parts::{Acpi, Alias};
use crate::element;
use crate::xml::{OnOff, YesNo};

element! {
    /// A graphics card: `<video>`.
    pub struct Video {
        /// How the hypervisor treats it.
        child "driver" driver: Option<VideoDriver>,
        /// What the guest sees; the service chooses when left out.
        child "model" model: Option<VideoModel>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the hypervisor treats a graphics card.
    pub struct VideoDriver {
        /// `qemu` or `vhostuser`; open, as hypervisors are.
        attr "name" name: Option<String>,
        /// VGA configuration of a bhyve guest: `io`, `on` or `off`.
        attr "vgaconf" vga_configuration: Option<String>,
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
    }
}

element! {
    /// The graphics card that the guest sees.
    pub struct VideoModel {
        /// `virtio`, `qxl`, `vga`, `bochs`, `cirrus`, `none`, …; open, as hypervisors add cards.
        attr "type" kind: Option<String>,
        /// Video memory in KiB.
        attr "vram" vram: Option<u32>,
        /// Second part of QXL's memory in KiB.
        attr "ram" ram: Option<u32>,
        /// QXL's memory for VGA modes in KiB.
        attr "vgamem" vga_memory: Option<u32>,
        /// QXL's memory in a 64-bit region in KiB.
        attr "vram64" vram64: Option<u32>,
        /// Screens.
        attr "heads" heads: Option<u32>,
        /// Whether it is the one that shows the boot.
        attr "primary" primary: Option<YesNo>,
        /// Whether guest memory is shown without a copy, of virtio.
        attr "blob" blob: Option<OnOff>,
        /// Whether it describes its screens to the guest.
        attr "edid" edid: Option<OnOff>,
        /// Acceleration.
        child "acceleration" acceleration: Option<Acceleration>,
        /// Resolution at boot.
        child "resolution" resolution: Option<Resolution>,
    }
}

element! {
    /// Acceleration of a graphics card.
    pub struct Acceleration {
        /// Two-dimensional.
        attr "accel2d" accel2d: Option<YesNo>,
        /// Three-dimensional.
        attr "accel3d" accel3d: Option<YesNo>,
        /// Absolute path of the host's render node, of vhost-user.
        attr "rendernode" render_node: Option<String>,
    }
}

element! {
    /// Resolution in pixels.
    pub struct Resolution {
        /// Width.
        required "x" x: u32,
        /// Height.
        required "y" y: u32,
    }
}

impl Video {
    /// The model's word, or nothing.
    pub fn model_name(&self) -> &str {
        self.model.as_ref().and_then(|model| model.kind.as_deref()).unwrap_or_default()
    }

    /// Whether three-dimensional acceleration is asked for.
    pub fn is_3d(&self) -> bool {
        let acceleration = self.model.as_ref().and_then(|model| model.acceleration.as_ref());
        acceleration.is_some_and(|acceleration| acceleration.accel3d == Some(YesNo(true)))
    }
}
