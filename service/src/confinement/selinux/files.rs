//! Which of a guest's files is given which label.
//!
//! | class | label | taken back |
//! |---|---|---|
//! | image, firmware variables, TPM state, log, socket, device | the guest's own | yes |
//! | shared image | that of all guests | no: others may use it |
//! | read-only image, kernel | what all guests may read | no, likewise |
//! | directory shared with the host; what every program may read; devices of all | stays | |

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::context::{Context, Pair, Pairs};
use crate::error::{Error, ErrorKind, Result};
use crate::host::inode::{Inode, InodeId};
use crate::host::selinux::ATTRIBUTE;
use crate::hypervisors::confine::Subject;
use crate::hypervisors::resources::LabelClass;

/// Programs and their data, with labels that every process may read.
const READABLE: &str = "/usr";
/// Devices that all guests use, for which the policy has types of their own.
const DEVICES_OF_ALL: [&str; 9] = [
    "/dev/kvm",
    "/dev/net/tun",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/dev/hwrng",
    "/dev/vfio/vfio",
    "/dev/vhost-net",
    "/dev/vhost-vsock",
];

/// The labels of one guest.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Of its own files.
    pub own: Context,
    /// Of files that several guests write.
    pub shared: Context,
    /// Of files that all guests read.
    pub content: Context,
}

/// A file that is given a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Its path.
    path: PathBuf,
    /// The file that was there when it was decided.
    id: InodeId,
    /// The label that it is given.
    label: String,
    /// The label that it gets back; `None` when it keeps the new one.
    before: Option<String>,
}

/// Decides which files get which labels. Changes nothing; blocks.
///
/// # Errors
/// `InUse` for a file that another running guest has.
pub fn decide(guest: &Subject, labels: &Labels, pairs: &Pairs) -> Result<Vec<Labelled>> {
    let mut deciding = Deciding { labels, pairs, files: Vec::new() };
    deciding.add(&guest.runtime, &labels.own, true)?;
    deciding.add(&guest.log, &labels.own, true)?;
    for resource in &guest.resources {
        let path = resource.path.as_path();
        match resource.class {
            LabelClass::Image | LabelClass::Nvram | LabelClass::Log | LabelClass::Socket => deciding.add(path, &labels.own, true)?,
            LabelClass::Tpm => deciding.add_all(path)?,
            LabelClass::Device if DEVICES_OF_ALL.iter().any(|device| path == Path::new(device)) => {}
            LabelClass::Device => deciding.add(path, &labels.own, true)?,
            LabelClass::Shared => deciding.add(path, &labels.shared, false)?,
            LabelClass::Kernel if path.starts_with(READABLE) => {}
            LabelClass::ReadOnly | LabelClass::Kernel => deciding.add(path, &labels.content, false)?,
            LabelClass::Directory => {}
        }
    }
    Ok(deciding.files)
}

struct Deciding<'a> {
    labels: &'a Labels,
    pairs: &'a Pairs,
    files: Vec<Labelled>,
}

impl Deciding<'_> {
    /// A file that is not there is made by the guest, with the label of the directory it is in.
    fn add(&mut self, path: &Path, label: &Context, take_back: bool) -> Result<()> {
        match Inode::open(path) {
            Ok(inode) => self.add_inode(path, &inode, label, take_back),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Err(error) => Err(failed("cannot look at", path, error)),
        }
    }

    /// A directory with the files in it.
    fn add_all(&mut self, path: &Path) -> Result<()> {
        let own = self.labels.own.clone();
        self.add(path, &own, true)?;
        let Ok(directory) = Inode::open(path) else { return Ok(()) };
        if directory.kind() != FileType::Directory {
            return Ok(());
        }
        for name in directory.names().map_err(|error| failed("cannot look into", path, error))? {
            let path = path.join(&name);
            let inode = directory.entry(&name).map_err(|error| failed("cannot look at", &path, error))?;
            if inode.kind() == FileType::RegularFile {
                self.add_inode(&path, &inode, &own, true)?;
            }
        }
        Ok(())
    }

    fn add_inode(&mut self, path: &Path, inode: &Inode, label: &Context, take_back: bool) -> Result<()> {
        let label = label.to_string();
        // Where files cannot have labels, the mount has one for all (mount(8), context=).
        let Some(before) = current(inode).map_err(|error| failed("cannot read the label of", path, error))? else { return Ok(()) };
        let pair = Context::parse(&before).and_then(|before| Pair::of_level(before.level()?));
        if before != label
            && let Some(pair) = pair
            && self.pairs.has(pair)
        {
            let sentence = format!("{} is used by another running guest, as its label {before} tells; stop that one first", path.display());
            return Err(Error::new(ErrorKind::InUse, sentence));
        }
        if self.files.iter().all(|file| file.id != inode.id()) {
            self.files.push(Labelled { path: path.to_owned(), id: inode.id(), label, before: take_back.then_some(before) });
        }
        Ok(())
    }
}

/// Gives the labels, until `released` is set.
///
/// # Errors
/// The first that could not be given.
pub fn label(files: &[Labelled], released: &Mutex<bool>) -> Result<()> {
    for file in files {
        let released = released.lock().unwrap_or_else(PoisonError::into_inner);
        if *released {
            return Err(Error::new(ErrorKind::Cancelled, "the start was called off"));
        }
        let inode = Inode::open(&file.path).map_err(|error| failed("cannot look at", &file.path, error))?;
        if inode.id() != file.id {
            let sentence = format!("another file has taken the place of {} meanwhile; start the guest again", file.path.display());
            return Err(Error::new(ErrorKind::HostFailed, sentence));
        }
        set(&inode, &file.label).map_err(|error| failed(&format!("cannot give the label {} to", file.label), &file.path, error))?;
    }
    Ok(())
}

/// Gives the labels back that files had before, and sets `released`.
///
/// # Errors
/// All that could not be given back.
pub fn restore(files: &[Labelled], released: &Mutex<bool>) -> Result<()> {
    *released.lock().unwrap_or_else(PoisonError::into_inner) = true;
    let mut failures = Vec::new();
    for file in files.iter().rev() {
        match restore_one(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                failures.push(format!("{} keeps the label {}: {error}", file.path.display(), file.label));
            }
            _ => {}
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::HostFailed, failures.join("; "))) }
}

/// Nothing is done to another file, and nothing to one that somebody labelled meanwhile.
fn restore_one(file: &Labelled) -> io::Result<()> {
    let Some(before) = &file.before else { return Ok(()) };
    let inode = Inode::open(&file.path)?;
    if inode.id() == file.id && current(&inode)?.as_ref() == Some(&file.label) {
        set(&inode, before)?;
    }
    Ok(())
}

/// The label of a file; `None` where files have none.
fn current(inode: &Inode) -> io::Result<Option<String>> {
    match inode.attribute(ATTRIBUTE) {
        Ok(value) => Ok(value.map(|value| String::from_utf8_lossy(&value).trim_end_matches('\0').to_owned())),
        Err(error) if error.raw_os_error() == Some(nix::libc::EOPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The kernel counts the zero byte at the end (setfilecon(3)).
fn set(inode: &Inode, label: &str) -> io::Result<()> {
    inode.set_attribute(ATTRIBUTE, Some(format!("{label}\0").as_bytes()))
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::HostFailed, format!("{what} {}", path.display())).caused_by(error)
}
