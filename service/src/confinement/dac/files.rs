//! What of a guest's files is given to its user, and whether that user can get to them.
//!
//! | class | given |
//! |---|---|
//! | image, shared image, firmware variables, TPM state, log | always, and with it kept from others |
//! | read-only image, kernel and firmware, socket, device | only if the user could not use it as it is, or other guests have been given it |
//! | directory shared with the host | never: it stays its owner's |
//!
//! Files that only the header of an image names are never given: whoever gets control of a QEMU could write that header.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access as Rights, AtFlags, CWD, FileType};
use serde::{Deserialize, Serialize};

use super::memory::Memories;
use super::user::Identity;
use crate::error::{Error, ErrorKind, Result};
use crate::host::credentials::{User, as_user};
use crate::host::inode::{Inode, InodeId, Owner};
use crate::hypervisors::confine::Subject;
use crate::hypervisors::resources::{Access, HostResource, LabelClass};

/// A file to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Its path.
    pub path: PathBuf,
    /// The file that was there when it was decided.
    pub id: InodeId,
    /// Whom it belongs to otherwise.
    pub owner: Owner,
    /// Whether the guest could use it as it is, where owners cannot be changed.
    pub usable: bool,
}

/// What can be decided about one resource only with the user's eyes.
struct Look {
    path: PathBuf,
    /// The path without symbolic links, as far as it exists.
    real: PathBuf,
    rights: Rights,
}

/// What was seen.
struct Seen {
    /// The first directory that the user may not search.
    closed: Option<PathBuf>,
    usable: bool,
}

/// Decides what is given to a guest. Changes nothing; blocks.
///
/// # Errors
/// The user could not get to a file, or it is not to be given.
pub fn decide(guest: &Subject, identity: &Identity, user: &User, memories: &Memories) -> Result<Vec<Given>> {
    let resources = guest.resources.iter().filter(|resource| !resource.path.starts_with(&guest.runtime));
    let (resources, looks): (Vec<_>, Vec<_>) = resources.filter_map(|resource| Some((resource, look(resource)?))).unzip();
    let programs = guest.programs.iter().map(|program| Look { path: program.clone(), real: real(program), rights: Rights::EXEC_OK });
    let (looks, programs): (Vec<_>, Vec<_>) = (looks, programs.collect());
    let (seen, programs) = as_user(user, move || {
        let see_all = |looks: Vec<Look>| looks.into_iter().map(|look| (see(&look), look.path)).collect::<Vec<_>>();
        (see_all(looks), see_all(programs))
    })
    .map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot look at files as user {}", identity.name)).caused_by(error))?;
    for (seen, path) in seen.iter().chain(&programs) {
        if let Some(directory) = &seen.closed {
            return Err(closed(path, directory, identity));
        }
    }
    if let Some((_, program)) = programs.iter().find(|(seen, _)| !seen.usable) {
        let sentence = format!("permission denied on {}: user {} may not execute it; run chmod o+rx {0}", program.display(), identity.name);
        return Err(Error::new(ErrorKind::HostFailed, sentence));
    }
    let mut given = Vec::new();
    for (resource, (seen, _)) in resources.into_iter().zip(seen) {
        add(&mut given, resource, seen.usable, memories).map_err(|error| error.in_context(resource.path.display()))?;
    }
    Ok(given)
}

fn look(resource: &HostResource) -> Option<Look> {
    let HostResource { path, access, .. } = resource;
    let rights = if *access == Access::Read { Rights::READ_OK } else { Rights::READ_OK | Rights::WRITE_OK };
    path.is_absolute().then(|| Look { path: path.clone(), real: real(path), rights })
}

/// A path without symbolic links; what does not exist of it stays as it is.
fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

fn see(look: &Look) -> Seen {
    let may = |path: &Path, rights| rustix::fs::accessat(CWD, path, rights, AtFlags::EACCESS);
    let closed = |directory: &&Path| may(directory, Rights::EXEC_OK) == Err(rustix::io::Errno::ACCESS);
    let mut above: Vec<_> = look.real.ancestors().skip(1).collect();
    above.reverse();
    Seen { closed: above.into_iter().find(closed).map(Path::to_owned), usable: may(&look.real, look.rights).is_ok() }
}

fn closed(path: &Path, directory: &Path, identity: &Identity) -> Error {
    let (path, directory, name) = (path.display(), directory.display(), &identity.name);
    let sentence =
        format!("permission denied on {path}: user {name} may not search {directory}; run chmod o+x {directory} or move the file");
    Error::new(ErrorKind::HostFailed, sentence)
}

fn add(given: &mut Vec<Given>, resource: &HostResource, usable: bool, memories: &Memories) -> Result<()> {
    let inode = match Inode::open(&resource.path) {
        Ok(inode) => inode,
        // Whoever opens it says what is missing.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(Error::new(ErrorKind::HostFailed, "it cannot be looked at").caused_by(error)),
    };
    let failed = |error: io::Error| Error::new(ErrorKind::HostFailed, "its attributes cannot be read").caused_by(error);
    let owner = memories.owner(&inode).map_err(failed)?;
    let is_directory = inode.kind() == FileType::Directory;
    let wanted = match resource.class {
        LabelClass::Tpm => true,
        _ if is_directory => false,
        LabelClass::Image | LabelClass::Shared | LabelClass::Nvram | LabelClass::Log => true,
        LabelClass::ReadOnly | LabelClass::Kernel | LabelClass::Socket | LabelClass::Device => {
            !usable || memories.is_held(&inode).map_err(failed)?
        }
        LabelClass::Directory => false,
    };
    if !wanted {
        return Ok(());
    }
    if !inode.is_led_to_by(owner.uid) {
        let sentence = "a symbolic link on the way to it was made by somebody who does not own it; name the file itself";
        return Err(Error::new(ErrorKind::HostFailed, sentence));
    }
    if resource.class == LabelClass::Tpm && is_directory {
        add_state(given, &resource.path, &inode, memories).map_err(failed)?;
    }
    given.push(Given { path: resource.path.clone(), id: inode.id(), owner, usable });
    Ok(())
}

/// swtpm's files in a directory for its state; others that are there are not its.
fn add_state(given: &mut Vec<Given>, path: &Path, directory: &Inode, memories: &Memories) -> io::Result<()> {
    for name in directory.names()? {
        let is_its = name == Path::new(".lock") || name.to_string_lossy().starts_with("tpm");
        let inode = directory.entry(&name)?;
        if is_its && inode.kind() == FileType::RegularFile {
            given.push(Given { path: path.join(name), id: inode.id(), owner: memories.owner(&inode)?, usable: false });
        }
    }
    Ok(())
}
