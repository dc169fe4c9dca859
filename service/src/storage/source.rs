//! The volume that another one is made from: what is below it, and its size.

use lodge_model::storage_volume::{StorageVolume, VolumeType};

use super::backends::Source;
use super::chain::{self, Chain};
use super::claims::{Claim, Sharing};
use super::engine::Storage;
use super::handle::PoolHandle;
use crate::error::{Error, ErrorKind, Result};

/// A volume that is read, for somebody who may.
#[derive(Debug)]
pub struct SourceVolume {
    /// Its pool.
    pub pool: PoolHandle,
    /// Its name.
    pub name: String,
    /// The volumes that it is laid over, as pool and name, which the same person may read: no others are.
    pub below: Vec<(String, String)>,
}

impl Storage {
    /// What is below a volume, as far as it stays in started pools.
    ///
    /// # Errors
    /// `NotFound`, `InvalidState` when the chain leads back into itself.
    pub fn chain(&self, pool: &PoolHandle, name: &str) -> Result<Chain> {
        chain::below(pool.volume(name)?.as_ref(), &self.registry.views())
    }

    /// The document of a volume. Of which format what it is laid over is, is said by that itself where the header does not.
    ///
    /// # Errors
    /// `NotFound`, `InvalidState` when the pool is not started.
    pub fn document(&self, pool: &PoolHandle, name: &str) -> Result<StorageVolume> {
        let mut document = pool.volume(name)?.document();
        if let Some(backing) = document.backing_store.as_mut().filter(|backing| backing.format.is_none()) {
            let known = backing.path.as_deref().and_then(|path| self.registry.volume(path).ok());
            backing.format = known.map(|known| super::volume::type_name(known.volume.format));
        }
        Ok(document)
    }

    /// A volume to read from, with each volume that it is laid over, all claimed.
    pub(super) async fn source(&self, from: &SourceVolume, claims: &mut Vec<Claim>) -> Result<Source> {
        const VERB: &str = "read for another volume";
        let SourceVolume { pool, name, below } = from;
        claims.push(pool.claims.volume(&pool.name(), name, VERB, Sharing::Read)?);
        let volume = pool.volume(name)?;
        if let Some(guest) = self.guest_with(std::slice::from_ref(&volume)).await {
            let message = format!("volume '{name}' changes while it is read: domain '{guest}' uses it; shut that down or suspend it first");
            return Err(Error::new(ErrorKind::InUse, message));
        }
        // A snapshot of a logical volume is whole by itself.
        let chain = if volume.kind == VolumeType::File { self.chain(pool, name)? } else { Chain::default() };
        chain::require_whole(&volume, &chain)?;
        let mut backing = None;
        for level in chain.levels.iter().rev() {
            let (of, name) = (&level.pool, &level.volume.name);
            if !below.iter().any(|(pool, volume)| pool == of && volume == name) {
                let message = format!("what volume '{}' is laid over has just changed; try again", volume.name);
                return Err(Error::new(ErrorKind::InvalidState, message));
            }
            let of = self.registry.find(of)?;
            claims.push(of.claims.volume(&level.pool, name, VERB, Sharing::Read)?);
            let passphrase = self.passphrase_of(&level.volume).await?;
            backing = Some(Box::new(Source { backend: of.backend()?, volume: level.volume.clone(), passphrase, backing }));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        Ok(Source { backend: pool.backend()?, volume, passphrase, backing })
    }

    /// A volume without a size has that of what it is made from or laid over.
    pub(super) fn take_capacity(&self, pool: &PoolHandle, document: &mut StorageVolume, source: Option<&Source>) -> Result<()> {
        let own = document.capacity.as_ref().map_or(0, |size| size.bytes);
        if let Some(source) = source {
            let capacity = source.volume.capacity;
            if own != 0 && own < capacity {
                let message = format!(
                    "volume '{}' is asked to have {own} bytes and '{}' has {capacity}; ask for as many",
                    document.name, source.volume.name
                );
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            document.capacity = super::volume::size(own.max(capacity));
        } else if own == 0
            && let Some(path) = document.backing_path()
        {
            let view = pool.view();
            let known = view.contents.volumes.values().find(|volume| volume.path == path).cloned();
            let known = known.or_else(|| self.registry.volume(path).ok().map(|view| view.volume.clone()));
            let Some(known) = known else {
                let message = format!(
                    "the size of volume '{}' is not said, and {path}, which it is laid over, is in no started pool; write <capacity>",
                    document.name
                );
                return Err(Error::new(ErrorKind::InvalidXml, message));
            };
            document.capacity = super::volume::size(known.capacity);
        }
        Ok(())
    }
}
