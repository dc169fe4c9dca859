//! What a pool is made of: one file for each type, behind one trait.
//!
//! A backend does things and remembers nothing: what there is, it finds out at a refresh. It is told what was known before, so
//! that it need not look at everything again.
//!
//! Types without a file here are refused when a pool is started, with the types that are there.

mod blocks;
mod dir;
pub(super) mod disk;
mod files;
mod fs;
pub(super) mod iscsi;
mod logical;
mod netfs;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::storage_pool::{PoolType, StoragePool};
use lodge_model::storage_volume::StorageVolume;
use uuid::Uuid;

use super::image::{Image, Report, Resizing};
use super::passphrases::{Passphrase, Passphrases};
use super::volume::Volume;
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;

/// The volumes of a pool by name.
pub type Volumes = BTreeMap<String, Arc<Volume>>;

/// What a refresh finds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Size of the pool in bytes.
    pub capacity: u64,
    /// What is used of it.
    pub allocation: u64,
    /// What is free for volumes.
    pub available: u64,
    /// The volumes.
    pub volumes: Volumes,
}

/// Whether a pool may be made where something else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overwrite {
    /// Only what is missing is made, and nothing is formatted.
    #[default]
    Nothing,
    /// A device is formatted if there is nothing on it.
    IfEmpty,
    /// A device is formatted whatever is on it.
    Everything,
}

/// A volume to be made.
#[derive(Debug)]
pub struct NewVolume {
    /// What it shall be. Valid, and its name is free.
    pub document: StorageVolume,
    /// What it shall hold; nothing without.
    pub source: Option<Source>,
    /// Whether an image's own tables are written from the start.
    pub preallocate_metadata: bool,
    /// The passphrase of an encrypted one.
    pub passphrase: Option<Passphrase>,
    /// The secret that has it, if it is known by its UUID.
    pub secret: Option<Uuid>,
    /// What is free in the pool, in bytes.
    pub available: u64,
}

/// The volume that another one is made from.
pub struct Source {
    /// The backend of its pool.
    pub backend: Arc<dyn Backend>,
    /// It.
    pub volume: Arc<Volume>,
    /// The passphrase that opens it.
    pub passphrase: Option<Passphrase>,
    /// What it is laid over.
    pub backing: Option<Box<Self>>,
}

impl Source {
    /// It, with all that it is laid over, as an image that is opened. Blocks for a moment.
    ///
    /// # Errors
    /// A level is not there any more, or no passphrase opens it.
    pub fn image(&self) -> Result<Image> {
        let backing = self.backing.as_ref().map(|backing| backing.image()).transpose()?;
        let image = files::image_of(self.backend.place(&self.volume)?, &self.volume, self.passphrase.clone())?;
        Ok(Image { backing: backing.map(Box::new), ..image })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "volume '{}'", self.volume.name)
    }
}

/// Another size of a volume.
#[derive(Debug)]
pub struct NewSize {
    /// In bytes.
    pub capacity: u64,
    /// What may be done for it.
    pub how: Resizing,
    /// The passphrase of an encrypted volume.
    pub passphrase: Option<Passphrase>,
    /// What is free in the pool, in bytes.
    pub available: u64,
}

/// One type of pool.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Where the host sees the volumes: an absolute path.
    fn target(&self) -> &Path;

    /// Whether changes made by others are noticed by watching the target.
    fn is_watched(&self) -> bool {
        false
    }

    /// Whether its volumes can be images with a format.
    fn has_images(&self) -> bool {
        false
    }

    /// Whether its volumes stay reachable when it is stopped.
    fn is_untouched_by_stop(&self) -> bool {
        false
    }

    /// Whether it can be used as it is, without being started: so a pool is found again.
    async fn is_active(&self) -> Result<bool>;

    /// Makes what the pool needs before it can be started.
    async fn build(&self, overwrite: Overwrite) -> Result<()>;

    /// Makes the volumes reachable.
    async fn start(&self) -> Result<()>;

    /// Looks at what there is.
    async fn refresh(&self, known: &Volumes) -> Result<Contents>;

    /// Makes the volumes unreachable again; they stay.
    async fn stop(&self) -> Result<()>;

    /// Undoes what building did. Volumes may be lost with it.
    async fn delete(&self) -> Result<()>;

    /// Makes a volume; nothing is left of it when that fails or is called off.
    async fn create(&self, new: NewVolume, report: Report<'_>) -> Result<()>;

    /// Gives a volume another size.
    async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()>;

    /// Removes a volume.
    async fn remove(&self, volume: &Volume) -> Result<()>;

    /// Opens what a volume is on the host. Blocks.
    fn open(&self, volume: &Volume, purpose: Purpose) -> Result<File>;

    /// Where qemu-img finds a volume.
    fn place(&self, volume: &Volume) -> Result<super::image::Place>;

    /// Makes a wiped volume an empty one of its format again.
    async fn renew(&self, _volume: &Volume, _passphrase: Option<Passphrase>) -> Result<()> {
        Ok(())
    }
}

/// What all backends are given.
#[derive(Clone)]
pub struct Host {
    /// Where secrets are kept.
    pub secrets: Passphrases,
}

/// Types that there is a backend for.
pub(super) const TYPES: [PoolType; 6] = [PoolType::Dir, PoolType::Fs, PoolType::Netfs, PoolType::Disk, PoolType::Logical, PoolType::Iscsi];

/// The backend of a pool.
///
/// # Errors
/// `NotSupported` for a type without one; `InvalidXml` for a document with problems.
pub fn of(pool: &StoragePool, host: &Host) -> Result<Arc<dyn Backend>> {
    let pool = pool.clone();
    Ok(match pool.kind {
        PoolType::Dir => Arc::new(dir::Dir::new(&pool, host)?),
        PoolType::Fs => Arc::new(fs::Fs::new(&pool, host)?),
        PoolType::Netfs => Arc::new(netfs::Netfs::new(&pool, host)?),
        PoolType::Disk => Arc::new(disk::Disk::new(&pool, host)?),
        PoolType::Logical => Arc::new(logical::Logical::new(&pool, host)?),
        PoolType::Iscsi => Arc::new(iscsi::Iscsi::new(&pool, host)?),
        other => {
            let types: Vec<_> = TYPES.iter().map(|kind| kind.as_str()).collect();
            let message = format!("pools of the type '{other}' can be kept but not used here; types that can: {}", types.join(", "));
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
    })
}

/// Work that blocks, away from the threads that must not.
///
/// # Errors
/// Those of the work.
pub(in crate::storage) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::new(ErrorKind::Internal, "the work crashed").caused_by(error))?
}

/// The error of a system call, of the kind that its number tells.
pub(in crate::storage) fn failed(what: impl std::fmt::Display, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => ErrorKind::NoSpace,
        Io::NotFound => ErrorKind::NotFound,
        Io::AlreadyExists => ErrorKind::AlreadyExists,
        Io::ResourceBusy | Io::DirectoryNotEmpty => ErrorKind::InUse,
        _ => ErrorKind::HostFailed,
    };
    Error::new(kind, format!("cannot {what}")).caused_by(error)
}

/// Refuses what does not fit, before anything is written.
pub(super) fn check_space(what: &str, needed: u64, available: u64) -> Result<()> {
    if needed <= available {
        return Ok(());
    }
    let message = format!("{what} needs {needed} bytes and the pool has {available} free; free some, or ask for less");
    Err(Error::new(ErrorKind::NoSpace, message))
}
