//! Who uses the service: resolved identities, and who is still there.
//!
//! A client counts from its first message until its connection is gone. The service may go when none
//! is left. Unique names are never given to another connection, so an identity once asked for holds.
//!
//! A single task sees every message in the order of its arrival, so that a signal to ourselves tells
//! when everything that came before it has been noted. A call would not do: on the system's bus, who may
//! call whom goes by well-known names, and a service that is about to leave has none any more.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use zbus::message::{Flags, Header, Type};
use zbus::names::{BusName, UniqueName};
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::authorization::Caller;
use crate::error::{Error, ErrorKind, Result};

/// The interface of the signal to ourselves.
const ECHO: &str = "org.lodge.Lodge1.Echo";
/// How long the bus may take to deliver it.
const ECHO_TIME: Duration = Duration::from_secs(10);
/// Departures that somebody who waits for one may lag behind before some are missed.
const LAG: usize = 64;

/// The clients of one connection. Cheap to clone.
#[derive(Clone, Default)]
pub struct Clients(Arc<Inside>);

struct Inside {
    /// Unique names seen and not gone, with the user where that was asked for.
    names: Mutex<HashMap<String, Option<u32>>>,
    /// Moves whenever something happened.
    activity: watch::Sender<u64>,
    /// Signals to ourselves that have been seen.
    echoes: watch::Sender<u64>,
    /// Unique names of those that leave.
    departures: broadcast::Sender<String>,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            names: Mutex::default(),
            activity: watch::Sender::default(),
            echoes: watch::Sender::default(),
            departures: broadcast::Sender::new(LAG),
        }
    }
}

impl Clients {
    /// Notes whoever calls on a connection, until it is gone.
    ///
    /// # Errors
    /// The bus does not tell who leaves.
    pub(super) async fn watch(connection: &Connection) -> zbus::Result<Self> {
        let clients = Self::default();
        // The one stream has both, calls and departures, in the order in which the bus sent them: a
        // client that calls and leaves at once must not be noted after it was forgotten.
        let mut messages = MessageStream::from(connection);
        if connection.is_bus() {
            let departures = MatchRule::builder()
                .msg_type(Type::Signal)
                .sender("org.freedesktop.DBus")
                .interface("org.freedesktop.DBus")
                .member("NameOwnerChanged")
                .build()?;
            zbus::fdo::DBusProxy::new(connection).await?.add_match_rule(departures).await?;
        }
        let own_name = connection.unique_name().map(|name| name.to_string());
        let watching = clients.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                watching.see(&message, own_name.as_deref());
            }
        });
        Ok(clients)
    }

    fn see(&self, message: &Message, own_name: Option<&str>) {
        let header = message.header();
        let sender = header.sender().map(UniqueName::as_str);
        match message.message_type() {
            Type::Signal if sender == own_name => self.0.echoes.send_modify(|seen| *seen += 1),
            Type::MethodCall => sender.into_iter().for_each(|sender| self.note(sender)),
            Type::Signal if sender == Some("org.freedesktop.DBus") => {
                let body = message.body();
                if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
                    self.forget(name);
                }
            }
            _ => {}
        }
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.names().is_empty()
    }

    /// Tells when anything happened: a client came or went, an event was published.
    pub fn activity(&self) -> watch::Receiver<u64> {
        self.0.activity.subscribe()
    }

    pub(super) fn touch(&self) {
        self.0.activity.send_modify(|moves| *moves = moves.wrapping_add(1));
    }

    /// Waits until every call that has arrived so far is noted.
    ///
    /// # Errors
    /// The bus does not work.
    pub async fn caught_up(&self, connection: &Connection) -> zbus::Result<()> {
        let Some(own_name) = connection.unique_name() else { return Ok(()) };
        let mut echoes = self.0.echoes.subscribe();
        echoes.mark_unchanged();
        connection.emit_signal(Some(own_name), "/", ECHO, "CaughtUp", &()).await?;
        match timeout(ECHO_TIME, echoes.changed()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the bus does not deliver a signal to its sender").into()),
        }
    }

    /// Who sent a message.
    pub(super) async fn caller(&self, header: &Header<'_>, connection: &Connection) -> Result<Caller> {
        let interactive = header.primary().flags().contains(Flags::ALLOW_INTERACTIVE_AUTH);
        match header.sender() {
            Some(sender) => {
                let uid = self.uid(sender, connection).await?;
                Ok(Caller { bus_name: Some(sender.to_string()), uid, interactive })
            }
            None => Ok(Caller { bus_name: None, uid: peer_uid(connection).await?, interactive }),
        }
    }

    async fn uid(&self, sender: &UniqueName<'_>, connection: &Connection) -> Result<u32> {
        if let Some(uid) = self.names().get(sender.as_str()).copied().flatten() {
            return Ok(uid);
        }
        let unknown =
            |error: zbus::Error| Error::new(ErrorKind::NotAuthorized, format!("the bus does not tell who {sender} is")).caused_by(error);
        let bus = zbus::fdo::DBusProxy::new(connection).await.map_err(unknown)?;
        let uid = bus.get_connection_unix_user(BusName::Unique(sender.clone())).await.map_err(|error| unknown(error.into()))?;
        // Only of one that is still there: the entry of one that left meanwhile would stay.
        if let Some(known) = self.names().get_mut(sender.as_str()) {
            *known = Some(uid);
        }
        Ok(uid)
    }

    fn note(&self, name: &str) {
        let mut names = self.names();
        if !names.contains_key(name) {
            names.insert(name.to_owned(), None);
            drop(names);
            self.touch();
        }
    }

    /// Answers when a caller leaves. One that had left before this was called, and one without a name, never leaves.
    pub(super) async fn gone(&self, caller: &Caller) {
        let mut departures = self.0.departures.subscribe();
        let Some(name) = &caller.bus_name else { return std::future::pending().await };
        loop {
            match departures.recv().await {
                Ok(left) if left == *name => return,
                Ok(_) => {}
                // Missed among very many at once: the answer will come, or time is up, for one that no longer waits.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    fn forget(&self, name: &str) {
        // Nobody waiting is no error.
        drop(self.0.departures.send(name.to_owned()));
        let removed = self.names().remove(name);
        if removed.is_some() {
            self.touch();
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Option<u32>>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user at the other end of a connection without a bus between.
async fn peer_uid(connection: &Connection) -> Result<u32> {
    let unknown = || Error::new(ErrorKind::NotAuthorized, "the connection does not tell who is at its other end");
    let credentials = connection.peer_creds().await.map_err(|error| unknown().caused_by(error))?;
    credentials.unix_user_id().ok_or_else(unknown)
}
