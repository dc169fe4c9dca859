//! Secrets: passphrases and keys that volumes, storage servers and emulated TPMs are opened with.
//!
//! A secret is a document that says what it is for ([`SecretView`]) and a value. The value of one that is not ephemeral is
//! sealed ([`sealing`]) and written; that of an ephemeral one stays in memory, as does its document.
//!
//! Invariants:
//! - A value is never in a log, an error or a property, and [`Value`] is wiped when it is dropped.
//! - No client is shown the value of a private secret, whatever it was granted.
//! - What a call has done is on the disk when it returns, and its event is published in that order.

mod definition;
mod sealing;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lodge_model::document::Document as _;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use definition::Draft;
pub use view::SecretView;

use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event, Publisher};
use crate::store::Store;
use sealing::Sealing;

/// Longest value in bytes.
pub const MAX_VALUE_BYTES: usize = 64 << 10;

/// The value of a secret.
pub type Value = Zeroizing<Vec<u8>>;

/// The secrets of one instance.
pub struct Secrets {
    store: Arc<Store>,
    publisher: Publisher,
    known: Mutex<BTreeMap<Uuid, Known>>,
    /// Taken by whoever changes anything, in a thread that may block; holds what values are sealed with, once it is known.
    changing: Mutex<Option<Sealing>>,
}

#[derive(Clone)]
struct Known {
    view: Arc<SecretView>,
    /// Of an ephemeral secret only.
    value: Option<Arc<Value>>,
}

impl Secrets {
    /// The secrets of the store. What cannot be read is logged, left as it is, and no secret.
    ///
    /// # Errors
    /// The store cannot be listed at all.
    pub fn load(store: Arc<Store>, publisher: Publisher) -> Result<Arc<Self>> {
        let mut known = BTreeMap::new();
        for (name, xml) in store.secrets().load_all()? {
            let read = xml.map_err(Error::from).and_then(|xml| {
                let draft = Draft::read(&xml)?;
                let uuid = draft.secret.uuid.filter(|uuid| uuid.to_string() == name);
                let uuid = uuid.ok_or_else(|| Error::new(ErrorKind::InvalidXml, "its <uuid> is not that of the file's name"))?;
                SecretView::of(uuid, &draft, xml.into(), store.secret_values().exists(uuid)?)
            });
            match read {
                Ok(view) => drop(known.insert(view.uuid, Known { view: Arc::new(view), value: None })),
                Err(error) => tracing::error!("secret {} is left alone: {error}", name.escape_debug()),
            }
        }
        Ok(Arc::new(Self { store, publisher, known: Mutex::new(known), changing: Mutex::default() }))
    }

