//! Domains and the volumes of pools: a disk that names a volume gets its path when it starts, and storage hears which volumes
//! guests use, those that start and those that run.

use std::sync::Weak;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{BackingStore, Disk, DiskSource, DiskSourceElement, DiskType};
use lodge_model::storage_volume::VolumeType;

use super::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{GuestDisk, Storage, Users, Volume, encryption_of};

/// Gives every disk that names a volume the volume's path. The format stays what the definition says, raw without: what the
/// header of a volume says may be the guest's own invention.
///
/// # Errors
/// `NotFound`, `InvalidState` when a pool is not started, `NotSupported` for a directory.
pub(super) fn resolve(domain: &mut Domain, storage: &Storage) -> Result<()> {
    for disk in domain.devices.disks_mut() {
        let named = match disk.source_view() {
            Ok(DiskSource::Volume { pool, volume }) => Some((pool.to_owned(), volume.to_owned())),
            _ => None,
        };
        let Some((pool, volume)) = named else { continue };
        let found = storage.registry.find(&pool).and_then(|pool| pool.volume(&volume));
        let found = found.map_err(|error| error.in_context(format_args!("<disk> '{}'", disk.target_dev())))?;
        place(disk, &found)?;
    }
    Ok(())
}

fn place(disk: &mut Disk, volume: &Volume) -> Result<()> {
    let target = disk.target_dev().to_owned();
    let source = disk.source.get_or_insert_with(DiskSourceElement::default);
    (source.pool, source.volume, source.mode) = (None, None, None);
    match volume.kind {
        VolumeType::File => {
            disk.kind = Some(DiskType::File);
            source.file = Some(volume.path.clone());
        }
        VolumeType::Block => {
            disk.kind = Some(DiskType::Block);
            source.dev = Some(volume.path.clone());
        }
        other => {
            let message = format!("<disk> '{target}' is volume '{}', which is a {other}: use a volume that is an image", volume.name);
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
    }
    if source.encryption.is_none() && disk.encryption.is_none() {
        source.encryption = encryption_of(volume).map(Box::new);
    }
    Ok(())
}

/// Tells storage which disks running guests have.
pub struct VolumeUsers(pub Weak<Engine>);

impl Users for VolumeUsers {
    fn disks(&self) -> Vec<(String, Vec<String>)> {
        let Some(engine) = self.0.upgrade() else { return Vec::new() };
        let paths = |live: &str| {
            let disks = Domain::parse(live).map(|(domain, _)| disks(&domain)).unwrap_or_default();
            disks.into_iter().map(|disk| disk.path).collect()
        };
        let views = engine.registry.views();
        views.iter().filter_map(|view| Some((view.name.clone(), paths(view.live.as_deref()?)))).collect()
    }
}

/// All images of a domain's disks.
pub(super) fn disks(domain: &Domain) -> Vec<GuestDisk> {
    let mut found = Vec::new();
    for disk in domain.devices.disks() {
        add(&mut found, disk.source.as_ref(), disk.is_read_only());
        let mut behind = disk.backing_store.as_deref();
        while let Some(BackingStore { source, backing_store, .. }) = behind {
            add(&mut found, source.as_ref(), true);
            behind = backing_store.as_deref();
        }
    }
    found
}

fn add(found: &mut Vec<GuestDisk>, source: Option<&DiskSourceElement>, read_only: bool) {
    let paths = source.iter().flat_map(|source| [source.file.clone(), source.dev.clone()]).flatten();
    found.extend(paths.map(|path| GuestDisk { path, read_only }));
}
