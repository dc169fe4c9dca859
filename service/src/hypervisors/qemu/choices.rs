//! What an administrator chooses for guests whose definitions leave it open.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::devices::LOCAL;

/// What an administrator chooses for all guests of an instance.
#[derive(Clone, PartialEq, Eq)]
pub struct Choices {
    /// The address that VNC listens on.
    pub vnc_listen: String,
    /// The password of VNC displays that have none.
    pub vnc_password: Option<String>,
    /// The address that SPICE listens on.
    pub spice_listen: String,
    /// The password of SPICE displays that have none.
    pub spice_password: Option<String>,
    /// Ports for displays, VNC's display 0 being 5900.
    pub display_ports: RangeInclusive<u16>,
    /// Ports for VNC over WebSocket.
    pub websocket_ports: RangeInclusive<u16>,
    /// Firmware code, each with what a guest's variables are at first, beside what packages describe.
    pub firmware: Vec<(PathBuf, PathBuf)>,
    /// Whether QEMU shuts itself in when it has set itself up.
    pub sandbox: bool,
    /// Whether a core dump of QEMU holds the guest's memory, where the definition says nothing.
    pub dump_guest_core: bool,
    /// Whether QEMU's messages have times.
    pub log_timestamp: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            vnc_listen: LOCAL.to_owned(),
            vnc_password: None,
            spice_listen: LOCAL.to_owned(),
            spice_password: None,
            // As libvirt has them; a thousand are looked at.
            display_ports: 5900..=6899,
            websocket_ports: 5700..=5799,
            firmware: Vec::new(),
            sandbox: true,
            dump_guest_core: false,
            log_timestamp: true,
        }
    }
}

/// Without the passwords.
impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choices").field("vnc_listen", &self.vnc_listen).field("spice_listen", &self.spice_listen).finish_non_exhaustive()
    }
}
