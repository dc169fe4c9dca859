//! Which device wants which kind of PCI slot. A table: add a device here and nowhere else.
//!
//! Conventional and Express devices are told apart as QEMU does (`docs/pcie.txt`, and the interfaces that
//! `info qtree` shows); the ranks give the order in which libvirt hands out addresses, as seen in what it stores.

use lodge_model::domain::devices::{
    Address, BalloonModel, Controller, ControllerType, Device, DiskBus, Hostdev, HostdevType, InputBus, InterfaceType, IommuModel,
    MemoryModel, PanicModel, VirtioModel,
};

use super::super::controllers::is_ich9;
use super::super::display::is_primary;
use super::super::machine::Machine;

/// Where a device belongs. On 440FX all but the first and the last are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// This slot and function of the root, where it is free; else any conventional slot.
    At(u32, u32),
    /// A slot of a conventional bus.
    Conventional,
    /// A PCI Express port of its own.
    Express,
    /// A slot of the PCI Express root.
    Chipset,
    /// A function of a slot of the PCI Express root that holds ports only.
    RootPort,
    /// A slot behind the upper end of a switch.
    SwitchPort,
    /// A function beside the other controllers of its ICH9 set.
    Ich9Set,
}

/// A device without an address and what it wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Whose turn it is: lower first.
    pub rank: u8,
    pub home: Home,
}

/// What the device of a position needs; `None` for what is on no PCI bus or has its address.
pub(super) fn need(list: &[Device], index: usize, machine: &Machine<'_>) -> Option<Need> {
    let device = &list[index];
    match device.address() {
        Some(Address::Pci(address)) if !is_unset(address.parts()) => return None,
        Some(Address::Pci(_)) | None => {}
        Some(_) => return None,
    }
    let asked = device.address().is_some();
    let (rank, home) = match device {
        Device::Controller(controller) if controller.kind == ControllerType::Pci => (0, bridge(controller)?),
        Device::Filesystem(filesystem) => (1, virtio(filesystem.model)),
        Device::Interface(interface) => (2, card(interface.kind, interface.model_name())?),
        Device::Sound(sound) => (3, sound_card(list, index, sound.model.as_deref().unwrap_or_default(), machine)?),
        Device::Controller(controller) => (4, other_controller(controller, machine)?),
        Device::Disk(disk) if disk.bus() == DiskBus::Virtio => (5, virtio(disk.model)),
        Device::Hostdev(hostdev) => (6, host_device(hostdev)?),
        Device::Memballoon(balloon) => (
            7,
            match balloon.model {
                BalloonModel::None | BalloonModel::Xen => return None,
                BalloonModel::VirtioTransitional => Home::Conventional,
                BalloonModel::Virtio | BalloonModel::VirtioNonTransitional => Home::Express,
            },
        ),
        Device::Rng(rng) => (8, virtio(rng.model)),
        Device::Watchdog(watchdog) if watchdog.model == "i6300esb" => (9, Home::Conventional),
        Device::Video(video) => (10, graphics_card(video.model_name(), is_primary(video), machine)?),
        Device::Shmem(_) => (11, Home::Conventional),
        Device::Input(input) if input.bus() == InputBus::Virtio => (12, virtio(input.model)),
        Device::Serial(serial) if serial.target.as_ref().is_some_and(|target| target.kind.as_deref() == Some("pci-serial")) => {
            (13, Home::Conventional)
        }
        Device::Vsock(vsock) => (14, virtio(vsock.model)),
        Device::Crypto(_) => (15, Home::Express),
        Device::MemoryDevice(memory) if matches!(memory.model, MemoryModel::VirtioMem | MemoryModel::VirtioPmem) => (16, Home::Express),
        Device::Iommu(iommu) if iommu.model == IommuModel::Virtio => (17, Home::Chipset),
        Device::Panic(panic) if panic.model == Some(PanicModel::Pvpanic) => (18, Home::Conventional),
        Device::Pstore(_) => (19, Home::Conventional),
        _ if asked => (20, Home::Conventional),
        _ => return None,
    };
    Some(Need { rank, home })
}

