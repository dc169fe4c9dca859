//! All pools of the instance, by name and identity.
//!
//! Invariants: a name and a UUID belong to one pool at most, also while that is being defined: they are reserved first. Locks
//! are held for map operations only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::handle::PoolHandle;
use super::view::{StoragePoolView, VolumeView};
use super::volume::Volume;
use crate::error::{Error, ErrorKind, Result};

/// All pools.
#[derive(Default)]
pub struct Registry {
    pools: Mutex<BTreeMap<String, Entry>>,
}

enum Entry {
    /// Being made.
    Reserved(Uuid),
    /// There.
    Pool(PoolHandle),
    /// A definition that cannot be read, with the reason. Nothing is defined under its name, so nothing writes over it.
    LeftAlone(String),
}

/// A reserved name and UUID, given up again unless a pool takes the place.
pub(super) struct Place {
    registry: Arc<Registry>,
    name: String,
}

impl Registry {
    /// All pools, in order of names.
    pub fn all(&self) -> Vec<PoolHandle> {
        self.pools().values().filter_map(Entry::pool).cloned().collect()
    }

    /// The snapshots of all pools, in order of names.
    pub fn views(&self) -> Vec<Arc<StoragePoolView>> {
        self.pools().values().filter_map(Entry::pool).map(PoolHandle::view).collect()
    }

    /// A pool by name.
    pub fn by_name(&self, name: &str) -> Option<PoolHandle> {
        self.pools().get(name).and_then(Entry::pool).cloned()
    }

    /// A pool by name or UUID, tried in this order.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, text: &str) -> Result<PoolHandle> {
        if let Some(Entry::LeftAlone(reason)) = self.pools().get(text) {
            return Err(Error::new(ErrorKind::NotFound, format!("pool '{text}' is left alone: {reason}")));
        }
        let by_uuid = || {
            let uuid = Uuid::try_parse(text).ok()?;
            self.all().into_iter().find(|pool| pool.uuid == uuid)
        };
        let missing = || Error::new(ErrorKind::NotFound, format!("there is no pool with the name or UUID '{text}'"));
        self.by_name(text).or_else(by_uuid).ok_or_else(missing)
    }

    /// A volume by its path or key, whatever pool it is in.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn volume(&self, path_or_key: &str) -> Result<Arc<VolumeView>> {
        let views = self.views();
        let is_meant = |volume: &Volume| volume.path == path_or_key || volume.key == path_or_key;
        views
            .iter()
            .find_map(|pool| pool.volumes_where(is_meant).next())
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no started pool has a volume with the path or key '{path_or_key}'")))
    }

    /// Sets a name and a UUID aside for a new pool. Answers with the pool that has both already.
    ///
    /// # Errors
    /// `AlreadyExists` when one of the two belongs to another pool, `Busy` when the pool is just being made.
    pub(super) fn reserve(self: &Arc<Self>, name: &str, uuid: Uuid) -> Result<Result<PoolHandle, Place>> {
        let mut pools = self.pools();
        let taken = |what| Err(Error::new(ErrorKind::AlreadyExists, what));
        match pools.get(name) {
            Some(Entry::Pool(pool)) if pool.uuid == uuid => return Ok(Ok(pool.clone())),
            Some(Entry::Pool(pool)) => {
                let owner = pool.uuid;
                return taken(format!(
                    "the name '{name}' belongs to another pool, with UUID {owner}; give this one another name, or that UUID to replace its definition"
                ));
            }
            Some(Entry::Reserved(_)) => {
                return Err(Error::new(ErrorKind::Busy, format!("pool '{name}' is just being made; try again when that is done")));
            }
            Some(Entry::LeftAlone(reason)) => return taken(format!("the name '{name}' belongs to a pool that is left alone: {reason}")),
            None => {}
        }
        if let Some((owner, _)) = pools.iter().find(|(_, entry)| entry.uuid() == Some(uuid)) {
            return taken(format!("UUID {uuid} belongs to another pool, '{owner}'; leave <uuid> out to get a new one"));
        }
        pools.insert(name.to_owned(), Entry::Reserved(uuid));
        Ok(Err(Place { registry: self.clone(), name: name.to_owned() }))
    }

    /// Keeps a name for a definition that cannot be read; the reason is a clause with the next step.
    pub(super) fn leave_alone(&self, name: &str, reason: String) {
        self.pools().insert(name.to_owned(), Entry::LeftAlone(reason));
    }

    /// Puts a pool into its place.
    pub(super) fn insert(&self, name: &str, pool: PoolHandle) {
        self.pools().insert(name.to_owned(), Entry::Pool(pool));
    }

    /// Takes a pool out.
    pub(super) fn remove(&self, name: &str) {
        self.pools().remove(name);
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn pool(&self) -> Option<&PoolHandle> {
        match self {
            Self::Pool(pool) => Some(pool),
            Self::Reserved(_) | Self::LeftAlone(_) => None,
        }
    }

    fn uuid(&self) -> Option<Uuid> {
        match self {
            Self::Pool(pool) => Some(pool.uuid),
            Self::Reserved(uuid) => Some(*uuid),
            Self::LeftAlone(_) => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pools = self.registry.pools();
        if matches!(pools.get(&self.name), Some(Entry::Reserved(_))) {
            pools.remove(&self.name);
        }
    }
}
