//! Storage: pools, and the volumes in them.
//!
//! ```text
//!  bus ──▶ Storage ──claim──▶ Backend (dir, fs, netfs, disk, logical, iscsi) ──▶ host, qemu-img, sfdisk, lvm, …
//!             │ told                ▲ looks
//!             └──▶ actor of the pool ┘ ──▶ StoragePoolView, events
//! ```
//! [`Storage`] does what it is asked in tasks of its own, as jobs where that may take long. Each claims what it touches
//! ([`claims`]), so two pieces of work never meet. The actor of a pool only looks at it and shows what it saw.
//!
//! Invariants: nothing here knows D-Bus or domains; what is made appears whole or not at all; no name in a header leads
//! anywhere by itself.

mod actor;
pub mod backends;
mod capabilities;
mod chain;
mod claims;
mod encrypt;
mod engine;
mod find;
pub mod formats;
mod handle;
mod image;
mod interrupted;
mod modules;
mod passphrases;
mod pools;
mod recover;
mod registry;
mod source;
mod tool;
mod transfer;
mod users;
mod view;
mod volume;
mod volumes;
mod work;

pub use backends::Overwrite;
pub use capabilities::capabilities;
pub use chain::Chain;
pub use engine::{Draft, Parts, Storage};
pub use handle::PoolHandle;
pub use image::Resizing;
pub use registry::Registry;
pub use source::SourceVolume;
pub use transfer::{Algorithm, Range, stream};
pub use users::{ForGuest, GuestDisk, Users};
pub use view::{StoragePoolView, VolumeView};
pub use volume::{Volume, encryption_of};
pub use volumes::{CreateVolume, ResizeVolume, VolumeDraft};
