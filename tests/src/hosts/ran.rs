//! A program that ran in a host and ended: its status, what it printed, and how to say that it went wrong.
//!
//! Its output goes to files, not pipes: a service that it left behind may keep the descriptors open, and the test goes on.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::LIMIT;
use crate::binaries;

/// A program that ended.
#[derive(Debug)]
pub struct Ran {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What it ended with; by a signal, 128 and the signal's number.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Ran {
    /// What it printed, without the newline at the end.
    ///
    /// # Panics
    /// It failed.
    #[track_caller]
    pub fn success(self) -> String {
        assert!(self.status == 0, "{self:#?}");
        self.stdout.trim_end_matches('\n').to_owned()
    }

    /// What it complained of.
    ///
    /// # Panics
    /// It succeeded.
    #[track_caller]
    pub fn failure(self) -> String {
        assert!(self.status != 0, "it should have failed: {self:#?}");
        self.stderr
    }
}

/// Runs a command and waits for it. An error is the sentence that it took too long, with what it printed.
pub fn wait(command: Command, argv: &[&str], input: Stdio) -> Result<Ran, String> {
    let (mut stdout, mut stderr) = (tempfile(), tempfile());
    let mut timed = binaries::command(binaries::installed("timeout", "coreutils"));
    timed.arg("--kill-after=10").arg(LIMIT.as_secs().to_string()).arg(command.get_program()).args(command.get_args());
    let duplicate = |file: &File| file.try_clone().expect("a descriptor can be duplicated");
    let started = Instant::now();
    let status = timed.stdin(input).stdout(duplicate(&stdout)).stderr(duplicate(&stderr)).status().expect("timeout can be run");
    let argv: Vec<_> = argv.iter().map(|word| (*word).to_owned()).collect();
    let status = status.code().or(status.signal().map(|signal| 128 + signal)).expect("it ended in one of two ways");
    let ran = Ran { argv, status, stdout: read(&mut stdout), stderr: read(&mut stderr) };
    // The status of `timeout` when it had to end the program may be a program's own.
    if started.elapsed() < LIMIT { Ok(ran) } else { Err(format!("it did not end in {} s: {ran:#?}", LIMIT.as_secs())) }
}

fn tempfile() -> File {
    tempfile::tempfile().expect("a temporary file can be made")
}

fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
