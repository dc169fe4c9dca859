//! One domain's actor: the only place that changes it.
//!
//! The loop waits for four things, the most urgent first: what the machine tells, the control lane
//! (destroy), the end of the job under way, the mailbox. Whatever takes longer than a moment runs as
//! a job in a task of its own and comes back as an [`Outcome`]; only `apply` and the event handlers
//! change state. After each change: status file, then view, then the answer.
//!
//! A job that panics ends as an error; the domain and the service live on.

use std::sync::Arc;

use lodge_model::domain::Domain;
use lodge_model::domain::lifecycle::LifecycleAction;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::admission::{self, Situation, Verdict};
use super::edit::{Edit, Scope};
use super::engine::{Engine, Seed, joined};
use super::live::Live;
use super::request::{Definition, Message, Reply, Request, Start, Undefine};
use super::state::{Running, ShutOff, ShuttingDown, State};
use super::status::{FORMAT, Status};
use super::view::DomainView;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{DomainSignal, Event};
use crate::hypervisors::{Driver, ExitReason, Launch, Machine, MachineEvent, PauseReason, Started};

/// Events of a machine that wait for its actor at most; beyond that the machine's reader waits.
const MACHINE_EVENTS: usize = 64;

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
    pub view: watch::Sender<Arc<DomainView>>,
    pub requests: mpsc::Receiver<Box<Message>>,
    pub control: mpsc::Receiver<Box<Message>>,
}

/// Work under way.
pub(super) struct Work {
    verb: &'static str,
    task: JoinHandle<Outcome>,
    replies: Vec<Reply>,
    /// Set when a destroy has taken the job's place: its answer and the reason of the end.
    destroyed: Option<Vec<Reply>>,
}

