//! Whole systems of the project's own for tests: booted for one test, changed as it likes, thrown away.
//!
//! [`Container`] has real systemd, system bus, polkit and devices, and is there in a third of a second. [`Vm`] has a kernel of
//! its own, with AppArmor or SELinux, and takes some seconds. What they are made from is built by `scripts/test-host` and
//! never changed. All of it needs root.
//!
//! Invariants: two hosts never meet, in names, files, ports or cgroups, whoever runs them. A host ends with the value that
//! stands for it, also when the test panics or its process is killed. What a command in a host takes longer than
//! [`LIMIT`] for has failed, and says what the host was last seen doing.

mod cgroup;
mod container;
mod monitor;
mod prepared;
mod process;
mod ran;
mod ssh;
mod vm;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

pub use container::Container;
pub use ran::Ran;
pub use vm::{Vm, VmKind};

use crate::binaries;

/// How long anything in a host may take; machines that run tests do much else.
pub const LIMIT: Duration = Duration::from_secs(300);

/// What starts a program in a host with the environment of a login of root's, and nothing of the test's.
const ENVIRONMENT: &[&str] =
    &["env", "--ignore-environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"];

/// A system that runs.
pub trait Host {
    /// A command that runs a program there as root, with a clean environment, until its status comes back. A test that reads
    /// its output by a pipe waits for every process that inherited the pipe; [`Host::run`] does not.
    fn command(&self, argv: &[&str]) -> Command;

    /// The end of what the host has printed and logged, for the messages of failing tests.
    fn last_seen(&self) -> String;

    /// Runs a program as root and waits for it.
    ///
    /// # Panics
    /// It takes longer than [`LIMIT`], or cannot be started.
    fn run(&self, argv: &[&str]) -> Ran {
        let ran = ran::wait(self.command(argv), argv, Stdio::null());
        ran.unwrap_or_else(|hangs| panic!("{hangs}\n{}", self.last_seen()))
    }

    /// The same with a file, from where it stands, as the program's standard input.
    fn run_with(&self, argv: &[&str], input: File) -> Ran {
        let ran = ran::wait(self.command(argv), argv, input.into());
        ran.unwrap_or_else(|hangs| panic!("{hangs}\n{}", self.last_seen()))
    }

    /// Runs a program as a user of the host, with that user's groups and nothing of root's.
    fn run_as(&self, user: &str, argv: &[&str]) -> Ran {
        let (uid, gid) = (format!("--reuid={user}"), format!("--regid={user}"));
        let home = format!("HOME=/home/{user}");
        let switch = ["setpriv", &uid, &gid, "--init-groups", "--inh-caps=-all", "env", "--chdir=/", &home, &format!("USER={user}")];
        self.run(&[&switch, argv].concat())
    }

