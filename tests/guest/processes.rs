//! The processes of one test: whatever has the test's directory as `HOME`, as everything does that its bus, the service
//! or a guest started.
//!
//! Invariant: a process is addressed by an id that was just seen to belong to the test.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::unix::AsyncFd;

/// The programs that run guests have names that begin so.
const QEMU: &str = "qemu-system-";

/// Ends what is left of a test. It stands after the bus in a struct, so that the service is gone before and starts no more.
pub struct Leftovers {
    home: PathBuf,
}

impl Leftovers {
    /// Of the test with that directory.
    pub fn of(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for (pid, _) in all(&self.home) {
            // It may have ended by itself just now.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The QEMU processes of the guest with that name.
pub fn guests(home: &Path, name: &str) -> Vec<Pid> {
    let guest = format!("guest={name}");
    let is_it = |arguments: &[String]| {
        let program = arguments.first().and_then(|program| program.rsplit('/').next());
        program.is_some_and(|program| program.starts_with(QEMU))
            && arguments.iter().any(|argument| argument.split(',').any(|part| part == guest))
    };
    all(home).into_iter().filter(|(_, arguments)| is_it(arguments)).map(|(pid, _)| pid).collect()
}

/// Waits for the end of a process.
///
/// # Panics
/// It does not end in time.
pub async fn ended(pid: Pid, patience: Duration) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::NONBLOCK) else { return };
    let process: AsyncFd<OwnedFd> = AsyncFd::new(process).unwrap();
    let end = tokio::time::timeout(patience, process.readable()).await;
    drop(end.unwrap_or_else(|_| panic!("process {} does not end", pid.as_raw_nonzero())).unwrap());
}

/// Ids and arguments of the test's processes. One that cannot be read has ended.
fn all(home: &Path) -> Vec<(Pid, Vec<String>)> {
    let variable = format!("HOME={}", home.display());
    let strings =
        |bytes: Vec<u8>| -> Vec<String> { bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let read = |file| std::fs::read(entry.path().join(file)).map(strings);
        if let (Some(pid), Ok(environment), Ok(arguments)) = (pid, read("environ"), read("cmdline"))
            && environment.contains(&variable)
        {
            found.push((pid, arguments));
        }
    }
    found
}