/// How a job ended.
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
    Renamed(String, Definition),
    Autostart(bool),
    Edited { definition: Option<Definition>, live: Option<Box<Domain>> },
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
        let view = watch::Sender::new(Arc::new(snapshot));
        Self { engine, driver, uuid, name, definition, persistent, autostart, state, live, job: None, view, requests, control }
    }

    /// Lives as long as the domain.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                event = next_event(&mut self.live) => self.on_machine_event(event).await,
                Some(message) = self.control.recv() => self.on_request(*message).await,
                outcome = job_end(&mut self.job) => self.on_outcome(outcome).await,
                Some(message) = self.requests.recv() => self.on_request(*message).await,
                else => return,
            }
            if self.is_over() {
                return self.vanish().await;
            }
        }
    }

    /// Whether nothing is left: no definition, no machine, nothing under way.
    fn is_over(&self) -> bool {
        !self.persistent && self.live.is_none() && self.job.is_none()
    }

    async fn vanish(self) {
        self.engine.registry.remove(self.uuid);
        let last = self.view.borrow().clone();
        self.engine.publisher.publish(Event::DomainRemoved(last)).await;
    }

    // Requests

    async fn on_request(&mut self, Message { request, reply }: Message) {
        let situation = Situation { state: self.state, persistent: self.persistent, job: self.job.as_ref().map(|job| job.verb) };
        let verdict = admission::check(situation, &request);
        if let Some(refusal) = verdict.refusal(&self.name, &request) {
            return self.answer(reply, Err(refusal)).await;
        }
        if verdict == Verdict::AlreadySo {
            return self.answer(reply, Ok(())).await;
        }
        match self.begin(&request) {
            Ok(Begin::Job(task)) => self.set_job(request.verb(), task, reply),
            Ok(Begin::Interrupted) => {
                if let Some(job) = &mut self.job {
                    job.destroyed.get_or_insert_default().push(reply);
                }
            }
            Err(error) => self.answer(reply, Err(error)).await,
        }
    }

    fn set_job(&mut self, verb: &'static str, task: JoinHandle<Outcome>, reply: Reply) {
        let mut replies = vec![reply];
        if let Some(previous) = self.job.take() {
            // Only a destroy comes here while there is a job: what hung is given up.
            previous.task.abort();
            replies.extend(previous.replies);
        }
        self.job = Some(Box::new(Work { verb, task, replies, destroyed: None }));
    }

    fn begin(&mut self, request: &Request) -> Result<Begin> {
        let task = match request {
            Request::Define(definition) => self.store_definition(definition.clone()),
            Request::Undefine(what) => self.undefine(*what),
            Request::Rename(name) => self.rename(name.clone())?,
            Request::SetAutostart(on) => self.set_autostart(*on),
            Request::Edit(edit, scope) => self.edit(edit, *scope)?,
            Request::Start(start) => self.start(start)?,
            Request::Destroy { .. } if self.live.is_none() => {
                if let Some(job) = &self.job {
                    job.task.abort();
                }
                return Ok(Begin::Interrupted);
            }
            Request::Destroy { graceful } => {
                let graceful = *graceful;
                self.command(move |machine| async move { machine.destroy(graceful).await.map(|()| None) })?
            }
            Request::Suspend => {
                self.command(|machine| async move { machine.suspend().await.map(|()| Some(State::Paused(PauseReason::User))) })?
            }
            Request::Resume => {
                let woken = matches!(self.state, State::Suspended);
                let running = State::Running(if woken { Running::Woken } else { Running::Unpaused });
                self.command(move |machine| async move { machine.resume().await.map(|()| Some(running)) })?
            }
            Request::Reset => self.command(|machine| async move { machine.reset().await.map(|()| None) })?,
            Request::Shutdown(mode) => {
                let mode = *mode;
                if let Some(live) = &mut self.live {
                    live.asked_to_shut_down = true;
                }
                self.command(move |machine| async move { machine.shutdown(mode).await.map(|()| None) })?
            }
            Request::Reboot(mode) => {
                let mode = *mode;
                self.command(move |machine| async move { machine.reboot(mode).await.map(|()| None) })?
            }
        };
        Ok(Begin::Job(task))
    }

    /// Asks the machine for something in a task of its own.
    fn command<F, R>(&self, ask: F) -> Result<JoinHandle<Outcome>>
    where
        F: FnOnce(Arc<dyn Machine>) -> R + Send + 'static,
        R: Future<Output = Result<Option<State>>> + Send + 'static,
    {
        let Some(live) = &self.live else {
            return Err(Error::new(ErrorKind::InvalidState, format!("domain '{}' does not run", self.name)));
        };
        let machine = live.machine.clone();
        Ok(tokio::spawn(async move { Outcome::Commanded(ask(machine).await) }))
    }

    fn start(&mut self, start: &Start) -> Result<JoinHandle<Outcome>> {
        let (domain, _) = Domain::parse(&self.definition.xml)?;
        let (events, receiver) = mpsc::channel(MACHINE_EVENTS);
        let launch = self.engine.launch(domain, self.uuid, &self.name, start.paused, events)?;
        let job = self.engine.jobs.get(start.job);
        let (engine, driver, started_from) = (self.engine.clone(), self.driver.clone(), self.definition.xml.clone());
        Ok(tokio::spawn(async move {
            let id = launch.id;
            let cancelled = async {
                match &job {
                    Some(job) => job.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let result = tokio::select! {
                result = start_machine(&engine, driver, launch) => result,
                () = cancelled => Err(Error::new(ErrorKind::Cancelled, "the start was cancelled")),
            };
            Outcome::Started(match result {
                Ok(started) => Ok(Box::new(engine.live(id, started, receiver, started_from).await)),
                Err(error) => Err(error),
            })
        }))
    }

    // Outcomes

    async fn on_outcome(&mut self, outcome: Result<Outcome>) {
        let Some(job) = self.job.take() else { return };
        let Work { verb, replies, destroyed, .. } = *job;
        if let Some(destroyers) = destroyed {
            return self.on_interrupted(outcome, replies, destroyers).await;
        }
        let result = match outcome {
            Ok(outcome) => self.apply(outcome).await,
            Err(error) => Err(error.in_context(format_args!("to {verb} domain '{}' failed", self.name))),
        };
        self.save_status();
        self.publish(replies, result).await;
    }

    /// A start was called off by a destroy. If it had just succeeded, the machine is ended after all.
    async fn on_interrupted(&mut self, outcome: Result<Outcome>, replies: Vec<Reply>, destroyers: Vec<Reply>) {
        if let Ok(Outcome::Started(Ok(live))) = outcome {
            self.live = Some(live);
            let mut destroyers = destroyers.into_iter();
            if let (Some(first), Ok(task)) =
                (destroyers.next(), self.command(|machine| async move { machine.destroy(false).await.map(|()| None) }))
            {
                self.set_job("destroy", task, first);
            }
            if let Some(job) = &mut self.job {
                job.replies.extend(destroyers);
                job.replies.extend(replies);
            }
            return;
        }
        self.state = State::ShutOff(ShutOff::Destroyed);
        self.publish(destroyers, Ok(())).await;
        let error = Error::new(ErrorKind::Cancelled, format!("the start of domain '{}' was called off: it was destroyed", self.name));
        self.publish(replies, Err(error)).await;
    }

    async fn apply(&mut self, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Started(Ok(live)) => {
                self.state = if live.paused { State::Paused(PauseReason::StartingUp) } else { State::Running(Running::Booted) };
                self.live = Some(live);
                Ok(())
            }
            Outcome::Started(Err(error)) => {
                self.state = State::ShutOff(ShutOff::Failed);
                Err(error.in_context(format_args!("cannot start domain '{}'", self.name)))
            }
            Outcome::Commanded(result) => {
                let next = result.map_err(|error| error.in_context(format_args!("domain '{}'", self.name)))?;
                if let (Some(next), Some(_)) = (next, &self.live) {
                    self.state = next;
                }
                Ok(())
            }
            Outcome::Stored(change) => {
                self.take(change?);
                Ok(())
            }
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
            Change::Renamed(name, definition) => {
                self.name = name;
                self.definition = definition;
            }
            Change::Autostart(on) => self.autostart = on,
            Change::Edited { definition, live } => {
                if let Some(definition) = definition {
                    self.definition = definition;
                }
                if let (Some(document), Some(live)) = (live, &mut self.live) {
                    live.set_document(&document);
                }
            }
        }
    }

    // Machine events

    async fn on_machine_event(&mut self, event: MachineEvent) {
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
        if let Ok(task) = self.command(restart) {
            self.job = Some(Box::new(Work { verb: "restart", task, replies: Vec::new(), destroyed: None }));
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
        if let Err(error) = self.engine.store.status().remove(self.uuid) {
            tracing::warn!(domain = %self.name, "cannot remove the status file: {error}");
        }
        self.publish(Vec::new(), Ok(())).await;
    }

    async fn signal(&self, signal: DomainSignal) {
        self.engine.publisher.publish(Event::DomainSignal { domain: self.name.clone(), signal }).await;
    }

    // What others see

    /// Publishes how the domain looks now and then answers.
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
        let event = if old == new { Event::None } else { Event::DomainChanged { old, new } };
        self.engine.publisher.publish_then(event, move || send_all(replies, result)).await;
    }

    async fn answer(&self, reply: Reply, result: Result<()>) {
        self.engine.publisher.publish_then(Event::None, move || send_all(vec![reply], result)).await;
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
    let Definition { xml, facts, warnings } = definition;
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
        security_labels: Vec::new(),
        warnings: warnings.clone(),
        definition: persistent.then(|| xml.clone()),
        live: live.map(|live| live.xml.clone()),
        consoles: live.map(|live| live.consoles.clone()).unwrap_or_default(),
    }
}

