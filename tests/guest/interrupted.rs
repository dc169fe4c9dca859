//! The service killed in the middle of a start, once for every file that a start makes, replaces or removes on its way.

use std::fs::DirBuilder;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use lodge_dbus_interfaces::options::{DestroyOptions, StartOptions};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::process::{Signal, kill_process};
use tokio::io::unix::AsyncFd;

use crate::documents;
use crate::host::{Host, PATIENCE};
use crate::processes;

/// No start touches so many files; one that does is not followed to its end.
const MOST: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn no_moment_of_a_start_loses_a_guest() {
    let mut host = Host::new().await;
    let path = {
        let guest = host.define(&documents::bare("bare")).await;
        // What QEMU can do is found out once and remembered.
        guest.start().await;
        guest.domain.destroy(&DestroyOptions::default()).await.unwrap();
        guest.domain.inner().path().to_string()
    };
    let mut seen = Vec::new();
    for count in 1..MOST {
        let completed = !killed_after(&host, &path, count).await;
        if !completed {
            host.until_gone().await;
        }
        let guest = host.guest(&path).await;
        let state = guest.state().await;
        match state.as_str() {
            "running (booted)" => {
                guest.qemu();
                guest.domain.destroy(&DestroyOptions::default()).await.unwrap();
            }
            "shut-off (failed)" | "shut-off (unknown)" => {
                // A process that waited for its first order may be on its way out.
                for pid in guest.processes() {
                    processes::ended(pid, PATIENCE).await;
                }
            }
            _ => panic!("after file event {count} it is {state}\n{}", host.bus.log()),
        }
        assert_eq!(guest.processes(), [], "after file event {count}");
        seen.push(state);
        if completed {
            assert!(seen.len() > 3, "{seen:?}");
            return;
        }
    }
    panic!("a start has no end: {seen:?}");
}

/// Starts the guest and kills the service right after so many file events, unless the start is complete before; answers
/// whether it was killed.
async fn killed_after(host: &Host, path: &str, count: usize) -> bool {
    let guest = host.guest(path).await;
    let service = host.service().await;
    let mut events = Events::of(&guest.runtime());
    let options = StartOptions::default();
    let start = guest.domain.start(&options);
    tokio::pin!(start);
    let mut seen = 0;
    while seen < count {
        tokio::select! {
            biased;
            more = events.next() => seen += more,
            started = &mut start => {
                started.unwrap_or_else(|error| panic!("{error}\n{}", host.bus.log()));
                return false;
            }
        }
    }
    kill_process(service, Signal::KILL).unwrap();
    // Its reply may have been on the way.
    let _ = tokio::time::timeout(PATIENCE, start).await.unwrap();
    true
}

/// What happens to the files of a directory.
struct Events(AsyncFd<OwnedFd>);

impl Events {
    /// Of the directory, which is made before the service does.
    fn of(directory: &Path) -> Self {
        DirBuilder::new().mode(0o700).create(directory).unwrap();
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&events, directory, WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE).unwrap();
        Self(AsyncFd::new(events).unwrap())
    }

    /// Waits for events; answers with how many there were.
    async fn next(&mut self) -> usize {
        let mut ready = self.0.readable().await.unwrap();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(ready.get_inner(), &mut buffer);
        let mut count = 0;
        while events.next().is_ok() {
            count += 1;
        }
        ready.clear_ready();
        count
    }
}
