//! A virtual machine in emulation, for what a container cannot have: a kernel of its own with AppArmor or SELinux, limits of
//! cgroups, KVM.
//!
//! It goes on from a snapshot of a booted machine, over a copy of the layer that the snapshot is in. Nobody else reaches its
//! network; it has one of QEMU's with a way in by a port that the kernel chose. What it is to read comes by a disk: reading that
//! is not slow.

use std::fs::File;
use std::io::Seek as _;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tempfile::TempDir;

use super::monitor::Monitor;
use super::process::{self, Process};
use super::ssh::Ssh;
use super::{ENVIRONMENT, Host, LIMIT, Ran, assert_root, prepared, ran, show_last_seen};
use crate::binaries;

/// What confines programs in a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmKind {
    /// AppArmor, as Debian starts it.
    AppArmor,
    /// SELinux, enforcing Debian's default policy.
    SeLinux,
}

impl VmKind {
    /// As its files are called.
    fn name(self) -> &'static str {
        match self {
            Self::AppArmor => "apparmor",
            Self::SeLinux => "selinux",
        }
    }
}

/// The size of the disk that files come by, as the snapshot has it.
const SHARE: u64 = 4 << 30;

/// Executes a program that reads so many bytes of that disk. The kernel forgets what it has read of it when it is closed.
const FROM_SHARE: &str = r#"head --bytes="$0" /dev/vdb | "$@""#;

/// A running virtual machine.
pub struct Vm {
    ssh: Ssh,
    /// The disk that files come by, for one at a time.
    share: Mutex<File>,
    // Ends before the files go.
    _process: Process,
    directory: TempDir,
}

impl Vm {
    /// Starts one from its snapshot until commands run in it.
    ///
    /// # Panics
    /// This is not root, a program is missing, or it does not come up; what it printed stands in the message.
    pub fn boot(kind: VmKind) -> Self {
        assert_root();
        let prepared = prepared::directory("vm");
        let directory = TempDir::new().expect("a temporary directory can be made");
        let layer = prepared.join(kind.name()).with_extension("qcow2");
        std::fs::copy(layer, directory.path().join("root.qcow2")).expect("the layer of the snapshot can be copied");
        let share = File::create(directory.path().join("share")).expect("the temporary directory is writable");
        share.set_len(SHARE).expect("the temporary directory takes a file with nothing in it");
        let monitor = UnixListener::bind(directory.path().join("monitor")).expect("a socket can be bound");
        let process = Process::start(&qemu(kind, &prepared, directory.path()), "KILL", &directory.path().join("qemu"));
        let connected = forwarded_port(&monitor, &process).and_then(|port| Ssh::connect(&prepared, directory.path(), port));
        let ssh = connected.unwrap_or_else(|error| panic!("the virtual machine does not come up: {error}\n{}", printed(directory.path())));
        let vm = Self { ssh, share: Mutex::new(share), _process: process, directory };
        // It believes that no time has passed.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock of this machine is set");
        vm.run(&["date", &format!("--set=@{}", now.as_secs())]).success();
        vm
    }
}

impl Host for Vm {
    fn command(&self, argv: &[&str]) -> Command {
        self.ssh.command(&[ENVIRONMENT, argv].concat())
    }

    fn run_with(&self, argv: &[&str], mut input: File) -> Ran {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        let length = share.rewind().and_then(|()| std::io::copy(&mut input, &mut *share)).expect("the disk can be written");
        assert!(length <= SHARE, "{length} bytes do not fit the disk that they would come by");
        self.run(&[&["sh", "-c", FROM_SHARE, &length.to_string()], argv].concat())
    }

    fn last_seen(&self) -> String {
        let argv = ["sh", "-c", "journalctl --no-pager --lines=50; grep -i denied /var/log/audit/audit.log | tail --lines=20"];
        let logs = ran::wait(self.command(&argv), &argv, Stdio::null());
        format!("{}\nIts journal and denials:\n{}", printed(self.directory.path()), logs.map_or_else(|hangs| hangs, |ran| ran.stdout))
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        show_last_seen(self);
    }
}

/// QEMU for the machine of a snapshot, with what is behind its devices.
fn qemu(kind: VmKind, prepared: &Path, directory: &Path) -> Command {
    let mut command = binaries::command(binaries::installed("qemu-system-x86_64", "qemu-system-x86"));
    let arguments = std::fs::read_to_string(prepared.join(kind.name()).with_extension("arguments"));
    command.current_dir(prepared).args(arguments.expect("the arguments of the snapshot can be read").lines());
    let file = |name: &str| directory.join(name).display().to_string();
    command.args(["-drive", &format!("if=none,id=root,file={},cache=unsafe", file("root.qcow2"))]);
    command.args(["-drive", &format!("if=none,id=share,file={},format=raw,readonly=on,cache=unsafe", file("share"))]);
    command.args(["-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:0-:22"]);
    command.args(["-serial", &format!("file:{}", file("serial"))]);
    command.args(["-chardev", &format!("socket,id=monitor,path={}", file("monitor")), "-mon", "chardev=monitor,mode=control"]);
    command.args(["-loadvm", "booted"]);
    command
}

/// The port of this machine that leads to that of ssh.
fn forwarded_port(monitor: &UnixListener, process: &Process) -> Result<u16, String> {
    if process::ready(&[monitor.as_fd(), process.end()], LIMIT) != Some(0) {
        return Err("QEMU ended, or does not start".to_owned());
    }
    let networks = Monitor::accept(monitor).and_then(|mut monitor| monitor.line("info usernet"));
    let networks = networks.map_err(|error| format!("QEMU's monitor: {error}"))?;
    // TCP[HOST_FORWARD]  13       127.0.0.1 38873       10.0.2.15    22
    let forward = networks.lines().find(|line| line.contains("HOST_FORWARD"));
    let port = forward.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    port.ok_or_else(|| format!("QEMU forwards no port: {networks}"))
}

/// What QEMU and the machine's console said.
fn printed(directory: &Path) -> String {
    let read = |name: &str| String::from_utf8_lossy(&std::fs::read(directory.join(name)).unwrap_or_default()).into_owned();
    format!("QEMU:\n{}\nThe console:\n{}", read("qemu"), read("serial"))
}
