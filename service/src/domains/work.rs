//! Work that an actor has given to a task of its own, and what comes back of it.
//!
//! A piece of work is called off rather than aborted: it hears of that where it may stop, so what it
//! has done for good (a machine started, a file written) always comes back as its outcome.

use lodge_model::domain::Domain;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::live::Live;
use super::request::{Definition, Reply};
use super::state::State;
use crate::error::{Error, ErrorKind, Result};

/// Work under way.
pub(super) struct Work {
    /// What is done, for messages.
    pub verb: &'static str,
    /// Whoever waits for it.
    pub replies: Vec<Reply>,
    task: JoinHandle<Outcome>,
    call_off: watch::Sender<bool>,
}

/// How work ended.
pub(super) enum Outcome {
    /// A guest was started.
    Started(Result<Box<Live>>),
    /// The machine did, or did not do, what was asked; the state that follows.
    Commanded(Result<Option<State>>),
    /// The store holds a change.
    Stored(Result<Change>),
}

/// A change that the store holds.
pub(super) enum Change {
    Defined(Definition),
    Undefined,
    Renamed(Definition),
    Autostart(bool),
    Edited { definition: Option<Definition>, live: Option<Box<LiveChange>> },
}

/// What changes in a running guest.
pub(super) struct LiveChange {
    /// Its document.
    pub document: Domain,
    /// The definition as if it had been started from this one, to tell it from the stored one.
    pub started_from: Arc<str>,
}

/// How work hears that it was called off.
#[derive(Clone)]
pub(super) struct CallOff(watch::Receiver<bool>);

impl CallOff {
    /// Answers when the work is not wanted any more.
    pub async fn heard(mut self) {
        // An error means that nobody waits for the work: then nobody calls it off either.
        if self.0.wait_for(|off| *off).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Work {
    /// Begins work in a task of its own.
    pub fn begin<F>(verb: &'static str, work: impl FnOnce(CallOff) -> F) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (call_off, heard) = watch::channel(false);
        Self { verb, replies: Vec::new(), task: tokio::spawn(work(CallOff(heard))), call_off }
    }

    /// Begins work that blocks its thread and cannot be called off.
    pub fn begin_blocking(verb: &'static str, work: impl FnOnce() -> Outcome + Send + 'static) -> Self {
        Self { verb, replies: Vec::new(), task: tokio::task::spawn_blocking(work), call_off: watch::Sender::new(false) }
    }

    /// Asks it to stop where it may.
    pub fn call_off(&self) {
        self.call_off.send_replace(true);
    }

    /// Stops it at any point. For what leaves nothing half-done wherever it is stopped.
    pub fn abort(&self) {
        self.task.abort();
    }
}

/// Waits for the end of work, if there is any.
pub(super) async fn end_of(work: &mut Option<Box<Work>>) -> Result<Outcome> {
    let Some(work) = work else { return std::future::pending().await };
    (&mut work.task).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "the service has a defect: the work crashed; please report it with the log").caused_by(error)
    })
}
