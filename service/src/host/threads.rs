//! Where and how threads of a process run: processors and schedulers (sched(7)).

use std::io;

use nix::libc;
use rustix::thread::{CpuSet, Pid, sched_setaffinity};

/// A scheduler of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// For work in the background.
    Batch,
    /// For work when nothing else runs.
    Idle,
    /// Real time, first come first served, with a priority from 1 to 99.
    Fifo(u8),
    /// Real time, in turn, with a priority from 1 to 99.
    RoundRobin(u8),
}

/// The threads that a process has now.
///
/// # Errors
/// The process is gone.
pub fn of_process(pid: i32) -> io::Result<Vec<i32>> {
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        threads.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(threads)
}

/// Lets a thread run on these processors only. Threads that it starts later inherit that.
///
/// # Errors
/// `InvalidInput` when the host has none of them, or one has a number that the kernel's interface does not reach.
pub fn pin(thread: i32, cpus: impl IntoIterator<Item = u32>) -> io::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        let cpu = usize::try_from(cpu).ok().filter(|cpu| *cpu < CpuSet::MAX_CPU).ok_or(io::ErrorKind::InvalidInput)?;
        set.set(cpu);
    }
    let thread = Pid::from_raw(thread).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(sched_setaffinity(Some(thread), &set)?)
}

/// Gives a thread to a scheduler.
///
/// # Errors
/// The kernel refuses: real time needs privileges (RLIMIT_RTPRIO).
pub fn schedule(thread: i32, policy: Policy) -> io::Result<()> {
    let (policy, priority) = match policy {
        Policy::Batch => (libc::SCHED_BATCH, 0),
        Policy::Idle => (libc::SCHED_IDLE, 0),
        Policy::Fifo(priority) => (libc::SCHED_FIFO, priority),
        Policy::RoundRobin(priority) => (libc::SCHED_RR, priority),
    };
    let parameters = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: the kernel reads the parameters, which live until the call returns, and writes nothing.
    let result = unsafe { libc::sched_setscheduler(thread, policy, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::{ProcessSpec, hold};

    /// A field of a thread's status (proc_pid_status(5)).
    fn status(thread: i32, field: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap();
        text.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim_start_matches([':', '\t']).to_owned()
    }

    #[tokio::test]
    async fn threads_are_pinned_and_scheduled() {
        let held = hold(ProcessSpec::new("/bin/true")).await.unwrap();
        let thread = held.process().pid();
        assert_eq!(of_process(thread).unwrap(), [thread]);
        pin(thread, [0]).unwrap();
        assert_eq!(status(thread, "Cpus_allowed_list"), "0");
        schedule(thread, Policy::Idle).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{thread}/stat")).unwrap();
        assert_eq!(stat.split_ascii_whitespace().nth(40), Some("5"), "SCHED_IDLE in {stat}");
        for nowhere in [vec![], vec![1023], vec![16383]] {
            let error = pin(thread, nowhere.iter().copied()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{nowhere:?}");
        }
    }
}
