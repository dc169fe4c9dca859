//! What is done with a volume.
//!
//! Each is a job: it claims what it touches, can be called off, and the pool is looked through before it ends, so that what a
//! client then sees is how it is.

use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::storage_volume::{StorageVolume, VolumeFormat, VolumeType};

use super::backends::{NewSize, NewVolume, blocking, failed};
use super::claims::{Claim, Sharing};
use super::engine::Storage;
use super::handle::PoolHandle;
use super::image::Resizing;
use super::interrupted::Operation;
use super::source::SourceVolume;
use super::transfer::{self, Algorithm, Range};
use super::volume::Volume;
use super::work::Order;
use crate::authorization::{Action, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::host::stream::Stream;
use crate::jobs::Job;

/// A volume document that was read and is in itself in order.
#[derive(Debug, Clone)]
pub struct VolumeDraft {
    /// What it says.
    pub volume: StorageVolume,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

impl VolumeDraft {
    /// Reads a document and checks it.
    ///
    /// # Errors
    /// `InvalidXml` with path and place.
    pub fn read(xml: &str) -> Result<Self> {
        let (volume, warnings) = StorageVolume::parse(xml)?;
        volume.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Self { volume, warnings: warnings.iter().map(ToString::to_string).collect() })
    }

    /// The same, of a volume that is made from another one: it need not say its capacity.
    ///
    /// # Errors
    /// Those of [`VolumeDraft::read`].
    pub fn read_clone(xml: &str) -> Result<Self> {
        let (mut volume, warnings) = StorageVolume::parse(xml)?;
        let said = volume.capacity.take();
        volume.capacity = said.clone().or_else(|| super::volume::size(0));
        volume.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        volume.capacity = said;
        Ok(Self { volume, warnings: warnings.iter().map(ToString::to_string).collect() })
    }
}

/// What a volume is made from, and how.
#[derive(Debug, Default)]
pub struct CreateVolume {
    /// What it shall have the content of.
    pub source: Option<SourceVolume>,
    /// Whether an image's own tables are written from the start.
    pub preallocate_metadata: bool,
}

/// Another size.
#[derive(Debug, Clone, Copy)]
pub struct ResizeVolume {
    /// In bytes.
    pub capacity: u64,
    /// Whether it may become smaller, and whether what is added is allocated.
    pub how: Resizing,
}

impl Storage {
    /// Makes a volume.
    ///
    /// # Errors
    /// `AlreadyExists`, `NoSpace`, `NotSupported`, `InvalidState` when the pool is not started, `Busy`, those of the host. Nothing is
    /// left of it then.
    pub async fn create_volume(
        self: &Arc<Self>,
        pool: &PoolHandle,
        grant: Grant,
        draft: VolumeDraft,
        create: CreateVolume,
        wait: bool,
    ) -> Result<Arc<Job>> {
        grant.covers(Action::VolumeManage)?;
        let VolumeDraft { volume: mut document, .. } = draft;
        let name = document.name.clone();
        let backend = pool.backend()?;
        let mut claims = vec![pool.claims.volume(&pool.name(), &name, "made", Sharing::Change)?];
        if pool.view().volume(&name).is_some() {
            let message = format!("pool '{}' has a volume '{name}' already; choose another name", pool.name());
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        let source = match create.source {
            Some(from) => Some(self.source(&from, &mut claims).await?),
            None => None,
        };
        self.take_capacity(pool, &mut document, source.as_ref())?;
        let encrypted = self.encrypt(&mut document, backend.as_ref()).await?;
        let made = encrypted.secret.filter(|_| encrypted.made);
        let new = NewVolume {
            document,
            source,
            preallocate_metadata: create.preallocate_metadata,
            passphrase: encrypted.passphrase,
            secret: encrypted.secret,
            available: pool.view().contents.available,
        };
        let operation = if new.source.is_some() { "volume-clone" } else { "volume-create" };
        let in_place = match made {
            Some(secret) => Some(self.begin_with_secret(&pool.name(), &name, secret).await?),
            None => None,
        };
        let order = Order { in_place, ..self.volume_order(operation, pool, &name, grant, claims, wait) };
        let (pool_name, interrupted) = (pool.name(), self.interrupted.clone());
        self.as_job(order, move |progress| async move {
            backend
                .create(new, &progress.report())
                .await
                .map_err(|error| error.in_context(format_args!("cannot make volume '{name}' in pool '{pool_name}'")))?;
            interrupted.forget(&pool_name, &name).await;
            Ok(())
        })
        .await
    }

    /// Gives a volume another size.
    ///
    /// # Errors
    /// `InvalidArgument` when it would become smaller without being asked for, `InUse` by a guest, `NoSpace`, `Busy`, those of the host.
    pub async fn resize_volume(
        self: &Arc<Self>,
        pool: &PoolHandle,
        name: &str,
        grant: Grant,
        to: ResizeVolume,
        wait: bool,
    ) -> Result<Arc<Job>> {
        grant.covers(Action::VolumeManage)?;
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        let claim = pool.claims.volume(&pool.name(), name, "resized", Sharing::Change)?;
        self.refuse_used(pool, &volume, "resized").await?;
        if to.capacity < volume.capacity && !to.how.shrink {
            let message = format!(
                "volume '{name}' has {} bytes and would lose what is behind byte {}; to have it lose that, use the option shrink",
                volume.capacity, to.capacity
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        let size = NewSize { capacity: to.capacity, how: to.how, passphrase, available: pool.view().contents.available };
        let in_place = Some(self.interrupted.begin(&pool.name(), name, Operation::Resize).await?);
        let order = Order { in_place, ..self.volume_order("volume-resize", pool, name, grant, vec![claim], wait) };
        let name = name.to_owned();
        self.as_job(order, move |_| async move {
            backend.resize(&volume, size).await.map_err(|error| error.in_context(format_args!("cannot resize volume '{name}'")))
        })
        .await
    }

    /// Overwrites all of a volume; an image is an empty one then.
    ///
    /// # Errors
    /// `InUse` by a guest, `Busy`, `NotSupported`, those of the host.
    pub async fn wipe_volume(
        self: &Arc<Self>,
        pool: &PoolHandle,
        name: &str,
        grant: Grant,
        algorithm: Algorithm,
        wait: bool,
    ) -> Result<Arc<Job>> {
        grant.covers(Action::VolumeManage)?;
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        let claim = pool.claims.volume(&pool.name(), name, "wiped", Sharing::Change)?;
        self.refuse_used(pool, &volume, "wiped").await?;
        if volume.kind == VolumeType::Block && volume.allocation < volume.physical {
            let message = format!("volume '{name}' has less room than its size and cannot be overwritten as a whole; delete it instead");
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        let in_place = Some(self.interrupted.begin(&pool.name(), name, Operation::Wipe).await?);
        let order = Order { in_place, ..self.volume_order("volume-wipe", pool, name, grant, vec![claim], wait) };
        let name = name.to_owned();
        self.as_job(order, move |progress| async move {
            let work = async {
                let (opener, opened) = (backend.clone(), volume.clone());
                let (file, size) = blocking(move || {
                    let mut file = opener.open(&opened, Purpose::Write)?;
                    // All that is there now: others may have written since the pool was looked at.
                    let size = file.seek(SeekFrom::End(0)).map_err(|error| failed("ask for its size", error))?;
                    Ok((file, size))
                })
                .await?;
                transfer::wipe(Arc::new(file), size, algorithm, &progress.report()).await?;
                backend.renew(&volume, passphrase).await
            };
            work.await.map_err(|error: Error| error.in_context(format_args!("cannot wipe volume '{name}'")))
        })
        .await
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// `InUse` by a guest, `Busy`, those of the host.
    pub async fn delete_volume(self: &Arc<Self>, pool: &PoolHandle, name: &str, grant: Grant) -> Result<()> {
        grant.covers(Action::VolumeManage)?;
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        let _claim = pool.claims.volume(&pool.name(), name, "deleted", Sharing::Change)?;
        self.refuse_used(pool, &volume, "deleted").await?;
        backend.remove(&volume).await.map_err(|error| error.in_context(format_args!("cannot delete volume '{name}'")))?;
        self.interrupted.forget(&pool.name(), name).await;
        pool.refreshed().await
    }

    /// Writes what comes from a descriptor into a volume.
    ///
    /// # Errors
    /// `InUse` by a guest, `Busy`, `InvalidArgument` outside of the volume, `NoSpace` when more comes, those of the host.
    pub async fn upload(
        self: &Arc<Self>,
        pool: &PoolHandle,
        name: &str,
        grant: Grant,
        from: Stream,
        range: Range,
        wait: bool,
    ) -> Result<Arc<Job>> {
        grant.covers(Action::VolumeManage)?;
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        let claim = pool.claims.volume(&pool.name(), name, "uploaded to", Sharing::Change)?;
        self.refuse_used(pool, &volume, "overwritten").await?;
        let in_place = Some(self.interrupted.begin(&pool.name(), name, Operation::Upload).await?);
        let order = Order { in_place, ..self.volume_order("volume-upload", pool, name, grant, vec![claim], wait) };
        let name = name.to_owned();
        self.as_job(order, move |progress| async move {
            let work = async {
                let (opener, opened) = (backend.clone(), volume.clone());
                let file = Arc::new(blocking(move || opener.open(&opened, Purpose::Write)).await?);
                // The file of an image with a format is as long as its content, which is what comes now.
                let grows = volume.kind == VolumeType::File && volume.format != VolumeFormat::Raw;
                transfer::upload(&from, file, volume.physical, range, grows, &progress.report()).await
            };
            work.await.map_err(|error: Error| error.in_context(format_args!("cannot upload to volume '{name}'")))
        })
        .await
    }

    /// Writes a volume into a descriptor.
    ///
    /// # Errors
    /// `Busy`, `InvalidArgument` outside of the volume, those of the host.
    pub async fn download(
        self: &Arc<Self>,
        pool: &PoolHandle,
        name: &str,
        grant: Grant,
        to: Stream,
        range: Range,
        wait: bool,
    ) -> Result<Arc<Job>> {
        grant.covers(Action::VolumeManage)?;
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        let claim = pool.claims.volume(&pool.name(), name, "downloaded", Sharing::Read)?;
        let order = Order { pool: None, ..self.volume_order("volume-download", pool, name, grant, vec![claim], wait) };
        let name = name.to_owned();
        self.as_job(order, move |progress| async move {
            let work = async {
                let (opener, opened) = (backend.clone(), volume.clone());
                let file = Arc::new(blocking(move || opener.open(&opened, Purpose::Read)).await?);
                transfer::download(file, volume.physical, &to, range, &progress.report()).await
            };
            work.await.map_err(|error: Error| error.in_context(format_args!("cannot download volume '{name}'")))
        })
        .await
    }

    fn volume_order(&self, operation: &'static str, pool: &PoolHandle, name: &str, grant: Grant, claims: Vec<Claim>, wait: bool) -> Order {
        let subject = Subject::StorageVolume { pool: pool.name(), volume: name.to_owned() };
        Order { operation, subject, grant, claims, pool: Some(pool.clone()), wait, in_place: None }
    }

    /// Refuses what would take a disk away from a running guest, also one that is laid over the volume.
    async fn refuse_used(&self, pool: &PoolHandle, volume: &Arc<Volume>, verb: &str) -> Result<()> {
        let views = self.registry.views();
        let mut used = vec![volume.clone()];
        let mut looked_at = 0;
        while let Some(below) = used.get(looked_at).cloned() {
            looked_at += 1;
            let over = views.iter().flat_map(|pool| pool.contents.volumes.values());
            let over = over.filter(|other| other.backing.as_ref().is_some_and(|backing| backing.path == below.path));
            let over: Vec<_> = over.filter(|other| !used.iter().any(|known| known.path == other.path)).cloned().collect();
            used.extend(over);
        }
        match self.guest_with(&used).await {
            None => Ok(()),
            Some(guest) => {
                let message = format!(
                    "volume '{}' of pool '{}' cannot be {verb}: domain '{guest}' uses it; shut that down first",
                    volume.name,
                    pool.name()
                );
                Err(Error::new(ErrorKind::InUse, message))
            }
        }
    }
}
