//! The files of the daemon: definitions, autostart links, values of secrets and the status of running domains.
//!
//! - One daemon per directory: a [`Store`] holds the lock of its configuration and of its runtime directory.
//! - Files are replaced in one step and reached through open directories, following no symbolic link.
//! - Every call blocks; async callers go through `spawn_blocking`. Calls on different names may run at the same time; the
//!   order of calls on one name is the caller's affair (one actor per domain).
//! - Nothing here knows what is in the files.

mod atomic;
mod autostart;
mod definitions;
mod directory;
mod error;
mod layout;
mod locks;
mod names;
mod status;
#[cfg(test)]
mod tests;
mod values;

pub use autostart::Autostart;
pub use definitions::{Definitions, MAX_DEFINITION_BYTES};
pub use error::StoreError;
pub use layout::Layout;
pub use names::{MAX_NAME_BYTES, check as check_name};
pub use status::StatusFiles;
pub use values::SecretValues;

use serde::Serialize;
use serde::de::DeserializeOwned;

use directory::{Directory, Mode};
use locks::Lock;

/// What a directory held: each entry by its key, with its content or why that could not be read.
pub type Loaded<K, T> = Vec<(K, Result<T, StoreError>)>;

/// The file in the runtime directory that tells a later service that it is not the first.
const FIRST_RUN_MARK: &str = "autostarted";

/// The file in the state directory that tells that the network `default` was offered; the package's removal compares it.
const NETWORK_OFFERED: &str = "default-network-offered";

/// The file in the state directory with the work on volumes that is going on.
const VOLUME_WORK: &str = "volume-work.json";

/// Largest such file that is read, in bytes.
const MAX_VOLUME_WORK_BYTES: u64 = 1 << 20;

/// The file in the runtime directory that tells which devices of the host guests have.
const CLAIMS: &str = "node-devices.json";

/// Largest such file that is read, in bytes.
const MAX_CLAIMS_BYTES: u64 = 4 << 20;

/// The file in the configuration directory that tells a later service that the default pool was made.
const POOLS_MARK: &str = "default-pool";

/// The files of one instance, locked against other daemons as long as this lives.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    definitions: Definitions,
    networks: Definitions,
    pools: Definitions,
    active_pools: Definitions,
    pool_autostart: Autostart,
    config: Directory,
    secrets: Definitions,
    values: SecretValues,
    status: StatusFiles,
    network_status: StatusFiles,
    autostart: Autostart,
    network_autostart: Autostart,
    runtime: Directory,
    _locks: [Lock; 2],
}

impl Store {
    /// Makes the directories of `layout` that are missing (mode 0700, or 0711 where guests of another user must get to their
    /// files; existing ones keep theirs), takes the locks and removes
    /// what interrupted writes left.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another daemon works on one of the directories.
    pub fn open(layout: Layout) -> Result<Self, StoreError> {
        let of_guests = if layout.searchable { Mode::Search } else { Mode::Owner };
        let config = Directory::create(&layout.config, Mode::Owner)?;
        let runtime = Directory::create(&layout.runtime, of_guests)?;
        // Both: with another XDG_CONFIG_HOME but the same XDG_RUNTIME_DIR, two daemons would adopt each other's guests.
        let locks = [Lock::take(&config)?, Lock::take(&runtime)?];
        for path in [
            &layout.data,
            &layout.state,
            &layout.cache,
            &layout.log,
            &layout.nvram(),
            &layout.tpm(),
            &layout.capabilities(),
            &layout.networks(),
        ] {
            Directory::create(path, of_guests)?;
        }
        let definitions = Definitions::open(&config, "domains")?;
        let pools = Definitions::open(&config, "pools")?;
        let active_pools = Definitions::open(&runtime, "pools")?;
        let secrets = Definitions::open(&config, "secrets")?;
        let values = SecretValues::open(Directory::create(&layout.secrets(), Mode::Owner)?)?;
        let networks = Definitions::open(&config, "networks")?;
        let autostart = Autostart::open(&config, "autostart", "domains")?;
        let network_autostart = Autostart::open(&config, "autostart-networks", "networks")?;
        let pool_autostart = Autostart::open(&config, "autostart-pools", "pools")?;
        // Durable files in a directory that a power failure takes away would be lost with it.
        config.sync()?;
        let (status, network_status) = (StatusFiles::open(&runtime, "domains")?, StatusFiles::open(&runtime, "networks")?);
        Ok(Self {
            definitions,
            networks,
            pools,
            active_pools,
            pool_autostart,
            config,
            secrets,
            values,
            status,
            network_status,
            autostart,
            network_autostart,
            runtime,
            _locks: locks,
            layout,
        })
    }

