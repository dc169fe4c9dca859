//! What is written down about a running guest, so that a service that starts later finds it again.

use serde::{Deserialize, Serialize};

use super::state::State;

/// The form of these files; others are not read.
pub const FORMAT: u32 = 1;

/// The status file of one running guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// The domain's name.
    pub name: String,
    /// The number of this run.
    pub id: u32,
    /// The driver's name.
    pub hypervisor: String,
    /// The state when this was written; the machine knows better if it lives.
    #[serde(flatten)]
    pub state: State,
    /// The document of the running guest.
    pub live: String,
    /// The definition that it was started from, to tell whether that changed since.
    pub started_from: String,
    /// Whether the start had succeeded: whoever asked for it was told, or was about to be.
    pub started: bool,
    /// What the driver needs to find the machine.
    pub machine: serde_json::Value,
}
