//! A container with a real systemd as its first process, by systemd-nspawn, without a systemd on the machine.
//!
//! Its root is the prepared one under a layer in memory (at most a tenth of the machine's, a limit of systemd-nspawn), mounted
//! where only the container sees it. It has a network without a way out, and every capability that the machine has:
//! confinement is what the tests are about. Its cgroups are of version 2, without controllers where the machine has
//! none for it: device rules, freezing and delegation work; limits do not.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use uuid::Uuid;

use super::cgroup::Cgroup;
use super::process::{self, Process};
use super::{ENVIRONMENT, Host, assert_root, prepared, ran, show_last_seen};
use crate::binaries;

/// How long a boot, or a power-off, may take.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Devices that a container gets when the machine has them, as udev gives them: path, mode, group. The nodes are its own, so
/// that nothing happens to the machine's when an owner changes.
const DEVICES: &[[&str; 3]] = &[["/dev/kvm", "0660", "kvm"], ["/dev/net/tun", "0666", "root"]];

/// Makes a node: path, mode, group, major and minor number.
const NODE: &str = r#"mkdir -p "${1%/*}" && rm -f "$1" && mknod --mode="$2" "$1" c "$4" "$5" && chgrp "$3" "$1""#;

/// Puts a shell into the cgroup that its first argument is the door of, then executes the rest.
const ENTER: &str = r#"echo 0 >"$1" && shift && exec "$@""#;

/// A running container.
pub struct Container {
    name: String,
    /// Its first process, in the machine's numbers.
    leader: u32,
    process: Process,
    cgroup: Cgroup,
    directory: TempDir,
}

impl Container {
    /// Boots one until systemd says that all units are up.
    ///
    /// # Panics
    /// This is not root, a program is missing, or it does not come up; its log stands in the message.
    pub fn boot() -> Self {
        assert_root();
        let root = prepared::directory("container").join("root");
        let name = format!("lodge-test-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let directory = TempDir::new().expect("a temporary directory can be made");
        std::fs::create_dir(directory.path().join("share")).expect("the temporary directory is writable");
        let notifications = UnixDatagram::bind(directory.path().join("notify")).expect("a socket can be bound");
        let cgroup = Cgroup::create(&name);
        let process = Process::start(&nspawn(&name, &root, directory.path(), &cgroup), "TERM", &directory.path().join("console"));
        let mut container = Self { name, leader: 0, process, cgroup, directory };
        container.leader = container.await_boot(&notifications);
        container.make_devices();
        let state = container.run(&["systemctl", "is-system-running", "--wait"]);
        assert!(state.stdout == "running\n", "{}{}", container.run(&["systemctl", "--failed", "--full"]).stdout, container.last_seen());
        container
    }

    /// Its name, which is its host name too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A directory of the machine that is `/share` in the container: a real file system, unlike the rest.
    pub fn share(&self) -> PathBuf {
        self.directory.path().join("share")
    }

    /// A path of the container as the machine reaches it. An absolute link on the way would lead out of the container.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/{}", self.leader, path.trim_start_matches('/')))
    }

    /// The address of its system bus, to be connected to as root.
    pub fn bus_address(&self) -> String {
        format!("unix:path={}", self.path("/run/dbus/system_bus_socket").display())
    }

    /// Waits until systemd in the container says that it is ready; answers with its process.
    fn await_boot(&self, notifications: &UnixDatagram) -> u32 {
        let (deadline, mut leader) = (Instant::now() + BOOT_LIMIT, None);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match process::ready(&[notifications.as_fd(), self.process.end()], left) {
                Some(0) => {}
                Some(_) => panic!("the container ended instead of booting\n{}", self.console()),
                None => panic!("the container did not boot in {} s\n{}", BOOT_LIMIT.as_secs(), self.console()),
            }
            let mut buffer = [0; 4096];
            let length = notifications.recv(&mut buffer).expect("a notification that is there can be read");
            let notification = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let values = |name: &str| notification.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            leader = values("X_NSPAWN_LEADER_PID=").and_then(|pid| pid.parse().ok()).or(leader);
            if values("READY=").is_some() {
                return leader.expect("systemd-nspawn tells the first process before it is ready");
            }
        }
    }

    fn make_devices(&self) {
        for [path, mode, group] in DEVICES {
            if let Ok(device) = std::fs::metadata(path) {
                let (major, minor) = (rustix::fs::major(device.rdev()), rustix::fs::minor(device.rdev()));
                self.run(&["sh", "-c", NODE, "sh", path, mode, group, &major.to_string(), &minor.to_string()]).success();
            }
        }
    }

    fn console(&self) -> String {
        let console = std::fs::read(self.directory.path().join("console")).unwrap_or_default();
        format!("The console of {}:\n{}", self.name, String::from_utf8_lossy(&console))
    }
}

impl Host for Container {
    fn command(&self, argv: &[&str]) -> Command {
        let mut command = binaries::command(binaries::installed("sh", "dash"));
        // A process from outside is in no cgroup that the container knows; that of its first process is always there.
        command.args(["-c", ENTER, "sh"]).arg(self.cgroup.door_of("payload/init.scope"));
        command.arg(binaries::installed("nsenter", "util-linux")).args(["--target", &self.leader.to_string(), "--all"]);
        command.args(ENVIRONMENT).args(argv);
        command
    }

    fn last_seen(&self) -> String {
        let argv = ["journalctl", "--no-pager", "--lines=50"];
        let journal = ran::wait(self.command(&argv), &argv, Stdio::null());
        format!("{}\nIts journal:\n{}", self.console(), journal.map_or_else(|hangs| hangs, |ran| ran.stdout))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // One that did not boot has said so.
        if self.leader != 0 {
            show_last_seen(self);
        }
        // systemd-nspawn hands this on as the wish to power off. What does not obey is killed when the fields go.
        self.process.signal(Signal::TERM);
        let ended = self.process.ends_within(BOOT_LIMIT);
        assert!(ended || std::thread::panicking(), "the container does not power off\n{}", self.console());
    }
}

/// systemd-nspawn for a root that stays as it is.
fn nspawn(name: &str, root: &Path, directory: &Path, cgroup: &Cgroup) -> Command {
    let mut command = binaries::command(binaries::installed("sh", "dash"));
    command.args(["-c", ENTER, "sh"]).arg(cgroup.door()).arg(binaries::installed("systemd-nspawn", "systemd-container"));
    // Nothing of it needs a systemd on the machine.
    command.args(["--register=no", "--keep-unit", "--machine", name, "--boot", "--notify-ready=yes", "--private-network"]);
    command.arg("--directory").arg(root).arg("--volatile=overlay");
    command.args(["--capability=all", "--system-call-filter=@known"]);
    command.arg(format!("--bind={}:/share", directory.join("share").display()));
    command.env("NOTIFY_SOCKET", directory.join("notify"));
    // The console is read in messages.
    command.env("TERM", "dumb");
    // A root that nobody changes may be used by several.
    command.env("SYSTEMD_NSPAWN_LOCK", "0").env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
    command
}
