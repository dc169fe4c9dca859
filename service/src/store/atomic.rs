//! Replacing a file in one step: a reader, or the next start after a crash, sees the old content or the new, never a mixture.
//!
//! The new content goes to a temporary file in the same directory, which is then renamed over the old one. Temporary names
//! end in `.tmp`; what a crash left of them is removed by [`sweep`]. (`O_TMPFILE` would leave nothing behind, but linkat(2)
//! cannot replace an existing file.)

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use super::StoreError;
use super::directory::Directory;

/// Owner only: definitions and status files may hold passwords.
const FILE_MODE: u32 = 0o600;

/// Whether a write must survive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk when the call returns: one fsync of the file and one of the directory.
    Durable,
    /// Complete for every reader, but lost with the machine. For what lives on a tmpfs.
    Volatile,
}

/// Makes `bytes` the content of the file `name` (mode 0600), which may exist.
///
/// # Errors
/// The old content is untouched, except when the very last step, the fsync of the directory, fails: then the new content is
/// in place but may not survive a power failure.
pub fn write(directory: &Directory, name: &str, bytes: &[u8], durability: Durability) -> Result<(), StoreError> {
    let temporary = prepare(directory, name, durability, |file| file.write_all(bytes))?;
    if let Err(error) = directory.replace(&temporary, name) {
        discard(directory, &temporary);
        return Err(error);
    }
    match durability {
        Durability::Durable => directory.sync(),
        Durability::Volatile => Ok(()),
    }
}

/// Writes what shall become the file `name` to a temporary file and returns the name of that.
///
/// # Errors
/// Nothing is left behind. A `name` that is a symbolic link, a directory or a device is refused.
pub fn prepare(
    directory: &Directory,
    name: &str,
    durability: Durability,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<String, StoreError> {
    if directory.kind(name)?.is_some_and(|kind| kind != FileType::RegularFile) {
        return Err(StoreError::NotAFile { path: directory.path_of(name) });
    }
    let failed = |error| StoreError::io("write", directory.path_of(name), error);
    let (temporary, mut file) = create(directory).map_err(|error| failed(error.into()))?;
    let written = content(&mut file).and_then(|()| match durability {
        Durability::Durable => file.sync_all(),
        Durability::Volatile => Ok(()),
    });
    if let Err(error) = written {
        discard(directory, &temporary);
        return Err(failed(error));
    }
    Ok(temporary)
}

/// Removes a temporary file after something else failed; that failure is the one to report.
pub fn discard(directory: &Directory, temporary: &str) {
    if let Err(error) = directory.unlink(temporary) {
        tracing::warn!("a temporary file stays until the next start: {error}");
    }
}

/// Removes what a crash left behind. To be called before the first write, under the lock: it cannot tell a leftover from a
/// write in progress.
pub fn sweep(directory: &Directory) -> Result<(), StoreError> {
    for entry in directory.entries()? {
        if is_temporary(&entry) && directory.kind(&entry)? == Some(FileType::RegularFile) {
            tracing::info!("removing {}, left by an interrupted write", directory.path_of(&entry).display());
            directory.unlink(&entry)?;
        }
    }
    Ok(())
}

fn is_temporary(name: &OsStr) -> bool {
    let name = Path::new(name);
    name.extension() == Some(OsStr::new("tmp")) && name.as_os_str().as_encoded_bytes().starts_with(b".")
}

fn create(directory: &Directory) -> Result<(String, File), Errno> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let name = format!(".{}.tmp", COUNTER.fetch_add(1, Ordering::Relaxed));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(directory, &name, flags, Mode::from_raw_mode(FILE_MODE)) {
            Ok(fd) => return Ok((name, File::from(fd))),
            // A leftover in a directory that is not swept. The counter only grows, so this ends.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
}
