//! What is done with a volume.
//!
//! Each is a job: it claims what it touches, can be called off, and the pool is looked through before it ends, so that what a
//! client then sees is how it is.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::encryption::{Encryption, EncryptionFormat, SecretReference};
use lodge_model::storage_volume::{StorageVolume, VolumeFormat, VolumeType};
use lodge_model::xml::Value as _;
use uuid::Uuid;

use super::backends::{Backend, NewSize, NewVolume, Source, blocking};
use super::claims::Sharing;
use super::engine::{Order, Storage};
use super::handle::PoolHandle;
use super::image::Resizing;
use super::passphrases::Passphrase;
use super::transfer::{self, Algorithm, Range};
use super::volume::Volume;
use crate::authorization::{Action, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::host::directory::Purpose;
use crate::host::stream::Stream;
use crate::jobs::Job;

/// Bytes of a passphrase that the service makes; written in hexadecimal digits, which every program takes.
const PASSPHRASE_BYTES: usize = 32;

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
    /// The volume that it shall have the content of, and its pool.
    pub source: Option<(PoolHandle, String)>,
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

/// How a passphrase for a new volume came to be.
#[derive(Default)]
struct Encrypted {
    passphrase: Option<Passphrase>,
    secret: Option<Uuid>,
    /// The secret was made for this volume, and goes with it if that fails.
    made: bool,
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
            Some((from, volume)) => {
                claims.push(from.claims.volume(&from.name(), &volume, "read for another volume", Sharing::Read)?);
                Some(self.source(&from, &volume).await?)
            }
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
        let order = self.volume_order(operation, pool, &name, grant, claims, wait);
        let (storage, pool_name) = (self.clone(), pool.name());
        self.as_job(order, move |progress| async move {
            let forget = Forget { storage, secret: made };
            backend
                .create(new, &progress.report())
                .await
                .map_err(|error| error.in_context(format_args!("cannot make volume '{name}' in pool '{pool_name}'")))?;
            forget.keep();
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
        self.refuse_used(pool, &volume, "resized")?;
        if to.capacity < volume.capacity && !to.how.shrink {
            let message = format!(
                "volume '{name}' has {} bytes and would lose what is behind byte {}; to have it lose that, use the option shrink",
                volume.capacity, to.capacity
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        let size = NewSize { capacity: to.capacity, how: to.how, passphrase, available: pool.view().contents.available };
        let order = self.volume_order("volume-resize", pool, name, grant, vec![claim], wait);
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
        self.refuse_used(pool, &volume, "wiped")?;
        if volume.kind == VolumeType::Block && volume.allocation < volume.physical {
            let message = format!("volume '{name}' has less room than its size and cannot be overwritten as a whole; delete it instead");
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        let order = self.volume_order("volume-wipe", pool, name, grant, vec![claim], wait);
        let name = name.to_owned();
        self.as_job(order, move |progress| async move {
            let work = async {
                let (opener, opened) = (backend.clone(), volume.clone());
                let file = blocking(move || opener.open(&opened, Purpose::Write)).await?;
                transfer::wipe(Arc::new(file), volume.physical, algorithm, &progress.report()).await?;
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
        self.refuse_used(pool, &volume, "deleted")?;
        backend.remove(&volume).await.map_err(|error| error.in_context(format_args!("cannot delete volume '{name}'")))?;
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
        self.refuse_used(pool, &volume, "overwritten")?;
        let order = self.volume_order("volume-upload", pool, name, grant, vec![claim], wait);
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

    fn volume_order(
        &self,
        operation: &'static str,
        pool: &PoolHandle,
        name: &str,
        grant: Grant,
        claims: Vec<super::claims::Claim>,
        wait: bool,
    ) -> Order {
        let subject = Subject::StorageVolume { pool: pool.name(), volume: name.to_owned() };
        Order { operation, subject, grant, claims, pool: Some(pool.clone()), wait }
    }

    async fn source(&self, pool: &PoolHandle, name: &str) -> Result<Source> {
        let (backend, volume) = (pool.backend()?, pool.volume(name)?);
        if let Some(guest) = self.guest_with(std::slice::from_ref(&volume.path)) {
            let message = format!("volume '{name}' changes while it is read: domain '{guest}' uses it; shut that down or suspend it first");
            return Err(Error::new(ErrorKind::InUse, message));
        }
        let passphrase = self.passphrase_of(&volume).await?;
        Ok(Source { backend, volume, passphrase })
    }

    /// A volume without a size has that of what it is made from or laid over.
    fn take_capacity(&self, pool: &PoolHandle, document: &mut StorageVolume, source: Option<&Source>) -> Result<()> {
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

    /// Finds or makes the passphrase of a new volume.
    async fn encrypt(&self, document: &mut StorageVolume, backend: &dyn Backend) -> Result<Encrypted> {
        let Some(encryption) = document.target.as_ref().and_then(|target| target.encryption.clone()) else {
            return Ok(Encrypted::default());
        };
        let word = encryption.format.as_deref().and_then(EncryptionFormat::parse);
        match word {
            Some(EncryptionFormat::Luks) => self.with_secret(&encryption.secrets).await,
            Some(EncryptionFormat::Default) => self.with_default(document, &encryption, backend).await,
            Some(EncryptionFormat::Qcow) => {
                let reason = "the encryption of the format 'qcow' is broken, and QEMU makes no such images any more; write format='luks', or \
                              'default' to have the service choose";
                Err(Error::new(ErrorKind::NotSupported, format!("volume '{}' cannot be made: {reason}", document.name)))
            }
            other => {
                let word = other.map_or_else(|| "unknown".to_owned(), |format| format.to_string());
                let message = format!("volume '{}' cannot be made with encryption '{word}'; write format='luks'", document.name);
                Err(Error::new(ErrorKind::NotSupported, message))
            }
        }
    }

    async fn with_secret(&self, secrets: &[SecretReference]) -> Result<Encrypted> {
        let Some(reference) = secrets.first() else { return Ok(Encrypted::default()) };
        let passphrase = self.host.secrets.value("volume", reference).await?;
        Ok(Encrypted { passphrase: Some(passphrase), secret: reference.uuid, made: false })
    }

    /// `default`: LUKS, in qcow2 where the pool has images, with a secret of the service's own making.
    async fn with_default(&self, document: &mut StorageVolume, encryption: &Encryption, backend: &dyn Backend) -> Result<Encrypted> {
        let path = backend.target().join(&document.name).to_string_lossy().into_owned();
        let target = document.target.get_or_insert_with(Default::default);
        target.encryption = Some(Encryption { format: Some("luks".to_owned()), ..encryption.clone() });
        if target.format.is_none() && backend.has_images() {
            target.format = Some(super::volume::type_name(VolumeFormat::Qcow2));
        }
        if !encryption.secrets.is_empty() {
            return self.with_secret(&encryption.secrets).await;
        }
        if let Some(uuid) = self.host.secrets.of_volume(&path) {
            let reference = SecretReference { uuid: Some(uuid), ..Default::default() };
            return self.with_secret(&[reference]).await;
        }
        let passphrase = blocking(new_passphrase).await?;
        let secret = self.host.secrets.keep_for_volume(&path, passphrase.clone()).await?;
        Ok(Encrypted { passphrase: Some(passphrase), secret: Some(secret), made: true })
    }

    /// The passphrase that opens a volume; `None` when it is not encrypted or no secret is known.
    async fn passphrase_of(&self, volume: &Volume) -> Result<Option<Passphrase>> {
        match volume.encryption {
            Some((_, Some(uuid))) => {
                let reference = SecretReference { uuid: Some(uuid), ..Default::default() };
                self.host.secrets.value("volume", &reference).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Refuses what would take a disk away from a running guest, also one that is laid over the volume.
    fn refuse_used(&self, pool: &PoolHandle, volume: &Volume, verb: &str) -> Result<()> {
        let views = self.registry.views();
        let mut paths = vec![volume.path.clone()];
        let mut looked_at = 0;
        while let Some(path) = paths.get(looked_at).cloned() {
            looked_at += 1;
            let over = views.iter().flat_map(|pool| pool.contents.volumes.values());
            let over = over.filter(|other| other.backing.as_ref().is_some_and(|backing| backing.path == path));
            let over: Vec<_> = over.map(|other| other.path.clone()).filter(|path| !paths.contains(path)).collect();
            paths.extend(over);
        }
        match self.guest_with(&paths) {
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

fn new_passphrase() -> Result<Passphrase> {
    use std::io::Read;
    let mut bytes = [0; PASSPHRASE_BYTES];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(|error| Error::new(ErrorKind::HostFailed, "cannot make a passphrase").caused_by(error))?;
    Ok(Passphrase::new(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()))
}

/// A secret that was made for a volume and is forgotten again unless the volume is there.
struct Forget {
    storage: Arc<Storage>,
    secret: Option<Uuid>,
}

impl Forget {
    fn keep(mut self) {
        self.secret = None;
    }
}

impl Drop for Forget {
    fn drop(&mut self) {
        let Some(secret) = self.secret else { return };
        let storage = self.storage.clone();
        tokio::spawn(async move {
            if let Err(error) = storage.host.secrets.forget(secret).await {
                tracing::warn!("secret {secret}, made for a volume that could not be made, stays: {error}");
            }
        });
    }
}