/// What came of a request that was admitted.
enum Begin {
    /// It is being worked on.
    Job(JoinHandle<Outcome>),
    /// It stopped the job under way and is answered when that has ended.
    Interrupted,
}

async fn start_machine(engine: &Engine, driver: Arc<dyn Driver>, launch: Launch) -> Result<(Started, bool)> {
    let (uuid, paused) = (launch.uuid, launch.paused);
    // Also a start that is called off, whose future is dropped, leaves nothing behind.
    let result = driver.start(launch).await;
    if result.is_err()
        && let Err(error) = engine.store.status().remove(uuid)
    {
        tracing::warn!("cannot clean up after a failed start: {error}");
    }
    result.map(|started| (started, paused))
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

async fn job_end(job: &mut Option<Box<Work>>) -> Result<Outcome> {
    let Some(job) = job else { return std::future::pending().await };
    (&mut job.task).await.map_err(|error| {
        if error.is_cancelled() {
            Error::new(ErrorKind::Cancelled, "it was called off")
        } else {
            Error::new(ErrorKind::Internal, "the service has a defect: the work crashed; please report it with the log").caused_by(error)
        }
    })
}

// Changes that the store holds

impl Actor {
    fn stored(&self, work: impl FnOnce(&Engine) -> Result<Change> + Send + 'static) -> JoinHandle<Outcome> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || Outcome::Stored(work(&engine)))
    }

    fn store_definition(&self, definition: Definition) -> JoinHandle<Outcome> {
        let name = self.name.clone();
        self.stored(move |engine| {
            engine.store.definitions().save(&name, &definition.xml)?;
            Ok(Change::Defined(definition))
        })
    }

    fn undefine(&self, what: Undefine) -> JoinHandle<Outcome> {
        let (name, uuid) = (self.name.clone(), self.uuid);
        self.stored(move |engine| {
            engine.store.autostart().set(&name, false)?;
            engine.store.definitions().remove(&name)?;
            engine.remove_guest_state(uuid, what);
            Ok(Change::Undefined)
        })
    }

    fn rename(&self, new: String) -> Result<JoinHandle<Outcome>> {
        let (mut domain, _) = Domain::parse(&self.definition.xml)?;
        domain.name.clone_from(&new);
        domain.validate().map_err(|problems| Error::new(ErrorKind::InvalidArgument, joined(&problems)))?;
        let definition = Definition::of(&domain, self.definition.warnings.clone());
        let (old, autostart) = (self.name.clone(), self.autostart);
        Ok(self.stored(move |engine| {
            engine.store.definitions().rename(&old, &new, &definition.xml)?;
            if autostart {
                engine.store.autostart().rename(&old, &new)?;
            }
            Ok(Change::Renamed(new, definition))
        }))
    }

    fn set_autostart(&self, on: bool) -> JoinHandle<Outcome> {
        let name = self.name.clone();
        self.stored(move |engine| {
            engine.store.autostart().set(&name, on)?;
            Ok(Change::Autostart(on))
        })
    }

    fn edit(&self, edit: &Edit, scope: Scope) -> Result<JoinHandle<Outcome>> {
        let (live, config) = scope.resolve(&self.name, self.live.is_some(), self.persistent)?;
        let changed = |xml: &str| -> Result<Domain> {
            let (mut domain, _) = Domain::parse(xml)?;
            edit.apply(&mut domain)?;
            Ok(domain)
        };
        // Both documents are made before anything is changed.
        let definition = match config {
            true => Some(Definition::of(&changed(&self.definition.xml)?, self.definition.warnings.clone())),
            false => None,
        };
        let live = match (&self.live, live) {
            (Some(live), true) => Some((live.machine.clone(), edit.live_memory()?, Box::new(changed(&live.xml)?))),
            _ => None,
        };
        let (engine, name) = (self.engine.clone(), self.name.clone());
        Ok(tokio::spawn(async move { Outcome::Stored(carry_out(engine, name, definition, live).await) }))
    }
}

/// Tells the guest first: it may refuse, and then the definition stays as it was.
async fn carry_out(
    engine: Arc<Engine>,
    name: String,
    definition: Option<Definition>,
    live: Option<(Arc<dyn Machine>, Option<u64>, Box<Domain>)>,
) -> Result<Change> {
    if let Some((machine, Some(bytes), _)) = &live {
        machine.set_memory(*bytes).await?;
    }
    if let Some(definition) = definition.clone() {
        let saved = tokio::task::spawn_blocking(move || engine.store.definitions().save(&name, &definition.xml)).await;
        saved.map_err(|error| Error::new(ErrorKind::Internal, "writing the definition crashed").caused_by(error))??;
    }
    Ok(Change::Edited { definition, live: live.map(|(_, _, document)| document) })
}
