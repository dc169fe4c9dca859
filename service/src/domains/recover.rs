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
use crate::storage::ForGuest;

impl Engine {
    /// Makes a domain of every definition in the store and of every guest that runs. What cannot be
    /// read is logged, left as it is, and its name stays taken, so that nothing writes over it.
    ///
    /// # Errors
    /// The store cannot be listed at all.
    pub async fn recover(self: &Arc<Self>) -> Result<()> {
        let Search { mut running, lost } = self.find_running().await?;
        let store = self.store.clone();
        let loaded = tokio::task::spawn_blocking(move || store.definitions().load_all()).await;
        let loaded = loaded.map_err(|error| Error::new(ErrorKind::Internal, "reading the definitions crashed").caused_by(error))??;
        for (name, xml) in loaded {
            let seed = xml.map_err(Error::from).and_then(|xml| self.seed(&name, &xml));
            match seed.map(|seed| (lost.get(&seed.uuid), seed)) {
                Ok((None, seed)) => self.settle(seed, &mut running),
                Ok((Some(error), seed)) => self.leave_running(&seed, error),
                Err(error) => self.leave_unreadable(&name, &error),
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

    /// Keeps a name for a domain that cannot be used, so that nothing writes over its definition.
    fn leave_alone(&self, name: &str, reason: String) {
        tracing::error!("domain '{name}' is left alone: {reason}");
        self.registry.leave_alone(name, reason);
    }

    fn leave_unreadable(&self, name: &str, error: &Error) {
        self.leave_alone(name, format!("its definition cannot be used: {error}; repair or remove the file and start the service again"));
    }

    /// Shown as shut off, a domain whose guest runs out of reach could be started a second time on the same disks.
    fn leave_running(&self, seed: &Seed, error: &Error) {
        let status = self.store.status().path(seed.uuid);
        let what_to_do = format!("when it has ended, remove {} and start the service again", status.display());
        self.leave_alone(&seed.name, format!("its guest may still run out of reach: {error}; {what_to_do}"));
    }

    fn settle(self: &Arc<Self>, mut seed: Seed, running: &mut HashMap<Uuid, (String, Found)>) {
        if let Some((_, found)) = running.remove(&seed.uuid) {
            seed.state = found.state;
            seed.live = found.live;
        }
        match self.registry.reserve(&seed.name, seed.uuid) {
            Ok(None) => drop(self.spawn(seed)),
            Ok(Some(_)) => {}
            Err(error) => self.leave_unreadable(&seed.name, &error),
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
    async fn find_running(self: &Arc<Self>) -> Result<Search> {
        let (mut searches, mut found) = (Vec::new(), Search::default());
        for (uuid, status) in self.store.status().load_all::<Status>()? {
            match status {
                Ok(status) if status.format == FORMAT => {
                    self.note_id(status.id);
                    let engine = self.clone();
                    searches.push((uuid, status.name.clone(), tokio::spawn(async move { engine.search(uuid, status).await })));
                }
                Ok(_) => found.lose(uuid, Error::new(ErrorKind::Internal, "another version of the service has started it")),
                Err(error) if error.is_not_found() => drop(self.store.status().remove(uuid)),
                Err(error) => found.lose(uuid, error.into()),
            }
        }
        for (uuid, name, search) in searches {
            match search.await {
                Ok(Ok(one)) => drop(found.running.insert(uuid, (name, one))),
                Ok(Err(error)) => found.lose(uuid, error),
                Err(error) => found.lose(uuid, Error::new(ErrorKind::Internal, "the search for it crashed").caused_by(error)),
            }
        }
        Ok(found)
    }

    async fn search(self: Arc<Self>, uuid: Uuid, status: Status) -> Result<Found> {
        let (domain, _) = Domain::parse(&status.live)?;
        let driver = self.driver_of(&domain)?;
        let (events, receiver) = mpsc::channel(MACHINE_EVENTS);
        let launch = self.launch(status.id, domain, uuid, &status.name, false, events)?;
        match driver.reconnect(launch, status.machine.clone()).await? {
            Reconnected::Gone(reason) => {
                // Its devices are given back when there is somebody to tell.
                self.unplug(uuid);
                self.store.status().remove(uuid)?;
                let reason = if status.started { ShutOff::from(&reason) } else { ShutOff::Failed };
                Ok(Found { state: State::ShutOff(reason), live: None })
            }
            Reconnected::Alive { machine, state: RunState::Paused(PauseReason::StartingUp) } if !status.started => {
                // The service died in the middle of a start: nobody was told that it succeeded, and
                // the guest has not executed anything.
                machine.destroy(false).await?;
                self.unplug(uuid);
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
                    held: ForGuest::default(),
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

/// The guests that status files tell of.
#[derive(Default)]
struct Search {
    /// What became of each, with its name.
    running: HashMap<Uuid, (String, Found)>,
    /// Of which nobody can say what became of them, and why.
    lost: HashMap<Uuid, Error>,
}

impl Search {
    fn lose(&mut self, uuid: Uuid, error: Error) {
        tracing::error!("the guest with the UUID {uuid} cannot be found again: {error}");
        self.lost.insert(uuid, error);
    }
}

/// What became of a guest.
struct Found {
    state: State,
    live: Option<Box<Live>>,
}
