//! The devices of a guest: a file for each kind, with its front end (what the guest sees) and its back end (what serves
//! it on the host).

mod audio;
mod channel;
mod console;
mod controller;
mod crypto;
mod disk;
mod filesystem;
mod graphics;
mod hostdev;
mod hub;
mod input;
mod interface;
mod interface_by_hand;
mod interface_tap;
mod iommu;
mod memballoon;
mod memory;
mod panic;
mod parallel;
mod pstore;
mod redirdev;
mod rng;
mod serial;
mod shmem;
mod smartcard;
mod sound;
mod tpm;
mod video;
mod virtio;
mod vsock;
mod watchdog;

use lodge_model::domain::devices::{Controller, ControllerType, Device};

use super::command::Draft;
use super::refusal::Refusal;

pub use graphics::{LOCAL, ports_needed};
pub use video::models as video_models;

/// Adds every device: controllers and hubs first, since the others are plugged into them.
///
/// # Errors
/// A device that cannot be, with what to change.
pub fn add_all(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let domain = draft.domain;
    let mut controllers: Vec<_> = domain.devices.controllers().collect();
    controllers.sort_by_key(|controller| (rank(controller), controller.index()));
    for controller in controllers {
        controller::add(draft, controller)?;
    }
    for hub in domain.devices.hubs() {
        hub::add(draft, hub)?;
    }
    audio::add_default(draft);
    for device in &domain.devices.list {
        add(draft, device)?;
    }
    graphics::add_display(draft)
}

/// A bridge stands behind one of a lower number, a companion behind its master, and some controllers are USB devices.
fn rank(controller: &Controller) -> u32 {
    match (controller.kind, controller.master.is_some()) {
        (ControllerType::Pci, _) => 0,
        (ControllerType::Usb, false) => 1,
        (ControllerType::Usb, true) => 2,
        _ => 3,
    }
}

fn add(draft: &mut Draft<'_>, device: &Device) -> Result<(), Refusal> {
    match device {
        Device::Disk(disk) => disk::add(draft, disk),
        Device::Controller(_) | Device::Hub(_) => Ok(()),
        Device::Lease(_) => Err(Refusal::unsupported("<lease> needs a lock manager, and this version has none: take the element out")),
        Device::Filesystem(filesystem) => filesystem::add(draft, filesystem),
        Device::Interface(interface) => interface::add(draft, interface),
        Device::Smartcard(smartcard) => smartcard::add(draft, smartcard),
        Device::Serial(serial) => serial::add(draft, serial),
        Device::Parallel(parallel) => parallel::add(draft, parallel),
        Device::Console(console) => console::add(draft, console),
        Device::Channel(channel) => channel::add(draft, channel),
        Device::Input(input) => input::add(draft, input),
        Device::Tpm(tpm) => tpm::add(draft, tpm),
        Device::Graphics(graphics) => graphics::add(draft, graphics),
        Device::Sound(sound) => sound::add(draft, sound),
        Device::Audio(audio) => audio::add(draft, audio),
        Device::Video(video) => video::add(draft, video),
        Device::Hostdev(hostdev) => hostdev::add(draft, hostdev),
        Device::Redirdev(redirdev) => redirdev::add(draft, redirdev),
        Device::Redirfilter(_) => Ok(()),
        Device::Watchdog(watchdog) => watchdog::add(draft, watchdog),
        Device::Memballoon(memballoon) => memballoon::add(draft, memballoon),
        Device::Rng(rng) => rng::add(draft, rng),
        Device::Nvram(_) => Err(Refusal::invalid("<nvram> as a device is for PowerPC guests: take it out of <devices>")),
        Device::Panic(panic) => panic::add(draft, panic),
        Device::Shmem(shmem) => shmem::add(draft, shmem),
        Device::MemoryDevice(memory) => memory::add(draft, memory),
        Device::Iommu(iommu) => iommu::add(draft, iommu),
        Device::Vsock(vsock) => vsock::add(draft, vsock),
        Device::Crypto(crypto) => crypto::add(draft, crypto),
        Device::Pstore(pstore) => pstore::add(draft, pstore),
    }
}
