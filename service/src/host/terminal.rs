//! Terminals: the host's end of a guest's serial line, and the one a person sits at.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A terminal that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the terminal {}: {source}", path.display())]
pub struct TerminalError {
    /// Its path.
    path: PathBuf,
    /// What the kernel said.
    source: io::Error,
}

/// A terminal as a stream of bytes.
#[derive(Debug)]
pub struct Terminal(AsyncFd<OwnedFd>);

/// Opens a terminal for reading and writing, without becoming its session, and makes it raw: bytes
/// pass as they are (termios(3), `cfmakeraw`).
///
/// # Errors
/// [`TerminalError`]. Needs a tokio runtime.
pub fn open_raw(path: &Path) -> Result<Terminal, TerminalError> {
    let open = || {
        let fd = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
        let mut attributes = tcgetattr(&fd)?;
        attributes.make_raw();
        tcsetattr(&fd, OptionalActions::Now, &attributes)?;
        // SAFETY: an OwnedFd stays open, under the same number, as long as the AsyncFd that owns it lives.
        Ok(Terminal(unsafe { AsyncFd::register(fd) }?))
    };
    open().map_err(|source| TerminalError { path: path.to_owned(), source })
}

/// Whether this is a pseudo terminal (pts(4)) that a process of the user has made.
pub fn is_of_user(path: &Path, uid: u32) -> bool {
    /// The kernel's device numbers for them (Linux, Documentation/admin-guide/devices.txt).
    const MAJORS: RangeInclusive<u32> = 136..=143;
    let is_named_so = path.parent() == Some(Path::new("/dev/pts"));
    is_named_so
        && path.symlink_metadata().is_ok_and(|found| {
            found.file_type().is_char_device() && MAJORS.contains(&rustix::fs::major(found.rdev())) && found.uid() == uid
        })
}

impl AsyncRead for Terminal {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let room = buffer.initialize_unfilled();
            match guard.try_io(|fd| rustix::io::read(fd, room).map_err(io::Error::from)) {
                Ok(Ok(length)) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Terminal {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            match guard.try_io(|fd| rustix::io::write(fd, bytes).map_err(io::Error::from)) {
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pseudo_terminal_of_the_user_is_one() {
        let pair = nix::pty::openpty(None, None).unwrap();
        let path = rustix::termios::ttyname(&pair.slave, Vec::new()).unwrap().into_string().unwrap();
        let uid = rustix::process::getuid().as_raw();
        assert!(is_of_user(Path::new(&path), uid));
        assert!(!is_of_user(Path::new(&path), uid + 1));
        for other in ["/dev/null", "/dev/pts", "/dev/pts/ptmx", "/dev/pts/../null", "/etc/passwd", "/dev/pts/none"] {
            assert!(!is_of_user(Path::new(other), uid), "{other}");
        }
    }
}
