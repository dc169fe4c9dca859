//! One domain's actor: the only place that changes it.
//!
//! The loop waits for five things, the most urgent first: what the machine tells, the control lane
//! (destroy), the end of a destroy and of the job under way, the mailbox. Whatever takes longer than a
//! moment is [`Work`] in a task of its own and comes back as an [`Outcome`]; only `apply` and the event
//! handlers change state. After each change: status file, then view, then the answer.
//!
//! There are two places for work: `job`, one at a time, and `ending`, a destroy, which never waits
//! for the job. Once the machine is gone the job is called off; a destroy is answered when both places
//! are empty and nothing of the guest is left.
//!
//! Work that panics ends as an error; the domain and the service live on.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::lifecycle::LifecycleAction;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::admission::{self, Situation, Verdict};
use super::agent::Agent;
use super::changes::ended_meanwhile;
use super::edit::Edit;
use super::engine::{Engine, Seed};
use super::live::{Live, MACHINE_EVENTS};
use super::request::{Definition, Message, Reply, Request, Start};
use super::state::{Running, ShutOff, ShuttingDown, State};
use super::status::{FORMAT, Status};
use super::view::DomainView;
use super::volumes;
use super::work::{Change, Outcome, Work, end_of};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{DomainSignal, Event};
use crate::hypervisors::{Driver, ExitReason, Machine, MachineEvent, PauseReason};
use crate::storage::ForGuest;

/// A domain as its actor holds it.
pub(super) struct Actor {
    pub engine: Arc<Engine>,
    pub driver: Arc<dyn Driver>,
    pub uuid: Uuid,
    pub name: String,
    /// What the next start takes; of a transient domain what it was started from.
    pub definition: Definition,
    /// Whether the store holds the definition.
    pub persistent: bool,
    pub autostart: bool,
    pub state: State,
    pub live: Option<Box<Live>>,
    pub job: Option<Box<Work>>,
    /// The destroy under way, and whether it may not use force.
    pub ending: Option<Box<Work>>,
    pub graceful: bool,
    /// Whoever is answered when nothing of the guest is left.
    pub destroyers: Vec<Reply>,
    /// A transient domain whose first start has not been asked for yet.
    pub fresh: bool,
    pub view: watch::Sender<Arc<DomainView>>,
    pub requests: mpsc::Receiver<Box<Message>>,
    pub control: mpsc::Receiver<Box<Message>>,
}

impl Actor {
    /// An actor that has not begun to work.
    pub fn new(engine: Arc<Engine>, seed: Seed, requests: mpsc::Receiver<Box<Message>>, control: mpsc::Receiver<Box<Message>>) -> Self {
        let Seed { name, uuid, definition, persistent, autostart, driver, state, live } = seed;
        let snapshot = look(Look {
            name: &name,
            uuid,
            hypervisor: driver.name(),
            definition: &definition,
            persistent,
            autostart,
            state,
            live: live.as_deref(),
        });
        Self {
            fresh: !persistent && live.is_none(),
            view: watch::Sender::new(Arc::new(snapshot)),
            engine,
            driver,
            uuid,
            name,
            definition,
            persistent,
            autostart,
            state,
            live,
            job: None,
            ending: None,
            graceful: false,
            destroyers: Vec::new(),
            requests,
            control,
        }
    }

