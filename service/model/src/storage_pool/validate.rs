//! What must hold of a pool: what its type needs stands in [`view`]; here is the rest.

use super::{PoolType, StoragePool, view};
use crate::document::{Document, Problems};

/// Tells every problem of a pool.
pub(super) fn check(pool: &StoragePool, found: &mut Problems) {
    name(pool, found);
    features(pool, found);
    view::of(pool, found);
    extents(pool, found);
    if let Some(encryption) = pool.target.as_ref().and_then(|target| target.encryption.as_ref()) {
        found.inside("target/encryption", |found| encryption.check(found));
    }
    options(pool, found);
}

fn name(pool: &StoragePool, found: &mut Problems) {
    match (&pool.name, pool.name()) {
        (Some(name), _) => found.name("name", "storage pool", name),
        (None, Some(name)) => found.name("source/name", "storage pool", name),
        // What is missing is the name of the source, which the view tells.
        (None, None) if pool.kind.is_named_by_source() => {}
        (None, None) => found.add("name", "the storage pool has no name; write <name>…</name>"),
    }
}

fn features(pool: &StoragePool, found: &mut Problems) {
    let cow = pool.features.as_ref().is_some_and(|features| features.cow.is_some());
    only_for(&[PoolType::Dir, PoolType::Fs], pool, found, "features/cow", cow);
    only_for(&[PoolType::Rbd], pool, found, "refresh", pool.refresh.is_some());
}

fn extents(pool: &StoragePool, found: &mut Problems) {
    let Some(source) = &pool.source else { return };
    found.each("source/device", &source.devices, |found, device| {
        found.each("freeExtent", &device.free_extents, |found, extent| extent.check(found));
    });
}

fn options(pool: &StoragePool, found: &mut Problems) {
    if let Some(options) = &pool.mount_options {
        only_for(&[PoolType::Fs, PoolType::Netfs], pool, found, "fs:mount_opts", true);
        found.each("fs:mount_opts/fs:option", &options.options, |found, option| {
            if option.name.is_empty() {
                found.add("@name", "the option is empty; write one of mount, such as name='sync'");
            }
        });
    }
    if let Some(options) = &pool.config_options {
        only_for(&[PoolType::Rbd], pool, found, "rbd:config_opts", true);
        found.each("rbd:config_opts/rbd:option", &options.options, |found, option| {
            for (attribute, value) in [("@name", &option.name), ("@value", &option.value)] {
                if value.is_empty() {
                    found.add(attribute, "an option of Ceph has a name and a value; write both, or remove it");
                }
            }
        });
    }
}

/// Tells something that is there though only other types have a use for it.
fn only_for(types: &[PoolType], pool: &StoragePool, found: &mut Problems, path: &str, there: bool) {
    if there && !types.contains(&pool.kind) {
        let types: Vec<String> = types.iter().map(|kind| format!("'{kind}'")).collect();
        found.add(path, format!("it is for pools of the type {}, and this one has '{}'; remove it", types.join(" and "), pool.kind));
    }
}
