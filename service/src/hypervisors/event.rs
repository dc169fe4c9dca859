//! What a machine tells the engine.

use serde::{Deserialize, Serialize};

/// What a machine does, as the hypervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// The guest runs.
    Running,
    /// The guest is held.
    Paused(PauseReason),
    /// The guest put itself to sleep.
    Suspended,
    /// The guest has shut down; the machine is kept.
    ShutDown,
    /// The guest crashed; the machine is kept.
    Crashed,
}

/// Why a guest is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// Somebody asked for it.
    User,
    /// It was started so.
    StartingUp,
    /// A disk failed or is full.
    IoError,
    /// The guest's watchdog ran out.
    Watchdog,
    /// The guest has shut down and `on_poweroff` keeps the machine.
    ShutDown,
    /// The guest crashed and `on_crash` keeps the machine.
    Crashed,
    /// The hypervisor did not say.
    Unknown,
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitReason {
    /// The guest shut down.
    Shutdown,
    /// It was ended from outside.
    Destroyed,
    /// The guest crashed and `on_crash` ended the machine.
    GuestCrashed,
    /// The hypervisor failed; with its last words.
    Failed(String),
    /// Nobody saw it end.
    Unknown,
}

/// What happened to a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineEvent {
    /// The guest runs again.
    Resumed,
    /// The guest is held. `Unknown` when the hypervisor gives no reason.
    Paused(PauseReason),
    /// The guest put itself to sleep.
    Suspended,
    /// The guest is on its way down, or was asked to be.
    ShuttingDown,
    /// The guest has shut down and the machine is held for `on_poweroff`.
    ShutDown,
    /// The guest rebooted, by itself or because it was reset.
    Rebooted,
    /// The guest crashed.
    Panicked,
    /// The watchdog ran out; with the action that was taken.
    WatchdogFired(String),
    /// A disk could not be read or written on the host.
    IoError {
        /// The device's alias; empty when unknown.
        device: String,
        /// `read` or `write`.
        operation: String,
        /// Whether the host ran out of room.
        no_space: bool,
        /// `report`, `ignore` or `stop`.
        action: String,
        /// The host's words.
        message: String,
    },
    /// The guest let go of a device, by alias.
    DeviceRemoved(String),
    /// The guest's memory is now this much, in bytes.
    MemoryChanged(u64),
    /// The guest agent appeared or vanished.
    AgentConnected(bool),
    /// The machine is gone. The last event of every machine.
    Exited(ExitReason),
}

impl MachineEvent {
    /// Whether it tells what the machine does from now on.
    pub const fn is_of_state(&self) -> bool {
        matches!(
            self,
            Self::Resumed | Self::Paused(_) | Self::Suspended | Self::ShuttingDown | Self::ShutDown | Self::Panicked | Self::Exited(_)
        )
    }
}
