//! The way to one network: its current view for readers, its mailbox for requests.
//!
//! Invariants: reading never waits; a request that does not fit into the mailbox is `Busy`. Every change asked for by a
//! client takes a [`Grant`].

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::request::{Connect, Connection, Message, Reply, Request};
use super::view::NetworkView;
use crate::authorization::Grant;
use crate::error::{Error, ErrorKind, Result};

/// Messages that wait in a network's mailbox at most: as many guests may start at once.
pub(super) const MAILBOX: usize = 64;

/// A network, for everybody but its actor. Cheap to clone.
#[derive(Clone)]
pub struct NetworkHandle {
    pub(super) uuid: Uuid,
    pub(super) view: watch::Receiver<Arc<NetworkView>>,
    pub(super) mailbox: mpsc::Sender<Box<Message>>,
}

impl fmt::Debug for NetworkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network {}", self.uuid)
    }
}

impl NetworkHandle {
    /// Its identity, which never changes.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// How it looks now.
    pub fn view(&self) -> Arc<NetworkView> {
        self.view.borrow().clone()
    }

    /// A receiver that tells when it looks different.
    pub fn watch(&self) -> watch::Receiver<Arc<NetworkView>> {
        self.view.clone()
    }

    /// Asks the network for something and waits for the answer.
    ///
    /// # Errors
    /// `Busy`, `NotFound` when it has just vanished, and whatever the request is answered with.
    pub async fn request(&self, grant: Grant, request: Request) -> Result<()> {
        grant.covers(request.action())?;
        self.ask(|reply| Message::Do(request, reply)).await
    }

    /// A place for a guest's interface. Whoever may start the guest may have it.
    ///
    /// # Errors
    /// `InvalidState` when the network does not run; `InUse` when no interface is left.
    pub async fn connect(&self, connect: Connect) -> Result<Connection> {
        self.ask(|reply| Message::Connect(connect, reply)).await
    }

    /// Tells which interface of the host a guest got.
    pub async fn connected(&self, owner: Uuid, mac: [u8; 6], interface: &str) {
        self.tell(Message::Connected { owner, mac, interface: interface.to_owned() }).await;
    }

    /// Tells that a guest is over.
    pub async fn disconnect(&self, owner: Uuid) {
        self.tell(Message::Disconnect(owner)).await;
    }

    /// Tells that firewalld has forgotten what it was told.
    pub(super) async fn firewalld_renewed(&self) {
        self.tell(Message::FirewalldRenewed).await;
    }

    async fn tell(&self, message: Message) {
        // A network that is gone need not know.
        drop(self.mailbox.send(Box::new(message)).await);
    }

    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        match self.mailbox.try_send(Box::new(message(reply))) {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(self.gone())),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::new(
                ErrorKind::Busy,
                format!("network '{}' has {MAILBOX} requests waiting already; try again later", self.view().name),
            )),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("network '{}' no longer exists", self.view().name))
    }
}
