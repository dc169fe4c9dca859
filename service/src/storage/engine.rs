//! What all pools share, and what concerns more than one of them: define, create, find again after a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lodge_model::document::Document as _;
use lodge_model::storage_pool::{PoolType, PoolView, StoragePool};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::actor::{Actor, Request};
use super::backends::{self, Backend, Host, Overwrite};
use super::claims::{Claim, Claims};
use super::handle::{MAILBOX, PoolHandle, Started};
use super::interrupted::{Interrupted, Work};
use super::passphrases::Passphrases;
use super::registry::{Place, Registry};
use super::view::{StoragePoolView, complete, path};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event, Publisher};
use crate::jobs::{Job, Jobs};
use crate::secrets::Secrets;
use crate::store::Store;

/// The pool that every instance begins with.
const DEFAULT_POOL: &str = "default";

/// Tells who uses a volume.
pub trait Users: Send + Sync {
    /// The running guest that one of these paths is a disk of.
    fn guest_with(&self, paths: &[String]) -> Option<String>;
}

/// What storage is made of.
pub struct Parts {
    /// The files.
    pub store: Arc<Store>,
    /// Where events go.
    pub publisher: Publisher,
    /// Visible work.
    pub jobs: Arc<Jobs>,
    /// Where passphrases are.
    pub secrets: Arc<Secrets>,
}

/// The pools of one instance.
pub struct Storage {
    /// All pools.
    pub registry: Arc<Registry>,
    pub(super) store: Arc<Store>,
    pub(super) publisher: Publisher,
    pub(super) jobs: Arc<Jobs>,
    pub(super) host: Host,
    /// What is done with volumes in place.
    pub(super) interrupted: Interrupted,
    /// Told after the domains are there, which need storage.
    users: Mutex<Option<Arc<dyn Users>>>,
}

/// A document that was read and is in itself in order.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says.
    pub pool: StoragePool,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

impl Draft {
    /// Reads a document and checks it.
    ///
    /// # Errors
    /// `InvalidXml` with path and place.
    pub fn read(xml: &str) -> Result<Self> {
        let (pool, warnings) = StoragePool::parse(xml)?;
        pool.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Self { pool, warnings: warnings.iter().map(ToString::to_string).collect() })
    }

    fn name(&self) -> String {
        self.pool.name().unwrap_or_default().to_owned()
    }
}

/// What the actor of a new pool begins with.
struct Seed {
    definition: StoragePool,
    warnings: Vec<String>,
    persistent: bool,
    autostart: bool,
}

