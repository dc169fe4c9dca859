//! What the engine tells the outside: a closed set of events, in the order in which they happened.
//!
//! An answer to a request travels through the same queue behind the event that it is about. So a
//! client has every signal before the reply, and the engine never waits for a client.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::domains::{DomainHandle, DomainView};
use crate::jobs::Job;
use crate::networks::NetworkView;
use crate::secrets::SecretView;
use crate::storage::{StoragePoolView, VolumeView};

/// Events that wait for the bus at most; beyond that the engine waits.
const QUEUE: usize = 1024;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A domain is there now.
    DomainAdded(DomainHandle),
    /// A domain looks different.
    DomainChanged {
        /// How it looked.
        old: Arc<DomainView>,
        /// How it looks.
        new: Arc<DomainView>,
    },
    /// A domain is gone; its last view.
    DomainRemoved(Arc<DomainView>),
    /// Something happened to a domain that is no state.
    DomainSignal {
        /// The domain's name.
        domain: String,
        /// What happened.
        signal: DomainSignal,
    },
    /// A job began.
    JobAdded(Arc<Job>),
    /// A job went on.
    JobProgressed(Arc<Job>),
    /// A job ended; it stays visible for a while.
    JobEnded(Arc<Job>),
    /// A job is no longer shown.
    JobRemoved(Arc<Job>),
    /// Something happened to a network.
    Network(Change<NetworkView>),
    /// Something happened to a secret.
    Secret(Change<SecretView>),
    /// Something happened to a storage pool.
    Pool(Change<StoragePoolView>),
    /// Something happened to a volume.
    Volume(Change<VolumeView>),
    /// Nothing; carries an answer that must not overtake earlier events.
    None,
}

/// What happened to an object that is known by its view. An object never changes its name.
#[derive(Debug)]
pub enum Change<T> {
    /// It is there now.
    Added(Arc<T>),
    /// It looks different.
    Changed {
        /// How it looked.
        old: Arc<T>,
        /// How it looks.
        new: Arc<T>,
    },
    /// It is gone; its last view.
    Removed(Arc<T>),
}

impl<T> Change<T> {
    /// The change from one view to another; `None` where there is neither.
    pub fn between(old: Option<Arc<T>>, new: Option<Arc<T>>) -> Option<Self> {
        match (old, new) {
            (None, Some(new)) => Some(Self::Added(new)),
            (Some(old), Some(new)) => Some(Self::Changed { old, new }),
            (Some(old), None) => Some(Self::Removed(old)),
            (None, None) => None,
        }
    }
}

/// What can happen to a domain besides changes of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainSignal {
    /// The guest rebooted.
    Rebooted,
    /// The guest crashed; with what happens now.
    GuestPanicked {
        /// `preserve`, `destroy` or `restart`.
        action: &'static str,
    },
    /// The watchdog ran out; with the action taken.
    WatchdogFired(String),
    /// A disk failed.
    IoError {
        /// The device's alias.
        device: String,
        /// `read` or `write`.
        operation: String,
        /// `no-space` or `failed`.
        reason: &'static str,
        /// `ignore`, `report` or `pause`.
        action: &'static str,
        /// The host's words.
        message: String,
    },
    /// The guest let go of a device, by alias.
    DeviceRemoved(String),
}

/// An event and what follows once it is on its way.
pub struct Publication {
    /// The event.
    pub event: Event,
    /// Run after the event was handed to the bus.
    pub then: Option<Box<dyn FnOnce() + Send>>,
}

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub struct Publisher(mpsc::Sender<Publication>);

impl Publisher {
    /// A queue and its reading end.
    pub fn new() -> (Self, mpsc::Receiver<Publication>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Publishes an event.
    pub async fn publish(&self, event: Event) {
        self.send(Publication { event, then: None }).await;
    }

    /// Publishes an event from a thread that may block.
    pub fn publish_blocking(&self, event: Event) {
        // Without a reader the service is going down.
        drop(self.0.blocking_send(Publication { event, then: None }));
    }

    /// Answers when all that was published before was handed to the bus. Not for actors.
    pub async fn caught_up(&self) {
        self.publish_and_wait(Event::None).await;
    }

    /// Publishes an event and waits until it was handed to the bus. Not for actors, which wait for nobody.
    pub async fn publish_and_wait(&self, event: Event) {
        let (sent, on_its_way) = oneshot::channel();
        // Whoever waits may be gone by then.
        self.publish_then(event, move || sent.send(()).unwrap_or_default()).await;
        // An error means that the bus is gone, and with it whoever would see the event.
        drop(on_its_way.await);
    }

    /// Publishes an event and then does something, usually answer a request.
    pub async fn publish_then(&self, event: Event, then: impl FnOnce() + Send + 'static) {
        self.send(Publication { event, then: Some(Box::new(then)) }).await;
    }

    async fn send(&self, publication: Publication) {
        // Without a reader the service is going down; answers are still due.
        if let Err(mpsc::error::SendError(publication)) = self.0.send(publication).await
            && let Some(then) = publication.then
        {
            then();
        }
    }
}
