//! Making volumes that are files, and the directory that they are in.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use lodge_model::permissions::Permissions;
use lodge_model::storage_volume::{StorageVolume, VolumeFormat};
use rustix::fs::{FallocateFlags, IFlags, fallocate, ioctl_getflags, ioctl_setflags};
use uuid::Uuid;

use super::mark::{self, Mark};
use super::{Files, UNFINISHED, blocking, check_space, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::{Directory, Purpose};
use crate::host::work_lock;
use crate::storage::backends::NewVolume;
use crate::storage::image::{self, NewEncryption, NewImage, Place, Report, Resizing};
use crate::storage::volume::Volume;

/// Mode of a pool's directory when nothing is said (libvirt, formatstorage).
const DIRECTORY_MODE: u32 = 0o711;
/// Mode of a volume when nothing is said.
const VOLUME_MODE: u32 = 0o600;
/// What of a mode a volume can have: whoever may upload to it is not to make a program of root's.
const PERMISSIONS: u32 = 0o777;

/// Makes a directory with those above it.
///
/// # Errors
/// What the kernel says.
pub fn directory(path: &Path, permissions: &Permissions) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let what = || format!("make the directory {}", path.display());
    let missing = path.ancestors().skip(1).take_while(|parent| !parent.exists());
    for parent in missing.collect::<Vec<_>>().into_iter().rev() {
        DirBuilder::new().mode(0o755).create(parent).map_err(|error| failed(what(), error))?;
        // Whatever the service's umask is: guests of another user must get through.
        std::fs::set_permissions(parent, PermissionsExt::from_mode(0o755)).map_err(|error| failed(what(), error))?;
    }
    DirBuilder::new().mode(0o700).create(path).map_err(|error| failed(what(), error))?;
    let result = give_directory(path, permissions);
    if result.is_err() {
        drop(std::fs::remove_dir(path));
    }
    result
}

fn give_directory(path: &Path, permissions: &Permissions) -> Result<()> {
    let what = || format!("give {} its owner and mode", path.display());
    let directory = File::open(path).map_err(|error| failed(what(), error))?;
    let (owner, group) = owners(permissions);
    std::os::unix::fs::fchown(&directory, owner, group).map_err(|error| failed(what(), error))?;
    let mode = permissions.mode.map_or(DIRECTORY_MODE, |mode| mode.bits().into());
    directory.set_permissions(PermissionsExt::from_mode(mode)).map_err(|error| failed(what(), error))
}

fn owners(permissions: &Permissions) -> (Option<u32>, Option<u32>) {
    (permissions.owner.and_then(|owner| owner.get()), permissions.group.and_then(|group| group.get()))
}

/// A volume that is being made. Unless it is finished, nothing of it stays.
struct Unfinished {
    directory: Directory,
    name: String,
    /// Locked, so that nobody takes it for what a killed service left.
    file: Option<File>,
}

impl Unfinished {
    fn begin(directory: Directory) -> Result<Self> {
        let what = "make a file in the pool";
        loop {
            let name = format!("{UNFINISHED}{}", Uuid::new_v4());
            let file = directory.file(&name, Purpose::New).map_err(|error| failed(what, error))?;
            let locked = work_lock::begin(&file).map_err(|error| failed(what, error));
            // A refresh may have seen it before it was locked, and taken it away, or be about to.
            if matches!(locked, Ok(false)) || directory.stat(&name).map_err(|error| failed(what, error))?.is_none() {
                continue;
            }
            let unfinished = Self { directory, name, file: Some(file) };
            return locked.map(|_| unfinished);
        }
    }

    fn file(&self) -> Result<&File> {
        self.file.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "a volume is used after it was finished"))
    }

    fn place(&self) -> Result<Place> {
        let directory = self.directory.for_process().map_err(|error| failed("hand on a directory", error))?;
        Ok(Place::Entry(directory, self.name.clone()))
    }

    /// Gives it its format's mark, owner, mode and name. It is on the disk then.
    fn finish(mut self, document: &StorageVolume, mark: Mark) -> Result<()> {
        let what = || format!("finish volume '{}'", document.name);
        let permissions = document.target.as_ref().and_then(|target| target.permissions.clone()).unwrap_or_default();
        let (owner, group) = owners(&permissions);
        let mode = permissions.mode.map_or(VOLUME_MODE, |mode| u32::from(mode.bits()) & PERMISSIONS);
        let file = self.file()?;
        mark::write(file, mark).map_err(|error| failed(what(), error))?;
        std::os::unix::fs::fchown(file, owner, group).map_err(|error| failed(what(), error))?;
        file.set_permissions(PermissionsExt::from_mode(mode)).map_err(|error| failed(what(), error))?;
        if let Some(label) = permissions.label.as_deref() {
            give_label(file, label).map_err(|error| failed(what(), error))?;
        }
        file.sync_all().map_err(|error| failed(what(), error))?;
        self.directory.rename(&self.name, &document.name).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&document.name),
            _ => failed(what(), error),
        })?;
        self.file = None;
        self.directory.sync().map_err(|error| failed(what(), error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.is_some()
            && let Err(error) = self.directory.remove_file(&self.name)
        {
            tracing::warn!("{} stays behind: {error}", self.directory.path_of(&self.name).display());
        }
    }
}