impl Storage {
    /// Storage without pools; [`Storage::recover`] finds those of the store.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, publisher, jobs, secrets } = parts;
        Arc::new(Self {
            registry: Arc::default(),
            interrupted: Interrupted::new(store.clone()),
            store,
            publisher,
            jobs,
            host: Host { secrets: Passphrases::new(secrets) },
            users: Mutex::default(),
        })
    }

    /// Says who tells which volumes guests use.
    pub fn ask_for_users(&self, users: Arc<dyn Users>) {
        *self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(users);
    }

    pub(super) fn guest_with(&self, paths: &[String]) -> Option<String> {
        let users = self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        users?.guest_with(paths)
    }

    /// What an authorizer is told when a verb is about a document.
    pub fn details(&self, verb: &'static str, draft: &Draft) -> Details {
        Details::about(verb, Subject::StoragePool(draft.name()))
    }

    /// Stores a pool, or another definition of one that has the same name and UUID. What it says of sizes is not kept.
    ///
    /// # Errors
    /// `AlreadyExists`, also when another pool is made of the same; those of the store.
    pub async fn define(self: &Arc<Self>, grant: Grant, draft: Draft, only_new: bool) -> Result<(PoolHandle, Vec<String>)> {
        grant.covers(Action::PoolDefine)?;
        let Draft { pool, warnings } = draft;
        let (pool, place) = self.place(pool)?;
        let name = pool.name.clone().unwrap_or_default();
        let mut told = warnings.clone();
        told.extend(backends::of(&pool, &self.host).err().map(|error| error.to_string()));
        let pool_handle = match place {
            Ok(existing) if only_new && existing.view().persistent => {
                let message = format!("pool '{name}' exists already; leave the option new out to replace its definition");
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
            Ok(existing) => {
                let claim = existing.claims.pool(&name, "defined")?;
                self.save(&pool).await?;
                existing.request(Request::Defined(Arc::new(pool), warnings)).await?;
                drop(claim);
                existing
            }
            Err(place) => {
                self.save(&pool).await?;
                self.add(Seed { definition: pool, warnings, persistent: true, autostart: false }, place).await
            }
        };
        Ok((pool_handle, told))
    }

    /// Starts a pool that has no stored definition. It takes what defining and what starting one takes.
    ///
    /// # Errors
    /// Those of `define` and of the start; nothing remains then.
    pub async fn create(
        self: &Arc<Self>,
        define: Grant,
        start: Grant,
        draft: Draft,
        build: Option<Overwrite>,
    ) -> Result<(PoolHandle, Vec<String>)> {
        define.covers(Action::PoolDefine)?;
        start.covers(Action::PoolManage)?;
        let Draft { pool, warnings } = draft;
        let (pool, place) = self.place(pool)?;
        backends::of(&pool, &self.host)?;
        let name = pool.name.clone().unwrap_or_default();
        let Err(place) = place else {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("pool '{name}' exists already; start it, or choose another name")));
        };
        let seed = Seed { definition: pool, warnings: warnings.clone(), persistent: false, autostart: false };
        let handle = self.add(seed, place).await;
        match self.start(&handle, start, build, true).await {
            Ok(_) => Ok((handle, warnings)),
            Err(error) => {
                // Without definition and not started it vanishes, unless it has already.
                drop(handle.request(Request::Deactivated).await);
                Err(error)
            }
        }
    }

    /// Finds the pools again: those that are defined, and those that were started when the service ended. What cannot be read is
    /// left alone. There may be many volumes, so somebody must be taking the events.
    ///
    /// # Errors
    /// The store cannot be listed at all.
    pub async fn recover(self: &Arc<Self>) -> Result<()> {
        let interrupted = self.interrupted.clone();
        backends::blocking(move || {
            interrupted.load();
            Ok(())
        })
        .await?;
        let definitions = loaded(self.store.pools().load_all()?);
        let mut active: HashMap<String, Result<StoragePool>> = loaded(self.store.active_pools().load_all()?).into_iter().collect();
        for (name, read) in definitions {
            match read {
                Ok(definition) => {
                    let autostart = self.store.pool_autostart().is_set(&name);
                    let handle = self.spawn(Seed { warnings: Vec::new(), definition, persistent: true, autostart });
                    self.show(&handle).await;
                    self.find_again(&handle, active.remove(&name)).await;
                }
                Err(error) => {
                    tracing::error!("pool '{}' is left alone: {error}", name.escape_debug());
                    let next = "repair or remove its file in the configuration directory and restart the service";
                    self.registry.leave_alone(&name, format!("its definition cannot be read ({error}); {next}"));
                }
            }
        }
        for (name, read) in active {
            let Ok(definition) = &read else { continue };
            let handle = self.spawn(Seed { warnings: Vec::new(), definition: definition.clone(), persistent: false, autostart: false });
            self.show(&handle).await;
            self.find_again(&handle, Some(read)).await;
            if !handle.view().active {
                tracing::warn!("pool '{name}' had no definition and is gone with what it was made of");
                drop(handle.request(Request::Deactivated).await);
            }
        }
        Ok(())
    }

    /// Takes a pool up again that was started, if what it is made of is still there.
    async fn find_again(self: &Arc<Self>, pool: &PoolHandle, live: Option<Result<StoragePool>>) {
        let Some(live) = live else { return };
        let name = pool.name();
        let result = async {
            let live = live?;
            let backend = backends::of(&live, &self.host)?;
            if !backend.is_active().await? {
                return Err(Error::new(ErrorKind::NotFound, "what it is made of is not there any more"));
            }
            self.activate(pool, backend, live).await
        };
        if let Err(error) = result.await {
            tracing::warn!("pool '{name}' is not started any more: {error}");
            self.forget_active(&name);
        }
    }

    /// Makes the first pool of an instance, once in its life: a directory below the service's own.
    pub async fn make_default(self: &Arc<Self>) {
        match self.store.first_use_of_pools() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return tracing::warn!("no default pool is made: {error}"),
        }
        if self.registry.by_name(DEFAULT_POOL).is_some() {
            return;
        }
        let images = self.store.layout().images();
        let pool = StoragePool {
            kind: PoolType::Dir,
            name: Some(DEFAULT_POOL.to_owned()),
            target: Some(lodge_model::storage_pool::PoolTarget { path: Some(images.display().to_string()), ..Default::default() }),
            ..Default::default()
        };
        let grant = Grant::for_the_service;
        let made = async {
            let draft = Draft { pool, warnings: Vec::new() };
            let (handle, _) = self.define(grant(Action::PoolDefine), draft, true).await?;
            self.set_autostart(&handle, grant(Action::PoolDefine), true).await?;
            self.start(&handle, grant(Action::PoolManage), Some(Overwrite::Nothing), true).await
        };
        if let Err(error) = made.await {
            tracing::warn!("the default pool is not ready: {error}");
        }
    }

    /// Starts every pool that is marked for it.
    pub async fn autostart(self: &Arc<Self>) {
        for pool in self.registry.all() {
            let view = pool.view();
            if view.autostart
                && !view.active
                && let Err(error) = self.start(&pool, Grant::for_the_service(Action::PoolManage), None, true).await
            {
                tracing::error!("autostart: {error}");
            }
        }
    }

    /// Puts a started backend into place and shows its volumes.
    pub(super) async fn activate(self: &Arc<Self>, pool: &PoolHandle, backend: Arc<dyn Backend>, live: StoragePool) -> Result<()> {
        let (name, xml, store) = (pool.name(), live.to_xml(), self.store.clone());
        backends::blocking(move || Ok(store.active_pools().save(&name, &xml)?)).await?;
        pool.started.set(Some(backend));
        let shown = pool.request(Request::Activated(Arc::new(live))).await;
        if shown.is_err() {
            pool.started.set(None);
            self.forget_active(&pool.name());
        }
        shown
    }

    pub(super) fn forget_active(&self, name: &str) {
        if let Err(error) = self.store.active_pools().remove(name) {
            tracing::warn!("that pool '{name}' was started stays written down: {error}");
        }
    }

    /// The completed document, and the pool or the place for it.
    fn place(self: &Arc<Self>, pool: StoragePool) -> Result<(StoragePool, Result<PoolHandle, Place>)> {
        let name = pool.name().unwrap_or_default().to_owned();
        let known = || self.registry.by_name(&name).map(|pool| pool.uuid);
        let uuid = pool.uuid.or_else(known).unwrap_or_else(Uuid::new_v4);
        let pool = complete(pool, uuid);
        self.refuse_same_source(&name, &pool)?;
        let place = self.registry.reserve(&name, uuid)?;
        Ok((pool, place))
    }

    /// Two pools of the same would take each other's volumes away.
    fn refuse_same_source(&self, name: &str, pool: &StoragePool) -> Result<()> {
        let Some(source) = identity(pool) else { return Ok(()) };
        for other in self.registry.views() {
            let documents = [Some(&other.definition), other.live.as_ref()];
            if other.name != name && documents.into_iter().flatten().any(|document| identity(document).as_deref() == Some(&source)) {
                let message = format!("pool '{}' is made of the same ({source}); use that, or write another source", other.name);
                return Err(Error::new(ErrorKind::AlreadyExists, message));
            }
        }
        Ok(())
    }

    async fn save(self: &Arc<Self>, pool: &StoragePool) -> Result<()> {
        let (store, name, xml) = (self.store.clone(), pool.name.clone().unwrap_or_default(), pool.to_xml());
        backends::blocking(move || Ok(store.pools().save(&name, &xml)?)).await
    }

    async fn add(self: &Arc<Self>, seed: Seed, place: Place) -> PoolHandle {
        let handle = self.spawn(seed);
        drop(place);
        self.show(&handle).await;
        handle
    }

    /// Tells that a pool is there now.
    async fn show(&self, pool: &PoolHandle) {
        self.publisher.publish_and_wait(Event::Pool(Change::Added(pool.view()))).await;
    }

    /// Gives a pool its actor.
    fn spawn(self: &Arc<Self>, seed: Seed) -> PoolHandle {
        let Seed { definition, warnings, persistent, autostart } = seed;
        let (name, uuid) = (definition.name.clone().unwrap_or_default(), definition.uuid.unwrap_or_default());
        let view = StoragePoolView {
            name: name.clone(),
            uuid,
            kind: definition.kind.as_str(),
            active: false,
            persistent,
            autostart,
            warnings,
            path: path(&definition),
            definition: Arc::new(definition),
            live: None,
            contents: Arc::default(),
        };
        let (requests_in, requests) = mpsc::channel(MAILBOX);
        let started = Started::default();
        let (actor, view) = Actor::new(self.clone(), view, started.clone(), requests);
        let handle = PoolHandle { uuid, view, requests: requests_in, claims: Claims::default(), started };
        self.registry.insert(&name, handle.clone());
        tokio::spawn(actor.run());
        handle
    }

    /// Does work as a job, which whoever may do it can call off. With `wait` the answer comes when it is done.
    ///
    /// # Errors
    /// Those of the work; without `wait` only the job tells.
    pub(super) async fn as_job<F>(self: &Arc<Self>, order: Order, work: impl FnOnce(Progress) -> F + Send + 'static) -> Result<Arc<Job>>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Order { operation, subject, grant, claims, pool, wait, in_place } = order;
        let job = self.jobs.begin(operation, subject, &grant).await;
        let (storage, shown) = (self.clone(), job.clone());
        let task = tokio::spawn(async move {
            let (progress, mut heard) = watch::channel((0, 0));
            let forward = async {
                while heard.changed().await.is_ok() {
                    let (done, total) = *heard.borrow_and_update();
                    storage.jobs.advance(&shown, done, total).await;
                }
                std::future::pending().await
            };
            // In a task of its own: work that crashes ends as an error.
            let mut working = tokio::spawn(work(Progress(Arc::new(progress))));
            let mut result = tokio::select! {
                biased;
                result = &mut working => result.unwrap_or_else(|error| Err(crashed(error))),
                () = shown.cancelled() => {
                    working.abort();
                    // What it leaves is put away when it has really stopped; it may just have been done.
                    match working.await {
                        Ok(result) => result,
                        Err(_) => Err(Error::new(ErrorKind::Cancelled, format!("{operation} was cancelled"))),
                    }
                }
                () = forward => Err(Error::new(ErrorKind::Internal, "work without an end")),
            };
            if let Some(work) = in_place {
                work.end().await;
            }
            if let Some(pool) = pool
                && let (Err(error), true) = (pool.refreshed().await, result.is_ok())
            {
                result = Err(error);
            }
            drop(claims);
            storage.jobs.end(&shown, &result).await;
            result
        });
        if wait {
            task.await.unwrap_or_else(|error| Err(crashed(error)))?;
        }
        Ok(job)
    }
}

fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "the service has a defect: the work crashed; please report it with the log").caused_by(error)
}

/// Work to be done as a job.
pub(super) struct Order {
    /// What it is called.
    pub operation: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Who may do it.
    pub grant: Grant,
    /// What nobody else may touch until it is done.
    pub claims: Vec<Claim>,
    /// The pool that looks different then.
    pub pool: Option<PoolHandle>,
    /// Whether somebody waits for it.
    pub wait: bool,
    /// That it is written down, where it cannot be undone.
    pub in_place: Option<Work>,
}

/// Where work tells how far it is.
#[derive(Clone)]
pub(super) struct Progress(Arc<watch::Sender<(u64, u64)>>);

impl Progress {
    /// As a function for those who do the work.
    pub fn report(&self) -> impl Fn(u64, u64) + Send + Sync + '_ {
        |done, total| {
            self.0.send_replace((done, total));
        }
    }
}

/// What a pool is made of, as text that two pools of the same have in common.
fn identity(pool: &StoragePool) -> Option<String> {
    let same = |kind: PoolType, what: &str| Some(format!("{kind} {what}"));
    match pool.view().ok()? {
        PoolView::Dir { path } | PoolView::Fs { path, .. } | PoolView::Netfs { path, .. } => Some(path.trim_end_matches('/').to_owned()),
        PoolView::Disk { device, .. } => same(pool.kind, &device.path),
        PoolView::Logical { group, .. } => same(pool.kind, group),
        PoolView::Iscsi { target, .. } => same(pool.kind, &format!("{} on {}", target.name, target.host.name)),
        _ => None,
    }
}

/// Documents of the store by name.
fn loaded(files: crate::store::Loaded<String, String>) -> Vec<(String, Result<StoragePool>)> {
    let read = |name: &str, xml: Result<String, crate::store::StoreError>| -> Result<StoragePool> {
        let (mut pool, _) = StoragePool::parse(&xml?)?;
        pool.name = Some(name.to_owned());
        match pool.uuid {
            Some(_) => Ok(pool),
            None => Err(Error::new(ErrorKind::InvalidXml, "it has no UUID")),
        }
    };
    files.into_iter().map(|(name, xml)| (name.clone(), read(&name, xml))).collect()
}
