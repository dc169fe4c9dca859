//! A temporary home with a private bus, for a user who is not root.

use std::fs::{DirBuilder, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lodge_tests::binaries;
use rustix::process::{Gid, Uid, geteuid};
use tempfile::TempDir;

use crate::Result;
use crate::process::Process;

/// The user `nobody` and the group `nogroup` of Debian.
const NOBODY: u32 = 65534;

/// Where both sides live. Ends the bus and removes the files when dropped.
pub struct Sandbox {
    /// Dropped before the directory goes.
    _bus: Process,
    /// The address of the bus.
    pub address: String,
    /// The lodged that was built beside this program, copied to where the user can execute it.
    pub lodged: PathBuf,
    home: TempDir,
}

impl Sandbox {
    /// Makes the home, becomes `nobody` when run by root, and starts the bus.
    pub fn new() -> Result<Self> {
        // /tmp may be memory, where fsync costs nothing.
        let home = tempfile::Builder::new().prefix("lodge-bench.").tempdir_in("/var/tmp")?;
        let lodged = home.path().join("lodged");
        std::fs::copy(binaries::built("lodged"), &lodged)?;
        if geteuid().is_root() {
            std::os::unix::fs::chown(home.path(), Some(NOBODY), Some(NOBODY))?;
            become_nobody()?;
        }
        for directory in ["run", "config", "data", "state", "cache"] {
            DirBuilder::new().mode(0o700).create(home.path().join(directory))?;
        }
        let (bus, address) = start_bus(home.path())?;
        Ok(Self { _bus: bus, address, lodged, home })
    }

    /// A file or directory in the home.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.home.path().join(relative)
    }

    /// A program in the environment of the home.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = command_in(self.home.path(), program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

/// For good, and before there is a second thread.
fn become_nobody() -> Result<()> {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(group, group, group)?;
    rustix::thread::set_thread_res_uid(user, user, user)?;
    Ok(())
}

fn command_in(home: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = binaries::command(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", home).current_dir(home);
    for kind in ["config", "data", "state", "cache"] {
        command.env(format!("XDG_{}_HOME", kind.to_uppercase()), home.join(kind));
    }
    command.env("XDG_RUNTIME_DIR", home.join("run")).stdin(Stdio::null());
    command
}

/// A bus that starts nothing by itself.
fn start_bus(home: &Path) -> Result<(Process, String)> {
    let configuration = home.join("bus.conf");
    let listen = home.join("bus");
    std::fs::write(
        &configuration,
        format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"#,
            listen.display()
        ),
    )?;
    std::fs::set_permissions(&configuration, Permissions::from_mode(0o600))?;
    let mut command = command_in(home, "dbus-daemon");
    command.arg("--config-file").arg(&configuration).args(["--nofork", "--nopidfile", "--print-address=1"]).stdout(Stdio::piped());
    let mut bus = Process::spawn(&mut command).map_err(|error| format!("{error}; install the package dbus-daemon"))?;
    let output = bus.child().and_then(|child| child.stdout.take()).ok_or("dbus-daemon has no output")?;
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address)?;
    match address.trim() {
        "" => Err("dbus-daemon did not start".into()),
        address => Ok((bus, address.to_owned())),
    }
}
