//! QMP, the machine protocol of QEMU, from the client's side.
//!
//! [`connect`] takes a stream to a QEMU and gives a [`Client`] for commands, a receiver of [`Event`]s and QEMU's version.
//! Any number of commands may be on the way at once; each has its own time limit. The rules:
//! - **Reading never waits for anybody.** One task per connection moves bytes and blocks on nothing else. Events go into
//!   a queue of [`EVENT_QUEUE`]; if it is full they are counted, and [`EventKind::Missed`] follows as soon as there is
//!   room, so the receiver knows that it must ask QEMU for its state. Replies never stand behind events.
//! - **Everything is bounded**: commands waiting to be sent, commands without a reply, the length of a message.
//! - **The end is told.** When QEMU closes the connection every waiting command fails with [`QmpError::Closed`], and the
//!   events end after the last one QEMU sent. Dropping every [`Client`] closes the connection; QEMU runs on.
//! - An unknown event, or an unknown field, is no error: QEMU may be newer than this service.
//!
//! The stream is best made before QEMU runs: QEMU inherits a listening socket
//! (`-chardev socket,id=qmp,fd=N,server=on,wait=off -mon chardev=qmp,mode=control`), so that connecting needs neither
//! polling nor luck.

mod commands;
mod connection;
mod error;
mod event;
mod wire;

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

pub use commands::{Chardev, Drive, Medium, RunState, Status};
pub use error::QmpError;
pub use event::{Event, EventKind};
pub use wire::{NoArguments, Release, Version};

use connection::{Connection, Request};

/// Events that wait to be taken, at most.
pub const EVENT_QUEUE: usize = 256;
/// Commands that wait to be sent, at most; further callers wait, within their time limit.
const COMMAND_QUEUE: usize = 32;
/// Time for a command, unless [`Client::with_timeout`] says otherwise. Long enough for a host that swaps.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a successful [`connect`] gives.
#[derive(Debug)]
pub struct Connected {
    /// For commands.
    pub client: Client,
    /// What QEMU tells by itself, in its order. It must be taken regularly, or [`EventKind::Missed`] comes.
    pub events: mpsc::Receiver<Event>,
    /// Version of this QEMU.
    pub version: Version,
}

/// Waits for QEMU's greeting on `stream`, agrees on capabilities, and starts the task that serves the connection.
/// `timeout` is for the greeting: a QEMU that serves another client, or has stopped, does not greet.
///
/// # Errors
/// [`QmpError`] with `the greeting` or `qmp_capabilities` as its command. `Closed` if QEMU ended before it greeted.
pub async fn connect(stream: UnixStream, timeout: Duration) -> Result<Connected, QmpError> {
    let greeting = "the greeting";
    let timed_out = |_| QmpError::TimedOut { command: greeting.to_owned(), after: timeout };
    let (lines, body) = tokio::time::timeout(timeout, connection::greeting(&stream)).await.map_err(timed_out)??;

    let (send_request, requests) = mpsc::channel(COMMAND_QUEUE);
    let (send_event, events) = mpsc::channel(EVENT_QUEUE);
    let end = Arc::new(OnceLock::new());
    tokio::spawn(Connection::new(stream, lines, requests, send_event).serve(Arc::clone(&end)));
    let client = Client { requests: send_request, ids: Arc::default(), end, timeout: DEFAULT_TIMEOUT };

    // Out-of-band execution can be agreed on only here; it also lets QEMU read on while a command runs.
    let oob = body.capabilities.iter().any(|capability| capability == "oob");
    let enable: &[&str] = if oob { &["oob"] } else { &[] };
    let negotiating = client.clone().with_timeout(timeout);
    let IgnoredAny = negotiating.execute("qmp_capabilities", serde_json::json!({ "enable": enable })).await?;
    Ok(Connected { client, events, version: body.version })
}

/// Sends commands to one QEMU. Clones are the same connection.
#[derive(Clone, Debug)]
pub struct Client {
    requests: mpsc::Sender<Request>,
    ids: Arc<AtomicU64>,
    /// Why the connection ended, once it has.
    end: Arc<OnceLock<String>>,
    timeout: Duration,
}

impl Client {
    /// The same connection with another time limit per command.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Carries out any command: QEMU's name of it, its arguments (an object), and the type of its result. See the typed
    /// methods first.
    ///
    /// Dropping the future, or the time limit, takes back a command not yet sent; one that QEMU has may still happen.
    ///
    /// # Errors
    /// [`QmpError::Refused`] with QEMU's words; [`QmpError::Closed`], [`QmpError::TimedOut`] when there is no answer;
    /// [`QmpError::Unexpected`] when the result is not of type `R`.
    pub async fn execute<R: DeserializeOwned>(&self, command: &str, arguments: impl Serialize) -> Result<R, QmpError> {
        self.exchange(command, arguments, None).await
    }

    /// The same with a file that QEMU receives along with the command (`getfd`, `add-fd`). Such commands are sent one
    /// after another: QEMU keeps the files of the last message only.
    ///
    /// # Errors
    /// As [`Client::execute`].
    pub async fn execute_with_file<R: DeserializeOwned>(
        &self,
        command: &str,
        arguments: impl Serialize,
        file: OwnedFd,
    ) -> Result<R, QmpError> {
        self.exchange(command, arguments, Some(file)).await
    }

    async fn exchange<R: DeserializeOwned>(&self, command: &str, arguments: impl Serialize, file: Option<OwnedFd>) -> Result<R, QmpError> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut line = serde_json::to_vec(&wire::Execute { execute: command, arguments, id })
            .map_err(|source| QmpError::Arguments { command: command.to_owned(), source })?;
        line.push(b'\n');
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            // Either fails only if the connection's task has ended.
            self.requests.send(Request { id, line, file, reply }).await.ok()?;
            answer.await.ok()
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Err(_) => Err(QmpError::TimedOut { command: command.to_owned(), after: self.timeout }),
            Ok(None) => Err(QmpError::Closed { command: command.to_owned(), reason: self.end_reason() }),
            Ok(Some(line)) => decode(command, &line),
        }
    }

    fn end_reason(&self) -> String {
        self.end.get().cloned().unwrap_or_else(|| "the service is stopping".to_owned())
    }
}

fn decode<R: DeserializeOwned>(command: &str, line: &[u8]) -> Result<R, QmpError> {
    let unexpected = |reason: String| QmpError::Unexpected { command: command.to_owned(), reason };
    let reply: wire::Reply<R> = serde_json::from_slice(line).map_err(|error| unexpected(error.to_string()))?;
    match reply {
        wire::Reply { error: Some(wire::ReplyError { class, desc }), .. } => {
            Err(QmpError::Refused { command: command.to_owned(), class, description: desc })
        }
        wire::Reply { result: Some(result), .. } => Ok(result),
        wire::Reply { .. } => Err(unexpected("neither a result nor an error".to_owned())),
    }
}

#[cfg(test)]
mod tests;
