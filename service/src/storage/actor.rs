//! One pool's actor: the only place that changes how the pool looks.
//!
//! Work on the host is done by whoever asked for it, with a claim ([`super::claims`]); the actor is told what came of it, looks at
//! the pool again, and publishes. So it is never busy for long, and looks are never mixed up: one at a time, and what was asked
//! while one was under way is answered by the next.

use std::sync::Arc;
use std::time::Duration;

use lodge_model::storage_pool::StoragePool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::backends::{Backend, Contents, Volumes};
use super::engine::Storage;
use super::handle::Started;
use super::view::{StoragePoolView, VolumeView, path};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event};
use crate::host::watch::Watch;

/// How long a directory must be quiet, after somebody else changed something, before it is looked at.
const QUIET: Duration = Duration::from_millis(200);
/// How often a directory that is never quiet is looked at.
const AT_LEAST_EVERY: Duration = Duration::from_secs(2);

/// What a pool is told.
pub enum Request {
    /// It has this definition now, which the store holds.
    Defined(Arc<StoragePool>, Vec<String>),
    /// The store holds no definition any more.
    Undefined,
    /// It starts with the service, or not, and the store holds that.
    Autostart(bool),
    /// It was started; its backend is in place.
    Activated(Arc<StoragePool>),
    /// It was stopped.
    Deactivated,
    /// Something may have changed.
    Refresh,
}

/// A request and where its answer goes.
pub struct Message {
    /// The request.
    pub request: Request,
    /// The answer; whoever waits for it may be gone.
    pub reply: Reply,
}

/// Where an answer goes.
pub type Reply = oneshot::Sender<Result<()>>;

/// A look at the pool that is under way.
struct Look {
    task: JoinHandle<Result<Contents>>,
    replies: Vec<Reply>,
}

/// A pool as its actor holds it.
pub(super) struct Actor {
    storage: Arc<Storage>,
    view: watch::Sender<Arc<StoragePoolView>>,
    /// What is kept of the definition without being understood.
    warnings: Vec<String>,
    started: Started,
    requests: mpsc::Receiver<Box<Message>>,
    look: Option<Look>,
    /// Whoever asked for a look while one was under way.
    waiting: Vec<Reply>,
    watch: Option<Watch>,
    /// When somebody else's change was seen first and last.
    noticed: Option<(Instant, Instant)>,
    /// Nothing is left: no definition, and it is not started.
    gone: bool,
}

impl Actor {
    pub fn new(
        storage: Arc<Storage>,
        view: StoragePoolView,
        started: Started,
        requests: mpsc::Receiver<Box<Message>>,
    ) -> (Self, watch::Receiver<Arc<StoragePoolView>>) {
        let warnings = view.warnings.clone();
        let view = watch::Sender::new(Arc::new(view));
        let seen = view.subscribe();
        (
            Self { storage, view, warnings, started, requests, look: None, waiting: Vec::new(), watch: None, noticed: None, gone: false },
            seen,
        )
    }

