//! What QEMU says: the log of a guest, and what can be learned from its end.
//!
//! All that QEMU and its companions print goes to one file per domain, which is appended to. Where a run begins is
//! remembered as an offset. A file that grows long is emptied, also while QEMU writes to it, and its end kept beside it: so
//! a guest that makes QEMU complain all day fills no disk. What the end of the log tells of the end of the guest is explained in [`plan`](super::plan).

use std::fs::{self, File, OpenOptions};
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
/// Bytes of a log that is long enough to be put aside, and of what is kept of it then.
const LONG: u64 = 4 << 20;
/// What a log begins with that was emptied in the middle of a run: all of it is of that run.
const CONTINUED: &str = "the earlier part of this log is in the file of this name that ends in .1\n";
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
            put_aside_before(path)?;
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(O_NOFOLLOW).open(path)?;
            writeln!(file, "{headline}")?;
            Ok((file.metadata()?.len(), file.into()))
        };
        let (offset, file) = open()
            .map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot open the log {}", path.display())).caused_by(error))?;
        Ok((Self { path: path.to_owned(), offset }, file))
    }

    /// Empties the log if it has grown long; QEMU goes on appending to it.
    pub fn put_aside_if_long(&self) {
        if let Err(error) = put_aside_during(&self.path) {
            tracing::warn!("the log {} grows and cannot be put aside: {error}", self.path.display());
        }
    }

    /// What this run has written, at most the last of it. Empty when the log is gone.
    fn tail(&self) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            let offset = if is_continued(&file)? { 0 } else { self.offset };
            file.seek(SeekFrom::Start(offset.max(length.saturating_sub(TAIL))))?;
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

/// Where the end of a long log is kept.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

/// Puts aside what earlier runs wrote, when it is long, or began in the middle of one.
fn put_aside_before(path: &Path) -> io::Result<()> {
    let log = match OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    match log.metadata()?.len() >= LONG || is_continued(&log)? {
        true => fs::rename(path, beside(path)),
        false => Ok(()),
    }
}

/// Copies the end of a long log to the file beside it and empties the log. What is written in between is lost.
fn put_aside_during(path: &Path) -> io::Result<()> {
    let mut log = OpenOptions::new().read(true).write(true).custom_flags(O_NOFOLLOW).open(path)?;
    let length = log.metadata()?.len();
    if length < LONG {
        return Ok(());
    }
    let mut kept = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(O_NOFOLLOW).open(beside(path))?;
    log.seek(SeekFrom::Start(length - LONG))?;
    io::copy(&mut (&log).take(LONG), &mut kept)?;
    log.set_len(0)?;
    OpenOptions::new().append(true).custom_flags(O_NOFOLLOW).open(path)?.write_all(CONTINUED.as_bytes())
}

fn is_continued(log: &File) -> io::Result<bool> {
    let mut beginning = String::new();
    // What is no text is none of ours.
    let read = log.take(CONTINUED.len() as u64).read_to_string(&mut beginning);
    Ok(read.is_ok() && beginning == CONTINUED)
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
    fn a_log_that_grows_long_is_put_aside_while_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.b.log");
        fs::write(&path, "of an earlier run\n").unwrap();
        let (log, file) = RunLog::begin(&path, "headline").unwrap();
        let mut file = File::from(file);
        log.put_aside_if_long();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        let line = [b"x".repeat(63), b"\n".to_vec()].concat();
        file.write_all(&line.repeat(usize::try_from(LONG / 64).unwrap())).unwrap();
        file.write_all(b"the last line\n").unwrap();
        log.put_aside_if_long();
        let kept = fs::read(directory.path().join("a.b.log.1")).unwrap();
        assert!(kept.len() as u64 == LONG && kept.ends_with(b"the last line\n"));
        // The run goes on and its end is found, whereever it began in the file that was.
        file.write_all(b"qemu: broken\nqemu_system_shutdown_request reason=6\n").unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 200);
        assert!(log.last_words().ends_with("broken"), "{}", log.last_words());
        assert_eq!(log.exit_reason(), Some(ExitReason::Shutdown));
        // A new run sees itself only.
        let (log, _file) = RunLog::begin(&path, "headline").unwrap();
        assert_eq!(log.exit_reason(), None);
    }

    #[test]
    fn a_run_sees_its_own_part_only_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        fs::write(&path, "of an earlier run\n").unwrap();
        let (log, file) = RunLog::begin(&path, "headline").unwrap();
        assert_eq!(log.last_words(), "");
        File::from(file).write_all(b"qemu: broken\n").unwrap();
        assert_eq!(log.last_words(), "broken");
        let link = directory.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(RunLog::begin(&link, "x").unwrap_err().to_string().contains("link.log"));
    }
}
