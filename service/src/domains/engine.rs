//! What all domains share, and the operations that concern more than one of them: define, create,
//! rename, find again after a restart.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::actor::Actor;
use super::console::Consoles;
use super::handle::{DomainHandle, MAILBOX};
use super::live::Live;
use super::registry::Registry;
use super::request::{Definition, Request, Start, Undefine};
use super::state::{ShutOff, State};
use super::status::{FORMAT, Status};
use super::view::Facts;
use super::volumes::VolumeUsers;
use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, Publisher};
use crate::hypervisors::kept::{Kept, why_never_run};
use crate::hypervisors::{Driver, Launch, MachineEvent, MachineEvents, Remember, Reveal, Started};
use crate::jobs::{Job, Jobs};
use crate::networks::Networks;
use crate::node_devices::NodeDevices;
use crate::secrets::Secrets;
use crate::storage::{ForGuest, Storage};
use crate::store::{Layout, Store};

/// What an engine is made of.
pub struct Parts {
    /// The files.
    pub store: Arc<Store>,
    /// The hypervisors, the preferred one first.
    pub drivers: Vec<Arc<dyn Driver>>,
    /// Where events go.
    pub publisher: Publisher,
    /// Visible work, of domains and of others.
    pub jobs: Arc<Jobs>,
    /// What guests are connected to.
    pub networks: Arc<Networks>,
    /// Devices of the host, which guests can have.
    pub devices: Arc<NodeDevices>,
    /// What opens what guests are given.
    pub secrets: Arc<Secrets>,
    /// The pools, whose volumes are disks.
    pub storage: Arc<Storage>,
    /// Bytes of console output kept for those who come later.
    pub console_keep: usize,
}

/// The domains of one instance.
pub struct Engine {
    /// All domains.
    pub registry: Registry,
    /// Visible work.
    pub jobs: Arc<Jobs>,
    secrets: Arc<Secrets>,
    pub(super) storage: Arc<Storage>,
    pub(super) store: Arc<Store>,
    pub(super) publisher: Publisher,
    pub(super) networks: Arc<Networks>,
    pub(super) devices: Arc<NodeDevices>,
    /// What is being taken away of guests that are over.
    unplugging: Mutex<HashMap<Uuid, JoinHandle<()>>>,
    drivers: Vec<Arc<dyn Driver>>,
    console_keep: AtomicUsize,
    next_id: AtomicU32,
}

/// A document that was read and is in itself in order.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says.
    pub domain: Domain,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

/// A domain that was defined.
#[derive(Debug)]
pub struct Defined {
    /// The domain.
    pub domain: DomainHandle,
    /// What is kept without being understood.
    pub warnings: Vec<String>,
}