/// Whether an address only asks for one: 0000:00:00 is the root itself, no device can have it.
pub(super) fn is_unset((domain, bus, slot, _): (u32, u32, u32, u32)) -> bool {
    (domain, bus, slot) == (0, 0, 0)
}

fn virtio(model: Option<VirtioModel>) -> Home {
    // The older revision needs an I/O port range, which Express ports have few of.
    if model == Some(VirtioModel::Transitional) { Home::Conventional } else { Home::Express }
}

fn bridge(controller: &Controller) -> Option<Home> {
    Some(match controller.model.as_deref()? {
        "pcie-root-port" => Home::RootPort,
        "pcie-switch-upstream-port" | "pcie-to-pci-bridge" => Home::Express,
        "pcie-switch-downstream-port" => Home::SwitchPort,
        "dmi-to-pci-bridge" | "pcie-expander-bus" | "pci-expander-bus" => Home::Chipset,
        "pci-bridge" => Home::Conventional,
        _ => return None,
    })
}

fn card(kind: InterfaceType, model: &str) -> Option<Home> {
    Some(match (kind, model) {
        (InterfaceType::Hostdev, _) => Home::Express,
        (_, "usb-net" | "ne2k_isa") => return None,
        (_, "virtio" | "virtio-non-transitional" | "e1000e" | "igb" | "vmxnet3") => Home::Express,
        _ => Home::Conventional,
    })
}

fn host_device(hostdev: &Hostdev) -> Option<Home> {
    // Whether the host's device is an Express one is not known here; it works behind an Express port either way.
    Some(match hostdev.kind {
        HostdevType::Pci | HostdevType::ScsiHost => Home::Express,
        HostdevType::Mdev if hostdev.model.as_deref().is_none_or(|model| model == "vfio-pci") => Home::Express,
        _ => return None,
    })
}

fn sound_card(list: &[Device], index: usize, model: &str, machine: &Machine<'_>) -> Option<Home> {
    Some(match model {
        "usb" | "sb16" | "pcspk" => return None,
        "virtio" => Home::Express,
        // The chipset's own sound is in slot 1b; a second card is an ordinary one.
        "ich9" if machine.is_q35() && is_first_sound(list, index) => Home::At(0x1b, 0),
        _ => Home::Conventional,
    })
}

fn is_first_sound(list: &[Device], index: usize) -> bool {
    let is_ich9 = |device: &Device| matches!(device, Device::Sound(sound) if sound.model.as_deref() == Some("ich9"));
    list.iter().position(is_ich9) == Some(index)
}

fn other_controller(controller: &Controller, machine: &Machine<'_>) -> Option<Home> {
    let model = controller.model.as_deref().unwrap_or_default();
    Some(match controller.kind {
        _ if is_ich9(controller) => Home::Ich9Set,
        ControllerType::Usb => match model {
            "none" => return None,
            "qemu-xhci" | "nec-xhci" => Home::Express,
            "piix3-uhci" if !machine.is_q35() && controller.index() == 0 => Home::At(1, 2),
            _ => Home::Conventional,
        },
        ControllerType::Ide => Home::At(1, 1),
        ControllerType::Sata if machine.is_q35() && controller.index() == 0 => Home::At(0x1f, 2),
        ControllerType::Sata => Home::Conventional,
        ControllerType::Scsi => match model {
            "virtio-scsi" | "virtio-non-transitional" | "vmpvscsi" | "lsisas1078" => Home::Express,
            _ => Home::Conventional,
        },
        ControllerType::VirtioSerial if model == "virtio-transitional" => Home::Conventional,
        ControllerType::VirtioSerial | ControllerType::Nvme => Home::Express,
        ControllerType::Fdc | ControllerType::Ccid | ControllerType::Pci | ControllerType::Xenbus | ControllerType::Isa => return None,
    })
}

fn graphics_card(model: &str, primary: bool, machine: &Machine<'_>) -> Option<Home> {
    let home = match model {
        "none" | "ramfb" => return None,
        "virtio" | "bochs" => Home::Express,
        _ => Home::Conventional,
    };
    Some(match (primary, machine.is_q35()) {
        (true, true) => Home::At(1, 0),
        (true, false) => Home::At(2, 0),
        (false, _) => home,
    })
}
