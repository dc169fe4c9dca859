//! A file held by its inode: what is looked at, remembered and changed is one and the same file, whatever happens to the
//! path meanwhile. Nothing is opened for reading or writing, so devices and fifos notice nothing.
//!
//! A path is walked component by component, and whoever made a symbolic link on the way is remembered, so that nobody gets a
//! privileged service to give away a file that is not theirs ([`Inode::is_led_to_by`]).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;

/// Symbolic links in a path at most (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// Bytes of an extended attribute at most (xattr(7)).
const MOST_VALUE: usize = 64 << 10;

/// A file, by its inode.
#[derive(Debug)]
pub struct Inode {
    fd: OwnedFd,
    stat: Stat,
    /// Whoever made a link on the way to it, if it was not root.
    makers: Vec<u32>,
}

/// What tells one file from all others on this host while it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct InodeId {
    /// The file system's device.
    pub device: u64,
    /// The inode's number.
    pub inode: u64,
}

/// Who owns a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Inode {
    /// The file that an absolute path leads to.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut walk = Walk { open: vec![open_root()?], links: 0, makers: Vec::new() };
        walk.go(path)?;
        let inode = Self::of(walk.open.pop().ok_or(io::ErrorKind::InvalidInput)?)?;
        Ok(Self { makers: walk.makers, ..inode })
    }

    /// Whether every symbolic link on the way to it was made by root or by this user.
    pub fn is_led_to_by(&self, uid: u32) -> bool {
        self.makers.iter().all(|maker| *maker == uid)
    }

    /// The entry of this directory, if it is no symbolic link.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn entry(&self, name: &Path) -> io::Result<Self> {
        Self::of(step(self.fd.as_fd(), name)?)
    }

    /// The names in this directory.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn names(&self) -> io::Result<Vec<PathBuf>> {
        let directory = fs::openat(&self.fd, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::new(directory)? {
            let name = PathBuf::from(std::ffi::OsStr::from_bytes(entry?.file_name().to_bytes()));
            if name != Path::new(".") && name != Path::new("..") {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn of(fd: OwnedFd) -> io::Result<Self> {
        let stat = fs::fstat(&fd)?;
        Ok(Self { fd, stat, makers: Vec::new() })
    }

    /// Its identity.
    pub fn id(&self) -> InodeId {
        InodeId { device: self.stat.st_dev, inode: self.stat.st_ino }
    }

    /// Who owned it when it was found.
    pub fn owner(&self) -> Owner {
        Owner { uid: self.stat.st_uid, gid: self.stat.st_gid }
    }

    /// What it is.
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Its permissions and its kind, as mknod(2) has them.
    pub fn mode(&self) -> u32 {
        self.stat.st_mode
    }

    /// Which device it stands for.
    pub fn device(&self) -> u64 {
        self.stat.st_rdev
    }

    /// Gives it to somebody else.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_owner(&self, owner: Owner) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        Ok(fs::chownat(&self.fd, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?)
    }

    /// An extended attribute; `None` when it does not have it.
    ///
    /// # Errors
    /// What the kernel says; `Unsupported` where files cannot have any.
    pub fn attribute(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut value = Vec::with_capacity(MOST_VALUE);
        match fs::getxattr(self.magic(), name, rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => Ok(Some(value)),
            Err(Errno::NODATA) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets an extended attribute, or takes it away.
    ///
    /// # Errors
    /// What the kernel says; `Unsupported` where files cannot have any.
    pub fn set_attribute(&self, name: &str, value: Option<&[u8]>) -> io::Result<()> {
        match value {
            Some(value) => Ok(fs::setxattr(self.magic(), name, value, XattrFlags::empty())?),
            None => match fs::removexattr(self.magic(), name) {
                Ok(()) | Err(Errno::NODATA) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// A path that leads to this inode in this process. A descriptor that gives no access cannot be used by itself to
    /// read attributes (open(2), `O_PATH`).
    fn magic(&self) -> String {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd())
    }
}

/// A path being walked.
struct Walk {
    /// The directories from the root to here, then the file.
    open: Vec<OwnedFd>,
    links: usize,
    /// Whoever made a link that was followed, if it was not root.
    makers: Vec<u32>,
}

impl Walk {
    fn go(&mut self, path: &Path) -> io::Result<()> {
        for component in path.components() {
            match component {
                Component::RootDir => self.open.truncate(1),
                Component::CurDir => {}
                Component::ParentDir if self.open.len() > 1 => drop(self.open.pop()),
                Component::ParentDir => {}
                Component::Normal(name) => self.enter(Path::new(name))?,
                Component::Prefix(_) => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Ok(())
    }

    fn enter(&mut self, name: &Path) -> io::Result<()> {
        let here = self.open.last().ok_or(io::ErrorKind::InvalidInput)?;
        let next = step(here.as_fd(), name)?;
        let stat = fs::fstat(&next)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            self.open.push(next);
            return Ok(());
        }
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        if stat.st_uid != 0 {
            self.makers.push(stat.st_uid);
        }
        let target = fs::readlinkat(&next, "", Vec::new())?;
        self.go(Path::new(std::ffi::OsStr::from_bytes(target.as_bytes())))
    }
}

fn open_root() -> io::Result<OwnedFd> {
    Ok(fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn step(directory: BorrowedFd<'_>, name: &Path) -> io::Result<OwnedFd> {
    Ok(fs::openat(directory, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_are_walked_as_the_kernel_does() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/file"), "").unwrap();
        symlink("b", root.join("a/relative")).unwrap();
        symlink(root.join("a"), root.join("absolute")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let id = |path: &str| Inode::open(&root.join(path)).map(|inode| inode.id());
        let file = id("a/file").unwrap();
        for path in ["absolute/file", "a/relative/../file", "a/./b/../file", "absolute/b/../../absolute/file"] {
            assert_eq!(id(path).unwrap(), file, "{path}");
        }
        assert_eq!(id("loop").unwrap_err().raw_os_error(), Some(nix::libc::ELOOP));
        assert_eq!(id("nothing").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(id("a/file/x").unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(Inode::open(&root.join("a")).unwrap().entry(Path::new("relative")).unwrap().kind() == FileType::Symlink);
    }

    #[test]
    fn attributes_are_set_and_taken_away() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let inode = Inode::open(file.path()).unwrap();
        let name = "user.lodge.test";
        assert_eq!(inode.attribute(name).unwrap(), None);
        inode.set_attribute(name, Some(b"one")).unwrap();
        assert_eq!(inode.attribute(name).unwrap().unwrap(), b"one");
        inode.set_attribute(name, None).unwrap();
        inode.set_attribute(name, None).unwrap();
        assert_eq!(inode.attribute(name).unwrap(), None);
    }
}
