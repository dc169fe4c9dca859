//! A file system of a block device, which mount(8) mounts at the target.

use std::path::Path;

use async_trait::async_trait;
use lodge_model::permissions::Permissions;
use lodge_model::storage_pool::{FsFormat, PoolView, StoragePool};

use super::dir::{permissions, unfit};
use super::files::{Files, Location};
use super::{Host, Overwrite, blocking, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::host::filesystem::{Mounted, mounted_at};
use crate::storage::tool::Tool;

/// A pool of the type `fs`.
pub struct Fs {
    files: Files,
    device: String,
    format: FsFormat,
    options: Vec<String>,
    permissions: Option<Permissions>,
}

impl Fs {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Fs { device, format, path }) => Ok(Self {
                files: Files::new(path, host),
                device: device.to_owned(),
                format,
                options: mount_options(pool),
                permissions: permissions(pool),
            }),
            other => Err(unfit(other)),
        }
    }

    async fn format_device(&self, overwrite: Overwrite) -> Result<()> {
        let Some((program, force)) = maker(self.format) else {
            let message =
                format!("a file system of the format '{}' cannot be made here; make it yourself, or use ext4 or xfs", self.format);
            return Err(Error::new(ErrorKind::NotSupported, message));
        };
        if overwrite == Overwrite::IfEmpty {
            refuse_signatures(&self.device).await?;
        }
        let mut arguments: Vec<&str> = force.iter().copied().collect();
        arguments.extend(["--", &self.device]);
        Tool::new(program).args(arguments).patiently().done().await.map(drop)
    }
}

/// The options of `mount -o` in a document.
pub(super) fn mount_options(pool: &StoragePool) -> Vec<String> {
    pool.mount_options.iter().flat_map(|options| &options.options).map(|option| option.name.clone()).collect()
}

/// The program that makes a file system, and the option with which it does not ask whether to overwrite another one.
fn maker(format: FsFormat) -> Option<(&'static str, Option<&'static str>)> {
    Some(match format {
        FsFormat::Ext2 => ("mkfs.ext2", Some("-F")),
        FsFormat::Ext3 => ("mkfs.ext3", Some("-F")),
        // What is not said is what libvirt makes of it, too.
        FsFormat::Ext4 | FsFormat::Auto => ("mkfs.ext4", Some("-F")),
        FsFormat::Xfs => ("mkfs.xfs", Some("-f")),
        FsFormat::Vfat => ("mkfs.vfat", None),
        _ => return None,
    })
}

/// Refuses a device that something is on.
///
/// # Errors
/// `InUse` with what wipefs(8) finds.
pub(super) async fn refuse_signatures(device: &str) -> Result<()> {
    let found = Tool::new("wipefs").args(["--noheadings", "--output", "TYPE", "--", device]).done().await?;
    let kinds: Vec<_> = String::from_utf8_lossy(&found.stdout).split_whitespace().map(str::to_owned).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    let message = format!("there is something on {device} already ({}); to lose it, build the pool with overwrite", kinds.join(", "));
    Err(Error::new(ErrorKind::InUse, message))
}

/// What is mounted at the target of a pool.
///
/// # Errors
/// It cannot be found out.
pub(super) async fn mounted(path: &Path) -> Result<Option<Mounted>> {
    let path = path.to_owned();
    blocking(move || mounted_at(&path).map_err(|error| failed("find out what is mounted", error))).await
}

/// Mounts something at the target, after making sure that nothing is there.
///
/// # Errors
/// Those of mount(8).
pub(super) async fn mount(kind: Option<&str>, options: &[String], source: &str, files: &Files) -> Result<()> {
    files.require().await?;
    if let Some(other) = mounted(files.path()).await? {
        let (at, what) = (files.path().display(), other.source.display());
        return Err(Error::new(ErrorKind::InUse, format!("{what} is mounted at {at} already; unmount it, or choose another path")));
    }
    let mut arguments = Vec::new();
    if let Some(kind) = kind {
        arguments.extend(["-t".to_owned(), kind.to_owned()]);
    }
    if !options.is_empty() {
        arguments.extend(["-o".to_owned(), options.join(",")]);
    }
    let target = files.path().display().to_string();
    arguments.extend(["--".to_owned(), source.to_owned(), target]);
    Tool::new("mount").args(arguments).among_the_hosts_mounts()?.patiently().done().await.map(drop)
}

/// Unmounts what is at the target, if something is.
///
/// # Errors
/// Those of umount(8); `InUse` while something of it is open.
pub(super) async fn unmount(files: &Files) -> Result<()> {
    match mounted(files.path()).await? {
        None => Ok(()),
        Some(_) => Tool::new("umount").args([Path::new("--"), files.path()]).among_the_hosts_mounts()?.patiently().done().await.map(drop),
    }
}

#[async_trait]
impl Location for Fs {
    fn files(&self) -> &Files {
        &self.files
    }

    fn changes_are_seen(&self) -> bool {
        true
    }

    async fn is_there(&self) -> Result<bool> {
        let device = self.device.clone();
        let number = blocking(move || Ok(rustix::fs::stat(device.as_str()).map(|stat| stat.st_rdev).ok())).await?;
        Ok(mounted(self.files.path()).await?.is_some_and(|mounted| Some(mounted.device) == number))
    }

    async fn make(&self, overwrite: Overwrite) -> Result<()> {
        self.files.build(self.permissions.as_ref()).await?;
        match overwrite {
            Overwrite::Nothing => Ok(()),
            _ if self.is_there().await? => {
                Err(Error::new(ErrorKind::InUse, format!("{} is mounted; stop the pool before its device is formatted", self.device)))
            }
            overwrite => self.format_device(overwrite).await,
        }
    }

    async fn attach(&self) -> Result<()> {
        if self.is_there().await? {
            return Ok(());
        }
        let kind = (self.format != FsFormat::Auto).then(|| self.format.as_str());
        // A relatime or noatime of one's own goes in front; suid programs and devices of an image have no business here.
        let mut options = vec!["nodev".to_owned(), "nosuid".to_owned(), "noexec".to_owned()];
        options.extend(self.options.iter().cloned());
        mount(kind, &options, &self.device, &self.files).await
    }

    async fn detach(&self) -> Result<()> {
        unmount(&self.files).await
    }
}
