//! Waiting until a file appears, by inotify(7).

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fs::inotify;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits until there is something at `path`; its directory must be there.
///
/// # Errors
/// The directory cannot be watched.
pub async fn of(path: &Path) -> io::Result<()> {
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
    Ok(())
}
