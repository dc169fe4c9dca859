//! `lodgectl` as a person or a script uses it: the built program against a real bus.
//!
//! [`capabilities`], [`domains`], [`editing`], [`native`] and [`storage`] have the built `lodged` behind the bus, started by it; [`consoles`],
//! [`following`] and [`node_devices`] have a mock that says when it was called and what it was sent.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod capabilities;
mod consoles;
mod documents;
mod domains;
mod editing;
mod following;
mod mock;
mod native;
mod node_devices;
mod storage;

use std::process::{Command, Output};

use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;

/// What a run of the program left.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` when a signal killed it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    /// Its output, where it went well and had nothing to complain about.
    pub fn good(self) -> String {
        assert!(self.code == Some(0) && self.stderr.is_empty(), "{self:?}");
        self.stdout
    }

    /// Its complaints, where it failed.
    pub fn failed(self) -> String {
        assert!(self.code == Some(1) && self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        self.stderr
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The program with arguments, on a bus.
pub fn lodgectl(bus: &PrivateBus, arguments: &[&str]) -> Command {
    let mut command = bus.command(binaries::built("lodgectl"));
    command.args(arguments);
    command
}

/// Runs the program to its end.
pub fn run(bus: &PrivateBus, arguments: &[&str]) -> Ran {
    lodgectl(bus, arguments).output().unwrap().into()
}

/// Writes a domain document that the in-memory driver and QEMU both take, and answers with its path.
pub fn document(bus: &PrivateBus, name: &str) -> String {
    let path = bus.directory().join(format!("{name}.xml"));
    let xml = format!(
        "<domain type='qemu'>
  <name>{name}</name>
  <title>A test</title>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
</domain>
"
    );
    std::fs::write(&path, xml).unwrap();
    path.to_str().unwrap().to_owned()
}
