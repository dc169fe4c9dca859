//! A process under observation, child or not.
//!
//! A process id alone is not an identity: the kernel uses it again. Here a process is held by a pidfd (pidfd_open(2)),
//! and recorded for the next run of the daemon as process id plus start time (field 22 of `/proc/PID/stat`, proc(5));
//! [`Process::reopen`] answers `None` when that pair no longer exists. Signals go through the pidfd, so they can never
//! hit a stranger. A task per process reaps children, so no zombie stays, whether somebody waits or not.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use super::ProcessError;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// It ended, and since it was not our child nobody told us how.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(number) => write!(f, "killed by signal {number}"),
            Self::Unknown => write!(f, "ended"),
        }
    }
}

/// A process that is followed until it ends. Clones are handles of the same process; dropping them ends nothing.
#[derive(Clone, Debug)]
pub struct Process {
    pid: Pid,
    start_time: u64,
    pidfd: Arc<OwnedFd>,
    exit: watch::Receiver<Option<Exit>>,
}

impl Process {
    /// Takes up a process recorded by an earlier run as `(pid, start_time)`; `None` when it has ended, even if another
    /// process has its id by now. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ProcessError::Follow`] when the host is out of files or `/proc` cannot be read.
    pub fn reopen(pid: i32, start_time: u64) -> Result<Option<Self>, ProcessError> {
        if pid < 1 {
            return Ok(None);
        }
        let Some(pid) = Pid::from_raw(pid) else {
            return Ok(None);
        };
        let follow = |source| ProcessError::Follow { pid: pid.as_raw_nonzero().get(), source };
        let pidfd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            // No such process, or the number is a thread's by now.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {
                return Ok(None);
            }
            Err(errno) => return Err(follow(errno.into())),
        };
        // The pidfd was opened first: if the start time read now is the recorded one, both mean the recorded process.
        match Stat::read(pid).map_err(follow)? {
            Some(stat) if stat.start_time == start_time && !stat.ended => {}
            _ => return Ok(None),
        }
        Identity { pid, start_time, pidfd, is_child: false }.follow().map(Some)
    }

    /// The process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// When it was started, in clock ticks since the host's boot: with [`Process::pid`], what to record.
    pub fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Whose it is: its effective user id; `None` when it has ended.
    pub fn uid(&self) -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        ids.split_whitespace().nth(1)?.parse().ok()
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for the end. Any number of callers may wait, and giving up waiting loses nothing.
    pub async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        // The sender goes without a word only when the runtime is being shut down.
        exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
    }

    /// Sends a signal. A process that has ended already is no error.
    ///
    /// # Errors
    /// [`ProcessError::Signal`] when the kernel refuses, as with a process of another user.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        match rustix::process::pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(ProcessError::Signal { pid: self.pid(), signal: format!("{signal:?}"), source: errno.into() }),
        }
    }

    /// Kills the process with all of its group. Only for a process that [`super::run`] started and that has not been
    /// reaped, so that the group is certainly its own.
    pub(super) fn kill_group(&self) {
        if self.exit().is_none() {
            // It may have ended this moment; then there is nothing to do.
            rustix::process::kill_process_group(self.pid, Signal::KILL).ok();
        }
    }
}

/// A process that is certain to be the one we mean, not yet followed.
pub(super) struct Identity {
    pid: Pid,
    start_time: u64,
    pidfd: OwnedFd,
    is_child: bool,
}

impl Identity {
    /// Takes over a child just started. It cannot have been reaped, so its id is still its own.
    pub(super) fn of_child(mut child: std::process::Child, program: &Path) -> Result<Self, ProcessError> {
        let identify = || -> io::Result<Self> {
            let pid = Pid::from_child(&child);
            let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
            let stat = Stat::read(pid)?.ok_or(io::ErrorKind::NotFound)?;
            Ok(Self { pid, start_time: stat.start_time, pidfd, is_child: true })
        };
        identify().map_err(|source| {
            // Nobody could stop it later, so it is stopped now; both fail only if it has ended.
            child.kill().ok();
            child.wait().ok();
            ProcessError::prepare(program, source)
        })
    }