    /// All of them, in order of UUIDs.
    pub fn views(&self) -> Vec<Arc<SecretView>> {
        self.known().values().map(|known| known.view.clone()).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn view(&self, uuid: Uuid) -> Result<Arc<SecretView>> {
        Ok(self.one(uuid)?.view)
    }

    /// The secret with this UUID, or of this use, as in `volume:/srv/images/mail.qcow2`.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, text: &str) -> Result<Arc<SecretView>> {
        let found = self.known().values().map(|known| &known.view).find(|view| view.is_named(text)).cloned();
        found.ok_or_else(|| {
            let message = format!("there is no secret '{text}'; name one by its UUID, or by its use as in volume:/srv/images/mail.qcow2");
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// What an authorizer is told when a verb is about a document.
    pub fn details(&self, verb: &'static str, draft: &Draft) -> Details {
        self.place(draft).map_or_else(|_| Details::of_verb(verb), |uuid| Details::about(verb, Subject::Secret(uuid)))
    }

    /// Stores a secret, or another definition of one that has the same UUID.
    ///
    /// # Errors
    /// `AlreadyExists` when another one is for the same, or with `only_new`; `InvalidArgument` when a private or an ephemeral
    /// secret would no longer be one; those of the store.
    pub async fn define(self: &Arc<Self>, grant: Grant, draft: Draft, only_new: bool) -> Result<Arc<SecretView>> {
        grant.covers(Action::SecretDefine)?;
        self.change(move |secrets, _| {
            let uuid = secrets.place(&draft)?;
            let old = secrets.one(uuid).ok();
            if let (Some(old), true) = (&old, only_new) {
                let message = format!("{} exists already; leave the option new out to replace its definition", old.view.subject());
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            let draft = draft.with_uuid(uuid);
            let xml: Arc<str> = draft.secret.to_xml().into();
            let has_value = old.as_ref().is_some_and(|old| old.view.has_value);
            let view = Arc::new(SecretView::of(uuid, &draft, xml.clone(), has_value)?);
            if let Some(old) = &old {
                view.check_successor_of(&old.view)?;
            }
            if !view.ephemeral {
                secrets.store.secrets().save(&uuid.to_string(), &xml)?;
            }
            secrets.note(uuid, Some(Known { view: view.clone(), value: old.and_then(|old| old.value) }));
            Ok(view)
        })
        .await
    }

    /// Gives a secret its value, up to [`MAX_VALUE_BYTES`].
    ///
    /// # Errors
    /// `NotFound`, `InvalidArgument`; those of the store, with the former value in place.
    pub async fn set_value(self: &Arc<Self>, grant: Grant, uuid: Uuid, value: Value) -> Result<()> {
        grant.covers(Action::SecretDefine)?;
        if value.is_empty() || value.len() > MAX_VALUE_BYTES {
            let message = format!("the value of secret {uuid} must have 1 to {MAX_VALUE_BYTES} bytes, not {}", value.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.change(move |secrets, sealing| {
            let Known { view, .. } = secrets.one(uuid)?;
            let kept = if view.ephemeral {
                Some(Arc::new(value))
            } else {
                let sealed = Sealing::of(sealing, secrets.store.secret_values())?.seal(uuid, &value)?;
                secrets.store.secret_values().save(uuid, &sealed)?;
                None
            };
            let view = Arc::new(SecretView { has_value: true, ..SecretView::clone(&view) });
            secrets.note(uuid, Some(Known { view, value: kept }));
            Ok(())
        })
        .await
    }

    /// The value of a secret, for a client.
    ///
    /// # Errors
    /// `NotAuthorized` for a private secret, whoever asks; `NotFound`, `InvalidState` when it has no value.
    pub async fn value(self: &Arc<Self>, grant: Grant, uuid: Uuid) -> Result<Value> {
        grant.covers(Action::SecretRead)?;
        if self.view(uuid)?.private {
            let message = format!("the value of secret {uuid} is shown to nobody, because the secret is private");
            return Err(Error::new(ErrorKind::NotAuthorized, message));
        }
        self.reveal(uuid).await
    }

    /// The value of a secret, for the service's own use: to open what a guest was given.
    ///
    /// # Errors
    /// `NotFound`, `InvalidState` when it has no value; it cannot be read or was sealed with another key.
    pub async fn reveal(self: &Arc<Self>, uuid: Uuid) -> Result<Value> {
        self.change(move |secrets, sealing| {
            let Known { view, value } = secrets.one(uuid)?;
            if let Some(value) = value {
                return Ok(Value::clone(&value));
            }
            let sealed = if view.ephemeral { None } else { secrets.store.secret_values().load(uuid)? };
            match sealed {
                Some(sealed) => Sealing::of(sealing, secrets.store.secret_values())?.open(uuid, &sealed),
                None => {
                    let message = format!("secret {uuid} has no value; set it with SetValue (lodgectl secret-set-value)");
                    Err(Error::new(ErrorKind::InvalidState, message))
                }
            }
        })
        .await
    }

    /// Removes a secret and its value.
    ///
    /// # Errors
    /// `NotFound`; those of the store.
    pub async fn undefine(self: &Arc<Self>, grant: Grant, uuid: Uuid) -> Result<()> {
        grant.covers(Action::SecretDefine)?;
        self.change(move |secrets, _| {
            secrets.one(uuid)?;
            // The value first: nothing would ever remove the value of a secret that is gone.
            secrets.store.secret_values().remove(uuid)?;
            secrets.store.secrets().remove(&uuid.to_string())?;
            secrets.note(uuid, None);
            Ok(())
        })
        .await
    }

    /// Works with the files, one caller at a time, and answers when clients have been told what changed.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, &mut Option<Sealing>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let secrets = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut sealing = secrets.changing.lock().unwrap_or_else(PoisonError::into_inner);
            work(&secrets, &mut sealing)
        });
        let done = done.await.map_err(|error| Error::new(ErrorKind::Internal, "the work on a secret crashed").caused_by(error))?;
        self.publisher.caught_up().await;
        done
    }

    /// The UUID of what is to be defined: its own, that of the secret for the same use, or a new one.
    fn place(&self, draft: &Draft) -> Result<Uuid> {
        let usage = draft.usage()?;
        let same_use = usage.and_then(|usage| self.known().values().map(|known| known.view.clone()).find(|view| view.is_for(usage)));
        match (draft.secret.uuid, same_use) {
            (Some(uuid), Some(other)) if other.uuid != uuid => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("secret {} is for the same use already, {}; leave <uuid> out to replace its definition", other.uuid, other.named()),
            )),
            (Some(uuid), _) => Ok(uuid),
            (None, Some(same)) => Ok(same.uuid),
            (None, None) => Ok(Uuid::new_v4()),
        }
    }

    fn one(&self, uuid: Uuid) -> Result<Known> {
        self.known().get(&uuid).cloned().ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no secret {uuid}")))
    }

    /// Makes a change visible.
    fn note(&self, uuid: Uuid, new: Option<Known>) {
        let view = new.as_ref().map(|known| known.view.clone());
        let old = match new {
            Some(known) => self.known().insert(uuid, known),
            None => self.known().remove(&uuid),
        };
        if let Some(change) = Change::between(old.map(|old| old.view), view) {
            self.publisher.publish_blocking(Event::Secret(change));
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Uuid, Known>> {
        // Held for map operations only.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
