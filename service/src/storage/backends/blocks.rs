//! Volumes that are block devices: what the types `disk`, `logical` and `iscsi` have in common.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lodge_model::encryption::EncryptionFormat;
use lodge_model::storage_volume::{StorageVolume, VolumeFormat, VolumeType};
use rustix::fs::{FlockOperation, flock};
use tokio::task::JoinHandle;

use super::{NewVolume, blocking, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::storage::image::{self, NewEncryption, NewImage, Place, Report};
use crate::storage::passphrases::{Passphrase, Passphrases};
use crate::storage::tool::Tool;
use crate::storage::volume::{InodeFacts, Volume};

/// A volume that is a block device.
///
/// What is on it says nothing: a guest wrote it. It is raw, and encrypted where the service has a secret for it.
pub fn volume(name: &str, path: &str, size: u64, secrets: &Passphrases) -> Volume {
    let secret = secrets.of_volume(path);
    Volume {
        capacity: size,
        allocation: size,
        physical: size,
        encryption: secret.map(|secret| (EncryptionFormat::Luks, Some(secret))),
        inode: facts(path),
        ..Volume::new(name, VolumeType::Block, path)
    }
}

fn facts(path: &str) -> Option<InodeFacts> {
    let found = std::fs::metadata(path).ok()?;
    let time = |seconds: i64, nanoseconds: i64| {
        Duration::new(u64::try_from(seconds).unwrap_or_default(), u32::try_from(nanoseconds).unwrap_or_default())
    };
    Some(InodeFacts {
        identity: (found.dev(), found.ino()),
        uid: found.uid(),
        gid: found.gid(),
        mode: found.mode(),
        label: None,
        times: [time(found.atime(), found.atime_nsec()), time(found.mtime(), found.mtime_nsec()), time(found.ctime(), found.ctime_nsec())],
    })
}

/// Opens a block device; for writing only one that nothing on the host holds. Blocks.
///
/// # Errors
/// `InUse` when it is held; it is none, or what the kernel says.
pub fn open(path: &str, purpose: Purpose) -> Result<File> {
    open_device(path, purpose != Purpose::Read, purpose != Purpose::Read)
}

/// Refuses a device that the host holds: it is mounted, or a part of another one. Blocks.
///
/// # Errors
/// `InUse`; those of [`open`].
pub fn refuse_held(path: &str) -> Result<()> {
    open_device(path, false, true).map(drop)
}

fn open_device(path: &str, write: bool, alone: bool) -> Result<File> {
    let what = format!("open {path}");
    // NONBLOCK: a drive without a disk does not hold it up. EXCL of a device is about mounts and the like (open(2)).
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY | if alone { nix::libc::O_EXCL } else { 0 };
    let opened = OpenOptions::new().read(true).write(write).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::ResourceBusy => {
            Error::new(ErrorKind::InUse, format!("the host uses {path}: it is mounted, or a part of another device; end that first"))
        }
        _ => failed(&what, error),
    })?;
    match file.metadata() {
        Ok(found) if found.file_type().is_block_device() => Ok(file),
        Ok(_) => Err(Error::new(ErrorKind::InvalidState, format!("cannot {what}: it is no block device"))),
        Err(error) => Err(failed(what, error)),
    }
}

/// Size of a block device in bytes. Blocks.
///
/// # Errors
/// Those of [`open`].
pub fn size(path: &str) -> Result<u64> {
    open(path, Purpose::Read)?.seek(SeekFrom::End(0)).map_err(|error| failed(format_args!("ask for the size of {path}"), error))
}

/// Says what is missing when a device is.
///
/// # Errors
/// `NotFound` with the device.
pub async fn require(path: &str) -> Result<()> {
    let device = path.to_owned();
    match blocking(move || Ok(std::fs::metadata(device).map(|found| found.file_type().is_block_device()))).await? {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(ErrorKind::InvalidState, format!("{path} is no block device; write one into <source>"))),
        Err(error) => Err(failed(format_args!("use the device {path}"), error)),
    }
}

/// Keeps udevd from a disk until the answer is dropped: after each change it would read the partition table anew, and so take
/// partitions away and give them back while they are worked on (systemd, "Locking Block Device Access").
///
/// # Errors
/// Those of [`open`].
pub async fn lock(path: &str) -> Result<File> {
    let path = path.to_owned();
    blocking(move || {
        let device = open(&path, Purpose::Read)?;
        flock(&device, FlockOperation::LockExclusive).map_err(|error| failed(format_args!("lock {path}"), error.into()))?;
        Ok(device)
    })
    .await
}

/// How long udevd may take, in seconds.
const SETTLE: u32 = 20;

/// Waits until udevd has done all that recent changes of devices ask of it. Where there is none, nothing is waited for.
pub async fn settle() {
    match Tool::new("udevadm").args(["settle".to_owned(), format!("--timeout={SETTLE}")]).done().await {
        Ok(_) => {}
        Err(error) => tracing::debug!("udevd is not waited for: {error}"),
    }
}

/// Refuses what no device can be: images with a format, and encryption other than LUKS, which the caller has asked for.
///
/// # Errors
/// `NotSupported` with the format.
pub fn require_raw(document: &StorageVolume, own: &[VolumeFormat]) -> Result<()> {
    match document.format() {
        None | Some(VolumeFormat::Raw) => Ok(()),
        Some(format) if own.contains(&format) => Ok(()),
        Some(format) => {
            let message = format!(
                "a volume of this pool is a block device and cannot have the format '{format}'; leave <format> out, or write 'raw'"
            );
            Err(Error::new(ErrorKind::NotSupported, message))
        }
    }
}

