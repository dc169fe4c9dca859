//! Trusted platform modules of the guest.

use super::address::Address;
use super::parts::{Acpi, Alias};
use super::problem::{Problem, needed};
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// What the guest sees.
    pub enum TpmModel {
        /// The interface on the ISA bus.
        Tis = "tpm-tis",
        /// The command and response buffer of version 2.0.
        Crb = "tpm-crb",
        /// The device of POWER machines.
        Spapr = "tpm-spapr",
        /// A proxy to the host's module, of POWER machines.
        SpaprProxy = "spapr-tpm-proxy",
    }
}

keywords! {
    /// What is behind a module.
    pub enum TpmBackendType {
        /// The program swtpm, one for each guest.
        Emulator = "emulator",
        /// The host's module.
        Passthrough = "passthrough",
        /// A swtpm that someone else runs.
        External = "external",
    }
}

keywords! {
    /// The version of a module.
    pub enum TpmVersion {
        /// 2.0.
        V2_0 = "2.0",
        /// 1.2.
        V1_2 = "1.2",
    }
}

keywords! {
    /// What holds the state of an emulated module.
    pub enum TpmSourceType {
        /// A directory.
        Dir = "dir",
        /// A file.
        File = "file",
        /// The socket of an external module.
        Unix = "unix",
    }
}

element! {
    /// A trusted platform module: `<tpm>`.
    pub struct Tpm {
        /// What the guest sees; chosen by the machine when left out.
        attr "model" model: Option<TpmModel>,
        /// What is behind it.
        child "backend" backend: Option<TpmBackend>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// What is behind a module.
    pub struct TpmBackend {
        /// What.
        required "type" kind: TpmBackendType,
        /// Version of an emulated module.
        attr "version" version: Option<TpmVersion>,
        /// Whether the state of an emulated module outlives a transient guest.
        attr "persistent_state" persistent_state: Option<YesNo>,
        /// Verbosity of swtpm's log; 0 is silent.
        attr "debug" debug: Option<u32>,
        /// The host's module.
        child "device" device: Option<TpmDevice>,
        /// Where the state is kept or the external module listens.
        child "source" source: Option<TpmStateSource>,
        /// Encryption of the state.
        child "encryption" encryption: Option<TpmEncryption>,
        /// Platform configuration registers that are active.
        child "active_pcr_banks" active_pcr_banks: Option<PcrBanks>,
        /// The profile of a new state: which commands and algorithms there are.
        child "profile" profile: Option<TpmProfile>,
    }
}

element! {
    /// The host's module.
    pub struct TpmDevice {
        /// Absolute path; `/dev/tpm0` when left out.
        attr "path" path: Option<String>,
    }
}

element! {
    /// Where the state is kept or an external module listens.
    pub struct TpmStateSource {
        /// In what.
        attr "type" kind: Option<TpmSourceType>,
        /// Absolute path.
        attr "path" path: Option<String>,
        /// Always `connect`, of a socket.
        attr "mode" mode: Option<String>,
    }
}

element! {
    /// Encryption of a module's state.
    pub struct TpmEncryption {
        /// UUID of the secret with the passphrase.
        attr "secret" secret: Option<uuid::Uuid>,
    }
}

element! {
    /// Platform configuration registers.
    pub struct PcrBanks {
        /// SHA-1.
        flag "sha1" sha1: bool,
        /// SHA-256.
        flag "sha256" sha256: bool,
        /// SHA-384.
        flag "sha384" sha384: bool,
        /// SHA-512.
        flag "sha512" sha512: bool,
    }
}

element! {
    /// The profile of a new state.
    pub struct TpmProfile {
        /// Where it comes from: a built-in profile or a file of the host.
        attr "source" source: Option<String>,
        /// Which algorithms are left out: `check` or `fips-host`; open, as swtpm grows.
        attr "removeDisabled" remove_disabled: Option<String>,
        /// Name of the profile; reported, never configured.
        attr "name" name: Option<String>,
    }
}

/// What is behind a module, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmSource<'a> {
    /// The host's module.
    Passthrough {
        /// Absolute path.
        path: &'a str,
    },
    /// The program swtpm.
    Emulator {
        /// Version.
        version: TpmVersion,
        /// Where the state is kept; the service chooses when left out.
        state: Option<(TpmSourceType, &'a str)>,
        /// Secret that encrypts the state.
        secret: Option<uuid::Uuid>,
    },
    /// A swtpm that someone else runs.
    External {
        /// Absolute path of its socket.
        path: &'a str,
    },
}

impl Tpm {
    /// What is behind it; version 2.0 where an emulator's is left out.
    ///
    /// # Errors
    /// Part of what the backend's type asks for is missing.
    pub fn backend_view(&self) -> Result<TpmSource<'_>, Problem> {
        let backend = needed(self.backend.as_ref(), "<tpm>", "<backend type='emulator' version='2.0'/>")?;
        let source = backend.source.as_ref();
        let path = source.and_then(|source| source.path.as_deref());
        Ok(match backend.kind {
            TpmBackendType::Passthrough => {
                let device = backend.device.as_ref().and_then(|device| device.path.as_deref());
                TpmSource::Passthrough { path: device.unwrap_or("/dev/tpm0") }
            }
            TpmBackendType::Emulator => TpmSource::Emulator {
                version: backend.version.unwrap_or_default(),
                state: path.map(|path| (source.and_then(|source| source.kind).unwrap_or_default(), path)),
                secret: backend.encryption.as_ref().and_then(|encryption| encryption.secret),
            },
            TpmBackendType::External => TpmSource::External {
                path: needed(path, "<backend> of type 'external'", "<source type='unix' path='…' mode='connect'/>")?,
            },
        })
    }
}