    /// Lives as long as the pool.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                found = end_of(&mut self.look) => self.on_look(found).await,
                message = self.requests.recv() => match message {
                    Some(message) => self.on_request(*message).await,
                    None => return,
                },
                () = change(&mut self.watch) => self.on_change(),
                () = quiet(self.noticed) => {
                    self.noticed = None;
                    self.look_again(None);
                }
            }
            if self.gone {
                return;
            }
        }
    }

    async fn on_request(&mut self, Message { request, reply }: Message) {
        let mut new = StoragePoolView::clone(&self.view.borrow());
        match request {
            Request::Defined(definition, warnings) => {
                new.persistent = true;
                self.warnings = warnings;
                if !new.active {
                    new.path = path(&definition);
                    new.kind = definition.kind.as_str();
                }
                new.definition = definition;
            }
            Request::Undefined => (new.persistent, new.autostart) = (false, false),
            Request::Autostart(on) => new.autostart = on,
            Request::Activated(live) => {
                // It is shown as started when its volumes are known.
                self.watch = self.started.get().and_then(|backend| watched(backend.as_ref()));
                new.path = path(&live);
                new.kind = live.kind.as_str();
                new.live = Some(live);
                self.view.send_replace(Arc::new(new));
                return self.look_again(Some(reply));
            }
            Request::Deactivated => {
                self.watch = None;
                self.noticed = None;
                new.active = false;
                new.live = None;
                new.contents = Arc::default();
                new.path = path(&new.definition);
                new.kind = new.definition.kind.as_str();
            }
            Request::Refresh => return self.look_again(Some(reply)),
        }
        self.publish(new, vec![(reply, Ok(()))]).await;
    }

    fn on_change(&mut self) {
        let now = Instant::now();
        self.noticed = Some((self.noticed.map_or(now, |(first, _)| first), now));
    }

    /// Looks at the pool, now or after the look that is under way.
    fn look_again(&mut self, reply: Option<Reply>) {
        if self.look.is_some() {
            match reply {
                Some(reply) => self.waiting.push(reply),
                // A change by others: it is due again when this look is over.
                None => self.on_change(),
            }
            return;
        }
        let replies: Vec<_> = self.waiting.drain(..).chain(reply).collect();
        let Some(backend) = self.started.get() else {
            let name = self.view.borrow().name.clone();
            for reply in replies {
                let message = format!("pool '{name}' is not started; start it first");
                drop(reply.send(Err(Error::new(ErrorKind::InvalidState, message))));
            }
            return;
        };
        let known = self.view.borrow().contents.clone();
        let task = tokio::spawn(async move { backend.refresh(&known.volumes).await });
        self.look = Some(Look { task, replies });
    }

    async fn on_look(&mut self, found: Result<Contents>) {
        let replies = self.look.take().map(|look| look.replies).unwrap_or_default();
        let old = self.view.borrow().clone();
        // Stopped meanwhile: what was found is of no interest.
        if self.started.get().is_none() || old.live.is_none() {
            replies.into_iter().for_each(|reply| drop(reply.send(Ok(()))));
        } else {
            let mut new = StoragePoolView::clone(&old);
            let answers: Vec<_> = match found {
                Ok(contents) => {
                    new.active = true;
                    new.contents = Arc::new(contents);
                    replies.into_iter().map(|reply| (reply, Ok(()))).collect()
                }
                Err(error) => {
                    let error = error.in_context(format_args!("cannot look through pool '{}'", old.name));
                    if replies.is_empty() {
                        tracing::warn!("{error}");
                    }
                    if !old.active {
                        new.live = None;
                    }
                    replies.into_iter().map(|reply| (reply, Err(Error::new(error.kind(), error.to_string())))).collect()
                }
            };
            self.publish(new, answers).await;
        }
        if !self.waiting.is_empty() {
            self.look_again(None);
        }
    }

    /// Shows how the pool looks now, or that it is gone, and then answers.
    async fn publish(&mut self, mut new: StoragePoolView, answers: Vec<(Reply, Result<()>)>) {
        let interrupted = self.storage.interrupted.of_pool(&new.name, &new.contents.volumes);
        new.warnings = [self.warnings.clone(), interrupted].concat();
        let new = Arc::new(new);
        let old = self.view.send_replace(new.clone());
        let publisher = &self.storage.publisher;
        for change in changes(&old, &new) {
            publisher.publish(Event::Volume(change)).await;
        }
        let answer = move || answers.into_iter().for_each(|(reply, result)| drop(reply.send(result)));
        self.gone = !new.persistent && !new.active && new.live.is_none();
        let event = match (old == new, self.gone) {
            (_, true) => {
                self.storage.registry.remove(&new.name);
                Event::Pool(Change::Removed(new))
            }
            (true, _) => Event::None,
            (false, _) => Event::Pool(Change::Changed { old, new }),
        };
        publisher.publish_then(event, answer).await;
    }
}

/// What changed in a pool's volumes. Those that vanish come first.
fn changes(old: &StoragePoolView, new: &StoragePoolView) -> Vec<Change<VolumeView>> {
    let (before, after) = (&old.contents.volumes, &new.contents.volumes);
    if Arc::ptr_eq(&old.contents, &new.contents) {
        return Vec::new();
    }
    let view = |volumes: &Volumes, name: &str| {
        volumes.get(name).map(|volume| Arc::new(VolumeView { pool: new.name.clone(), volume: volume.clone() }))
    };
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let there = after.iter().filter(|(name, volume)| before.get(*name).is_none_or(|old| !Arc::ptr_eq(old, volume) && old != *volume));
    let names = gone.chain(there.map(|(name, _)| name));
    names.filter_map(|name| Change::between(view(before, name), view(after, name))).collect()
}

fn watched(backend: &dyn Backend) -> Option<Watch> {
    if !backend.is_watched() {
        return None;
    }
    Watch::directory(backend.target())
        .inspect_err(|error| tracing::warn!("changes in {} are seen at a refresh only: {error}", backend.target().display()))
        .ok()
}

async fn end_of(look: &mut Option<Look>) -> Result<Contents> {
    let Some(look) = look else { return std::future::pending().await };
    (&mut look.task).await.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, "looking through it crashed").caused_by(error)))
}

/// Answers when somebody changed something that counts: not what is hidden, such as an unfinished volume.
async fn change(watch: &mut Option<Watch>) {
    let Some(watching) = watch else { return std::future::pending().await };
    if let Err(error) = watching.changed(|name| !name.starts_with(b".")).await {
        tracing::warn!("changes by others are seen at a refresh only: {error}");
        *watch = None;
    }
}

/// Answers when it is time to look because of a change.
async fn quiet(noticed: Option<(Instant, Instant)>) {
    match noticed {
        Some((first, last)) => tokio::time::sleep_until((last + QUIET).min(first + AT_LEAST_EVERY)).await,
        None => std::future::pending().await,
    }
}
