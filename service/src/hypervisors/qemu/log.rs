//! What QEMU says: the log of a guest, and what can be learned from its end.
//!
//! All that QEMU and its companions print goes to one file per domain, which is appended to. Where a run begins is
//! remembered as an offset. What the end of the log tells of the end of the guest is explained in [`plan`](super::plan).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc::O_NOFOLLOW;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::ExitReason;

/// Bytes at the end of the log that are looked at.
const TAIL: u64 = 16 << 10;
/// Lines of the log in an error.
const LAST_LINES: usize = 6;
/// How a trace of a shutdown request begins.
const SHUTDOWN_TRACE: &str = "qemu_system_shutdown_request reason=";

/// How a trace of a change of QEMU's state begins.
const STATE_TRACE: &str = ":runstate_set ";

/// The part of a log that one run has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLog {
    path: PathBuf,
    offset: u64,
}

impl RunLog {
    /// Opens the log for a new run, made with mode 0600 if it is not there, and writes `headline` to it.
    ///
    /// # Errors
    /// `HostFailed` with the path and the reason.
    pub fn begin(path: &Path, headline: &str) -> Result<(Self, OwnedFd)> {
        let open = || -> io::Result<(u64, OwnedFd)> {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(O_NOFOLLOW).open(path)?;
            writeln!(file, "{headline}")?;
            Ok((file.metadata()?.len(), file.into()))
        };
        let (offset, file) = open()
            .map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot open the log {}", path.display())).caused_by(error))?;
        Ok((Self { path: path.to_owned(), offset }, file))
    }

    /// What this run has written, at most the last of it. Empty when the log is gone.
    fn tail(&self) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(self.offset.max(length.saturating_sub(TAIL))))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// QEMU's last words, without times and its own name; empty when it said nothing.
    pub fn last_words(&self) -> String {
        last_words(&self.tail())
    }

    /// How the run ended, as far as the log tells.
    pub fn exit_reason(&self) -> Option<ExitReason> {
        exit_reason(&self.tail())
    }
}

fn last_words(log: &str) -> String {
    let is_trace = |line: &&str| line.contains(SHUTDOWN_TRACE) || line.contains(STATE_TRACE);
    let told: Vec<&str> = log.lines().filter(|line| !is_trace(line)).map(strip).filter(|line| !line.is_empty()).collect();
    told.get(told.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("; ")
}

/// A line without the time that `-msg timestamp=on` puts before it, and without the program's name.
fn strip(line: &str) -> &str {
    let line = line.trim();
    let is_time = |word: &str| word.len() >= 20 && word.ends_with('Z') && word.starts_with(|first: char| first.is_ascii_digit());
    let line = line.split_once(' ').filter(|(word, _)| is_time(word)).map_or(line, |(_, rest)| rest);
    match line.split_once(": ") {
        Some((name, rest)) if name.contains("qemu") && !name.contains(' ') => rest,
        _ => line,
    }
}

fn exit_reason(log: &str) -> Option<ExitReason> {
    // A guest that ran again after it shut down did not end then.
    let is_state = |line: &str, state| line.contains(STATE_TRACE) && line.trim_end().ends_with(state);
    let end = || log.lines().rev().take_while(|line| !is_state(line, "(running)"));
    let told = end().find_map(|line| match line.split_once(SHUTDOWN_TRACE) {
        Some((_, number)) => match number.trim() {
            "6" | "7" => Some(ExitReason::Shutdown),
            "8" => Some(ExitReason::GuestCrashed),
            // 1 is QEMU's own error; the others are orders from outside.
            "1" => Some(ExitReason::Failed(last_words(log))),
            _ => Some(ExitReason::Destroyed),
        },
        None => line.contains("terminating on signal").then_some(ExitReason::Destroyed),
    });
    // A reboot that ends the guest is not traced as a request.
    told.or_else(|| end().any(|line| is_state(line, "(shutdown)")).then_some(ExitReason::Shutdown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_without_time_and_name() {
        let table = [
            ("", ""),
            ("2026-11-23T06:40:19.123456Z qemu-system-x86_64: -device x: 'x' is no device\n", "-device x: 'x' is no device"),
            ("/usr/bin/qemu-kvm: no room\n\n", "no room"),
            ("a: b\n12@1.2:qemu_system_shutdown_request reason=6\n", "a: b"),
            ("a: b\n12@1.2:runstate_set current_run_state 9 (running) new_state 11 (shutdown)\n", "a: b"),
            ("1\n2\n3\n4\n5\n6\n7\n", "2; 3; 4; 5; 6; 7"),
        ];
        for (log, expected) in table {
            assert_eq!(last_words(log), expected, "{log:?}");
        }
    }

    #[test]
    fn the_end_is_read_from_the_last_telling_line() {
        let table = [
            ("", None),
            ("something else\n", None),
            ("1@2.3:runstate_set current_run_state 6 (prelaunch) new_state 9 (running)\n", None),
            ("1@2.3:runstate_set current_run_state 9 (running) new_state 11 (shutdown)\n", Some(ExitReason::Shutdown)),
            (
                "qemu_system_shutdown_request reason=6\n1@2.3:runstate_set current_run_state 9 (running) new_state 11 (shutdown)\n\
                 1@2.3:runstate_set current_run_state 11 (shutdown) new_state 9 (running)\n",
                None,
            ),
            ("12@1.2:qemu_system_shutdown_request reason=6\n", Some(ExitReason::Shutdown)),
            ("qemu_system_shutdown_request reason=2\nqemu: terminating on signal 15 from pid 1\n", Some(ExitReason::Destroyed)),
            ("qemu_system_shutdown_request reason=8\nlater\n", Some(ExitReason::GuestCrashed)),
            ("qemu: broke\nqemu_system_shutdown_request reason=1\n", Some(ExitReason::Failed("broke".into()))),
        ];
        for (log, expected) in table {
            assert_eq!(exit_reason(log), expected, "{log:?}");
        }
    }

    #[test]
    fn a_run_sees_its_own_part_only_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        std::fs::write(&path, "of an earlier run\n").unwrap();
        let (log, file) = RunLog::begin(&path, "headline").unwrap();
        assert_eq!(log.last_words(), "");
        File::from(file).write_all(b"qemu: broken\n").unwrap();
        assert_eq!(log.last_words(), "broken");
        let link = directory.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(RunLog::begin(&link, "x").unwrap_err().to_string().contains("link.log"));
    }
}
