//! Random number generators of the guest.

use super::address::Address;
use super::chardev::{ChardevSource, ChardevSourceElement, ChardevType, Log, Protocol};
use super::disk::VirtioModel;
use super::parts::{Acpi, Alias, VirtioDriver};
use super::problem::{Problem, needed};
use crate::{element, keywords};

keywords! {
    /// Where random numbers come from.
    pub enum RngBackendModel {
        /// A device file of the host.
        Random = "random",
        /// A daemon that speaks the entropy gathering protocol.
        Egd = "egd",
        /// The hypervisor's own source.
        Builtin = "builtin",
    }
}

element! {
    /// A random number generator: `<rng>`.
    pub struct Rng {
        /// virtio revision.
        attr "model" model: Option<VirtioModel>,
        /// Limit of its throughput.
        child "rate" rate: Option<RngRate>,
        /// Where its numbers come from.
        child "backend" backend: Option<RngBackend>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<VirtioDriver>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// Limit of a generator's throughput.
    pub struct RngRate {
        /// Bytes in each period.
        required "bytes" bytes: u32,
        /// Length of a period in milliseconds; 1000 when left out.
        attr "period" period: Option<u32>,
    }
}

element! {
    /// Where random numbers come from.
    pub struct RngBackend {
        /// From what.
        attr "model" model: Option<RngBackendModel>,
        /// How the daemon is reached.
        attr "type" kind: Option<ChardevType>,
        /// The daemon's address.
        children "source" sources: Vec<ChardevSourceElement>,
        /// What is spoken on the connection.
        child "protocol" protocol: Option<Protocol>,
        /// A copy of the traffic.
        child "log" log: Option<Log>,
        /// Absolute path of the device file.
        text "" path: Option<String>,
    }
}

/// Where random numbers come from, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum RngSource<'a> {
    /// A device file of the host.
    Random {
        /// Absolute path.
        path: &'a str,
    },
    /// A daemon.
    Egd(ChardevSource<'a>),
    /// The hypervisor's own source.
    Builtin,
}

impl Rng {
    /// Where the numbers come from; `/dev/urandom` when a device file is left out.
    ///
    /// # Errors
    /// There is no backend, or it lacks the daemon's address.
    pub fn backend_view(&self) -> Result<RngSource<'_>, Problem> {
        let backend = needed(self.backend.as_ref(), "<rng>", "<backend model='random'>/dev/urandom</backend>")?;
        match backend.model.unwrap_or_default() {
            RngBackendModel::Random => {
                let path = backend.path.as_deref().map(str::trim).filter(|path| !path.is_empty());
                Ok(RngSource::Random { path: path.unwrap_or("/dev/urandom") })
            }
            RngBackendModel::Egd => {
                ChardevSource::of("backend", backend.kind, &backend.sources, backend.protocol.as_ref()).map(RngSource::Egd)
            }
            RngBackendModel::Builtin => Ok(RngSource::Builtin),
        }
    }
}
