//! UNIX sockets by path, of any length, with a mode that is right from the first moment.
//!
//! A UNIX address holds 107 bytes of path (unix(7)); state directories in a long home directory need more. A longer path
//! goes through `/proc/self/fd/N/NAME`, N being its directory: the kernel resolves that to the same file.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, inotify};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

/// Connections that may wait. QEMU serves one client at a time on its monitor; a few more let a client that comes back
/// after a crash connect before QEMU has noticed that the old connection is gone.
const BACKLOG: i32 = 8;

/// Why a socket could not be made or reached.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Listening failed.
    #[error("cannot listen on {}: {source}", path.display())]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Connecting failed.
    #[error("cannot connect to {}: {source}", path.display())]
    Connect {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No pair of sockets could be made.
    #[error("cannot make a pair of sockets: {source}")]
    Pair {
        /// What the kernel said.
        source: io::Error,
    },
}

/// A listening stream socket at `path`, mode 0600, close-on-exec, to be handed to another process: a client that
/// connects from now on waits in the queue and cannot fail. A socket left there by an ended process is replaced; any
/// other file is an error.
///
/// # Errors
/// [`SocketError::Listen`] with the path and the reason.
pub fn listen(path: &Path) -> Result<OwnedFd, SocketError> {
    bind_and_listen(path).map_err(|source| SocketError::Listen { path: path.to_owned(), source })
}

fn bind_and_listen(path: &Path) -> io::Result<OwnedFd> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is not a socket is in the way"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Linux gives the file the mode of the socket, less the umask: no moment with a wider one.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    let short = ShortPath::of(path)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(&short.path)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Connects to the stream socket at `path`, which may not be a symbolic link: where a less privileged process makes its
/// sockets it could put one that leads to somebody else's.
///
/// # Errors
/// [`SocketError::Connect`] with the path and the reason.
pub async fn connect(path: &Path) -> Result<UnixStream, SocketError> {
    let failed = |source: io::Error| SocketError::Connect { path: path.to_owned(), source };
    let socket =
        rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()).map_err(|error| failed(error.into()))?;
    let kind = rustix::fs::fstat(&socket).map(|stat| FileType::from_raw_mode(stat.st_mode)).map_err(|error| failed(error.into()))?;
    if kind != FileType::Socket {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no socket")));
    }
    // What was looked at is what is connected to, and the path fits into an address.
    let same = Path::new("/proc/self/fd").join(socket.as_raw_fd().to_string());
    UnixStream::connect(same).await.map_err(failed)
}

/// Waits until another process listens on the stream socket at `path`, which need not be there yet; its directory must.
///
/// # Errors
/// [`SocketError::Listen`] when the directory cannot be watched.
pub async fn listening(path: &Path) -> Result<(), SocketError> {
    wait_for_listener(path).await.map_err(|source| SocketError::Listen { path: path.to_owned(), source })
}

async fn wait_for_listener(path: &Path) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // Watched before it is looked for, so that it cannot appear in between.
    let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&inotify, directory, inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO)?;
    // SAFETY: the `AsyncFd` owns the descriptor, which so stays open and the same as long as it lives.
    let inotify = unsafe { AsyncFd::register_with_interest(inotify, Interest::READABLE) }.map_err(io::Error::from)?;
    while !path.exists() {
        let mut ready = inotify.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(inotify.get_ref(), &mut buffer);
        match events.next() {
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            Err(errno) => return Err(errno.into()),
        }
    }
    // The file appears with bind(2); listen(2) follows at once and makes no event.
    while !is_listening(path)? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Whether a socket of this path accepts connections: the flag `__SO_ACCEPTCON` in proc_net_unix(5).
fn is_listening(path: &Path) -> io::Result<bool> {
    const ACCEPTS: &str = "00010000";
    let sockets = std::fs::read_to_string("/proc/net/unix")?;
    let accepts = |line: &str| {
        let mut fields = line.splitn(8, ' ').filter(|field| !field.is_empty());
        fields.nth(3) == Some(ACCEPTS) && line.ends_with(&*path.to_string_lossy())
    };
    Ok(sockets.lines().any(accepts))
}

/// Two connected stream sockets: ours, and one to be inherited by another process.
///
/// # Errors
/// [`SocketError::Pair`]. Needs a tokio runtime.
pub fn pair() -> Result<(UnixStream, OwnedFd), SocketError> {
    let make = || {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs)))
    };
    make().map_err(|source| SocketError::Pair { source })
}

/// A path that fits into an address, good as long as this value lives.
struct ShortPath {
    path: PathBuf,
    _directory: Option<OwnedFd>,
}

impl ShortPath {
    /// `sun_path` has 108 bytes with the closing NUL (unix(7)).
    const LIMIT: usize = 107;

    fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= Self::LIMIT {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(directory, flags, Mode::empty())?;
        let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn exchange_at(path: &Path) {
        let listener = listen(path).unwrap();
        assert_eq!(std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        // Nobody accepts yet, and still connecting and writing work.
        let mut client = connect(path).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let listener = std::os::unix::net::UnixListener::from(listener);
        listener.set_nonblocking(true).unwrap();
        let (mut server, _) = tokio::net::UnixListener::from_std(listener).unwrap().accept().await.unwrap();
        let mut text = [0; 5];
        server.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"hello");
    }

    #[tokio::test]
    async fn a_link_is_not_followed_and_a_file_is_no_socket() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let _listener = listen(&socket).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        assert!(connect(&socket).await.is_ok());
        assert!(connect(&link).await.unwrap_err().to_string().contains("it is no socket"));
    }

    #[tokio::test]
    async fn sockets_work_at_short_and_long_paths_and_twice() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        for path in [directory.path().join("qmp"), deep.join("qmp")] {
            exchange_at(&path).await;
            // The socket file is still there, its listener gone.
            exchange_at(&path).await;
        }
    }

    #[tokio::test]
    async fn only_a_socket_is_replaced_and_errors_name_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        std::fs::write(&path, "data").unwrap();
        let error = listen(&path).unwrap_err().to_string();
        assert!(error.contains("precious: a file that is not a socket is in the way"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"data");
        let error = connect(&directory.path().join("absent")).await.unwrap_err().to_string();
        assert!(error.contains("absent: No such file"), "{error}");
    }
}
