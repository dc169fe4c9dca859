//! One network's actor: the only place that changes it.
//!
//! It takes one message at a time and is done with it before the next: a start takes a moment, and nobody waits for a
//! network but who asked. After each change: files, then view, then the answer.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::network::Network;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::Networks;
use super::live::{Live, Surroundings};
use super::request::{Connect, Connection, Message, Reply, Request};
use super::status::Port;
use super::update::Update;
use super::view::{Definition, NetworkView};
use crate::authorization::Subject;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event};
use crate::host::process::Exit;
use crate::scope::Scope;

/// A network as its actor holds it.
pub(super) struct Actor {
    pub networks: Arc<Networks>,
    pub name: String,
    pub uuid: Uuid,
    /// What is stored.
    pub definition: Option<Definition>,
    pub autostart: bool,
    pub live: Option<Box<Live>>,
    /// Guests that were in it when it was stopped.
    pub left: Vec<Port>,
    /// What a network without a stored definition is to be started from.
    pub transient: Option<Definition>,
    pub view: watch::Sender<Arc<NetworkView>>,
    pub mailbox: mpsc::Receiver<Box<Message>>,
}

impl Actor {
    /// Lives as long as the network.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                exit = dnsmasq_ended(self.live.as_deref()) => self.on_dnsmasq(exit).await,
                Some(message) = self.mailbox.recv() => self.on_message(*message).await,
                else => return,
            }
            if self.is_over() {
                return;
            }
        }
    }

    /// Whether nothing is left of it.
    fn is_over(&self) -> bool {
        self.definition.is_none() && self.live.is_none() && self.transient.is_none()
    }

    async fn on_message(&mut self, message: Message) {
        match message {
            Message::Do(request, reply) => {
                let verb = request.verb();
                let result = self.carry_out(request).await;
                let result = result.map_err(|error| error.in_context(format_args!("cannot {verb} network '{}'", self.name)));
                self.publish(Some((reply, result))).await;
            }
            Message::Connect(connect, reply) => {
                let result = self.connect(&connect);
                self.publish(None).await;
                // A guest that is gone by now is told to us as such.
                drop(reply.send(result));
            }
            Message::Connected { owner, mac, interface } => {
                self.note_ports(|live| {
                    if let Some(port) = live.ports.iter_mut().find(|port| (port.owner, port.mac) == (owner, mac)) {
                        port.interface = Some(interface);
                    }
                });
            }
            Message::FirewalldRenewed => {
                let networks = self.networks.clone();
                if let Some(live) = &mut self.live {
                    live.bind_zone(&surroundings(&networks)).await;
                }
                self.publish(None).await;
            }
            Message::Disconnect(owner) => {
                self.left.retain(|port| port.owner != owner);
                self.note_ports(|live| live.ports.retain(|port| port.owner != owner));
                self.publish(None).await;
            }
        }
    }

    async fn carry_out(&mut self, request: Request) -> Result<()> {
        match request {
            Request::Define(definition) => self.define(definition).await,
            Request::Undefine => self.undefine().await,
            Request::Start => self.start().await,
            Request::Destroy => self.destroy().await,
            Request::SetAutostart(on) => self.set_autostart(on).await,
            Request::Update(update, scope) => self.update(&update, scope).await,
        }
    }

    async fn define(&mut self, definition: Definition) -> Result<()> {
        let (name, xml) = (self.name.clone(), definition.xml.clone());
        self.networks.store(move |store| store.networks().save(&name, &xml)).await?;
        self.definition = Some(definition);
        Ok(())
    }

    async fn undefine(&mut self) -> Result<()> {
        if self.definition.is_none() {
            return Err(Error::new(ErrorKind::InvalidState, "it is transient and is gone when it is stopped"));
        }
        let name = self.name.clone();
        self.networks
            .store(move |store| {
                store.network_autostart().set(&name, false)?;
                store.networks().remove(&name)
            })
            .await?;
        self.definition = None;
        self.autostart = false;
        Ok(())
    }

    async fn set_autostart(&mut self, on: bool) -> Result<()> {
        if self.definition.is_none() {
            return Err(Error::new(ErrorKind::InvalidState, "it is transient: it has no stored definition; define it first"));
        }
        let name = self.name.clone();
        self.networks.store(move |store| store.network_autostart().set(&name, on)).await?;
        self.autostart = on;
        Ok(())
    }

    async fn start(&mut self) -> Result<()> {
        if self.live.is_some() {
            return Err(Error::new(ErrorKind::InvalidState, "it runs already"));
        }
        let definition = self.transient.take().or_else(|| self.definition.clone());
        let definition = definition.ok_or_else(|| Error::new(ErrorKind::Internal, "it has no definition"))?;
        let networks = self.networks.clone();
        networks.refuse_session()?;
        let live = Live::planned(&self.name, self.uuid, definition, &networks.host)?;
        let mut live = live.start(&surroundings(&networks)).await?;
        live.take_back(std::mem::take(&mut self.left), &surroundings(&networks)).await;
        self.live = Some(Box::new(live));
        Ok(())
    }

    async fn destroy(&mut self) -> Result<()> {
        let networks = self.networks.clone();
        let Some(live) = &mut self.live else { return Err(Error::new(ErrorKind::InvalidState, "it does not run")) };
        live.remove(&surroundings(&networks)).await?;
        self.left = std::mem::take(&mut live.ports);
        self.live = None;
        Ok(())
    }

    async fn update(&mut self, update: &Update, scope: Scope) -> Result<()> {
        let (live, config) = scope.resolve(&Subject::Network(self.name.clone()), self.live.is_some(), self.definition.is_some())?;
        let networks = self.networks.clone();
        // Both are made before either is used.
        let stored = match self.definition.as_ref().filter(|_| config) {
            Some(definition) => Some(changed(&networks, definition, update).await?.1),
            None => None,
        };
        let running = match self.live.as_ref().filter(|_| live) {
            Some(live) => Some(changed(&networks, &live.definition, update).await?.0),
            None => None,
        };
        let in_step = self.is_in_step();
        let before = self.live.as_ref().map(|live| live.definition.xml.clone());
        if let (Some(live), Some(network)) = (&mut self.live, &running) {
            live.change(network, &surroundings(&networks)).await?;
        }
        let Some(definition) = stored else { return Ok(()) };
        let xml = definition.xml.clone();
        let Err(error) = self.define(definition).await else {
            if let Some(live) = self.live.as_mut().filter(|_| in_step && running.is_some()) {
                live.started_from = xml;
            }
            return Ok(());
        };
        if let (Some(live), Some(before), Some(_)) = (&mut self.live, before, running) {
            let (network, _) = Network::parse(&before)?;
            if let Err(undo) = live.change(&network, &surroundings(&networks)).await {
                tracing::error!("network '{}' runs by a change that is stored nowhere: {undo}", self.name);
            }
        }
        Err(error)
    }

    /// Whether it runs by what is stored.
    fn is_in_step(&self) -> bool {
        self.live.as_ref().zip(self.definition.as_ref()).is_some_and(|(live, definition)| live.started_from == definition.xml)
    }

    fn connect(&mut self, connect: &Connect) -> Result<Connection> {
        let Some(live) = &mut self.live else {
            let reason = format!("network '{}' does not run; start it: lodgectl net-start {}", self.name, self.name);
            return Err(Error::new(ErrorKind::InvalidState, reason));
        };
        let connection = live.connect(connect)?;
        live.save(self.networks.store.network_status(), true)?;
        Ok(connection)
    }

    fn note_ports(&mut self, change: impl FnOnce(&mut Live)) {
        let Some(live) = &mut self.live else { return };
        let before = live.ports.clone();
        change(live);
        if before != live.ports
            && let Err(error) = live.save(self.networks.store.network_status(), true)
        {
            tracing::error!("the guests of network '{}' are not known after a restart of the service: {error}", self.name);
        }
    }

    async fn on_dnsmasq(&mut self, exit: Exit) {
        let networks = self.networks.clone();
        if let Some(live) = &mut self.live {
            live.dnsmasq_ended(exit, &surroundings(&networks)).await;
        }
        self.publish(None).await;
    }

    /// Publishes how the network looks now, or that it is gone, and then answers.
    async fn publish(&mut self, answer: Option<(Reply<()>, Result<()>)>) {
        let new = Arc::new(self.look());
        let old = self.view.send_replace(new.clone());
        let publisher = self.networks.publisher.clone();
        if old != new {
            publisher.publish(Event::Network(Change::Changed { old, new: new.clone() })).await;
        }
        self.networks.registry.release_bridge(self.uuid);
        let event = match self.is_over() {
            true => {
                self.networks.registry.remove(self.uuid);
                Event::Network(Change::Removed(new))
            }
            false => Event::None,
        };
        publisher
            .publish_then(event, move || {
                if let Some((reply, result)) = answer {
                    // Whoever asked may be gone by now.
                    drop(reply.send(result));
                }
            })
            .await;
    }

    /// The view.
    pub fn look(&self) -> NetworkView {
        let live = self.live.as_deref();
        let shown = live.map(|live| &live.definition).or(self.definition.as_ref()).or(self.transient.as_ref());
        let mut warnings = shown.map(|definition| definition.warnings.clone()).unwrap_or_default();
        warnings.extend(shown.into_iter().flat_map(|definition| definition.facts.not_done.clone()));
        warnings.extend(live.into_iter().flat_map(|live| live.problems.clone()));
        let pending = live.is_some() && self.definition.is_some() && !self.is_in_step();
        NetworkView {
            name: self.name.clone(),
            uuid: self.uuid,
            active: live.is_some(),
            persistent: self.definition.is_some(),
            autostart: self.autostart,
            pending_changes: pending,
            facts: shown.map(|definition| definition.facts.clone()).unwrap_or_default(),
            connections: live.map_or(0, |live| u32::try_from(live.ports.len()).unwrap_or(u32::MAX)),
            warnings,
            definition: self.definition.as_ref().map(|definition| definition.xml.clone()),
            live: live.map(|live| live.definition.xml.clone()),
        }
    }
}

fn surroundings(networks: &Networks) -> Surroundings<'_> {
    Surroundings { host: &networks.host, status: networks.store.network_status() }
}

/// A document with a change, complete, its bridge set aside until the change is published.
async fn changed(networks: &Networks, definition: &Definition, update: &Update) -> Result<(Network, Definition)> {
    let (mut network, _) = Network::parse(&definition.xml)?;
    update.apply(&mut network)?;
    networks.reserve(&mut network).await?;
    let definition = Definition::of(&network, definition.warnings.clone());
    Ok((network, definition))
}

async fn dnsmasq_ended(live: Option<&Live>) -> Exit {
    match live.and_then(|live| live.dnsmasq.as_ref()) {
        Some(process) => process.exited().await,
        None => std::future::pending().await,
    }
}
