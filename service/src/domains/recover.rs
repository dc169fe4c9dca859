//! After a start of the service: the definitions in the store and the guests that ran on without us.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::engine::{Engine, Seed};
use super::live::{Live, MACHINE_EVENTS};
use super::request::Definition;
use super::state::{ShutOff, State};
use super::status::{FORMAT, Status};
use super::view::Facts;
use crate::domains::console::Consoles;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::{PauseReason, Reconnected, RunState};

impl Engine {
    /// Makes a domain of every definition in the store and of every guest that runs. What cannot be
    /// read is logged, left as it is, and its name stays taken, so that nothing writes over it.
    ///
    /// # Errors
    /// The store cannot be listed at all.
    pub async fn recover(self: &Arc<Self>) -> Result<()> {
        let mut running = self.find_running().await?;
        let store = self.store.clone();
        let loaded = tokio::task::spawn_blocking(move || store.definitions().load_all()).await;
        let loaded = loaded.map_err(|error| Error::new(ErrorKind::Internal, "reading the definitions crashed").caused_by(error))??;
        for (name, xml) in loaded {
            let seed = xml.map_err(Error::from).and_then(|xml| self.seed(&name, &xml));
            match seed {
                Ok(seed) => self.settle(seed, &mut running),
                Err(error) => self.leave_alone(&name, &error),
            }
        }
        for (uuid, (name, transient)) in running {
            if let Some(live) = transient.live {
                self.settle_transient(uuid, name, live, transient.state);
            }
        }
        Ok(())
    }

    fn seed(&self, name: &str, xml: &str) -> Result<Seed> {
        let (mut domain, warnings) = Domain::parse(xml)?;
        let mut xml: Arc<str> = xml.into();
        if domain.name != name {
            // A power failure in the middle of a rename: the file's name is the newer one.
            tracing::warn!("the domain in the file of '{name}' is named '{}'; it is '{name}' from now on", domain.name);
            name.clone_into(&mut domain.name);
            xml = domain.to_xml().into();
        }
        let Some(uuid) = domain.uuid else {
            return Err(Error::new(ErrorKind::InvalidXml, "it has no <uuid>"));
        };
        // The text as it stands in the file is the definition, however it was written.
        let warnings = warnings.iter().map(ToString::to_string).collect();
        let definition = Definition { name: name.to_owned(), xml, facts: Arc::new(Facts::of(&domain)), warnings };
        let driver = self.driver_of(&domain)?;
        let state = State::ShutOff(ShutOff::Unknown);
        Ok(Seed {
            name: name.to_owned(),
            uuid,
            definition,
            persistent: true,
            autostart: self.store.autostart().is_set(name),
            driver,
            state,
            live: None,
        })
    }

    /// Keeps a name for a definition that cannot be used, so that nothing writes over it.
    fn leave_alone(&self, name: &str, error: &Error) {
        tracing::error!("the definition of domain '{name}' is left alone: {error}; repair or remove the file and start the service again");
        self.registry.keep_for_unreadable(name);
    }

    fn settle(self: &Arc<Self>, mut seed: Seed, running: &mut HashMap<Uuid, (String, Found)>) {
        if let Some((_, found)) = running.remove(&seed.uuid) {
            seed.state = found.state;
            seed.live = found.live;
        }
        match self.registry.reserve(&seed.name, seed.uuid) {
            Ok(None) => drop(self.spawn(seed)),
            Ok(Some(_)) => {}
            Err(error) => self.leave_alone(&seed.name, &error),
        }
    }

