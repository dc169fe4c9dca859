//! The way to one pool: its current view for readers, its mailbox for changes, and the claims of those who work on it.
//!
//! Invariants: reading never waits; a change that does not fit into the mailbox is `Busy`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::actor::{Message, Request};
use super::backends::Backend;
use super::claims::Claims;
use super::view::StoragePoolView;
use super::volume::Volume;
use crate::error::{Error, ErrorKind, Result};

/// Changes that wait in a pool's mailbox at most.
pub(super) const MAILBOX: usize = 16;

/// The backend of a started pool.
#[derive(Clone, Default)]
pub(super) struct Started(Arc<Mutex<Option<Arc<dyn Backend>>>>);

impl Started {
    pub fn get(&self) -> Option<Arc<dyn Backend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, backend: Option<Arc<dyn Backend>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = backend;
    }
}

/// A pool, for everybody but its actor. Cheap to clone.
#[derive(Clone)]
pub struct PoolHandle {
    pub(super) uuid: Uuid,
    pub(super) view: watch::Receiver<Arc<StoragePoolView>>,
    pub(super) requests: mpsc::Sender<Box<Message>>,
    pub(super) claims: Claims,
    pub(super) started: Started,
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool {}", self.uuid)
    }
}

impl PoolHandle {
    /// Its identity, which never changes.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// How it looks now.
    pub fn view(&self) -> Arc<StoragePoolView> {
        self.view.borrow().clone()
    }

    /// Its name, which never changes.
    pub fn name(&self) -> String {
        self.view.borrow().name.clone()
    }

    /// A volume of it by name.
    ///
    /// # Errors
    /// `InvalidState` when the pool is not started, `NotFound`.
    pub fn volume(&self, name: &str) -> Result<Arc<Volume>> {
        let view = self.view();
        self.backend()?;
        view.volume(name).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("pool '{}' has no volume '{name}'", view.name)))
    }

    /// The backend of a started pool.
    ///
    /// # Errors
    /// `InvalidState` when it is not started.
    pub(super) fn backend(&self) -> Result<Arc<dyn Backend>> {
        let stopped = || Error::new(ErrorKind::InvalidState, format!("pool '{}' is not started; start it first", self.name()));
        self.started.get().ok_or_else(stopped)
    }

    /// Has the actor change something and waits until everybody can see that.
    ///
    /// # Errors
    /// `Busy` when too many changes wait, `NotFound` when the pool has just vanished.
    pub(super) async fn request(&self, request: Request) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::new(ErrorKind::NotFound, format!("pool '{}' no longer exists", self.name()));
        match self.requests.try_send(Box::new(Message { request, reply })) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(gone())),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(gone()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                let message = format!("cannot change pool '{}' now: {MAILBOX} changes are waiting already; try again later", self.name());
                Err(Error::new(ErrorKind::Busy, message))
            }
        }
    }

    /// Asks for a refresh. Unlike other changes this waits for room in the mailbox: whoever changed a volume must have it seen.
    pub(super) async fn refreshed(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::new(ErrorKind::NotFound, format!("pool '{}' no longer exists", self.name()));
        self.requests.send(Box::new(Message { request: Request::Refresh, reply })).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}
