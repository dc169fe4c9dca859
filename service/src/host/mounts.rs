//! A process's own view of the host's files (mount_namespaces(7)).
//!
//! File systems are built here, attached to no place, with ordinary code and ordinary errors; the new process only puts
//! them where they belong ([`View::enter`]). Nothing of that is seen by anybody else; what the host mounts and unmounts
//! later is seen in the view, so that nothing stays busy because of it.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, mount_change, move_mount, open_tree,
};
use rustix::thread::UnshareFlags;

use super::inode::Inode;
use super::process::ChildStep;

/// Extended attributes that a copy of a device has too: its label, its access list.
const COPIED: [&str; 2] = ["security.selinux", "system.posix_acl_access"];

/// Permissions of directories that only lead to something.
const SEARCHED: Mode = Mode::from_raw_mode(0o755);

/// Has a program mount and unmount where the host does, and not only in a view of the service's own, which would end with it
/// (systemd.exec(5), `ProtectSystem=`). `None` where the two are the same.
///
/// # Errors
/// It cannot be found out.
pub fn of_the_host() -> io::Result<Option<ChildStep>> {
    let number = |path: &str| fs::stat(path).map(|stat| stat.st_ino);
    // Who may not look at the first process may not mount either, and hears so from the program.
    let (Ok(own), Ok(host)) = (number("/proc/self/ns/mnt"), number("/proc/1/ns/mnt")) else { return Ok(None) };
    if own == host {
        return Ok(None);
    }
    let namespace = fs::open("/proc/1/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(Some(ChildStep::new("enter the host's mounts", move || {
        Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(rustix::thread::LinkNameSpaceType::Mount))?)
    })))
}

/// A file system, or a part of one, that is attached to no place yet.
#[derive(Debug)]
pub struct Detached(OwnedFd);

impl Detached {
    /// A new, empty file system in memory, for little more than names. Nothing on it can be executed.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn empty(mode: u32) -> io::Result<Self> {
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in [("source", "lodge"), ("mode", &format!("{mode:o}")), ("size", "1M"), ("nr_inodes", "1k")] {
            fsconfig_set_string(context.as_fd(), key, value)?;
        }
        fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        Ok(Self(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?))
    }

    /// What is at a path, with all that is mounted below it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn copy_of(path: &Path) -> io::Result<Self> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
        Ok(Self(open_tree(CWD, path, flags)?))
    }

    /// Makes a directory, with those above it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make_directory(&self, path: &Path) -> io::Result<()> {
        for ancestor in path.ancestors().collect::<Vec<_>>().into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
            match fs::mkdirat(&self.0, ancestor, SEARCHED) {
                // The umask has a say in mkdir(2), and none here.
                Ok(()) => fs::chmodat(&self.0, ancestor, SEARCHED, AtFlags::empty())?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes an empty file, for something to be attached to.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make_file(&self, path: &Path) -> io::Result<()> {
        self.make_directory(path.parent().unwrap_or(Path::new("")))?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        unless_there(fs::openat(&self.0, path, flags, Mode::RUSR).map(drop))
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make_link(&self, path: &Path, target: &Path) -> io::Result<()> {
        self.make_directory(path.parent().unwrap_or(Path::new("")))?;
        unless_there(fs::symlinkat(target, &self.0, path))
    }

    /// Makes a device node like `source`, with its owner, permissions, access list and label.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make_device(&self, path: &Path, source: &Inode) -> io::Result<()> {
        self.make_directory(path.parent().unwrap_or(Path::new("")))?;
        let mode = Mode::from_raw_mode(source.mode() & 0o7777);
        match fs::mknodat(&self.0, path, source.kind(), mode, source.device()) {
            Err(Errno::EXIST) => return Ok(()),
            made => made?,
        }
        let owner = source.owner();
        fs::chownat(&self.0, path, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)), AtFlags::SYMLINK_NOFOLLOW)?;
        // The umask has a say in mknod(2), and none here.
        fs::chmodat(&self.0, path, mode, AtFlags::empty())?;
        let copy = Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string()).join(path);
        for name in COPIED {
            if let Some(value) = optional(source.attribute(name))?.flatten() {
                optional(fs::lsetxattr(&copy, name, &value, XattrFlags::empty()).map_err(io::Error::from))?;
            }
        }
        Ok(())
    }
}

fn unless_there(made: Result<(), Errno>) -> io::Result<()> {
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// `None` where files have no such attributes.
fn optional<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}

/// A view: what is attached where, in this order.
#[derive(Debug, Default)]
pub struct View {
    mounts: Vec<(Detached, PathBuf)>,
}

impl View {
    /// Attaches something over what is at a path.
    pub fn attach(&mut self, mount: Detached, at: impl Into<PathBuf>) {
        self.mounts.push((mount, at.into()));
    }

    /// Gives the new process this view.
    ///
    /// # Errors
    /// A path with a zero byte in it.
    pub fn enter(self) -> io::Result<ChildStep> {
        let prepare = |(mount, at): (Detached, PathBuf)| {
            let at = CString::new(at.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
            Ok::<_, io::Error>((mount.0, at))
        };
        let mounts = self.mounts.into_iter().map(prepare).collect::<io::Result<Vec<_>>>()?;
        Ok(ChildStep::new("set up its own view of the host's files", move || {
            // SAFETY: the flag concerns mounts only; no descriptor and no memory of this process changes.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
            mount_change(c"/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
            for (mount, at) in &mounts {
                move_mount(mount, c"", CWD, at.as_c_str(), MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
            }
            Ok(())
        }))
    }
}

/// The directories below `path` that something is mounted on, without those below another of them.
///
/// # Errors
/// The kernel does not tell.
pub fn mounted_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let text = std::fs::read("/proc/self/mountinfo")?;
    let mut found: Vec<PathBuf> = Vec::new();
    let mut all: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(mount_point).filter(|point| point.starts_with(path)).collect();
    all.sort();
    for point in all.into_iter().filter(|point| point != path && point.is_dir()) {
        if !found.iter().any(|above| point.starts_with(above)) {
            found.push(point);
        }
    }
    Ok(found)
}

/// The fifth field of a line of mountinfo (proc_pid_mountinfo(5)); blanks and the like are octal.
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    let (mut bytes, mut rest) = (Vec::new(), field);
    while let Some((first, more)) = rest.split_first() {
        let octal = more.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[3..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(&bytes)))
}

/// Whether a file of this kind is a device.
pub fn is_device(kind: FileType) -> bool {
    matches!(kind, FileType::CharacterDevice | FileType::BlockDevice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_blanks() {
        let line = br"36 35 98:0 /mnt1 /mnt/a\040b\134c rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some(PathBuf::from(r"/mnt/a b\c")));
        assert_eq!(mount_point(b""), None);
    }

    #[test]
    fn what_is_mounted_below_dev_is_found_once() {
        let found = mounted_below(Path::new("/dev")).unwrap();
        assert_eq!(found.iter().filter(|point| *point == Path::new("/dev/pts")).count(), 1, "{found:?}");
    }
}
