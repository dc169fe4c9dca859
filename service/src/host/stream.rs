//! A descriptor that somebody else gave us to read from or write to: a file, a pipe or a socket.
//!
//! Its status flags are shared with whoever gave it, so none is changed; and nobody can hold up a thread of ours with it: of
//! pipes and sockets only as much is read and written as goes without waiting.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use nix::libc::{PIPE_BUF, POLLIN};
use rustix::fs::{FileType, fstat};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Somebody else's descriptor.
#[derive(Debug)]
pub enum Stream {
    /// A file or device, which a thread of its own reads and writes.
    File(Arc<std::fs::File>),
    /// A pipe, a terminal and the like.
    Pipe(AsyncFd<OwnedFd>),
    /// A socket.
    Socket(AsyncFd<OwnedFd>),
}

impl Stream {
    /// Takes a descriptor. Needs a runtime.
    ///
    /// # Errors
    /// It is a directory or the like, or the kernel cannot tell when it is ready.
    pub fn new(descriptor: OwnedFd) -> io::Result<Self> {
        match FileType::from_raw_mode(fstat(&descriptor)?.st_mode) {
            FileType::RegularFile | FileType::BlockDevice => Ok(Self::File(Arc::new(descriptor.into()))),
            FileType::Socket => Ok(Self::Socket(followed(descriptor)?)),
            FileType::Fifo => Ok(Self::Pipe(followed(descriptor)?)),
            // Some devices, such as /dev/null, are always ready, of which the kernel does not tell.
            FileType::CharacterDevice => match descriptor.try_clone().and_then(followed) {
                Ok(watched) => Ok(Self::Pipe(watched)),
                Err(_) => Ok(Self::File(Arc::new(descriptor.into()))),
            },
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Reads up to `most` bytes; none at the end.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn read(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; most];
        let count = match self {
            Self::File(file) => {
                let file = file.clone();
                let (filled, count) = tokio::task::spawn_blocking(move || {
                    let count = (&*file).read(&mut buffer);
                    (buffer, count)
                })
                .await
                .map_err(io::Error::other)?;
                buffer = filled;
                count?
            }
            Self::Pipe(pipe) => loop {
                let mut ready = pipe.readable().await?;
                // Being ready may be old news, and a read would wait: the descriptor need not be non-blocking.
                if !is_readable(pipe.get_ref().as_raw_fd())? {
                    ready.clear_ready();
                    continue;
                }
                break rustix::io::retry_on_intr(|| rustix::io::read(pipe.get_ref(), &mut buffer))?;
            },
            Self::Socket(socket) => {
                let read = |fd: &OwnedFd| Ok(rustix::net::recv(fd, &mut buffer[..], RecvFlags::DONTWAIT)?.0);
                socket.async_io(Interest::READABLE, read).await?
            }
        };
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn write_all(&self, bytes: Vec<u8>) -> io::Result<()> {
        match self {
            Self::File(file) => {
                let file = file.clone();
                return tokio::task::spawn_blocking(move || (&*file).write_all(&bytes)).await.map_err(io::Error::other)?;
            }
            Self::Pipe(pipe) => {
                // A pipe that is ready takes this many bytes without waiting (pipe(7)).
                for part in bytes.chunks(PIPE_BUF) {
                    let mut rest = part;
                    while !rest.is_empty() {
                        let mut ready = pipe.writable().await?;
                        if !is_writable(pipe.get_ref().as_raw_fd())? {
                            ready.clear_ready();
                            continue;
                        }
                        let count = rustix::io::retry_on_intr(|| rustix::io::write(pipe.get_ref(), rest))?;
                        rest = rest.get(count..).unwrap_or_default();
                    }
                }
            }
            Self::Socket(socket) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    let count = socket.async_io(Interest::WRITABLE, |fd| Ok(rustix::net::send(fd, rest, flags)?)).await?;
                    rest = rest.get(count..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }
}

fn followed(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the `AsyncFd` owns the descriptor, which so stays open and the same as long as it lives.
    unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE | Interest::WRITABLE) }.map_err(io::Error::from)
}

fn is_readable(descriptor: RawFd) -> io::Result<bool> {
    poll(descriptor, POLLIN)
}

fn is_writable(descriptor: RawFd) -> io::Result<bool> {
    poll(descriptor, nix::libc::POLLOUT)
}

/// Whether a descriptor is ready now; one with an error or a closed other end is.
fn poll(descriptor: RawFd, events: i16) -> io::Result<bool> {
    let mut asked = nix::libc::pollfd { fd: descriptor, events, revents: 0 };
    // SAFETY: one element, owned here, and no waiting.
    let count = unsafe { nix::libc::poll(&raw mut asked, 1, 0) };
    if count < 0 { Err(io::Error::last_os_error()) } else { Ok(count > 0) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    async fn goes_through(from: OwnedFd, to: OwnedFd) {
        let sent: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let (writer, reader) = (Stream::new(to).unwrap(), Stream::new(from).unwrap());
        let copy = sent.clone();
        let writing = tokio::spawn(async move { writer.write_all(copy).await.unwrap() });
        let mut received = Vec::new();
        loop {
            let mut part = reader.read(64 << 10).await.unwrap();
            if part.is_empty() {
                break;
            }
            received.append(&mut part);
        }
        writing.await.unwrap();
        assert!(received == sent);
    }

    #[tokio::test]
    async fn pipes_and_sockets_that_block_do_not_hold_us_up() {
        let (reader, writer) = io::pipe().unwrap();
        goes_through(reader.into(), writer.into()).await;
        let (one, other) = UnixStream::pair().unwrap();
        goes_through(one.into(), other.into()).await;
    }

    #[tokio::test]
    async fn files_and_devices_are_read_and_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let again = || std::fs::OpenOptions::new().read(true).write(true).open(file.path()).unwrap();
        Stream::new(again().into()).unwrap().write_all(b"text".to_vec()).await.unwrap();
        assert_eq!(Stream::new(again().into()).unwrap().read(10).await.unwrap(), b"text");
        Stream::new(std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap().into())
            .unwrap()
            .write_all(vec![0; 9000])
            .await
            .unwrap();
        assert!(Stream::new(std::fs::File::open("/").unwrap().into()).is_err());
    }
}