/// Refuses encryption with a secret that nobody would find again: a device has no mark, so its path names the secret.
///
/// # Errors
/// `InvalidArgument` with the usage that it needs.
pub fn require_findable(new: &NewVolume, path: &str, secrets: &Passphrases) -> Result<()> {
    if new.passphrase.is_none() || new.secret == secrets.of_volume(path) {
        return Ok(());
    }
    let message = format!(
        "volume '{}' is a device, whose secret is found by its path: define one with <usage type='volume'><volume>{path}</volume></usage> and \
         name that, or write format='default' and no secret to have one made",
        new.document.name
    );
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// What a new device must have: the size asked for, and the header of LUKS where it is encrypted.
///
/// # Errors
/// It cannot be measured.
pub async fn needed(new: &NewVolume) -> Result<u64> {
    let asked = new.document.capacity.as_ref().map_or(0, |size| size.bytes);
    let capacity = asked.max(new.source.as_ref().map_or(0, |source| source.volume.capacity));
    if new.passphrase.is_none() {
        return Ok(capacity);
    }
    image::measure(None, VolumeFormat::Raw, capacity, true).await
}

/// Puts into a new device what it shall hold: encryption, and the content of another volume.
///
/// # Errors
/// Those of qemu-img.
pub async fn fill(path: &str, device_size: u64, new: NewVolume, report: Report<'_>) -> Result<()> {
    let asked = new.document.target.as_ref().and_then(|target| target.encryption.clone()).unwrap_or_default();
    let encryption = new.passphrase.map(|passphrase| NewEncryption { passphrase, cipher: asked.cipher, ivgen: asked.ivgen });
    let header = if encryption.is_some() { image::measure(None, VolumeFormat::Raw, 0, true).await? } else { 0 };
    let image = NewImage {
        place: Place::Device(path.to_owned()),
        format: VolumeFormat::Raw,
        capacity: device_size.saturating_sub(header),
        options: Vec::new(),
        encryption,
        backing: None,
    };
    match new.source {
        None if image.encryption.is_none() => Ok(()),
        None => image::create(image, report).await,
        Some(source) => image::convert(source.image()?, NewImage { capacity: source.volume.capacity, ..image }, report).await,
    }
}

/// Makes a wiped device an empty encrypted one again.
///
/// # Errors
/// Those of qemu-img.
pub async fn renew(volume: &Volume, passphrase: Option<Passphrase>) -> Result<()> {
    let Some(passphrase) = passphrase else { return Ok(()) };
    let header = image::measure(None, VolumeFormat::Raw, 0, true).await?;
    let image = NewImage {
        place: Place::Device(volume.path.clone()),
        format: VolumeFormat::Raw,
        capacity: volume.physical.saturating_sub(header),
        options: Vec::new(),
        encryption: Some(NewEncryption { passphrase, cipher: None, ivgen: None }),
        backing: None,
    };
    image::create(image, &|_, _| {}).await
}

/// Undoing of work that was called off or has failed. A refresh waits for it, so that it finds nothing half-made.
#[derive(Debug, Default)]
pub struct Undoing(Mutex<Vec<JoinHandle<()>>>);

impl Undoing {
    /// Waits for all that was begun.
    pub async fn settle(&self) {
        let begun = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for undo in begun {
            if let Err(error) = undo.await {
                tracing::error!("undoing what was called off crashed: {error}");
            }
        }
    }
}

/// Something made, which is removed again by running these programs unless it is kept.
pub struct TakeBack {
    undoing: Arc<Undoing>,
    what: String,
    tools: Vec<Tool>,
}

impl TakeBack {
    /// It is removed by `tools`, of which the last one must succeed.
    pub fn new(undoing: &Arc<Undoing>, what: impl Into<String>, tools: Vec<Tool>) -> Self {
        Self { undoing: undoing.clone(), what: what.into(), tools }
    }

    /// It stays.
    pub fn keep(mut self) {
        self.tools.clear();
    }
}

impl Drop for TakeBack {
    fn drop(&mut self) {
        let tools = std::mem::take(&mut self.tools);
        if tools.is_empty() {
            return;
        }
        let what = std::mem::take(&mut self.what);
        let undo = tokio::spawn(async move {
            let mut last = Ok(());
            for tool in tools {
                last = tool.done().await.map(drop);
            }
            if let Err(error) = last {
                tracing::error!("{what} stays behind: {error}");
            }
        });
        self.undoing.0.lock().unwrap_or_else(PoisonError::into_inner).push(undo);
    }
}

/// The path of a device in the pool's directory; as the kernel calls it where the directory has none for it. Blocks.
pub fn path_in(target: &Path, device: &str) -> String {
    if Path::new(device).parent() == Some(target) {
        return device.to_owned();
    }
    let leads_there = |entry: &std::fs::DirEntry| entry.path().canonicalize().is_ok_and(|real| real == Path::new(device));
    let found = std::fs::read_dir(target).into_iter().flatten().flatten().find(leads_there);
    found.map_or_else(|| device.to_owned(), |entry| entry.path().to_string_lossy().into_owned())
}
