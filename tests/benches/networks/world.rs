//! Namespaces, a system bus with polkitd, and a directory, for both sides.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lodge_tests::binaries;
use tempfile::TempDir;

use crate::Result;
use crate::process::Process;

/// The bus's configuration: who may do what is not what is measured.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"#;

/// What is the machine's otherwise: what libvirt keeps, and which actions polkit knows.
const OWN: [&str; 5] = ["/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", ACTIONS];
const ACTIONS: &str = "/usr/share/polkit-1/actions";

/// Where both sides live. What was started ends with it, the last first; namespaces and what is mounted end with the process.
pub struct World {
    _polkitd: Process,
    _bus: Process,
    home: TempDir,
}

impl World {
    /// Leaves the machine's namespaces, for good and before there is a second thread.
    pub fn new() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Err("networks are made by root: run it as root".into());
        }
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET | nix::sched::CloneFlags::CLONE_NEWNS)?;
        // /tmp may be memory, where fsync costs nothing.
        let home = tempfile::Builder::new().prefix("lodge-bench.").tempdir_in("/var/tmp")?;
        // dnsmasq reads files there as another user.
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        run("mount", &["--make-rprivate", "/"])?;
        run("mount", &["-t", "tmpfs", "tmpfs", "/run"])?;
        for place in OWN {
            let own = home.path().join(place.replace('/', "-"));
            run("cp", &["--archive", place, &own.to_string_lossy()])?;
            run("mount", &["--bind", &own.to_string_lossy(), place])?;
        }
        run("cp", &[concat!(env!("CARGO_MANIFEST_DIR"), "/../polkit/org.lodge.Lodge1.policy"), ACTIONS])?;
        // The networks that the machine's libvirt starts by itself are not to be measured with.
        run("rm", &["-rf", "/etc/libvirt/qemu/networks/autostart"])?;
        run("ip", &["link", "set", "lo", "up"])?;
        std::fs::create_dir("/run/dbus")?;
        let bus = start_bus(&home)?;
        let polkitd = ["/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd"].into_iter().find(|path| PathBuf::from(path).is_file());
        let polkitd = polkitd.ok_or("polkitd is missing; install the package polkitd")?;
        let polkitd = Process::spawn(command(polkitd).arg("--no-debug").stdout(Stdio::null()).stderr(Stdio::null()))?;
        Ok(Self { _polkitd: polkitd, _bus: bus, home })
    }

    /// A file or directory in the home.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.home.path().join(relative)
    }

    /// Asks the kernel whether a bridge is there.
    pub fn require_bridge(&self, name: &str, there: bool) -> Result<()> {
        let found = command("ip").args(["link", "show", "dev", name]).output()?.status.success();
        if found == there { Ok(()) } else { Err(format!("bridge {name}: there is {}one", if found { "" } else { "none, not " }).into()) }
    }
}

/// A program.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = binaries::command(program);
    command.stdin(Stdio::null());
    command
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let status = command(program).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {arguments:?}: {status}").into()) }
}

fn start_bus(home: &TempDir) -> Result<Process> {
    let configuration = home.path().join("bus.conf");
    std::fs::write(&configuration, BUS)?;
    let mut command = command("dbus-daemon");
    command.arg("--config-file").arg(&configuration).args(["--nofork", "--nopidfile", "--print-address=1"]).stdout(Stdio::piped());
    let mut bus = Process::spawn(&mut command).map_err(|error| format!("{error}; install the package dbus-daemon"))?;
    let output = bus.child().and_then(|child| child.stdout.take()).ok_or("dbus-daemon has no output")?;
    let mut address = String::new();
    BufReader::new(output).read_line(&mut address)?;
    if address.trim().is_empty() { Err("dbus-daemon did not start".into()) } else { Ok(bus) }
}
