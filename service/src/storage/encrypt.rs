//! The passphrases of volumes: those that documents name, and those that the service makes.

use lodge_model::encryption::{Encryption, EncryptionFormat, SecretReference};
use lodge_model::storage_volume::{StorageVolume, VolumeFormat};
use lodge_model::xml::Value as _;
use uuid::Uuid;

use super::backends::{Backend, blocking};
use super::engine::Storage;
use super::interrupted::{Operation, Work};
use super::passphrases::Passphrase;
use super::volume::{Volume, type_name};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a passphrase that the service makes; written in hexadecimal digits, which every program takes.
const PASSPHRASE_BYTES: usize = 32;

/// How a passphrase for a new volume came to be.
#[derive(Default)]
pub(super) struct Encrypted {
    pub passphrase: Option<Passphrase>,
    pub secret: Option<Uuid>,
    /// The secret was made for this volume, and goes with it if that fails.
    pub made: bool,
}

impl Storage {
    /// Finds or makes the passphrase of a new volume.
    pub(super) async fn encrypt(&self, document: &mut StorageVolume, backend: &dyn Backend) -> Result<Encrypted> {
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
        let secret = self.host.secrets.named("volume", reference)?;
        Ok(Encrypted { passphrase: Some(passphrase), secret: Some(secret), made: false })
    }

    /// `default`: LUKS, in qcow2 where the pool has images, with a secret of the service's own making.
    async fn with_default(&self, document: &mut StorageVolume, encryption: &Encryption, backend: &dyn Backend) -> Result<Encrypted> {
        let path = backend.target().join(&document.name).to_string_lossy().into_owned();
        let target = document.target.get_or_insert_with(Default::default);
        target.encryption = Some(Encryption { format: Some("luks".to_owned()), ..encryption.clone() });
        if target.format.is_none() && backend.has_images() {
            target.format = Some(type_name(VolumeFormat::Qcow2));
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

    /// Writes down that a volume is made with a secret of its own, which goes with it if that fails.
    pub(super) async fn begin_with_secret(&self, pool: &str, volume: &str, secret: Uuid) -> Result<Work> {
        let begun = self.interrupted.begin(pool, volume, Operation::Create(secret)).await;
        if begun.is_err() {
            self.forget_secret(secret).await;
        }
        begun
    }

    /// Forgets a secret that was made for a volume that is not there.
    pub(super) async fn forget_secret(&self, secret: Uuid) {
        match self.host.secrets.forget(secret).await {
            Ok(()) => tracing::info!("secret {secret} was made for a volume that was not finished, and is removed"),
            Err(error) => tracing::warn!("secret {secret}, made for a volume that was not finished, stays: {error}"),
        }
    }

    /// The passphrase that opens a volume; `None` when it is not encrypted or no secret is known.
    pub(super) async fn passphrase_of(&self, volume: &Volume) -> Result<Option<Passphrase>> {
        match volume.encryption {
            Some((_, Some(uuid))) => {
                let reference = SecretReference { uuid: Some(uuid), ..Default::default() };
                self.host.secrets.value("volume", &reference).await.map(Some)
            }
            _ => Ok(None),
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
