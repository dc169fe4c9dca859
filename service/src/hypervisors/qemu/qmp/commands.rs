//! The commands the service uses, with types. Names and meanings are those of the QEMU QMP Reference Manual.

use std::os::fd::OwnedFd;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, NoArguments, QmpError};

/// State of the machine as QEMU sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "QEMU's names; its manual tells what they mean")]
pub enum RunState {
    Debug,
    Inmigrate,
    InternalError,
    IoError,
    Paused,
    Postmigrate,
    Prelaunch,
    FinishMigrate,
    RestoreVm,
    Running,
    SaveVm,
    Shutdown,
    Suspended,
    Watchdog,
    GuestPanicked,
    Colo,
    /// One that this service does not know.
    #[serde(other)]
    Unknown,
}

/// Result of `query-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// What the machine is doing, or why it stands still.
    pub status: RunState,
    /// Whether its processors run.
    pub running: bool,
}

/// One of `query-chardev`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Chardev {
    /// Its id.
    pub label: String,
    /// What it is connected to, in QEMU's notation, as `pty:/dev/pts/3`.
    pub filename: String,
    /// Whether the device in the guest has it open.
    pub frontend_open: bool,
}

impl Chardev {
    /// Path of the terminal, if it is one that QEMU opened.
    pub fn pty(&self) -> Option<&str> {
        self.filename.strip_prefix("pty:")
    }
}

/// One of `query-block`: a drive of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Drive {
    /// The device's id, or its place in QEMU's tree of objects.
    #[serde(default)]
    pub qdev: Option<String>,
    /// What is in it.
    #[serde(default)]
    pub inserted: Option<Medium>,
}

/// What is in a drive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Medium {
    /// The name of its topmost node.
    #[serde(default)]
    pub node_name: Option<String>,
}

impl Drive {
    /// The alias of the device: parts of a device stand behind it in the tree, as `virtio-backend`.
    pub fn alias(&self) -> Option<&str> {
        let qdev = self.qdev.as_deref()?;
        match qdev.strip_prefix("/machine/peripheral/") {
            Some(path) => path.split('/').next(),
            None => Some(qdev),
        }
    }
}

/// One of `query-cpus-fast`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vcpu {
    /// Its number, from 0.
    pub cpu_index: u32,
    /// The host's thread that executes it.
    pub thread_id: i32,
}

/// One of `query-iothreads`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IoThread {
    /// Its id.
    pub id: String,
    /// The host's thread that it is.
    pub thread_id: i32,
}

#[derive(Deserialize)]
struct BalloonInfo {
    actual: u64,
}

/// Every method fails as [`Client::execute`] does.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Client {
    /// What the machine is doing.
    pub async fn query_status(&self) -> Result<Status, QmpError> {
        self.execute("query-status", NoArguments {}).await
    }

    /// Lets the processors run.
    pub async fn cont(&self) -> Result<(), QmpError> {
        self.order("cont").await
    }

    /// Stops the processors.
    pub async fn stop(&self) -> Result<(), QmpError> {
        self.order("stop").await
    }

    /// Presses the power button: the guest is asked by ACPI to shut down, and may ignore it.
    pub async fn system_powerdown(&self) -> Result<(), QmpError> {
        self.order("system_powerdown").await
    }

    /// Presses the reset button.
    pub async fn system_reset(&self) -> Result<(), QmpError> {
        self.order("system_reset").await
    }

    /// Wakes the guest from sleep in memory.
    pub async fn system_wakeup(&self) -> Result<(), QmpError> {
        self.order("system_wakeup").await
    }

    /// Ends QEMU. It answers first and then closes the connection.
    pub async fn quit(&self) -> Result<(), QmpError> {
        self.order("quit").await
    }

    /// The character devices.
    pub async fn query_chardev(&self) -> Result<Vec<Chardev>, QmpError> {
        self.execute("query-chardev", NoArguments {}).await
    }

    /// The drives.
    pub async fn query_block(&self) -> Result<Vec<Drive>, QmpError> {
        self.execute("query-block", NoArguments {}).await
    }

    /// The virtual processors that are plugged.
    pub async fn query_cpus_fast(&self) -> Result<Vec<Vcpu>, QmpError> {
        self.execute("query-cpus-fast", NoArguments {}).await
    }

    /// The I/O threads.
    pub async fn query_iothreads(&self) -> Result<Vec<IoThread>, QmpError> {
        self.execute("query-iothreads", NoArguments {}).await
    }

    /// Size of the guest's memory as the balloon left it, in bytes. Refused when there is no balloon.
    pub async fn query_balloon(&self) -> Result<u64, QmpError> {
        let BalloonInfo { actual } = self.execute("query-balloon", NoArguments {}).await?;
        Ok(actual)
    }

    /// Asks the guest's balloon driver to bring its memory to `bytes`; it may take its time.
    pub async fn balloon(&self, bytes: u64) -> Result<(), QmpError> {
        let IgnoredAny = self.execute("balloon", json!({ "value": bytes })).await?;
        Ok(())
    }

    /// Gives QEMU a file, which later commands call by `name`. An older one of that name is closed.
    pub async fn getfd(&self, name: &str, file: OwnedFd) -> Result<(), QmpError> {
        let IgnoredAny = self.execute_with_file("getfd", json!({ "fdname": name }), file).await?;
        Ok(())
    }

    /// Closes a file given with [`Client::getfd`].
    pub async fn closefd(&self, name: &str) -> Result<(), QmpError> {
        let IgnoredAny = self.execute("closefd", json!({ "fdname": name })).await?;
        Ok(())
    }

    /// A command without arguments and result.
    async fn order(&self, command: &str) -> Result<(), QmpError> {
        let IgnoredAny = self.execute(command, NoArguments {}).await?;
        Ok(())
    }
}