    /// Lives as long as the domain.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                event = next_event(&mut self.live) => self.on_machine_event(event).await,
                Some(message) = self.control.recv() => self.on_request(*message).await,
                outcome = end_of(&mut self.ending) => self.on_ended(outcome).await,
                outcome = end_of(&mut self.job) => self.on_outcome(outcome).await,
                Some(message) = self.requests.recv() => self.on_request(*message).await,
                else => return,
            }
            if self.is_over() {
                return;
            }
        }
    }

    /// Whether nothing is left: no definition, no machine, nothing under way.
    fn is_over(&self) -> bool {
        !self.persistent && !self.fresh && self.live.is_none() && self.is_idle()
    }

    /// Whether nothing is under way.
    fn is_idle(&self) -> bool {
        self.job.is_none() && self.ending.is_none()
    }

    // Requests

    async fn on_request(&mut self, Message { request, reply }: Message) {
        self.fresh &= !matches!(request, Request::Start(_));
        let job = self.job.as_ref().or(self.ending.as_ref()).map(|work| work.verb);
        let verdict = admission::check(Situation { state: self.state, persistent: self.persistent, job }, &request);
        if let Some(refusal) = verdict.refusal(&self.name, &request) {
            return self.publish(vec![reply], Err(refusal)).await;
        }
        if verdict == Verdict::AlreadySo {
            return self.publish(vec![reply], Ok(())).await;
        }
        if let Request::Destroy { graceful } = request {
            return self.destroy(graceful, reply);
        }
        match self.begin(&request) {
            Ok(mut work) => {
                work.replies.push(reply);
                self.job = Some(Box::new(work));
            }
            Err(error) => self.publish(vec![reply], Err(error)).await,
        }
    }

    /// Ends the machine, or the start that would make one.
    fn destroy(&mut self, graceful: bool, reply: Reply) {
        let Some(live) = &self.live else {
            self.destroyers.push(reply);
            return self.job.iter().for_each(|start| start.call_off());
        };
        let mut replies = match self.ending.take() {
            Some(mut ending) if graceful || !self.graceful => {
                ending.replies.push(reply);
                self.ending = Some(ending);
                return;
            }
            // Force outranks a graceful end that is still waiting.
            Some(ending) => {
                ending.abort();
                ending.replies
            }
            None => Vec::new(),
        };
        replies.push(reply);
        let machine = live.machine.clone();
        let mut work = Work::begin("destroy", |_| async move { Outcome::Commanded(machine.destroy(graceful).await.map(|()| None)) });
        work.replies = replies;
        self.graceful = graceful;
        self.ending = Some(Box::new(work));
    }

    fn begin(&mut self, request: &Request) -> Result<Work> {
        Ok(match request {
            Request::Define(definition) => self.store_definition(definition.clone())?,
            Request::Undefine(what) => self.undefine(*what),
            Request::Rename(name) => self.rename(name.clone())?,
            Request::SetAutostart(on) => self.set_autostart(*on),
            Request::Edit(edit, scope) => self.edit(edit, *scope)?,
            Request::Start(start) => self.start(start)?,
            Request::Suspend => {
                self.expect_pause(true, PauseReason::User);
                self.command("suspend", |machine| async move { machine.suspend().await.map(|()| Some(State::Paused(PauseReason::User))) })?
            }
            Request::Resume => {
                let woken = matches!(self.state, State::Suspended);
                let running = State::Running(if woken { Running::Woken } else { Running::Unpaused });
                self.command("resume", move |machine| async move { machine.resume().await.map(|()| Some(running)) })?
            }
            Request::Reset => self.command("reset", |machine| async move { machine.reset().await.map(|()| None) })?,
            Request::Shutdown(mode) => {
                let mode = *mode;
                if let Some(live) = &mut self.live {
                    live.asked_to_shut_down = true;
                }
                self.command("shut down", move |machine| async move { machine.shutdown(mode).await.map(|()| None) })?
            }
            Request::Reboot(mode) => {
                let mode = *mode;
                self.command("reboot", move |machine| async move { machine.reboot(mode).await.map(|()| None) })?
            }
            Request::Destroy { .. } => return Err(Error::new(ErrorKind::Internal, "a destroy is no job")),
        })
    }

    /// Asks the machine for something in a task of its own.
    fn command<F, R>(&mut self, verb: &'static str, ask: F) -> Result<Work>
    where
        F: FnOnce(Arc<dyn Machine>) -> R + Send + 'static,
        R: Future<Output = Result<Option<State>>> + Send + 'static,
    {
        let Some(live) = &mut self.live else {
            return Err(Error::new(ErrorKind::InvalidState, format!("domain '{}' does not run", self.name)));
        };
        live.told = false;
        let machine = live.machine.clone();
        Ok(Work::begin(verb, |call_off| async move {
            Outcome::Commanded(tokio::select! {
                biased;
                answer = ask(machine) => answer,
                () = call_off.heard() => Err(ended_meanwhile()),
            })
        }))
    }

    fn start(&self, start: &Start) -> Result<Work> {
        let (mut domain, _) = Domain::parse(&self.definition.xml)?;
        volumes::resolve(&mut domain, &self.engine.storage)?;
        let (events, receiver) = mpsc::channel(MACHINE_EVENTS);
        let mut launch = self.engine.launch(self.engine.next_id(), domain, self.uuid, &self.name, start.paused, events)?;
        let job = self.engine.jobs.get(start.job);
        let (engine, driver, started_from) = (self.engine.clone(), self.driver.clone(), self.definition.xml.clone());
        Ok(Work::begin("start", |call_off| async move {
            let (id, uuid, paused) = (launch.id, launch.uuid, launch.paused);
            let cancelled = async {
                match &job {
                    Some(job) => job.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let disks = volumes::disks(&launch.domain);
            let started = async {
                let held = engine.storage.claim_for_guest(disks).await?;
                engine.claim_devices(&mut launch).await?;
                engine.plug(&mut launch).await?;
                Ok::<_, Error>((driver.start(launch).await?, held))
            };
            // A driver leaves nothing behind, also when its future is dropped here.
            let mut receiver = receiver;
            let result = tokio::select! {
                biased;
                result = started => result,
                () = cancelled => Err(Error::new(ErrorKind::Cancelled, "the start was cancelled")),
                () = call_off.heard() => Err(Error::new(ErrorKind::Cancelled, "it was destroyed meanwhile")),
            };
            Outcome::Started(match result {
                Ok((started, held)) => {
                    let live = engine.live(id, started, paused, receiver, started_from).await;
                    Ok(Box::new(Live { held, ..live }))
                }
                Err(error) => {
                    // Until all is undone, what is written down of the run is needed; whoever undoes holds the other end.
                    while receiver.recv().await.is_some() {}
                    engine.clean_up(uuid).await;
                    Err(error)
                }
            })
        }))
    }

    // Outcomes

    async fn on_outcome(&mut self, outcome: Result<Outcome>) {
        let Some(job) = self.job.take() else { return };
        let Work { verb, replies, .. } = *job;
        let result = match outcome {
            Ok(Outcome::Started(Ok(live))) if !self.destroyers.is_empty() => {
                // It had just succeeded when it was called off.
                self.take_live(live);
                self.destroyers.pop().into_iter().for_each(|first| self.destroy(false, first));
                Err(Error::new(ErrorKind::Cancelled, format!("domain '{}' was destroyed as soon as it was started", self.name)))
            }
            Ok(outcome) => self.apply(outcome).await,
            Err(crash) => {
                if verb == "start" {
                    self.engine.clean_up(self.uuid).await;
                    self.state = State::ShutOff(ShutOff::Failed);
                }
                Err(crash.in_context(format_args!("to {verb} domain '{}' failed", self.name)))
            }
        };
        if let (true, Err(error)) = (replies.is_empty(), &result) {
            tracing::warn!("to {verb} domain '{}' failed: {error}", self.name);
        }
        self.save_status();
        self.publish(replies, result).await;
        if let Some(live) = &mut self.live {
            live.held = ForGuest::default();
        }
    }

    /// A destroy has ended. It is answered once nothing is left, also of the job that it interrupted.
    async fn on_ended(&mut self, outcome: Result<Outcome>) {
        let Some(ending) = self.ending.take() else { return };
        let result = match outcome {
            Ok(Outcome::Commanded(result)) => result.map(drop),
            Ok(_) => Ok(()),
            Err(crash) => Err(crash),
        };
        match result {
            Err(error) if self.live.is_some() => {
                let error = error.in_context(format_args!("cannot destroy domain '{}'", self.name));
                self.publish(ending.replies, Err(error)).await;
            }
            // Gone, or about to tell that it is.
            _ => {
                self.destroyers.extend(ending.replies);
                self.publish(Vec::new(), Ok(())).await;
            }
        }
    }

    async fn apply(&mut self, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Started(Ok(live)) => {
                self.take_live(live);
                Ok(())
            }
            Outcome::Started(Err(error)) => {
                if !self.destroyers.is_empty() {
                    self.state = State::ShutOff(ShutOff::Destroyed);
                } else if error.kind() != ErrorKind::Cancelled {
                    self.state = State::ShutOff(ShutOff::Failed);
                }
                Err(error.in_context(format_args!("cannot start domain '{}'", self.name)))
            }
            Outcome::Commanded(Ok(next)) => {
                self.follow(next);
                Ok(())
            }
            Outcome::Commanded(Err(error)) => {
                if let Some(live) = &mut self.live {
                    live.pause_reason = None;
                }
                Err(error.in_context(format_args!("domain '{}'", self.name)))
            }
            Outcome::Stored(change) => {
                self.take(change?);
                Ok(())
            }
        }
    }

    fn take_live(&mut self, live: Box<Live>) {
        self.state = if live.paused { State::Paused(PauseReason::User) } else { State::Running(Running::Booted) };
        self.live = Some(live);
    }

    /// Takes the state that a command leads to, unless the machine has told since that it is in another.
    fn follow(&mut self, next: Option<State>) {
        if let (Some(next), Some(live)) = (next, &self.live)
            && (!live.told || next.as_str() == self.state.as_str())
        {
            self.state = next;
        }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Defined(definition) => {
                self.definition = definition;
                self.persistent = true;
            }
            Change::Undefined => {
                self.persistent = false;
                self.autostart = false;
            }
            Change::Renamed(definition) => {
                self.name.clone_from(&definition.name);
                self.definition = definition;
            }
            Change::Autostart(on) => self.autostart = on,
            Change::Edited { definition, live } => {
                if let Some(definition) = definition {
                    self.definition = definition;
                }
                if let (Some(change), Some(live)) = (live, &mut self.live) {
                    live.set_document(&change.document);
                    live.started_from = change.started_from;
                }
            }
        }
    }

    // Machine events

    async fn on_machine_event(&mut self, event: MachineEvent) {
        if let Some(live) = &mut self.live {
            live.told |= event.is_of_state();
        }
        match event {
            MachineEvent::Exited(reason) => return self.on_exit(reason).await,
            MachineEvent::Paused(PauseReason::Unknown) => {
                let reason = self.live.as_mut().and_then(|live| live.pause_reason.take()).unwrap_or(PauseReason::Unknown);
                if matches!(self.state, State::Running(_) | State::Suspended) {
                    self.state = State::Paused(reason);
                }
            }
            MachineEvent::Paused(reason) => self.state = State::Paused(reason),
            MachineEvent::Resumed => match self.state {
                State::Paused(_) | State::Crashed => self.state = State::Running(Running::Unpaused),
                State::Suspended => self.state = State::Running(Running::Woken),
                _ => {}
            },
            MachineEvent::Suspended => self.state = State::Suspended,
            MachineEvent::ShuttingDown => {
                let asked = self.live.as_ref().is_some_and(|live| live.asked_to_shut_down);
                self.state = State::ShuttingDown(if asked { ShuttingDown::User } else { ShuttingDown::Guest });
            }
            MachineEvent::ShutDown => self.on_held(|domain| domain.on_poweroff, State::Paused(PauseReason::ShutDown)),
            MachineEvent::Panicked => self.on_panic().await,
            MachineEvent::Rebooted => {
                if matches!(self.state, State::ShuttingDown(_) | State::Crashed) {
                    self.state = State::Running(Running::Booted);
                }
                self.signal(DomainSignal::Rebooted).await;
            }
            MachineEvent::WatchdogFired(action) => {
                self.expect_pause(action == "pause", PauseReason::Watchdog);
                self.signal(DomainSignal::WatchdogFired(action)).await;
            }
            MachineEvent::IoError { device, operation, no_space, action, message } => {
                self.expect_pause(action == "stop", PauseReason::IoError);
                let reason = if no_space { "no-space" } else { "failed" };
                let action = match action.as_str() {
                    "stop" => "pause",
                    "ignore" => "ignore",
                    _ => "report",
                };
                self.signal(DomainSignal::IoError { device, operation, reason, action, message }).await;
            }
            MachineEvent::DeviceRemoved(alias) => self.signal(DomainSignal::DeviceRemoved(alias)).await,
            MachineEvent::MemoryChanged(bytes) => self.on_memory(bytes),
            MachineEvent::AgentConnected(_) => {}
        }
        self.save_status();
        self.publish(Vec::new(), Ok(())).await;
    }

    fn expect_pause(&mut self, pause: bool, reason: PauseReason) {
        if let (true, Some(live)) = (pause, &mut self.live) {
            live.pause_reason = Some(reason);
        }
    }

    async fn on_panic(&mut self) {
        let action = match self.lifecycle(|domain| domain.on_crash) {
            Some(LifecycleAction::Restart) => "restart",
            Some(LifecycleAction::Preserve) => "preserve",
            _ => "destroy",
        };
        self.signal(DomainSignal::GuestPanicked { action }).await;
        self.on_held(|domain| domain.on_crash, State::Crashed);
    }

    /// The guest is over and its machine is held: `restart` resets it, `preserve` keeps it as it is,
    /// `destroy` needs nothing, because the machine ends by itself.
    fn on_held(&mut self, which: fn(&Domain) -> Option<LifecycleAction>, kept: State) {
        self.state = kept;
        if self.lifecycle(which) != Some(LifecycleAction::Restart) || self.job.is_some() {
            return;
        }
        let restart = |machine: Arc<dyn Machine>| async move {
            machine.reset().await?;
            machine.resume().await.map(|()| Some(State::Running(Running::Booted)))
        };
        if let Ok(work) = self.command("restart", restart) {
            self.job = Some(Box::new(work));
        }
    }

    fn lifecycle(&self, which: fn(&Domain) -> Option<LifecycleAction>) -> Option<LifecycleAction> {
        let live = self.live.as_ref()?;
        Domain::parse(&live.xml).ok().and_then(|(domain, _)| which(&domain))
    }

    fn on_memory(&mut self, bytes: u64) {
        if let Some(live) = &mut self.live
            && let Ok((mut domain, _)) = Domain::parse(&live.xml)
            && Edit::Memory(bytes).apply(&mut domain).is_ok()
        {
            live.set_document(&domain);
        }
    }

    async fn on_exit(&mut self, reason: ExitReason) {
        if let ExitReason::Failed(words) = &reason {
            tracing::warn!(domain = %self.name, "the hypervisor failed: {words}");
        }
        self.state = State::ShutOff(ShutOff::from(&reason));
        self.live = None;
        self.engine.clean_up(self.uuid).await;
        // What was asked of the machine is not answered any more.
        self.job.iter().for_each(|job| job.call_off());
        self.publish(Vec::new(), Ok(())).await;
    }

    async fn signal(&self, signal: DomainSignal) {
        self.engine.publisher.publish(Event::DomainSignal { domain: self.name.clone(), signal }).await;
    }

    // What others see

    /// Publishes how the domain looks now, or that it is gone, and then answers.
    async fn publish(&mut self, replies: Vec<Reply>, result: Result<()>) {
        let new = Arc::new(look(Look {
            name: &self.name,
            uuid: self.uuid,
            hypervisor: self.driver.name(),
            definition: &self.definition,
            persistent: self.persistent,
            autostart: self.autostart,
            state: self.state,
            live: self.live.as_deref(),
        }));
        let old = self.view.send_replace(new.clone());
        let event = if old == new { Event::None } else { Event::DomainChanged { old, new: new.clone() } };
        let gone = self.live.is_none() && self.is_idle();
        let destroyers = if gone { std::mem::take(&mut self.destroyers) } else { Vec::new() };
        let answer = move || {
            send_all(replies, result);
            send_all(destroyers, Ok(()));
        };
        let publisher = &self.engine.publisher;
        if self.is_over() {
            self.engine.registry.remove(self.uuid);
            publisher.publish(event).await;
            return publisher.publish_then(Event::DomainRemoved(new), answer).await;
        }
        publisher.publish_then(event, answer).await;
    }

    /// Writes down what a later service needs; a running guest without it would be lost to that.
    fn save_status(&self) {
        let Some(live) = &self.live else { return };
        let status = Status {
            format: FORMAT,
            name: self.name.clone(),
            id: live.id,
            hypervisor: self.driver.name().to_owned(),
            state: self.state,
            live: live.xml.to_string(),
            started_from: live.started_from.to_string(),
            started: true,
            machine: live.machine.record(),
        };
        // A small file on a memory file system: quicker than handing it to another thread.
        if let Err(error) = self.engine.store.status().save(self.uuid, &status) {
            tracing::error!(domain = %self.name, "the running guest cannot be found again after a restart of the service: {error}");
        }
    }
}

