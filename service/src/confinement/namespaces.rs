//! A guest's programs see a `/dev` with their devices and nothing else, and none of the service's and the other guests'
//! files (mount_namespaces(7)).
//!
//! - `/dev` is new and empty but for the devices that every guest has, those of this guest, and what else is mounted below
//!   `/dev`: terminals that the service opens are in the host's `/dev/pts`.
//! - Directories that hold something of every guest, or of the service, are covered; of what is in them the guest sees
//!   what is its own.
//! - `/root`, `/home` and `/run/user` are covered too, unless something of the guest lies there or files are opened whose
//!   names are not known: those in an image's header, or in arguments that the definition passes to QEMU as they are.
//!
//! The namespace ends with the guest's last process: there is nothing to take back.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::host::inode::Inode;
use crate::host::mounts::{Detached, View, is_device, mounted_below};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Program, Stage, Subject};

const DEV: &str = "/dev";
/// Links that programs expect there.
const LINKS: [(&str, &str); 4] =
    [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")];
/// Where people have their files.
const PEOPLES: [&str; 3] = ["/root", "/home", "/run/user"];
/// Symbolic links that lead to a device at most.
const MOST_LINKS: usize = 8;
/// Permissions of directories that take the place of others: they can be searched, and nothing can be made in them.
const SEARCHED: u32 = 0o755;

/// The layer.
#[derive(Debug, Clone)]
pub struct Namespaces {
    /// Devices that every guest has; those that the host does not have are left out.
    pub devices: Vec<PathBuf>,
    /// Directories that hold something of every guest, or of the service alone.
    pub private: Vec<PathBuf>,
}

/// What a guest sees, also what is written down of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct NamespacesConfined {
    devices: BTreeSet<PathBuf>,
    covered: Vec<PathBuf>,
    /// What is seen of the covered directories.
    own: BTreeSet<PathBuf>,
}

#[async_trait]
impl Confine for Namespaces {
    fn name(&self) -> &'static str {
        "namespaces"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let used = guest.resources.iter().map(|resource| &resource.path);
        let devices = self.devices.iter().chain(used.clone()).filter(|path| path.starts_with(DEV)).cloned().collect();
        let mut covered: Vec<_> = self.private.iter().filter(|path| path.is_dir()).cloned().collect();
        let programs = guest.programs.iter();
        let all: Vec<_> = used.chain(programs).chain([&guest.runtime]).collect();
        let peoples = PEOPLES.iter().map(PathBuf::from).filter(|path| path.is_dir() && is_all_known(guest));
        covered.extend(peoples.filter(|place| !all.iter().any(|path| lies_in(path, place))));
        covered.sort();
        // One that lies in another is covered with it.
        covered.dedup_by(|later, earlier| later.starts_with(&*earlier));
        let own = all.iter().filter(|path| covered.iter().any(|cover| path.starts_with(cover))).map(|path| (*path).clone()).collect();
        Ok(Some(Arc::new(NamespacesConfined { devices, covered, own })))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let recalled: NamespacesConfined = serde_json::from_value(record)
            .map_err(|error| Error::new(ErrorKind::Internal, "what is written down of the guest's view cannot be read").caused_by(error))?;
        Ok(Arc::new(recalled))
    }
}

/// Whether everything that the guest opens is in its list.
fn is_all_known(guest: &Subject) -> bool {
    guest.domain.qemu_command_line.is_none() && !guest.resources.iter().any(|resource| resource.follows_header)
}

fn lies_in(path: &Path, place: &Path) -> bool {
    path.starts_with(place) || path.canonicalize().is_ok_and(|real| real.starts_with(place))
}

#[async_trait]
impl Confined for NamespacesConfined {
    fn record(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn steps(&self, _program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let view = self.view().and_then(View::enter);
        let failed = |error| Error::new(ErrorKind::HostFailed, "cannot make the guest's own view of files").caused_by(error);
        Ok(vec![(Stage::Mounts, view.map_err(failed)?)])
    }
}

impl NamespacesConfined {
    fn view(&self) -> io::Result<View> {
        let mut view = View::default();
        let dev = Detached::empty(SEARCHED)?;
        for (name, target) in LINKS {
            dev.make_link(Path::new(name), Path::new(target))?;
        }
        let mut attached = Vec::new();
        for point in mounted_below(Path::new(DEV))? {
            dev.make_directory(below_dev(&point))?;
            attached.push((Detached::copy_of(&point)?, point));
        }
        for path in &self.devices {
            if !attached.iter().any(|(_, point)| path.starts_with(point)) {
                add_device(&dev, path, &mut attached)?;
            }
        }
        view.attach(dev, DEV);
        attached.into_iter().for_each(|(mount, at)| view.attach(mount, at));
        for cover in &self.covered {
            self.cover(cover, &mut view)?;
        }
        Ok(view)
    }

    fn cover(&self, cover: &Path, view: &mut View) -> io::Result<()> {
        let empty = Detached::empty(SEARCHED)?;
        let mut own = Vec::new();
        for path in &self.own {
            let (Ok(place), Ok(found)) = (path.strip_prefix(cover), path.metadata()) else { continue };
            // Seen already: a directory of the guest that it lies in.
            if own.iter().any(|(_, above)| path.starts_with(above)) {
                continue;
            }
            match found.is_dir() {
                true => empty.make_directory(place)?,
                false => empty.make_file(place)?,
            }
            own.push((Detached::copy_of(path)?, path));
        }
        view.attach(empty, cover);
        own.into_iter().for_each(|(mount, path)| view.attach(mount, path));
        Ok(())
    }
}

fn below_dev(path: &Path) -> &Path {
    path.strip_prefix(DEV).unwrap_or(path)
}

/// Adds a device with the symbolic links that lead to it. A directory of devices is seen as it is: what is plugged in
/// later appears there.
fn add_device(dev: &Detached, path: &Path, attached: &mut Vec<(Detached, PathBuf)>) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let found = match path.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if !found.is_symlink() {
            break;
        }
        let target = path.read_link()?;
        dev.make_link(below_dev(&path), &target)?;
        path = normal(&path.parent().unwrap_or(Path::new("/")).join(target));
        if !path.starts_with(DEV) {
            return Ok(());
        }
    }
    let inode = Inode::open(&path)?;
    if is_device(inode.kind()) {
        return dev.make_device(below_dev(&path), &inode);
    }
    if path.is_dir() && path != Path::new(DEV) {
        dev.make_directory(below_dev(&path))?;
        attached.push((Detached::copy_of(&path)?, path));
    }
    Ok(())
}

/// The path without `.` and `..`; links among its directories are not followed.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}