    /// Ends a child that nobody wants any more. Blocks until it has ended.
    pub(super) fn kill(self) {
        if self.is_child {
            // Both fail only when it has ended.
            rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL).ok();
            rustix::process::waitid(WaitId::PidFd(std::os::fd::AsFd::as_fd(&self.pidfd)), WaitIdOptions::EXITED).ok();
        }
    }

    /// Starts the task that waits for the end.
    pub(super) fn follow(self) -> Result<Process, ProcessError> {
        let Self { pid, start_time, pidfd, is_child } = self;
        let pidfd = Arc::new(pidfd);
        // SAFETY: the `AsyncFd` owns a share of the pidfd, which so stays open and the same as long as it lives.
        let readable = unsafe { AsyncFd::register_with_interest(Arc::clone(&pidfd), Interest::READABLE) };
        let readable = readable.map_err(|error| ProcessError::Follow { pid: pid.as_raw_nonzero().get(), source: error.into() })?;
        let (publish, exit) = watch::channel(None);
        tokio::spawn(async move {
            publish.send_replace(Some(wait(readable, is_child).await));
        });
        Ok(Process { pid, start_time, pidfd, exit })
    }
}

/// Waits until the pidfd is readable, which is when the process has ended (pidfd_open(2)), and reaps a child.
async fn wait(pidfd: AsyncFd<Arc<OwnedFd>>, is_child: bool) -> Exit {
    loop {
        let Ok(mut ready) = pidfd.readable().await else {
            return Exit::Unknown;
        };
        if !is_child {
            return Exit::Unknown;
        }
        let id = WaitId::PidFd(std::os::fd::AsFd::as_fd(pidfd.get_ref()));
        match rustix::process::waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(Some(status)) => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Code(code),
                    (None, Some(number)) => Exit::Signal(number),
                    (None, None) => Exit::Unknown,
                };
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => ready.clear_ready(),
            Err(_) => return Exit::Unknown,
        }
    }
}

/// What we need of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Zombie or dead: it will never do anything again.
    ended: bool,
    pub(super) start_time: u64,
}

impl Stat {
    /// `None` when there is no such process.
    pub(super) fn read(pid: Pid) -> io::Result<Option<Self>> {
        let bytes = match std::fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A process calls itself what it likes (prctl(2), PR_SET_NAME), not only text.
        let text = String::from_utf8_lossy(&bytes);
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, format!("unexpected content of /proc stat: {text:?}"));
        Self::parse(&text).map(Some).ok_or_else(malformed)
    }

    /// Whether it has ended, and only waits to be reaped.
    pub(super) fn is_over(&self) -> bool {
        self.ended
    }

    /// Field 2 is the program's name in parentheses and may itself hold blanks and parentheses; fields are counted from
    /// the last one.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let mut fields = after_name.split_ascii_whitespace();
        let state = fields.next()?;
        // The state is field 3, the start time field 22.
        let start_time = fields.nth(18)?.parse().ok()?;
        Some(Self { ended: matches!(state, "Z" | "X" | "x"), start_time })
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn stat_is_read_whatever_the_program_is_called() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        for name in ["qemu", "a) R 9 9", "", "x (y) z"] {
            let text = format!("42 ({name}) {rest}");
            assert_eq!(Stat::parse(&text), Some(Stat { ended: false, start_time: 4711 }), "{text}");
        }
        assert_eq!(Stat::parse("42 (qemu) Z 1 2"), None);
        let zombie = format!("42 (q) {}", rest.replacen('S', "Z", 1));
        assert_eq!(Stat::parse(&zombie), Some(Stat { ended: true, start_time: 4711 }));
    }
}
