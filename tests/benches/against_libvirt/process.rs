//! A process that was started here, or by one that was, and ends with its value.

use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::Result;

/// A running process. Dropping it ends it and waits until it is gone.
pub struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    /// Ours to reap, unless another process started it.
    child: Option<Child>,
}

impl Process {
    /// Starts a program.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", command.get_program().display()))?;
        let mut process = Self::adopt(child.id())?;
        process.child = Some(child);
        Ok(process)
    }

    /// Takes over a process that another one started.
    pub fn adopt(pid: u32) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(pid)?).ok_or("0 is no process")?;
        Ok(Self { pid, pidfd: pidfd_open(pid, PidfdFlags::empty())?, child: None })
    }

    /// The child, for its pipes.
    pub fn child(&mut self) -> Option<&mut Child> {
        self.child.as_mut()
    }

    /// What it takes now.
    pub fn memory(&self) -> Result<Memory> {
        let pid = self.pid.as_raw_nonzero();
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let field = |name: &str| -> Result<u64> {
            let line = rollup.lines().find(|line| line.starts_with(name)).ok_or(format!("smaps_rollup has no {name}"))?;
            Ok(line.split_whitespace().nth(1).ok_or("smaps_rollup is malformed")?.parse()?)
        };
        Ok(Memory { resident: field("Rss:")?, proportional: field("Pss:")? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it is gone already.
        if pidfd_send_signal(&self.pidfd, Signal::TERM).is_ok() {
            let _ = poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], None);
        }
        if let Some(child) = &mut self.child {
            drop(child.wait());
        }
    }
}

/// The memory of one or more processes in KiB.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// All pages, those of shared libraries in full.
    pub resident: u64,
    /// Shared pages divided by the number of those who share them.
    pub proportional: u64,
}

impl std::ops::Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { resident: self.resident + other.resident, proportional: self.proportional + other.proportional }
    }
}
