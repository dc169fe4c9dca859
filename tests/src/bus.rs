//! A private message bus with a directory of its own, as a test's whole world.
//!
//! A real dbus-daemon with its own configuration: nothing of the machine's or the person's buses, services or files is
//! seen. It starts services from a directory of its own; [`PrivateBus::with_lodged`] puts the built `lodged` there.
//!
//! Invariants: [`PrivateBus::start`] answers when the bus can be connected to. Dropping it ends the bus and waits until
//! every service that it started has ended, so that nothing writes into the directory when that is removed.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use lodge_dbus_interfaces::BUS_NAME;
use tempfile::TempDir;
use zbus::Connection;

use crate::binaries;

/// How long services may take to notice that the bus is gone.
const FAREWELL: Duration = Duration::from_secs(20);

/// A running dbus-daemon, which stands for both buses, the session's and the system's.
pub struct PrivateBus {
    daemon: Child,
    address: String,
    log: Arc<Log>,
    /// Hangs up when the last process that has the bus's standard error is gone.
    all_ended: mpsc::Receiver<()>,
    directory: TempDir,
}

impl PrivateBus {
    /// Starts a bus without services.
    ///
    /// # Panics
    /// dbus-daemon is not installed, or does not start.
    pub fn start() -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory can be made"))
    }

    /// Starts a bus that starts the built `lodged` when it is first called, with further arguments. Its files are below
    /// [`PrivateBus::lodge_root`].
    ///
    /// # Panics
    /// As [`PrivateBus::start`]; `lodged` is not built.
    pub fn with_lodged(arguments: &[&str]) -> Self {
        Self::with_instance(Self::fresh(), "--session", arguments)
    }

    /// The same with the system instance.
    ///
    /// # Panics
    /// As [`PrivateBus::with_lodged`].
    pub fn with_system_lodged(arguments: &[&str]) -> Self {
        let directory = Self::fresh();
        let configuration = directory.path().join("lodge/config");
        // Users are what an installed service has.
        let settings = "user = \"root\"\ngroup = \"root\"\nsecurity_driver = \"none\"\n";
        let written = std::fs::create_dir_all(&configuration).and_then(|()| std::fs::write(configuration.join("qemu.conf"), settings));
        written.expect("the temporary directory is writable");
        Self::with_instance(directory, "--system", arguments)
    }

    fn fresh() -> TempDir {
        TempDir::new().expect("a temporary directory can be made")
    }

    fn with_instance(directory: TempDir, instance: &str, arguments: &[&str]) -> Self {
        let lodged = binaries::built("lodged");
        let root = directory.path().join("lodge");
        let mut exec = format!("{} {instance} --root {}", lodged.display(), root.display());
        for argument in arguments {
            write!(exec, " {argument}").expect("a String takes everything");
        }
        Self::with_service(directory, &format!("[D-BUS Service]\nName={BUS_NAME}\nExec={exec}\n"))
    }

    /// Starts a bus in a directory, which starts `lodged` as a service file says.
    ///
    /// # Panics
    /// As [`PrivateBus::start`].
    pub fn with_service(directory: TempDir, service: &str) -> Self {
        let services = directory.path().join("services");
        std::fs::create_dir(&services).expect("the temporary directory is writable");
        std::fs::write(services.join(format!("{BUS_NAME}.service")), service).expect("the temporary directory is writable");
        Self::start_in(directory)
    }

    fn start_in(directory: TempDir) -> Self {
        let configuration = directory.path().join("bus.conf");
        std::fs::write(&configuration, configuration_for(directory.path())).expect("the temporary directory is writable");
        std::fs::create_dir(directory.path().join("run")).expect("the temporary directory is writable");
        let mut daemon = environment(binaries::command(binaries::installed("dbus-daemon", "dbus-daemon")), directory.path())
            .arg("--config-file")
            .arg(&configuration)
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dbus-daemon can be started");
        let (log, all_ended) = collect(daemon.stderr.take().expect("it is piped"));
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut address).expect("dbus-daemon can be read");
        let bus = Self { daemon, address: address.trim_end().to_owned(), log, all_ended, directory };
        assert!(!bus.address.is_empty(), "dbus-daemon did not start:\n{}", bus.log());
        bus
    }

    /// The address, for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The directory that goes with the bus.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the `lodged` of [`PrivateBus::with_lodged`] gets as `--root`.
    pub fn lodge_root(&self) -> PathBuf {
        self.directory().join("lodge")
    }

    /// What bus and services have printed so far, for messages of failing tests.
    pub fn log(&self) -> String {
        let bytes = self.log.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until bus or services have printed a text.
    ///
    /// # Panics
    /// They do not.
    pub fn until_logged(&self, text: &str) {
        let bytes = self.log.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let (bytes, waited) = self.log.more.wait_timeout_while(bytes, FAREWELL, missing).unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "'{text}' is not logged:\n{}", String::from_utf8_lossy(&bytes));
    }

    /// Connects to it.
    ///
    /// # Panics
    /// It cannot be connected to.
    pub async fn connect(&self) -> Connection {
        zbus::connection::Builder::address(self.address())
            .build()
            .await
            .unwrap_or_else(|error| panic!("cannot connect to the private bus: {error}\n{}", self.log()))
    }

    /// A command whose session bus is this one and whose own files are in [`PrivateBus::directory`]. Nothing else of the
    /// environment is passed on but `PATH`.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = environment(binaries::command(program), self.directory());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        // It may have ended by itself; wait then tells at once.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if self.all_ended.recv_timeout(FAREWELL) == Err(mpsc::RecvTimeoutError::Timeout) && !std::thread::panicking() {
            panic!("a service still runs although its bus is gone:\n{}", self.log());
        }
    }
}

/// What was printed, and a bell for more.
#[derive(Default)]
struct Log {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

/// Reads all that the bus and its services print. The receiver hangs up at the end.
fn collect(mut stderr: impl Read + Send + 'static) -> (Arc<Log>, mpsc::Receiver<()>) {
    let log = Arc::new(Log::default());
    let (running, all_ended) = mpsc::sync_channel(0);
    let collected = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = stderr.read(&mut buffer)
            && length > 0
        {
            collected.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
            collected.more.notify_all();
        }
        drop(running);
    });
    (log, all_ended)
}

fn environment(mut command: Command, directory: &Path) -> Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8").env("HOME", directory);
    command.env("XDG_RUNTIME_DIR", directory.join("run"));
    // A service that looks for the system bus finds this one, never the machine's.
    command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", directory.join("bus").display()));
    command
}

fn configuration_for(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={directory}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{directory}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_buses_are_two_worlds() {
        let (one, other) = (PrivateBus::start(), PrivateBus::start());
        let connection = one.connect().await;
        connection.request_name(BUS_NAME).await.unwrap();
        let bus = zbus::fdo::DBusProxy::new(&other.connect().await).await.unwrap();
        let names = bus.list_names().await.unwrap();
        assert!(!names.iter().any(|name| name.as_str() == BUS_NAME), "{names:?}");
    }

    #[tokio::test]
    async fn lodged_is_started_by_a_call_and_gone_with_the_bus() {
        let bus = PrivateBus::with_lodged(&[]);
        let manager = lodge_dbus_interfaces::proxies::ManagerProxy::new(&bus.connect().await).await.unwrap();
        let version = manager.version().await.unwrap_or_else(|error| panic!("{error}\n{}", bus.log()));
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        let root = bus.lodge_root();
        assert!(root.is_dir(), "{}", bus.log());
        drop(bus);
        assert!(!root.exists());
    }
}
