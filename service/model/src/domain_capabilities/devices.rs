//! The devices that a domain can have.

use super::Support;
use crate::element;

element! {
    /// Devices, by the names of their elements.
    pub struct DeviceSupport {
        /// Words: `diskDevice`, `bus`, `model`.
        child "disk" disk: Option<Support>,
        /// Words: `type`.
        child "graphics" graphics: Option<Support>,
        /// Words: `modelType`.
        child "video" video: Option<Support>,
        /// Words: `mode`, `startupPolicy`, `subsysType`, `capsType`, `pciBackend`.
        child "hostdev" hostdev: Option<Support>,
        /// Words: `model`, `backendModel`.
        child "rng" rng: Option<Support>,
        /// Words: `driverType`.
        child "filesystem" filesystem: Option<Support>,
        /// Words: `model`, `backendModel`, `backendVersion`.
        child "tpm" tpm: Option<Support>,
        /// Words: `bus`.
        child "redirdev" redirdev: Option<Support>,
        /// Words: `type`.
        child "channel" channel: Option<Support>,
        /// Words: `model`, `type`, `backendModel`.
        child "crypto" crypto: Option<Support>,
        /// Words: `backendType`.
        child "interface" interface: Option<Support>,
        /// Words: `model`.
        child "panic" panic: Option<Support>,
        /// Words: `type`. Newer than the schema.
        child "console" console: Option<Support>,
    }
}

impl DeviceSupport {
    /// All of them, by the names of their elements.
    pub fn all(&self) -> [(&'static str, &Option<Support>); 13] {
        [
            ("disk", &self.disk),
            ("graphics", &self.graphics),
            ("video", &self.video),
            ("hostdev", &self.hostdev),
            ("rng", &self.rng),
            ("filesystem", &self.filesystem),
            ("tpm", &self.tpm),
            ("redirdev", &self.redirdev),
            ("channel", &self.channel),
            ("crypto", &self.crypto),
            ("interface", &self.interface),
            ("panic", &self.panic),
            ("console", &self.console),
        ]
    }
}