    fn settle_transient(self: &Arc<Self>, uuid: Uuid, name: String, live: Box<Live>, state: State) {
        let parsed = Domain::parse(&live.started_from).map_err(Error::from);
        let seed = parsed.and_then(|(domain, warnings)| {
            let warnings = warnings.iter().map(ToString::to_string).collect();
            let definition =
                Definition { name: name.clone(), xml: live.started_from.clone(), facts: Arc::new(Facts::of(&domain)), warnings };
            let driver = self.driver_of(&domain)?;
            Ok(Seed { name: name.clone(), uuid, definition, persistent: false, autostart: false, driver, state, live: Some(live) })
        });
        match seed.and_then(|seed| self.registry.adopt(&name, uuid).map(|()| seed)) {
            Ok(seed) => drop(self.spawn(seed)),
            Err(error) => tracing::error!("the running guest '{name}' cannot be taken over: {error}"),
        }
    }

    /// Looks for every machine that a status file tells of, all at the same time.
    async fn find_running(self: &Arc<Self>) -> Result<HashMap<Uuid, (String, Found)>> {
        let mut searches = Vec::new();
        for (uuid, status) in self.store.status().load_all::<Status>()? {
            match status {
                Ok(status) if status.format == FORMAT => {
                    self.note_id(status.id);
                    let engine = self.clone();
                    searches.push((uuid, status.name.clone(), tokio::spawn(async move { engine.search(uuid, status).await })));
                }
                Ok(status) => {
                    tracing::error!("the guest '{}' was started by another version of the service and is left alone", status.name)
                }
                Err(error) if error.is_not_found() => drop(self.store.status().remove(uuid)),
                Err(error) => tracing::error!("a running guest cannot be found again: {error}"),
            }
        }
        let mut running = HashMap::new();
        for (uuid, name, search) in searches {
            match search.await {
                Ok(Ok(found)) => drop(running.insert(uuid, (name, found))),
                Ok(Err(error)) => tracing::error!("the guest '{name}' cannot be found again: {error}"),
                Err(error) => tracing::error!("the search for guest '{name}' crashed: {error}"),
            }
        }
        Ok(running)
    }

    async fn search(self: Arc<Self>, uuid: Uuid, status: Status) -> Result<Found> {
        let (domain, _) = Domain::parse(&status.live)?;
        let driver = self.driver_of(&domain)?;
        let (events, receiver) = mpsc::channel(MACHINE_EVENTS);
        let launch = self.launch(status.id, domain, uuid, &status.name, false, events)?;
        match driver.reconnect(launch, status.machine.clone()).await? {
            Reconnected::Gone(reason) => {
                self.store.status().remove(uuid)?;
                let reason = if status.started { ShutOff::from(&reason) } else { ShutOff::Failed };
                Ok(Found { state: State::ShutOff(reason), live: None })
            }
            Reconnected::Alive { machine, state: RunState::Paused(PauseReason::StartingUp) } if !status.started => {
                // The service died in the middle of a start: nobody was told that it succeeded, and
                // the guest has not executed anything.
                machine.destroy(false).await?;
                self.store.status().remove(uuid)?;
                Ok(Found { state: State::ShutOff(ShutOff::Failed), live: None })
            }
            Reconnected::Alive { machine, state } => {
                let state = resumed_state(status.state, state);
                let consoles = Consoles::attach(machine.consoles(), self.console_keep()).await;
                let (domain, _) = Domain::parse(&status.live)?;
                let live = Live {
                    id: status.id,
                    machine,
                    events: receiver,
                    started_from: status.started_from.into(),
                    facts: Arc::new(Facts::of(&domain)),
                    xml: status.live.into(),
                    consoles,
                    pause_reason: None,
                    paused: false,
                    told: false,
                    asked_to_shut_down: false,
                };
                Ok(Found { state, live: Some(Box::new(live)) })
            }
        }
    }
}

/// The machine knows what it does, the status file why.
fn resumed_state(before: State, now: RunState) -> State {
    let now = State::from(now);
    match (before, now) {
        (State::Running(_), State::Running(_)) => before,
        (State::Paused(_), State::Paused(_)) => before,
        (State::ShuttingDown(_), State::Running(_)) => before,
        _ => now,
    }
}

/// What became of a guest.
struct Found {
    state: State,
    live: Option<Box<Live>>,
}
