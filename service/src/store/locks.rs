//! One daemon per directory.
//!
//! A flock(2) on the file `lock`, which holds the process id of the owner for whoever comes second. The kernel drops the lock
//! when the last descriptor closes, so a killed daemon leaves nothing to clean up; the descriptor is close-on-exec, so a guest
//! that outlives the daemon does not keep it.

use std::fs::File;
use std::io::{Read, Write};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use super::StoreError;
use super::directory::Directory;

const FILE: &str = "lock";

/// The right to work in a directory, given back when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `directory` without waiting.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another daemon, or another store in this process, has it.
    pub fn take(directory: &Directory) -> Result<Self, StoreError> {
        let failed = |error| StoreError::io("lock", directory.path_of(FILE), error);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = match openat(directory, FILE, flags, Mode::from_raw_mode(0o600)) {
            Ok(fd) => File::from(fd),
            Err(Errno::LOOP) => return Err(StoreError::NotAFile { path: directory.path_of(FILE) }),
            Err(error) => return Err(failed(error.into())),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(StoreError::Locked { directory: directory.path().to_owned(), holder: holder(&mut file) }),
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Who has the lock. Nothing if the owner has not come to writing it yet.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
