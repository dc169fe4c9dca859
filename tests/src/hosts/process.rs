//! The program that is a host, beside the test: it gets a signal when the test is gone, whichever way that went.
//!
//! The kernel sends that signal when the *thread* that started the program ends, so a thread of its own starts it and waits
//! for it. Invariant: after drop the program has ended.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::binaries;

/// A running program.
pub struct Process {
    pidfd: OwnedFd,
}

impl Process {
    /// Starts a program that gets a signal, such as `TERM`, when this test is gone. It reads nothing; what it prints goes to a
    /// log.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(command: &Command, farewell: &str, log: &Path) -> Self {
        use std::os::unix::process::CommandExt as _;
        let mut tied = binaries::command(binaries::installed("setpriv", "util-linux"));
        tied.args(["--pdeathsig", farewell]).arg(command.get_program()).args(command.get_args());
        if let Some(directory) = command.get_current_dir() {
            tied.current_dir(directory);
        }
        for (name, value) in command.get_envs() {
            tied.env(name, value.unwrap_or_default());
        }
        let log = File::create(log).expect("the temporary directory is writable");
        let stderr = log.try_clone().expect("a descriptor can be duplicated");
        // An interrupt at the terminal is for the test.
        tied.stdin(Stdio::null()).stdout(log).stderr(stderr).process_group(0);
        let (started, pidfd) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut child = tied.spawn().expect("setpriv can be run");
            let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).expect("a child that is not waited for is there");
            // Nobody listens when the test thread panicked meanwhile; the child is waited for in any case.
            let _ = started.send(pidfd);
            let _ = child.wait();
        });
        Self { pidfd: pidfd.recv().expect("the program was started") }
    }

    /// Sends it a signal; one that has ended does not mind.
    pub fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// Waits for its end; whether it came in time.
    pub fn ends_within(&self, limit: Duration) -> bool {
        ready(&[self.pidfd.as_fd()], limit) == Some(0)
    }

    /// Becomes readable at its end.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.ends_within(Duration::from_secs(60));
    }
}

/// The first of some descriptors that can be read, when one can in time.
pub fn ready(descriptors: &[BorrowedFd<'_>], limit: Duration) -> Option<usize> {
    let mut polled: Vec<_> = descriptors.iter().map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
    let limit = Timespec::try_from(limit).expect("a limit of this century");
    poll(&mut polled, Some(&limit)).expect("descriptors can be polled");
    polled.iter().position(|polled| !polled.revents().is_empty())
}
