//! A domain's state and the reason for it, as one value. Pure.
//!
//! ```text
//!              start                     guest powers off
//! shut-off ───────────▶ running ───────────────────────────▶ shutting-down
//!    ▲                  │  ▲  │ guest sleeps / wakes               │
//!    │          suspend │  │  └──────▶ suspended                   │ process gone
//!    │                  ▼  │ resume                                │
//!    │                 paused         crashed (kept by on_crash)   │
//!    └──────────────── process gone: destroyed, crashed, failed ◀──┘
//! ```

use serde::{Deserialize, Serialize};

use crate::hypervisors::{ExitReason, PauseReason, RunState};

/// What a domain does and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
pub enum State {
    /// There is no machine.
    ShutOff(ShutOff),
    /// The guest executes.
    Running(Running),
    /// The machine exists, its processors are stopped.
    Paused(PauseReason),
    /// The guest has powered off or was asked to, the machine is still there.
    ShuttingDown(ShuttingDown),
    /// The guest put itself to sleep.
    Suspended,
    /// The guest has crashed and its machine is kept.
    Crashed,
}

/// Why there is no machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShutOff {
    /// Not started since the service knows it.
    Unknown,
    /// The guest powered off.
    Shutdown,
    /// Somebody pulled the plug.
    Destroyed,
    /// The guest crashed.
    Crashed,
    /// It could not start, or the hypervisor failed.
    Failed,
    /// It ended while the service was away, and nothing tells how.
    Lost,
}

/// Why the guest executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Running {
    /// It was started.
    Booted,
    /// It was paused before.
    Unpaused,
    /// It slept before.
    Woken,
}

/// Who wants the guest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShuttingDown {
    /// Somebody asked it.
    User,
    /// The guest by itself.
    Guest,
}

impl State {
    /// The state's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShutOff(_) => "shut-off",
            Self::Running(_) => "running",
            Self::Paused(_) => "paused",
            Self::ShuttingDown(_) => "shutting-down",
            Self::Suspended => "suspended",
            Self::Crashed => "crashed",
        }
    }

    /// The reason's word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ShutOff(ShutOff::Unknown) => "unknown",
            Self::ShutOff(ShutOff::Shutdown) => "shutdown",
            Self::ShutOff(ShutOff::Destroyed) => "destroyed",
            Self::ShutOff(ShutOff::Crashed) => "crashed",
            Self::ShutOff(ShutOff::Failed) => "failed",
            Self::ShutOff(ShutOff::Lost) => "lost",
            Self::Running(Running::Booted) => "booted",
            Self::Running(Running::Unpaused) => "unpaused",
            Self::Running(Running::Woken) => "woken",
            Self::Paused(PauseReason::User) | Self::ShuttingDown(ShuttingDown::User) => "user",
            Self::Paused(PauseReason::StartingUp) => "starting-up",
            Self::Paused(PauseReason::IoError) => "io-error",
            Self::Paused(PauseReason::Watchdog) => "watchdog",
            Self::Paused(PauseReason::ShutDown) => "shutdown",
            Self::Paused(PauseReason::Crashed) | Self::Crashed => "panicked",
            Self::Paused(PauseReason::Unknown) => "unknown",
            Self::ShuttingDown(ShuttingDown::Guest) | Self::Suspended => "guest",
        }
    }

    /// Whether there is a machine.
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::ShutOff(_))
    }
}

impl From<&ExitReason> for ShutOff {
    fn from(reason: &ExitReason) -> Self {
        match reason {
            ExitReason::Shutdown => Self::Shutdown,
            ExitReason::Destroyed => Self::Destroyed,
            ExitReason::GuestCrashed => Self::Crashed,
            ExitReason::Failed(_) => Self::Failed,
            ExitReason::Unknown => Self::Lost,
        }
    }
}

impl From<RunState> for State {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Running => Self::Running(Running::Booted),
            RunState::Paused(reason) => Self::Paused(reason),
            RunState::Suspended => Self::Suspended,
            RunState::ShutDown => Self::Paused(PauseReason::ShutDown),
            RunState::Crashed => Self::Crashed,
        }
    }
}
