//! How a pool looks from outside: one immutable snapshot, replaced whole. Pure.

use std::path::Path;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::storage_pool::{PoolSource, PoolTarget, StoragePool};
use uuid::Uuid;

use super::backends::Contents;
use super::volume::{Volume, size};

/// A snapshot of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct StoragePoolView {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// The word of its type.
    pub kind: &'static str,
    /// Whether it is started.
    pub active: bool,
    /// Whether it has a stored definition.
    pub persistent: bool,
    /// Whether it starts with the service.
    pub autostart: bool,
    /// What is kept without being understood, and what was interrupted when the service ended.
    pub warnings: Vec<String>,
    /// The stored definition, or what a transient pool was made from.
    pub definition: Arc<StoragePool>,
    /// What it was started from.
    pub live: Option<Arc<StoragePool>>,
    /// Where the host sees the volumes.
    pub path: String,
    /// Sizes and volumes, as the last refresh found them; none while it is not started.
    pub contents: Arc<Contents>,
}

/// A volume, and the pool that it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeView {
    /// The pool's name.
    pub pool: String,
    /// The volume.
    pub volume: Arc<Volume>,
}

impl StoragePoolView {
    /// The document of the pool: what it was started from, or the definition where that is asked for or it is not started. The
    /// sizes are those that were found.
    pub fn document(&self, definition: bool) -> StoragePool {
        let live = self.live.as_ref().filter(|_| !definition);
        let mut document = StoragePool::clone(live.unwrap_or(&self.definition));
        document.uuid = Some(self.uuid);
        document.name = Some(self.name.clone());
        let found = |bytes| size(if live.is_some() { bytes } else { 0 });
        document.capacity = found(self.contents.capacity);
        document.allocation = found(self.contents.allocation);
        document.available = found(self.contents.available);
        document
    }

    /// The same as text.
    pub fn xml(&self, definition: bool) -> String {
        self.document(definition).to_xml()
    }

    /// A volume by name.
    pub fn volume(&self, name: &str) -> Option<Arc<Volume>> {
        self.contents.volumes.get(name).cloned()
    }

    /// A volume by name, with the pool.
    pub fn volume_view(&self, name: &str) -> Option<Arc<VolumeView>> {
        self.contents.volumes.get(name).map(|volume| self.with_pool(volume))
    }

    /// All volumes, with the pool.
    pub fn volume_views(&self) -> impl Iterator<Item = Arc<VolumeView>> + '_ {
        self.volumes_where(|_| true)
    }

    /// The volumes that are meant, with the pool; the others of a large pool are only looked at.
    pub fn volumes_where<'a>(&'a self, is_meant: impl Fn(&Volume) -> bool + 'a) -> impl Iterator<Item = Arc<VolumeView>> + 'a {
        self.contents.volumes.values().filter(move |volume| is_meant(volume)).map(|volume| self.with_pool(volume))
    }

    fn with_pool(&self, volume: &Arc<Volume>) -> Arc<VolumeView> {
        Arc::new(VolumeView { pool: self.name.clone(), volume: volume.clone() })
    }
}

/// Completes a document that is about to be stored: identity, and where the host sees the volumes, as far as that is fixed.
pub fn complete(mut pool: StoragePool, uuid: Uuid) -> StoragePool {
    pool.uuid = Some(uuid);
    pool.name = pool.name().map(str::to_owned);
    // What is only reported is not kept.
    (pool.capacity, pool.allocation, pool.available) = (None, None, None);
    if let Some(PoolSource { devices, .. }) = &mut pool.source {
        devices.iter_mut().for_each(|device| device.free_extents.clear());
    }
    if pool.kind == lodge_model::storage_pool::PoolType::Logical {
        let group = pool.source.as_ref().and_then(|source| source.name.clone()).or_else(|| pool.name.clone());
        let target = pool.target.get_or_insert_with(PoolTarget::default);
        target.path = group.map(|group| Path::new("/dev").join(group).to_string_lossy().into_owned());
    }
    pool
}

/// The path of the target that a document says.
pub fn path(pool: &StoragePool) -> String {
    pool.target.as_ref().and_then(|target| target.path.clone()).unwrap_or_default()
}
