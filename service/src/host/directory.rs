//! A directory held open, whose entries are reached through its descriptor and never by following a symbolic link of the
//! entry's name: what somebody does to the path meanwhile cannot move a change elsewhere.
//!
//! Names given here are single components; [`Directory`] refuses others itself, because they come from documents. Every call
//! blocks.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::Errno;

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A directory, held open.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    fd: OwnedFd,
}

/// What an entry is to be opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Reading and writing an entry that must not be there yet; it is made with mode 0600.
    New,
}

impl Directory {
    /// Opens the directory that a path leads to; links on the way there are followed.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), fd: fs::open(path, OPEN, Mode::empty())? })
    }

    /// The path by which it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of an entry by the name it was opened by, for people.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names of all entries but `.` and `..`, unordered.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// What is known of an entry, itself and not what a link leads to; `None` when there is none.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        single(name)?;
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file of it. Fifos and devices do not hold it up; a symbolic link is refused.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn file(&self, name: &str, purpose: Purpose) -> io::Result<File> {
        single(name)?;
        let how = match purpose {
            Purpose::Read => OFlags::RDONLY,
            Purpose::Write => OFlags::RDWR,
            Purpose::New => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o600))?))
    }

    /// Makes a directory in it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make_directory(&self, name: &str, mode: u32) -> io::Result<()> {
        single(name)?;
        Ok(fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode))?)
    }

    /// Removes a file or link; says whether there was one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_file(&self, name: &str) -> io::Result<bool> {
        self.remove(name, AtFlags::empty())
    }

    /// Removes an empty directory; says whether there was one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove_directory(&self, name: &str) -> io::Result<bool> {
        self.remove(name, AtFlags::REMOVEDIR)
    }

    /// Gives an entry another name, which must be free.
    ///
    /// # Errors
    /// What the kernel says; `AlreadyExists` when the name is taken.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        single(from)?;
        single(to)?;
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Network file systems do not know the flag (rename(2)); a hard link does not replace anything either.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty())?;
                self.remove_file(from).map(drop)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes owner and mode of an entry that is no link. `None` leaves what it is.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn set_permissions(&self, name: &str, owner: Option<u32>, group: Option<u32>, mode: Option<u32>) -> io::Result<()> {
        single(name)?;
        if owner.is_some() || group.is_some() {
            let (uid, gid) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
            fs::chownat(&self.fd, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        // After the owner: changing that takes away the bits for other users (chown(2)).
        if let Some(mode) = mode {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = fs::openat(&self.fd, name, flags, Mode::empty())?;
            fs::fchmod(file, Mode::from_raw_mode(mode))?;
        }
        Ok(())
    }

    /// Waits until its entries are on the disk.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| fs::fsync(&self.fd))?)
    }

    /// Another descriptor of it, for a new process.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn for_process(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    fn remove(&self, name: &str, flags: AtFlags) -> io::Result<bool> {
        single(name)?;
        match fs::unlinkat(&self.fd, name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The path by which a process that inherits this descriptor reaches an entry of the directory.
pub fn path_through(descriptor: RawFd, name: &str) -> String {
    format!("/proc/self/fd/{descriptor}/{name}")
}

/// The path by which a process that inherits it opens a descriptor's file once more.
pub fn path_of(descriptor: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

/// What an entry is.
pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn single(name: &str) -> io::Result<()> {
    let odd = matches!(name, "" | "." | "..") || name.contains(['/', '\0']);
    if odd { Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{}' is no name of a file", name.escape_debug()))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn names_stay_in_the_directory_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("secret"), "s").unwrap();
        std::fs::create_dir(root.path().join("pool")).unwrap();
        symlink("../secret", root.path().join("pool/link")).unwrap();
        let pool = Directory::open(&root.path().join("pool")).unwrap();
        for name in ["../secret", "..", ".", "", "a/b", "/etc/passwd", "a\0b"] {
            assert_eq!(pool.file(name, Purpose::New).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
            assert!(pool.stat(name).is_err() && pool.remove_file(name).is_err() && pool.rename(name, "x").is_err(), "{name:?}");
        }
        assert!(pool.file("link", Purpose::Read).is_err());
        assert!(pool.set_permissions("link", None, None, Some(0o644)).is_err());
        assert_eq!(kind(&pool.stat("link").unwrap().unwrap()), FileType::Symlink);
        assert!(pool.remove_file("link").unwrap());
        assert_eq!(std::fs::read(root.path().join("secret")).unwrap(), b"s");
    }

    #[test]
    fn a_new_name_replaces_nothing() {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        directory.file("a", Purpose::New).unwrap();
        directory.file("b", Purpose::New).unwrap();
        assert_eq!(directory.rename("a", "b").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        directory.rename("a", "c").unwrap();
        directory.set_permissions("c", None, None, Some(0o640)).unwrap();
        assert_eq!(std::fs::metadata(root.path().join("c")).unwrap().permissions().mode() & 0o7777, 0o640);
        let mut names = directory.names().unwrap();
        names.sort();
        assert_eq!(names, ["b", "c"]);
    }
}
