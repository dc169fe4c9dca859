//! One open directory, through which everything inside is reached.
//!
//! Every access is relative to the descriptor and follows no symbolic link in its last component, so what another process
//! does to the path meanwhile cannot move our reads and writes elsewhere. Names given here are single components; they come
//! from [`super::names`] or from the directory itself.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, OFlags, RenameFlags};
use rustix::io::Errno;

use super::StoreError;

const OPEN_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Who may enter a directory that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Its owner only: definitions and status files may hold passwords.
    Owner,
    /// Everybody who knows the name of what is in it; only the owner can list it.
    Search,
}

impl Mode {
    fn bits(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::Search => 0o711,
        }
    }
}

/// A directory, held open.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    fd: OwnedFd,
    /// Of directories that are made in it.
    mode: Mode,
}

impl Directory {
    /// Opens the directory at `path`, making it and its parents where they are missing. Those that are made in it have the same
    /// mode.
    pub fn create(path: &Path, mode: Mode) -> Result<Self, StoreError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(mode.bits())
            .create(path)
            .map_err(|error| StoreError::io("create the directory", path.to_owned(), error))?;
        Self::opened(path.to_owned(), mode, fs::open(path, OPEN_DIRECTORY, fs::Mode::empty()))
    }

    /// Opens the directory `name` in this one, making it if it is missing. That entry is on the disk only after
    /// [`sync`](Self::sync).
    pub fn create_subdirectory(&self, name: impl AsRef<Path>) -> Result<Self, StoreError> {
        let name = name.as_ref();
        match fs::mkdirat(&self.fd, name, fs::Mode::from_raw_mode(self.mode.bits())) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(StoreError::io("create the directory", self.path_of(name), error)),
        }
        self.subdirectory(name)
    }

    /// Opens the directory `name` in this one.
    pub fn subdirectory(&self, name: impl AsRef<Path>) -> Result<Self, StoreError> {
        let name = name.as_ref();
        Self::opened(self.path_of(name), self.mode, fs::openat(&self.fd, name, OPEN_DIRECTORY, fs::Mode::empty()))
    }

    /// The path this directory was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in it, for messages.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Names of all entries but `.` and `..`, in byte order.
    pub fn entries(&self) -> Result<Vec<OsString>, StoreError> {
        let failed = |error| StoreError::io("list", self.path.clone(), error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// What `name` is, without following a link; `None` if there is nothing.
    pub fn kind(&self, name: impl AsRef<Path>) -> Result<Option<FileType>, StoreError> {
        let name = name.as_ref();
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(StoreError::io("look at", self.path_of(name), error)),
        }
    }

    /// The bytes of the plain file `name`, of which there may be at most `limit`.
    pub fn read(&self, name: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, StoreError> {
        let name = name.as_ref();
        let failed = |error| StoreError::io("read", self.path_of(name), error);
        // NONBLOCK: a fifo of that name must not hold up the daemon before it is refused below.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = match fs::openat(&self.fd, name, flags, fs::Mode::empty()) {
            Ok(fd) => File::from(fd),
            // LOOP: a symbolic link; NXIO: a socket (open(2)).
            Err(Errno::LOOP | Errno::NXIO) => return Err(StoreError::NotAFile { path: self.path_of(name) }),
            Err(error) => return Err(failed(error.into())),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(StoreError::NotAFile { path: self.path_of(name) });
        }
        let mut bytes = Vec::new();
        // One byte more than allowed: the file may grow while it is read.
        file.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        match bytes.len() as u64 > limit {
            true => Err(StoreError::TooLarge { path: self.path_of(name), limit }),
            false => Ok(bytes),
        }
    }

    /// Removes the file or link `name`; says whether there was one.
    pub fn unlink(&self, name: impl AsRef<Path>) -> Result<bool, StoreError> {
        self.unlink_as(name.as_ref(), AtFlags::empty())
    }

    /// Removes the directory `name` with everything in it, entering no symbolic link; no such directory is no error.
    pub fn remove_tree(&self, name: impl AsRef<Path>) -> Result<(), StoreError> {
        let name = name.as_ref();
        if self.kind(name)?.is_none() {
            return Ok(());
        }
        let directory = self.subdirectory(name)?;
        for entry in directory.entries()? {
            match directory.kind(&entry)? {
                Some(FileType::Directory) => directory.remove_tree(&entry)?,
                _ => _ = directory.unlink(&entry)?,
            }
        }
        self.unlink_as(name, AtFlags::REMOVEDIR).map(|_| ())
    }

    /// Renames an entry, replacing the file `to` if there is one.
    pub fn replace(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let to = to.as_ref();
        fs::renameat(&self.fd, from.as_ref(), &self.fd, to).map_err(|error| StoreError::io("write", self.path_of(to), error))
    }

    /// Renames an entry; `to` must not exist.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let (from, to) = (from.as_ref(), to.as_ref());
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Network file systems do not know the flag (rename(2)); nobody else writes here, so looking first is enough.
            Err(Errno::INVAL | Errno::NOSYS) if self.kind(to)?.is_none() => self.replace(from, to),
            Err(Errno::NOENT) => Err(StoreError::NotFound { path: self.path_of(from) }),
            Err(error) => Err(StoreError::io("rename a file to", self.path_of(to), error)),
        }
    }

    /// Waits until the entries of this directory are on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        rustix::io::retry_on_intr(|| fs::fsync(&self.fd)).map_err(|error| StoreError::io("write", self.path.clone(), error))
    }

    fn opened(path: PathBuf, mode: Mode, fd: Result<OwnedFd, Errno>) -> Result<Self, StoreError> {
        match fd {
            Ok(fd) => Ok(Self { path, fd, mode }),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(StoreError::NotADirectory { path }),
            Err(error) => Err(StoreError::io("open", path, error)),
        }
    }

    fn unlink_as(&self, name: &Path, flags: AtFlags) -> Result<bool, StoreError> {
        match fs::unlinkat(&self.fd, name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(StoreError::io("remove", self.path_of(name), error)),
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
