//! The values of secrets: a file `UUID.value` (mode 0600) for each in a directory of the owner's (mode 0700), and the key
//! beside them that they are sealed with.
//!
//! What is in the files is not known here. What a call has done is on the disk when it returns.

use uuid::Uuid;

use super::StoreError;
use super::atomic::{self, Durability};
use super::directory::Directory;

/// Largest file that is read, in bytes: a value of 64 KiB and what sealing adds.
const MAX_BYTES: u64 = (64 << 10) + 256;

const KEY: &str = "key";

/// The values of the secrets of one instance.
#[derive(Debug)]
pub struct SecretValues {
    directory: Directory,
}

impl SecretValues {
    pub(super) fn open(directory: Directory) -> Result<Self, StoreError> {
        atomic::sweep(&directory)?;
        Ok(Self { directory })
    }

    /// The value of a secret as it was saved; `None` when it has none.
    ///
    /// # Errors
    /// There is one, and it cannot be read.
    pub fn load(&self, uuid: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(&file(uuid))
    }

    /// Whether a secret has a value.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn exists(&self, uuid: Uuid) -> Result<bool, StoreError> {
        Ok(self.directory.kind(file(uuid))?.is_some())
    }

    /// Replaces the value of a secret.
    ///
    /// # Errors
    /// The former one stays.
    pub fn save(&self, uuid: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
        atomic::write(&self.directory, &file(uuid), sealed, Durability::Durable)
    }

    /// Removes the value of a secret. One that is gone already is no error.
    pub fn remove(&self, uuid: Uuid) -> Result<(), StoreError> {
        match self.directory.unlink(file(uuid))? {
            true => self.directory.sync(),
            false => Ok(()),
        }
    }

    /// The key; `None` when none was saved yet.
    ///
    /// # Errors
    /// There is one, and it cannot be read.
    pub fn key(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(KEY)
    }

    /// Saves the key.
    ///
    /// # Errors
    /// There is none then.
    pub fn save_key(&self, key: &[u8]) -> Result<(), StoreError> {
        atomic::write(&self.directory, KEY, key, Durability::Durable)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.directory.read(name, MAX_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn file(uuid: Uuid) -> String {
    format!("{uuid}.value")
}