    /// Where everything is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The definitions of the domains.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The definitions of the networks.
    pub fn networks(&self) -> &Definitions {
        &self.networks
    }

    /// The status of running networks.
    pub fn network_status(&self) -> &StatusFiles {
        &self.network_status
    }

    /// Which networks start with the daemon.
    pub fn network_autostart(&self) -> &Autostart {
        &self.network_autostart
    }

    /// The definitions of the pools.
    pub fn pools(&self) -> &Definitions {
        &self.pools
    }

    /// What the pools were started from that are; gone with the host's uptime.
    pub fn active_pools(&self) -> &Definitions {
        &self.active_pools
    }

    /// Which pools start with the daemon.
    pub fn pool_autostart(&self) -> &Autostart {
        &self.pool_autostart
    }

    /// Whether no service has had pools here before. Says so once only, in the life of the configuration.
    ///
    /// # Errors
    /// The mark cannot be made; nobody knows then.
    pub fn first_use_of_pools(&self) -> Result<bool, StoreError> {
        if self.config.kind(POOLS_MARK)?.is_some() {
            return Ok(false);
        }
        atomic::write(&self.config, POOLS_MARK, b"", atomic::Durability::Durable)?;
        Ok(true)
    }

    /// What is being done with volumes, or was when the service ended; `None` when nothing was ever written down.
    ///
    /// # Errors
    /// There is something, and it cannot be read.
    pub fn volume_work<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        let state = Directory::create(&self.layout.state, Mode::Owner)?;
        let bytes = match state.read(VOLUME_WORK, MAX_VOLUME_WORK_BYTES) {
            Err(StoreError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let json = |source| StoreError::Json { operation: "understand", path: state.path_of(VOLUME_WORK), source };
        serde_json::from_slice(&bytes).map(Some).map_err(json)
    }

    /// Writes that down; it is on the disk then.
    ///
    /// # Errors
    /// What was written before stays.
    pub fn save_volume_work<T: Serialize>(&self, work: &T) -> Result<(), StoreError> {
        let state = Directory::create(&self.layout.state, Mode::Owner)?;
        let json = |source| StoreError::Json { operation: "express", path: state.path_of(VOLUME_WORK), source };
        let bytes = serde_json::to_vec(work).map_err(json)?;
        atomic::write(&state, VOLUME_WORK, &bytes, atomic::Durability::Durable)
    }

    /// The definitions of the secrets, by UUID.
    pub fn secrets(&self) -> &Definitions {
        &self.secrets
    }

    /// The values of the secrets.
    pub fn secret_values(&self) -> &SecretValues {
        &self.values
    }

    /// The status of running domains.
    pub fn status(&self) -> &StatusFiles {
        &self.status
    }

    /// Whether this is the first service on this runtime directory, which lasts from a login (or the host's start) to
    /// the next. Says so once only.
    ///
    /// # Errors
    /// The mark cannot be made; nobody knows then.
    pub fn first_run(&self) -> Result<bool, StoreError> {
        if self.runtime.kind(FIRST_RUN_MARK)?.is_some() {
            return Ok(false);
        }
        atomic::write(&self.runtime, FIRST_RUN_MARK, b"", atomic::Durability::Volatile)?;
        Ok(true)
    }

    /// Which devices of the host guests have, as it was saved; `None` when it never was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn device_claims(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.runtime.kind(CLAIMS)? {
            Some(_) => self.runtime.read(CLAIMS, MAX_CLAIMS_BYTES).map(Some),
            None => Ok(None),
        }
    }

    /// Replaces that. It is lost with the machine's uptime, as the guests are.
    ///
    /// # Errors
    /// The former one stays.
    pub fn save_device_claims(&self, bytes: &[u8]) -> Result<(), StoreError> {
        atomic::write(&self.runtime, CLAIMS, bytes, atomic::Durability::Volatile)
    }

    /// Whether the network `default` was offered before, in the life of this installation.
    ///
    /// # Errors
    /// Nobody knows.
    pub fn has_offered_network(&self) -> Result<bool, StoreError> {
        Ok(Directory::create(&self.layout.state, Mode::Owner)?.kind(NETWORK_OFFERED)?.is_some())
    }

    /// Notes that it was, and how: whoever removes the installation can tell whether it was changed since.
    ///
    /// # Errors
    /// It would be offered again.
    pub fn note_offered_network(&self, xml: &str) -> Result<(), StoreError> {
        let state = Directory::create(&self.layout.state, Mode::Owner)?;
        atomic::write(&state, NETWORK_OFFERED, xml.as_bytes(), atomic::Durability::Durable)
    }

    /// Which domains start with the daemon.
    pub fn autostart(&self) -> &Autostart {
        &self.autostart
    }
}