impl Engine {
    /// An engine without domains; [`Engine::recover`] finds those of the store.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, drivers, publisher, jobs, networks, devices, secrets, storage, console_keep } = parts;
        let console_keep = AtomicUsize::new(console_keep);
        Arc::new_cyclic(|engine| {
            storage.ask_for_users(Arc::new(VolumeUsers(engine.clone())));
            Self {
                registry: Registry::default(),
                jobs,
                secrets,
                storage,
                store,
                publisher,
                networks,
                devices,
                unplugging: Mutex::default(),
                drivers,
                console_keep,
                next_id: AtomicU32::new(1),
            }
        })
    }

    /// The hypervisors.
    pub fn drivers(&self) -> &[Arc<dyn Driver>] {
        &self.drivers
    }

    /// Reads a document and checks what can be checked without a hypervisor.
    ///
    /// # Errors
    /// `InvalidXml` with path and place.
    pub fn read(xml: &str) -> Result<Draft> {
        let (domain, warnings) = Domain::parse(xml)?;
        domain.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Draft { domain, warnings: warnings.iter().map(ToString::to_string).collect() })
    }

    /// What an authorizer is told when a verb is about a document.
    pub fn details(&self, verb: &'static str, draft: &Draft) -> Details {
        let known = || self.registry.by_name(&draft.domain.name).map(|domain| domain.uuid());
        Details {
            verb,
            subject: Some(Subject::Domain(draft.domain.name.clone())),
            uuid: draft.domain.uuid.or_else(known),
            hypervisor: self.driver_of(&draft.domain).ok().map(|driver| driver.name()),
        }
    }

    /// Completes a document as [`Engine::define`] would.
    ///
    /// # Errors
    /// Those of `define`.
    pub async fn complete(&self, mut draft: Draft) -> Result<Draft> {
        draft.domain.id = None;
        draft.domain.uuid.get_or_insert_with(Uuid::new_v4);
        self.driver_of(&draft.domain)?.complete(&mut draft.domain).await?;
        Ok(draft)
    }

    /// What [`Engine::define`] would store, with all its checks.
    ///
    /// # Errors
    /// Those of `define`.
    pub async fn validate(&self, draft: Draft) -> Result<Draft> {
        let mut draft = self.complete(self.with_known_uuid(draft)).await?;
        draft.warnings.extend(why_never_run(draft.domain.kind));
        if let Some(uuid) = draft.domain.uuid {
            self.registry.check(&draft.domain.name, uuid)?;
        }
        Ok(draft)
    }

    /// Stores a domain, or another definition of one that has the same name and UUID.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotSupported`, `InvalidXml`, and those of the store.
    pub async fn define(self: &Arc<Self>, grant: Grant, draft: Draft, only_new: bool) -> Result<Defined> {
        grant.covers(Action::DomainDefine)?;
        let draft = self.with_known_uuid(draft);
        let Draft { domain, mut warnings } = self.complete(draft).await?;
        let definition = Definition::of(&domain, warnings.clone());
        warnings.extend(why_never_run(domain.kind));
        let (existing, place) = self.place(&domain)?;
        let domain = match existing {
            Some(existing) if only_new && existing.view().persistent => {
                return Err(Error::new(
                    ErrorKind::AlreadyExists,
                    format!("domain '{}' exists already; leave the option new out to replace its definition", domain.name),
                ));
            }
            Some(existing) => {
                existing.request(grant, Request::Define(definition)).await?;
                existing
            }
            None => {
                self.save(definition.clone()).await?;
                self.add(domain, definition, true, place).await?
            }
        };
        Ok(Defined { domain, warnings })
    }

    /// Starts a domain that has no stored definition. It takes what defining and what starting one takes.
    ///
    /// # Errors
    /// Those of `define` and of the start; nothing remains then.
    pub async fn create(self: &Arc<Self>, define: Grant, start: Grant, draft: Draft, paused: bool) -> Result<Defined> {
        define.covers(Action::DomainDefine)?;
        start.covers(Action::DomainManage)?;
        let Draft { domain, warnings } = self.complete(draft).await?;
        let definition = Definition::of(&domain, warnings.clone());
        let (existing, place) = self.place(&domain)?;
        if existing.is_some() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("domain '{}' exists already; start it, or choose another name", domain.name),
            ));
        }
        let domain = self.add(domain, definition, false, place).await?;
        let job = self.begin_start(&domain, &start).await;
        self.finish_start(&domain, start, paused, job).await?;
        Ok(Defined { domain, warnings })
    }

    /// Starts a domain in a job of its own. With `wait` the answer comes when it runs.
    ///
    /// # Errors
    /// Why it does not start; without `wait` only the job tells.
    pub async fn start(self: &Arc<Self>, domain: DomainHandle, grant: Grant, paused: bool, wait: bool) -> Result<Arc<Job>> {
        grant.covers(Action::DomainManage)?;
        let job = self.begin_start(&domain, &grant).await;
        if wait {
            self.finish_start(&domain, grant, paused, job.clone()).await?;
        } else {
            let (engine, job) = (self.clone(), job.clone());
            tokio::spawn(async move {
                // The outcome is in the job.
                drop(engine.finish_start(&domain, grant, paused, job).await);
            });
        }
        Ok(job)
    }

    /// Gives a domain another name.
    ///
    /// # Errors
    /// `InvalidArgument`, `AlreadyExists`, `InvalidState`.
    pub async fn rename(self: &Arc<Self>, domain: &DomainHandle, grant: Grant, name: &str) -> Result<()> {
        let old = domain.view().name.clone();
        if old == name {
            return Ok(());
        }
        self.registry.reserve_name(name, domain.uuid())?;
        let result = domain.request(grant, Request::Rename(name.to_owned())).await;
        self.registry.release_name(if result.is_ok() { &old } else { name }, domain.uuid());
        result
    }

    /// Starts every network, every pool and every domain that is marked for it, once for each life of the runtime directory: a
    /// service that comes back by activation does not start what was shut down meanwhile.
    pub async fn autostart(self: &Arc<Self>) {
        match self.store.first_run() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::error!("no domain is autostarted: {error}"),
        }
        // Before the guests that are to be in them.
        self.networks.autostart().await;
        // Guests have their disks there.
        self.storage.autostart().await;
        for domain in self.registry.all() {
            let view = domain.view();
            if view.autostart && !view.state.is_active() {
                let grant = Grant::for_the_service(Action::DomainManage);
                if let Err(error) = self.start(domain, grant, false, false).await {
                    tracing::error!("autostart: {error}");
                }
            }
        }
    }

    async fn begin_start(&self, domain: &DomainHandle, grant: &Grant) -> Arc<Job> {
        self.jobs.begin("domain-start", Subject::Domain(domain.view().name.clone()), grant).await
    }

    async fn finish_start(&self, domain: &DomainHandle, grant: Grant, paused: bool, job: Arc<Job>) -> Result<()> {
        let result = domain.request(grant, Request::Start(Start { paused, job: job.number })).await;
        if let Err(error) = &result {
            tracing::warn!("{error}");
        }
        self.jobs.end(&job, &result).await;
        result
    }

    /// A document without UUID means the domain of that name, if there is one.
    pub(super) fn with_known_uuid(&self, mut draft: Draft) -> Draft {
        if draft.domain.uuid.is_none() {
            draft.domain.uuid = self.registry.by_name(&draft.domain.name).map(|domain| domain.uuid());
        }
        draft
    }

    fn place(self: &Arc<Self>, domain: &Domain) -> Result<(Option<DomainHandle>, Place)> {
        let Some(uuid) = domain.uuid else {
            return Err(Error::new(ErrorKind::Internal, "a completed definition has no UUID"));
        };
        let existing = self.registry.reserve(&domain.name, uuid)?;
        let engine = existing.is_none().then(|| self.clone());
        Ok((existing, Place { engine, name: domain.name.clone(), uuid }))
    }

    pub(super) async fn save(self: &Arc<Self>, definition: Definition) -> Result<()> {
        let engine = self.clone();
        let saved = tokio::task::spawn_blocking(move || engine.store.definitions().save(&definition.name, &definition.xml)).await;
        saved.map_err(|error| Error::new(ErrorKind::Internal, "writing the definition crashed").caused_by(error))?.map_err(Error::from)
    }

    async fn add(self: &Arc<Self>, domain: Domain, definition: Definition, persistent: bool, mut place: Place) -> Result<DomainHandle> {
        let driver = self.driver_of(&domain)?;
        let uuid = place.uuid;
        let handle = self.spawn(Seed {
            name: domain.name,
            uuid,
            definition,
            persistent,
            autostart: false,
            driver,
            state: State::ShutOff(ShutOff::Unknown),
            live: None,
        });
        place.engine = None;
        self.publisher.publish_and_wait(Event::DomainAdded(handle.clone())).await;
        Ok(handle)
    }

    /// Gives a domain its actor.
    pub(super) fn spawn(self: &Arc<Self>, seed: Seed) -> DomainHandle {
        let uuid = seed.uuid;
        let (requests_in, requests) = mpsc::channel(MAILBOX);
        let (control_in, control) = mpsc::channel(MAILBOX);
        let actor = Actor::new(self.clone(), seed, requests, control);
        let handle = DomainHandle { uuid, view: actor.view.subscribe(), requests: requests_in, control: control_in };
        self.registry.insert(handle.clone());
        tokio::spawn(actor.run());
        handle
    }

    pub(super) fn driver_of(&self, domain: &Domain) -> Result<Arc<dyn Driver>> {
        let kind = domain.kind;
        let kept = || Kept.runs(kind).then(|| Arc::new(Kept) as Arc<dyn Driver>);
        self.drivers.iter().find(|driver| driver.runs(kind)).cloned().or_else(kept).ok_or_else(|| {
            Error::new(ErrorKind::NotSupported, format!("domains of type '{kind}' cannot be run here; types that can: qemu, kvm"))
        })
    }

    /// Everything a driver needs for one run.
    pub(super) fn launch(
        self: &Arc<Self>,
        id: u32,
        domain: Domain,
        uuid: Uuid,
        name: &str,
        paused: bool,
        events: MachineEvents,
    ) -> Result<Launch> {
        let runtime = self.store.status().prepare(uuid)?;
        let (engine, live, hypervisor, name) = (self.clone(), domain.to_xml(), self.driver_of(&domain)?.name(), name.to_owned());
        let log = self.store.layout().domain_log(&name)?;
        let remember: Remember = Arc::new(move |machine| {
            let status = Status {
                format: FORMAT,
                name: name.clone(),
                id,
                hypervisor: hypervisor.to_owned(),
                state: State::Paused(crate::hypervisors::PauseReason::StartingUp),
                live: live.clone(),
                started_from: live.clone(),
                started: false,
                machine: machine.clone(),
            };
            engine.store.status().save(uuid, &status).map_err(Error::from)
        });
        let (nvram, tpm, reveal) = (self.nvram(uuid), self.tpm(uuid), self.reveal());
        let (nics, take) = (Arc::default(), self.take_devices(uuid));
        Ok(Launch { domain, uuid, id, paused, nics, take, runtime, log, nvram, tpm, events, remember, reveal })
    }

    /// Tells the values of secrets. Whoever may start a domain may have what it names opened, without being told the values.
    fn reveal(&self) -> Reveal {
        let secrets = self.secrets.clone();
        Arc::new(move |name| {
            let secrets = secrets.clone();
            Box::pin(async move { secrets.reveal(secrets.find(&name)?.uuid).await })
        })
    }

    pub(super) async fn live(
        &self,
        id: u32,
        started: Started,
        paused: bool,
        events: mpsc::Receiver<MachineEvent>,
        started_from: Arc<str>,
    ) -> Live {
        let Started { machine, mut live } = started;
        live.id = Some(id);
        let consoles = Consoles::attach(machine.consoles(), self.console_keep()).await;
        let (xml, facts) = (live.to_xml().into(), Arc::new(Facts::of(&live)));
        Live {
            id,
            machine,
            events,
            held: ForGuest::default(),
            started_from,
            xml,
            facts,
            consoles,
            pause_reason: None,
            paused,
            told: false,
            asked_to_shut_down: false,
        }
    }

    /// The number of a new run.
    pub(super) fn next_id(&self) -> u32 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn console_keep(&self) -> usize {
        self.console_keep.load(Ordering::Relaxed)
    }

    /// How much output the consoles of guests keep that start from now on, in bytes.
    pub fn keep_of_consoles(&self, bytes: usize) {
        self.console_keep.store(bytes, Ordering::Relaxed);
    }

    /// Where the files are.
    pub fn layout(&self) -> &Layout {
        self.store.layout()
    }

    /// Numbers of runs start above this one.
    pub(super) fn note_id(&self, id: u32) {
        self.next_id.fetch_max(id.saturating_add(1), Ordering::Relaxed);
    }

    pub(super) fn nvram(&self, uuid: Uuid) -> PathBuf {
        self.store.layout().nvram().join(format!("{uuid}.qcow2"))
    }

    pub(super) fn tpm(&self, uuid: Uuid) -> PathBuf {
        self.store.layout().tpm().join(uuid.to_string())
    }

    pub(super) fn unplugging(&self) -> MutexGuard<'_, HashMap<Uuid, JoinHandle<()>>> {
        // Held for map operations only.
        self.unplugging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what was written down about a run that is over, and what was made of the host for it.
    pub(super) async fn clean_up(&self, uuid: Uuid) {
        self.unplug(uuid);
        self.give_devices_back(uuid).await;
        if let Err(error) = self.store.status().remove(uuid) {
            tracing::warn!("what is known of the last run of {uuid} stays behind: {error}");
        }
    }

    /// Removes what a guest kept between its runs, other than its disks.
    pub(super) fn remove_guest_state(&self, uuid: Uuid, what: Undefine) {
        let remove = |path: PathBuf, result: std::io::Result<()>| match result {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => tracing::warn!("{} stays behind: {error}", path.display()),
            _ => {}
        };
        if !what.keep_nvram {
            let path = self.nvram(uuid);
            remove(path.clone(), std::fs::remove_file(path));
        }
        if !what.keep_tpm {
            let path = self.tpm(uuid);
            remove(path.clone(), std::fs::remove_dir_all(path));
        }
    }
}

/// What an actor begins with.
pub(super) struct Seed {
    pub name: String,
    pub uuid: Uuid,
    pub definition: Definition,
    pub persistent: bool,
    pub autostart: bool,
    pub driver: Arc<dyn Driver>,
    pub state: State,
    pub live: Option<Box<Live>>,
}

/// A reserved name and UUID, given up again unless a domain takes the place.
struct Place {
    engine: Option<Arc<Engine>>,
    name: String,
    uuid: Uuid,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(engine) = &self.engine {
            tracing::debug!("the place of domain '{}' ({}) is free again", self.name, self.uuid);
            engine.registry.release_name(&self.name, self.uuid);
        }
    }
}
