//! The least that a start can take: QEMU with the same machine, started by hand, until it greets on QMP.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::Process;
use crate::sandbox::Sandbox;

/// The machine of `startable.xml`.
const ARGUMENTS: &[&str] = &[
    "-machine",
    "q35",
    "-accel",
    "tcg",
    "-m",
    "256",
    "-smp",
    "1",
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-device",
    "pcie-root-port,id=pci.1,chassis=1,multifunction=on,addr=0x1",
    "-chardev",
    "pty,id=serial0",
    "-device",
    "isa-serial,chardev=serial0",
    "-object",
    "rng-random,id=rng0,filename=/dev/urandom",
    "-device",
    "virtio-rng-pci,rng=rng0,bus=pci.1",
    "-qmp",
    "stdio",
];

/// The time from the start of the process to the greeting.
pub fn greeting(sandbox: &Sandbox) -> Result<Duration> {
    let since = Instant::now();
    let mut command = sandbox.command("qemu-system-x86_64");
    let mut qemu = Process::spawn(command.args(ARGUMENTS).stdout(Stdio::piped()).stdin(Stdio::piped()))?;
    let output = qemu.child().and_then(|child| child.stdout.take()).ok_or("QEMU has no output")?;
    let mut lines = BufReader::new(output).lines();
    // It says first which terminal the serial line got.
    let greeted = lines.any(|line| line.is_ok_and(|line| line.contains("\"QMP\"")));
    let taken = since.elapsed();
    if greeted { Ok(taken) } else { Err("QEMU ended before it greeted".into()) }
}