/// What a view is made from.
struct Look<'a> {
    name: &'a str,
    uuid: Uuid,
    hypervisor: &'static str,
    definition: &'a Definition,
    persistent: bool,
    autostart: bool,
    state: State,
    live: Option<&'a Live>,
}

fn look(domain: Look<'_>) -> DomainView {
    let Look { name, uuid, hypervisor, definition, persistent, autostart, state, live } = domain;
    let Definition { xml, facts, warnings, .. } = definition;
    DomainView {
        name: name.to_owned(),
        uuid,
        id: live.map_or(0, |live| live.id),
        hypervisor,
        state,
        persistent,
        autostart,
        pending_changes: persistent && live.is_some_and(|live| live.started_from != *xml),
        facts: live.map_or(facts, |live| &live.facts).clone(),
        security_labels: live.map(|live| live.facts.security_labels.clone()).unwrap_or_default(),
        warnings: warnings.clone(),
        definition: persistent.then(|| xml.clone()),
        live: live.map(|live| live.xml.clone()),
        consoles: live.map(|live| live.consoles.clone()).unwrap_or_default(),
        agent: live.map(|live| Agent::of(&live.machine)).unwrap_or_default(),
    }
}

fn send_all(replies: Vec<Reply>, result: Result<()>) {
    let mut replies = replies.into_iter();
    let Some(first) = replies.next() else { return };
    for reply in replies {
        let same = match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::new(error.kind(), error.to_string())),
        };
        // Whoever asked may be gone by now.
        drop(reply.send(same));
    }
    drop(first.send(result));
}

async fn next_event(live: &mut Option<Box<Live>>) -> MachineEvent {
    match live {
        // A machine's last event is Exited; a driver that fell silent without it has lost the machine.
        Some(live) => live.events.recv().await.unwrap_or(MachineEvent::Exited(ExitReason::Unknown)),
        None => std::future::pending().await,
    }
}
