//! What is known of running domains and networks, so that a daemon that comes later can find them again.
//!
//! Each has a directory `domains/UUID` or `networks/UUID` (mode 0700) in the runtime directory, for its sockets and its
//! `status.json` (mode 0600). Writes are atomic but not synced: the guests do not survive what these files would not survive.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::atomic::{self, Durability};
use super::directory::Directory;
use super::{Loaded, StoreError};

const FILE: &str = "status.json";

/// Largest status file that is read, in bytes; it holds a definition and some numbers.
const MAX_STATUS_BYTES: u64 = 16 << 20;

/// The directories of what runs of one kind.
#[derive(Debug)]
pub struct StatusFiles {
    directory: Directory,
}

impl StatusFiles {
    pub(super) fn open(runtime: &Directory, folder: &str) -> Result<Self, StoreError> {
        Ok(Self { directory: runtime.create_subdirectory(folder)? })
    }

    /// Makes the runtime directory of a domain, if it does not exist yet, and returns its path.
    pub fn prepare(&self, uuid: Uuid) -> Result<PathBuf, StoreError> {
        Ok(self.directory.create_subdirectory(uuid.to_string())?.path().to_owned())
    }

    /// The runtime directory of a domain, whether or not it exists.
    pub fn path(&self, uuid: Uuid) -> PathBuf {
        self.directory.path_of(uuid.to_string())
    }

    /// Replaces the status of a domain, making its directory where needed.
    ///
    /// # Errors
    /// The former status stays in place.
    pub fn save<T: Serialize>(&self, uuid: Uuid, status: &T) -> Result<(), StoreError> {
        let directory = self.directory.create_subdirectory(uuid.to_string())?;
        let bytes = serde_json::to_vec(status).map_err(|source| StoreError::Json {
            operation: "express the status for",
            path: directory.path_of(FILE),
            source,
        })?;
        atomic::write(&directory, FILE, &bytes, Durability::Volatile)
    }

    /// The status of every domain that has a runtime directory, in order of UUIDs. One whose status cannot be read is reported
    /// in its place: [`StoreError::NotFound`] means that its start was interrupted before the first save.
    ///
    /// # Errors
    /// When the directory cannot be listed. No domain may then be taken for shut off.
    pub fn load_all<T: DeserializeOwned>(&self) -> Result<Loaded<Uuid, T>, StoreError> {
        let entries = self.directory.entries()?;
        let uuid = |name: &str| Uuid::try_parse(name).ok().filter(|uuid| uuid.to_string() == name);
        let uuids = entries.iter().filter_map(|entry| uuid(entry.to_str()?));
        Ok(uuids.map(|uuid| (uuid, self.load(uuid))).collect())
    }

    /// Removes the runtime directory of a domain with everything in it. One that is gone already is no error.
    pub fn remove(&self, uuid: Uuid) -> Result<(), StoreError> {
        self.directory.remove_tree(uuid.to_string())
    }

    fn load<T: DeserializeOwned>(&self, uuid: Uuid) -> Result<T, StoreError> {
        let directory = self.directory.subdirectory(uuid.to_string())?;
        let bytes = directory.read(FILE, MAX_STATUS_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|source| StoreError::Json { operation: "understand", path: directory.path_of(FILE), source })
    }
}
