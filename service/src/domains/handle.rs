//! The way to one domain: its current view for readers, its mailbox for requests.
//!
//! Invariants: reading never waits; a request that does not fit into the mailbox is `Busy`, so one
//! stuck domain cannot hold up its callers; `Destroy` has a lane of its own. Every request takes a
//! [`Grant`] for what it does, so it cannot be made without authorization.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::request::{Message, Request};
use super::view::DomainView;
use crate::authorization::Grant;
use crate::error::{Error, ErrorKind, Result};

/// Requests that wait in a domain's mailbox at most.
pub(super) const MAILBOX: usize = 16;

/// A domain, for everybody but its actor. Cheap to clone.
#[derive(Clone)]
pub struct DomainHandle {
    pub(super) uuid: Uuid,
    pub(super) view: watch::Receiver<Arc<DomainView>>,
    // Boxed, because a channel allocates room for 32 messages at once.
    pub(super) requests: mpsc::Sender<Box<Message>>,
    pub(super) control: mpsc::Sender<Box<Message>>,
}

impl fmt::Debug for DomainHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "domain {}", self.uuid)
    }
}

impl DomainHandle {
    /// Its identity, which never changes.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// How it looks now.
    pub fn view(&self) -> Arc<DomainView> {
        self.view.borrow().clone()
    }

    /// A receiver that tells when it looks different.
    pub fn watch(&self) -> watch::Receiver<Arc<DomainView>> {
        self.view.clone()
    }

    /// Asks the domain for something and waits for the answer.
    ///
    /// # Errors
    /// `Busy` when too many requests wait, `NotFound` when the domain has just vanished, and
    /// whatever the request is answered with.
    pub async fn request(&self, grant: Grant, request: Request) -> Result<()> {
        grant.covers(request.action())?;
        self.send(request)?.await.unwrap_or_else(|_| Err(self.gone()))
    }

    fn send(&self, request: Request) -> Result<oneshot::Receiver<Result<()>>> {
        let lane = if matches!(request, Request::Destroy { .. }) { &self.control } else { &self.requests };
        let verb = request.verb();
        let (reply, answer) = oneshot::channel();
        match lane.try_send(Box::new(Message { request, reply })) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::new(
                ErrorKind::Busy,
                format!("cannot {verb} domain '{}' now: {MAILBOX} requests are waiting already; try again later", self.view().name),
            )),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("domain '{}' no longer exists", self.view().name))
    }
}