/// A label counts where the kernel has a module that reads it.
fn give_label(file: &File, label: &str) -> std::io::Result<()> {
    if !Path::new("/sys/fs/selinux/enforce").exists() {
        return Ok(());
    }
    Ok(rustix::fs::fsetxattr(file, "security.selinux", label.as_bytes(), rustix::fs::XattrFlags::empty())?)
}

fn exists(name: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, format!("there is something called '{name}' in the pool already; choose another name"))
}

/// Makes a volume.
///
/// # Errors
/// `AlreadyExists`, `NotSupported` for a format, `NoSpace` before anything is written, and those of the host.
pub(super) async fn volume(files: &Files, new: NewVolume, report: Report<'_>) -> Result<()> {
    let format = new.document.format().unwrap_or_default();
    if new.document.name.starts_with(UNFINISHED) {
        let message = format!("names that begin with '{UNFINISHED}' are those of unfinished volumes; choose another one");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let (here, name) = (files.clone(), new.document.name.clone());
    let directory = blocking(move || {
        let directory = here.directory()?;
        match directory.stat(&name).map_err(|error| failed(format_args!("look for '{name}'"), error))? {
            Some(_) => Err(exists(&name)),
            None => Ok(directory),
        }
    })
    .await?;
    // A container of LUKS is a raw volume that is encrypted.
    let format = if format == VolumeFormat::Luks { VolumeFormat::Raw } else { format };
    if format == VolumeFormat::Dir {
        return a_directory(directory, new).await;
    }
    if !image::can_be_made(format) {
        let message = format!("volumes of the format '{format}' cannot be made here; use raw, qcow2, qed, luks, vmdk, vdi or vpc");
        return Err(Error::new(ErrorKind::NotSupported, message));
    }
    check_room(&new, format).await?;
    let nocow = new.document.target.as_ref().is_some_and(|target| target.nocow);
    let unfinished = blocking(move || {
        let unfinished = Unfinished::begin(directory)?;
        if nocow {
            set_nocow(unfinished.file()?);
        }
        Ok(unfinished)
    })
    .await?;
    let document = new.document.clone();
    let mark = Mark {
        format: if new.passphrase.is_some() && format == VolumeFormat::Raw { VolumeFormat::Luks } else { format },
        secret: new.secret,
    };
    let plain = format == VolumeFormat::Raw && new.passphrase.is_none() && new.source.is_none();
    let unfinished = if plain {
        let name = document.name.clone();
        let (capacity, allocation) = sizes(&document);
        blocking(move || {
            allocate(unfinished.file()?, &name, capacity, allocation)?;
            Ok(unfinished)
        })
        .await?
    } else {
        an_image(&unfinished, new, format, report).await?;
        unfinished
    };
    blocking(move || unfinished.finish(&document, mark)).await
}

/// Makes a volume that is a directory.
async fn a_directory(directory: Directory, new: NewVolume) -> Result<()> {
    blocking(move || {
        let name = &new.document.name;
        let permissions = new.document.target.as_ref().and_then(|target| target.permissions.clone()).unwrap_or_default();
        let (owner, group) = owners(&permissions);
        let mode = permissions.mode.map_or(0o700, |mode| u32::from(mode.bits()) & PERMISSIONS);
        let made = directory.make_directory(name, 0o700);
        let result = made.and_then(|()| directory.set_permissions(name, owner, group, Some(mode))).and_then(|()| directory.sync());
        result.map_err(|error| failed(format_args!("make the directory '{name}'"), error))
    })
    .await
}

/// Capacity and allocation that a document asks for; without an allocation it is allocated in full.
fn sizes(document: &StorageVolume) -> (u64, u64) {
    let capacity = document.capacity.as_ref().map_or(0, |size| size.bytes);
    (capacity, document.allocation.as_ref().map_or(capacity, |size| size.bytes.min(capacity)))
}

/// Refuses what does not fit. A sparse volume may be larger than the pool.
async fn check_room(new: &NewVolume, format: VolumeFormat) -> Result<()> {
    let (capacity, allocation) = sizes(&new.document);
    let encrypted = new.passphrase.is_some();
    let needed = match &new.source {
        Some(source) => image::measure(Some(source.image()?), format, capacity, encrypted).await?,
        None if format == VolumeFormat::Raw && !encrypted => allocation,
        // Tables only; the data come later.
        None => 0,
    };
    check_space(&format!("volume '{}'", new.document.name), needed, new.available)
}

fn set_nocow(file: &File) {
    // Only btrfs has the flag; elsewhere there is nothing to turn off.
    let set = ioctl_getflags(file).and_then(|flags| ioctl_setflags(file, flags | IFlags::NOCOW));
    if let Err(error) = set {
        tracing::debug!("a volume is not kept from being copied on write: {error}");
    }
}

/// Gives a plain file its size.
fn allocate(file: &File, name: &str, capacity: u64, allocation: u64) -> Result<()> {
    let what = || format!("make volume '{name}'");
    file.set_len(capacity).map_err(|error| failed(what(), error))?;
    if allocation == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, allocation) {
        Ok(()) => Ok(()),
        // A file system that cannot: the file stays sparse, which is all that it has.
        Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(failed(what(), error.into())),
    }
}

