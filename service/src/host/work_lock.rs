//! A lock on a file that says that somebody is at work on it; the kernel drops it with the descriptor.
//!
//! It is one of an open file description (fcntl(2), "Open file description locks") on one byte far behind all content. A lock on the
//! whole file, which flock(2) is on file systems of servers (nfs(5)), would keep out programs that lock parts of it themselves, as
//! qemu-img does (QEMU, block/file-posix.c: bytes 100 to 203), and their writes where locks are mandatory (mount.cifs(8)).

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// The byte.
const BYTE: libc::off_t = 1 << 62;

/// Says that somebody is at work on a file, which is open for writing; `false` when somebody is already.
///
/// # Errors
/// What the kernel says.
pub fn begin(file: &File) -> io::Result<bool> {
    set(file, libc::F_WRLCK)
}

/// Keeps others from beginning with a file; `false` when somebody is at work on it.
///
/// # Errors
/// What the kernel says.
pub fn keep_out(file: &File) -> io::Result<bool> {
    set(file, libc::F_RDLCK)
}

fn set(file: &File, kind: libc::c_int) -> io::Result<bool> {
    #[allow(clippy::cast_possible_truncation, reason = "constants that fit")]
    let lock = libc::flock { l_type: kind as i16, l_whence: libc::SEEK_SET as i16, l_start: BYTE, l_len: 1, l_pid: 0 };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_at_work_is_seen_until_the_file_is_closed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = File::open(file.path()).unwrap();
        assert!(begin(file.as_file()).unwrap());
        assert!(!keep_out(&other).unwrap());
        let third = File::options().write(true).open(file.path()).unwrap();
        assert!(!begin(&third).unwrap());
        // Programs lock other parts of it meanwhile.
        let kind = i16::try_from(libc::F_WRLCK).unwrap();
        let lock = libc::flock { l_type: kind, l_whence: 0, l_start: 100, l_len: 1, l_pid: 0 };
        fcntl(&third, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
        drop(file.into_file());
        assert!(keep_out(&other).unwrap());
        assert!(!begin(&third).unwrap());
    }
}