    /// Runs a program as a user who sits at the host, in an active session of its seat: what polkit calls local and active.
    fn run_seated(&self, user: &str, argv: &[&str]) -> Ran {
        // Where a seat has virtual terminals, its active session is that of the one in front.
        let terminal = if self.run(&["test", "-c", "/dev/tty0"]).status == 0 { "XDG_VTNR=1" } else { "" };
        let session = format!("--property=Environment=XDG_SEAT=seat0 XDG_SESSION_TYPE=tty XDG_SESSION_CLASS=user {terminal}");
        let uid = format!("--uid={user}");
        let login = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--property=PAMName=login", &session, &uid, "--"];
        // systemd puts variables in where a word has a dollar.
        let words: Vec<String> = argv.iter().map(|word| word.replace('$', "$$")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.run(&[&login[..], &words].concat())
    }

    /// Makes a user with a home and a group of the same name, who is in those groups too.
    ///
    /// # Panics
    /// A group does not exist.
    fn add_user(&self, name: &str, groups: &[&str]) {
        self.run(&["useradd", "--create-home", "--groups", &groups.join(","), name]).success();
    }

    /// Writes a file of root that all may read, with the directories that it needs.
    fn write(&self, path: &str, contents: &str) {
        self.put(&mut contents.as_bytes(), "0644", path);
    }

    /// Copies a file of the machine, with its mode, to a path in the host.
    ///
    /// # Panics
    /// It cannot be read.
    fn copy_in(&self, from: &Path, to: &str) {
        let mut file = File::open(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        let mode = file.metadata().expect("an open file has metadata").permissions().mode() & 0o7777;
        self.put(&mut file, &format!("{mode:o}"), to);
    }

    /// Makes a file in the host out of what is read.
    fn put(&self, contents: &mut dyn std::io::Read, mode: &str, path: &str) {
        let mut input = tempfile::tempfile().expect("a temporary file can be made");
        std::io::copy(contents, &mut input).expect("the temporary file can be written");
        self.run_with(&["install", "-D", "--mode", mode, "/dev/stdin", path], rewound(input)).success();
    }

    /// Installs what stands below a directory that `make install DESTDIR=` filled, as a package would: the files, owned by
    /// root and labelled for SELinux where it is there, then users, temporary files, units and bus configuration as they say.
    ///
    /// # Panics
    /// Something cannot be installed.
    fn install_staged(&self, destination: &Path) {
        let archive = tempfile::tempfile().expect("a temporary file can be made");
        let mut pack = binaries::command(binaries::installed("tar", "tar"));
        pack.args(["--create", "--owner=root:0", "--group=root:0", "--directory"]).arg(destination).arg(".");
        let packed = pack.stdout(archive.try_clone().expect("a descriptor can be duplicated")).status().expect("tar can be run");
        assert!(packed.success(), "tar of {} ended with {packed}", destination.display());
        // Directories that exist, and links to them, stay as they are.
        let unpack = ["tar", "--extract", "--verbose", "--no-overwrite-dir", "--keep-directory-symlink", "--directory=/"];
        let files = self.run_with(&unpack, rewound(archive)).success();
        self.label(&files);
        self.run(&["systemd-sysusers"]).success();
        self.run(&["systemd-tmpfiles", "--create"]).success();
        self.reload();
    }

    /// Installs a Debian package whose dependencies are there.
    ///
    /// # Panics
    /// It cannot be installed.
    fn install_package(&self, package: &Path) {
        self.copy_in(package, "/tmp/package.deb");
        self.run(&["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", "/tmp/package.deb"]).success();
    }

    /// Gives files, one a line, the labels of the policy, where SELinux is there.
    fn label(&self, files: &str) {
        let mut list = tempfile::tempfile().expect("a temporary file can be made");
        writeln!(list, "{files}").expect("the temporary file can be written");
        let label = "cd / && { ! command -v selinuxenabled >/dev/null || ! selinuxenabled || restorecon -f -; }";
        self.run_with(&["sh", "-c", label], rewound(list)).success();
    }

    /// Has systemd and the system bus read their configuration anew.
    fn reload(&self) {
        self.run(&["systemctl", "daemon-reload"]).success();
        let bus = "org.freedesktop.DBus";
        self.run(&["busctl", "call", bus, "/org/freedesktop/DBus", bus, "ReloadConfig"]).success();
    }
}

/// A file to be read from its beginning.
fn rewound(mut file: File) -> File {
    use std::io::Seek as _;
    file.flush().and_then(|()| file.rewind()).expect("a temporary file can be rewound");
    file
}

/// Prints what a host was last seen doing when the test fails just now.
fn show_last_seen(host: &dyn Host) {
    if std::thread::panicking() {
        #[allow(clippy::print_stderr, reason = "cargo shows it below the test that failed")]
        {
            eprintln!("{}", host.last_seen());
        }
    }
}

/// All tests of hosts need root.
fn assert_root() {
    let root = rustix::process::geteuid().is_root();
    assert!(root, "test hosts are run by root only: systemd-nspawn, devices and file owners need it; run this test by sudo");
}