/// Makes an image: empty, over another one, or with the content of another one.
async fn an_image(unfinished: &Unfinished, new: NewVolume, format: VolumeFormat, report: Report<'_>) -> Result<()> {
    let (wanted, _) = sizes(&new.document);
    let encryption = new.passphrase.clone().map(|passphrase| {
        let asked = new.document.target.as_ref().and_then(|target| target.encryption.clone()).unwrap_or_default();
        NewEncryption { passphrase, cipher: asked.cipher, ivgen: asked.ivgen }
    });
    let backing = backing(&new)?;
    let image = |capacity| NewImage {
        place: Place::Device(String::new()),
        format,
        capacity,
        options: options(&new),
        encryption: encryption.as_ref().map(|encryption| NewEncryption {
            passphrase: encryption.passphrase.clone(),
            cipher: encryption.cipher.clone(),
            ivgen: encryption.ivgen.clone(),
        }),
        backing: backing.clone(),
    };
    let Some(source) = &new.source else {
        return image::create(NewImage { place: unfinished.place()?, ..image(wanted) }, report).await;
    };
    let capacity = source.volume.capacity;
    image::convert(source.image()?, NewImage { place: unfinished.place()?, ..image(capacity) }, report).await?;
    if wanted > capacity {
        let encryption = new.passphrase.map(|passphrase| (lodge_model::encryption::EncryptionFormat::Luks, passphrase));
        let grown = image::Image { place: unfinished.place()?, format, encryption, backing: None };
        image::resize(grown, wanted, Resizing::default()).await?;
    }
    Ok(())
}

/// What it is laid over, as the document says.
fn backing(new: &NewVolume) -> Result<Option<(String, VolumeFormat)>> {
    let Some(path) = new.document.backing_path() else { return Ok(None) };
    let said = new.document.backing_store.as_ref().and_then(|backing| VolumeFormat::of(backing.format.as_ref()));
    let Some(format) = said else {
        let message = format!(
            "it is not said of which format {path} is, which volume '{}' is laid over; write it, such as <format type='raw'/> in <backingStore>",
            new.document.name
        );
        return Err(Error::new(ErrorKind::InvalidXml, message));
    };
    if path.starts_with('/') && !Path::new(path).exists() {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no {path}, which volume '{}' is laid over", new.document.name)));
    }
    Ok(Some((path.to_owned(), format)))
}

/// Options of qemu-img for what a document asks of its format.
fn options(new: &NewVolume) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut add = |key: &str, value: String| options.push((key.to_owned(), value));
    let (capacity, allocation) = sizes(&new.document);
    let Some(target) = &new.document.target else { return options };
    let format = new.document.format().unwrap_or_default();
    if format == VolumeFormat::Qcow2 {
        add("compat", target.compat.clone().unwrap_or_else(|| "1.1".to_owned()));
        target.cluster_size.iter().for_each(|size| add("cluster_size", size.bytes.to_string()));
        let features = target.features.as_ref();
        if features.is_some_and(|features| features.lazy_refcounts) {
            add("lazy_refcounts", "on".into());
        }
        if features.is_some_and(|features| features.extended_l2) {
            add("extended_l2", "on".into());
        }
        if new.preallocate_metadata && new.document.backing_path().is_none() {
            add("preallocation", if allocation < capacity { "metadata" } else { "falloc" }.into());
        }
    }
    if matches!(format, VolumeFormat::Raw | VolumeFormat::Luks) && allocation >= capacity && new.document.allocation.is_some() {
        add("preallocation", "falloc".into());
    }
    options
}

/// Gives a plain file another size.
///
/// # Errors
/// What the kernel says.
pub(super) fn resize_raw(file: &File, volume: &Volume, capacity: u64, allocate: bool) -> Result<()> {
    let what = || format!("resize volume '{}'", volume.name);
    if allocate && capacity > volume.physical {
        return fallocate(file, FallocateFlags::empty(), volume.physical, capacity - volume.physical)
            .map_err(|error| failed(what(), error.into()));
    }
    file.set_len(capacity).map_err(|error| failed(what(), error))?;
    file.sync_all().map_err(|error| failed(what(), error))
}
