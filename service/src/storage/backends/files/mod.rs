//! Volumes that are files of a directory: those of the types `dir`, `fs` and `netfs`.
//!
//! - A new volume is made under a hidden name, which is locked meanwhile, and gets its own name when it is whole. A file of
//!   such a name that nobody locks is what a killed service left, and the next refresh removes it.
//! - The format in which a volume was made is written on it ([`mark`]), where guests do not reach. Without that mark, a header
//!   is believed as far as telling goes, and no name in it is followed out of the pool.

mod create;
mod location;
mod mark;
mod scan;

pub(super) use location::Location;

use std::fs::File;
use std::path::{Path, PathBuf};

use lodge_model::permissions::Permissions;
use lodge_model::storage_volume::{VolumeFormat, VolumeType};

use super::{Contents, Host, NewSize, NewVolume, Volumes, blocking, check_space, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::{Directory, Purpose};
use crate::host::filesystem;
use crate::storage::image::{self, Image, NewEncryption, NewImage, Place, Report};
use crate::storage::passphrases::Passphrase;
use crate::storage::volume::Volume;

/// Names of volumes that are being made begin so.
pub(super) const UNFINISHED: &str = ".lodge-new-";

/// The directory of a pool.
#[derive(Clone)]
pub(super) struct Files {
    path: PathBuf,
    host: Host,
}

impl Files {
    pub fn new(path: &str, host: &Host) -> Self {
        Self { path: PathBuf::from(path), host: host.clone() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn directory(&self) -> Result<Directory> {
        Directory::open(&self.path).map_err(|error| failed(format_args!("open the directory {}", self.path.display()), error))
    }

    /// Makes the directory with those above it. One that is there keeps its owner and mode.
    pub async fn build(&self, permissions: Option<&Permissions>) -> Result<()> {
        let (path, permissions) = (self.path.clone(), permissions.cloned().unwrap_or_default());
        blocking(move || create::directory(&path, &permissions)).await
    }

    /// Whether there is such a directory.
    pub async fn is_there(&self) -> bool {
        let path = self.path.clone();
        blocking(move || Ok(path.is_dir())).await.unwrap_or(false)
    }

    /// Says what is missing when the directory is.
    pub async fn require(&self) -> Result<()> {
        if self.is_there().await {
            return Ok(());
        }
        let message = format!("there is no directory {}; build the pool, or make the directory", self.path.display());
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Removes the directory, which must be empty.
    pub async fn delete(&self) -> Result<()> {
        let path = self.path.clone();
        blocking(move || std::fs::remove_dir(&path).map_err(|error| failed(format_args!("remove the directory {}", path.display()), error)))
            .await
    }

    pub async fn refresh(&self, known: &Volumes) -> Result<Contents> {
        let (files, known) = (self.clone(), known.clone());
        blocking(move || {
            let directory = files.directory()?;
            let volumes = scan::all(&directory, &known, &files.host.secrets)?;
            let space =
                filesystem::space(&files.path).map_err(|error| failed(format_args!("ask how full {} is", files.path.display()), error))?;
            let allocation = space.capacity.saturating_sub(space.available);
            Ok(Contents { capacity: space.capacity, allocation, available: space.available, volumes })
        })
        .await
    }

    pub async fn create(&self, new: NewVolume, report: Report<'_>) -> Result<()> {
        create::volume(self, new, report).await
    }

    pub async fn resize(&self, volume: &Volume, to: NewSize) -> Result<()> {
        let grows_by = to.capacity.saturating_sub(volume.capacity);
        if to.how.allocate {
            check_space(&format!("volume '{}'", volume.name), grows_by, to.available)?;
        }
        if volume.format == VolumeFormat::Raw && volume.encryption.is_none() {
            let (files, volume, capacity, allocate) = (self.clone(), volume.clone(), to.capacity, to.how.allocate);
            return blocking(move || create::resize_raw(&files.open(&volume, Purpose::Write)?, &volume, capacity, allocate)).await;
        }
        let image = self.image(volume, to.passphrase)?;
        image::resize(image, to.capacity, to.how).await
    }

    pub async fn remove(&self, volume: &Volume) -> Result<()> {
        let (files, name, kind) = (self.clone(), volume.name.clone(), volume.kind);
        blocking(move || {
            let directory = files.directory()?;
            let removed = if kind == VolumeType::Dir { directory.remove_directory(&name) } else { directory.remove_file(&name) };
            removed.and_then(|_| directory.sync()).map_err(|error| failed(format_args!("remove volume '{name}'"), error))
        })
        .await
    }

    pub fn open(&self, volume: &Volume, purpose: Purpose) -> Result<File> {
        let what = format!("open volume '{}'", volume.name);
        let file = self.directory()?.file(&volume.name, purpose).map_err(|error| failed(&what, error))?;
        match file.metadata() {
            Ok(found) if found.is_file() => Ok(file),
            Ok(_) => Err(Error::new(ErrorKind::InvalidState, format!("cannot {what}: it is no plain file"))),
            Err(error) => Err(failed(what, error)),
        }
    }

    pub fn place(&self, volume: &Volume) -> Result<Place> {
        // It must be a plain file of the pool now; qemu-img then reaches it through the same directory.
        drop(self.open(volume, Purpose::Read)?);
        let directory = self.directory()?.for_process().map_err(|error| failed("hand on a directory", error))?;
        Ok(Place::Entry(directory, volume.name.clone()))
    }

    /// Makes an image that was wiped, and has no header any more, an empty one again.
    pub async fn renew(&self, volume: &Volume, passphrase: Option<Passphrase>) -> Result<()> {
        if volume.format == VolumeFormat::Raw && passphrase.is_none() || !image::can_be_made(volume.format) {
            return Ok(());
        }
        let mut options = Vec::new();
        if let Some(qcow2) = volume.qcow2 {
            options.push(("compat".to_owned(), qcow2.compat().to_owned()));
            options.push(("cluster_size".to_owned(), qcow2.cluster_size.to_string()));
        }
        let new = NewImage {
            place: self.place(volume)?,
            format: volume.format,
            capacity: volume.capacity,
            options,
            encryption: passphrase.map(|passphrase| NewEncryption { passphrase, cipher: None, ivgen: None }),
            backing: None,
        };
        image::create(new, &|_, _| {}).await
    }

    fn image(&self, volume: &Volume, passphrase: Option<Passphrase>) -> Result<Image> {
        image_of(self.place(volume)?, volume, passphrase)
    }
}

/// A volume as an image that is opened.
///
/// # Errors
/// It is encrypted and no passphrase is there.
pub(in crate::storage) fn image_of(place: Place, volume: &Volume, passphrase: Option<Passphrase>) -> Result<Image> {
    let encryption = match (volume.encryption, passphrase) {
        (None, _) => None,
        (Some((kind, _)), Some(passphrase)) => Some((kind, passphrase)),
        (Some(_), None) => {
            let message = format!(
                "volume '{}' is encrypted and no secret opens it; define one with <usage type='volume'><volume>{}</volume></usage> and set its value",
                volume.name, volume.path
            );
            return Err(Error::new(ErrorKind::InvalidState, message));
        }
    };
    Ok(Image { place, format: volume.format, encryption })
}

/// Refuses to copy what an image is only a part of: the rest is what its header names, and whoever may write the header (a guest, or
/// whoever uploads) could so have any file of the host read with the service's rights.
///
/// # Errors
/// `InvalidState` with the file.
pub(in crate::storage) fn refuse_incomplete(volume: &Volume) -> Result<()> {
    let named = match &volume.backing {
        // No header says so: it is a snapshot, which its device shows as a whole.
        _ if volume.kind == VolumeType::Block => return Ok(()),
        Some(backing) => backing.path.as_str(),
        None if volume.external_data => "another one",
        None => return Ok(()),
    };
    let message = format!(
        "volume '{}' is not complete by itself: its header makes the file {named} a part of it, and headers are not followed, since guests can \
         write them; make it complete with 'qemu-img rebase' or 'qemu-img convert' first, if you trust it",
        volume.name
    );
    Err(Error::new(ErrorKind::InvalidState, message))
}
