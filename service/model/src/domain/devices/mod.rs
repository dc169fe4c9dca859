//! The devices of a guest.
//!
//! Each kind has a file with the element as it is written, made with the codec's macros: every
//! attribute is there, whatever its type asks for, so that an incomplete document can be read,
//! shown and corrected. Where the meaning depends on a type (sources, backends), a `…_view` method
//! gives a checked union or a [`Problem`] that says what is missing.
//!
//! Invariants:
//! - The order of devices in a document is kept; it decides names and addresses.
//! - An element that is no device known here stays in place with a warning.
//! - A word is closed (`keywords!`) where the service must know its meaning to act; it is a
//!   `String` where hypervisors add words, and the driver decides.

mod address;
mod audio;
mod channel;
mod chardev;
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
mod interface_source;
mod iommu;
mod iotune;
mod lease;
mod mac;
mod memballoon;
mod memory;
mod network_parts;
mod number;
mod nvram;
mod panic;
mod parallel;
mod parts;
mod problem;
mod pstore;
mod redirdev;
mod rng;
mod serial;
mod shmem;
mod smartcard;
mod sound;
mod storage_source;
mod table;
mod tagged;
mod tpm;
mod video;
mod vsock;
mod watchdog;

pub use address::*;
pub use audio::*;
pub use channel::*;
pub use chardev::*;
pub use console::*;
pub use controller::*;
pub use crypto::*;
pub use disk::*;
pub use filesystem::*;
pub use graphics::*;
pub use hostdev::*;
pub use hub::*;
pub use input::*;
pub use interface::*;
pub use interface_source::*;
pub use iommu::*;
pub use iotune::*;
pub use lease::*;
pub use mac::*;
pub use memballoon::*;
pub use memory::*;
pub use network_parts::*;
pub use number::*;
pub use nvram::*;
pub use panic::*;
pub use parallel::*;
pub use parts::*;
pub use problem::Problem;
pub use pstore::*;
pub use redirdev::*;
pub use rng::*;
pub use serial::*;
pub use shmem::*;
pub use smartcard::*;
pub use sound::*;
pub use storage_source::*;
pub use tpm::*;
pub use video::*;
pub use vsock::*;
pub use watchdog::*;

pub use crate::addresses::IpFamily;
pub use crate::encryption::{Cipher, Encryption, IvGenerator, SecretReference};
use crate::xml::{Choice, Content, Reader, Writer, XmlError};

crate::element! {
    /// The devices of a guest: `<devices>`.
    pub struct Devices {
        /// Absolute path of the hypervisor's program; chosen by the service when left out.
        leaf "emulator" emulator: Option<String>,
        /// The devices, in document order.
        each "*" list: Vec<Device>,
    }
}

// A new kind is one line: variant, element, iterators, and whether it is `placed` (has an alias and
// a place on the guest's buses) or `unplaced`.
table::devices! {
    Disk "disk" disks disks_mut placed;
    Controller "controller" controllers controllers_mut placed;
    Lease "lease" leases leases_mut unplaced;
    Filesystem "filesystem" filesystems filesystems_mut placed;
    Interface "interface" interfaces interfaces_mut placed;
    Smartcard "smartcard" smartcards smartcards_mut placed;
    Serial "serial" serials serials_mut placed;
    Parallel "parallel" parallels parallels_mut placed;
    Console "console" consoles consoles_mut placed;
    Channel "channel" channels channels_mut placed;
    Input "input" inputs inputs_mut placed;
    Tpm "tpm" tpms tpms_mut placed;
    Graphics "graphics" graphics graphics_mut unplaced;
    Sound "sound" sounds sounds_mut placed;
    Audio "audio" audios audios_mut unplaced;
    Video "video" videos videos_mut placed;
    Hostdev "hostdev" hostdevs hostdevs_mut placed;
    Redirdev "redirdev" redirdevs redirdevs_mut placed;
    Redirfilter "redirfilter" redirfilters redirfilters_mut unplaced;
    Hub "hub" hubs hubs_mut placed;
    Watchdog "watchdog" watchdogs watchdogs_mut placed;
    Memballoon "memballoon" memballoons memballoons_mut placed;
    Rng "rng" rngs rngs_mut placed;
    Nvram "nvram" nvrams nvrams_mut placed;
    Panic "panic" panics panics_mut placed;
    Shmem "shmem" shmems shmems_mut placed;
    MemoryDevice "memory" memories memories_mut placed;
    Iommu "iommu" iommus iommus_mut placed;
    Vsock "vsock" vsocks vsocks_mut placed;
    Crypto "crypto" cryptos cryptos_mut placed;
    Pstore "pstore" pstores pstores_mut placed;
}

#[cfg(test)]
mod tests;
