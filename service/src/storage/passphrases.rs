//! Passphrases of volumes and servers, as storage asks for them.

use std::fmt;
use std::sync::Arc;

use lodge_model::encryption::SecretReference;
use lodge_model::secret::{Secret, SecretUsage, SecretUsageType};
use uuid::Uuid;

use crate::authorization::{Action, Grant};
use crate::error::{Error, ErrorKind, Result};
use crate::secrets::{Draft, Secrets, Value};

/// A passphrase. Its debug form does not show it, and it is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(pub Value);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// One of these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Value::new(bytes))
    }
}

/// Where passphrases are. Cheap to clone.
#[derive(Clone)]
pub struct Passphrases(Arc<Secrets>);

impl Passphrases {
    /// Those of the service's secrets.
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self(secrets)
    }

    /// The passphrase that a document names by UUID or by use. `kind` is the word for what it is used for, such as `volume`.
    ///
    /// # Errors
    /// `NotFound` when there is no such secret, `InvalidState` when it has no value.
    pub async fn value(&self, kind: &str, reference: &SecretReference) -> Result<Passphrase> {
        self.0.reveal(self.named(kind, reference)?).await.map(Passphrase)
    }

    /// The secret that a document names so.
    ///
    /// # Errors
    /// `NotFound` when there is no such secret.
    pub fn named(&self, kind: &str, reference: &SecretReference) -> Result<Uuid> {
        match (reference.uuid, reference.usage.as_deref()) {
            (Some(uuid), _) => Ok(uuid),
            (None, Some(usage)) => Ok(self.0.find(&format!("{kind}:{usage}"))?.uuid),
            (None, None) => Err(Error::new(ErrorKind::InvalidXml, "no secret is named; write its uuid='…' or usage='…'")),
        }
    }

    /// The secret that opens the volume at this path, if there is one.
    pub fn of_volume(&self, path: &str) -> Option<Uuid> {
        self.0.find(&format!("volume:{path}")).ok().map(|secret| secret.uuid)
    }

    /// All secrets that open volumes, by path: for those who ask for many.
    pub fn of_volumes(&self) -> std::collections::HashMap<String, Uuid> {
        let volume = SecretUsageType::Volume.as_str();
        let for_volumes = self.0.views().into_iter().filter(|secret| secret.usage == volume);
        for_volumes.map(|secret| (secret.usage_id.clone(), secret.uuid)).collect()
    }

    /// Keeps a new secret that opens the volume at this path.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn keep_for_volume(&self, path: &str, value: Passphrase) -> Result<Uuid> {
        let usage = SecretUsage { kind: Some(SecretUsageType::Volume.to_string()), volume: Some(path.to_owned()), ..Default::default() };
        let secret = Secret { description: Some(format!("made for the volume {path}")), usage: Some(usage), ..Default::default() };
        let grant = || Grant::for_the_service(Action::SecretDefine);
        let kept = self.0.define(grant(), Draft { secret, warnings: Vec::new() }, true).await?;
        if let Err(error) = self.0.set_value(grant(), kept.uuid, value.0).await {
            self.forget(kept.uuid).await?;
            return Err(error);
        }
        Ok(kept.uuid)
    }

    /// Forgets a secret that [`Passphrases::keep_for_volume`] has made.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn forget(&self, uuid: Uuid) -> Result<()> {
        self.0.undefine(Grant::for_the_service(Action::SecretDefine), uuid).await
    }
}
