//! Tells when something in a directory changes (inotify(7)).
//!
//! What exactly changed is not told: whoever watches looks at the directory again anyway, and so a lost event cannot matter.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What counts: entries that come, go or get another name, files that were written and closed, owners and modes.
const CHANGES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// A watched directory.
#[derive(Debug)]
pub struct Watch {
    queue: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Watches a directory from now on. Needs a runtime.
    ///
    /// # Errors
    /// What the kernel says, such as that this user watches too many directories.
    pub fn directory(path: &Path) -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&queue, path, CHANGES)?;
        // SAFETY: the `AsyncFd` owns the descriptor, which so stays open and the same as long as it lives.
        let queue = unsafe { AsyncFd::register_with_interest(queue, Interest::READABLE) }.map_err(io::Error::from)?;
        Ok(Self { queue })
    }

    /// Answers when an entry has changed whose name `counts`, or the directory itself, since the last answer. Cancel safe.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn changed(&mut self, counts: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        loop {
            let mut ready = self.queue.readable_mut().await?;
            let mut found = false;
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut events = inotify::Reader::new(ready.get_inner(), &mut buffer);
            loop {
                match events.next() {
                    Ok(event) => found |= event.file_name().is_none_or(|name| counts(name.to_bytes())),
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            ready.clear_ready();
            if found {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_are_told_and_names_that_do_not_count_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let mut watch = Watch::directory(directory.path()).unwrap();
        let counts = |name: &[u8]| !name.starts_with(b".");
        std::fs::write(directory.path().join("a"), "1").unwrap();
        watch.changed(counts).await.unwrap();
        // Were the hidden one told, the removal would be too late to be seen as the cause of the next answer.
        std::fs::write(directory.path().join(".hidden"), "1").unwrap();
        {
            let answer = watch.changed(counts);
            tokio::pin!(answer);
            assert!(futures_util::poll!(&mut answer).is_pending());
            std::fs::remove_file(directory.path().join("a")).unwrap();
            answer.await.unwrap();
        }
        drop(directory);
        watch.changed(counts).await.unwrap();
    }
}
