//! What is written down of a guest, so that a later run of the service finds it again.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::RunLog;
use super::plan::Stream;
use super::undo;
use crate::error::{Error, ErrorKind, Result};
use crate::host::boot;
use crate::host::process::Process;

/// A process, by what no later process can have too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    pub start_time: u64,
}

impl Identity {
    /// The identity of a process.
    pub fn of(process: &Process) -> Self {
        Self { pid: process.pid(), start_time: process.start_time() }
    }

    /// The process, if it still runs.
    ///
    /// # Errors
    /// `HostFailed` when that cannot be told.
    pub fn reopen(&self) -> Result<Option<Process>> {
        Ok(Process::reopen(self.pid, self.start_time)?)
    }
}

/// A stream of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// The device's alias.
    pub alias: String,
    /// QEMU's id of the character device.
    pub chardev: String,
    /// The socket; `None` for a terminal.
    pub socket: Option<PathBuf>,
}

impl From<&Stream> for StreamRecord {
    fn from(stream: &Stream) -> Self {
        Self { alias: stream.alias.clone(), chardev: stream.chardev.clone(), socket: stream.socket.clone() }
    }
}

/// Everything that is written down of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Start times count from a boot of the host: this one.
    pub boot: String,
    /// QEMU; `None` while only its companions run.
    pub qemu: Option<Identity>,
    /// Programs that run beside it.
    pub companions: Vec<Identity>,
    /// The socket that QMP is spoken on.
    pub qmp: PathBuf,
    /// Sockets to remove when the guest is gone.
    pub sockets: Vec<PathBuf>,
    /// The directory that the guest's programs make sockets in, to be removed with all in it.
    #[serde(default)]
    pub directory: PathBuf,
    /// Streams a person can talk to the guest by.
    pub consoles: Vec<StreamRecord>,
    /// The guest agent's channel.
    pub agent: Option<StreamRecord>,
    /// What QEMU says.
    pub log: RunLog,
    /// The power button was pressed in order to reboot: the next shutdown becomes a reset.
    pub rebooting: bool,
    /// What was decided for the guest's confinement; `None` when it has none.
    #[serde(default)]
    pub confinement: Option<Value>,
}

impl Record {
    /// As JSON.
    ///
    /// # Errors
    /// `Internal`: a path that is no text.
    pub fn to_json(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::new(ErrorKind::Internal, "a guest's record cannot be written").caused_by(error))
    }

    /// Removes the files of a guest that is gone.
    pub fn remove_files(&self) {
        for socket in &self.sockets {
            undo::remove_socket(socket);
        }
        if self.directory.is_absolute() {
            undo::remove(&self.directory);
        }
    }
}

/// Tells one boot of the host from another (random(4)).
///
/// # Errors
/// `HostFailed` without `/proc`.
pub fn boot_id() -> Result<String> {
    boot::id().map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read {}", boot::ID)).caused_by(error))
}
