//! What all pools share, and what concerns more than one of them: define and create.

use std::sync::{Arc, Mutex};

use lodge_model::document::Document as _;
use lodge_model::storage_pool::{PoolType, PoolView, StoragePool};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::actor::{Actor, Request};
use super::backends::{self, Backend, Host, Overwrite};
use super::claims::Claims;
use super::handle::{MAILBOX, PoolHandle, Started};
use super::interrupted::Interrupted;
use super::passphrases::Passphrases;
use super::registry::{Place, Registry};
use super::users::Users;
use super::view::{StoragePoolView, complete, path};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event, Publisher};
use crate::jobs::Jobs;
use crate::secrets::Secrets;
use crate::store::Store;

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
    pub(super) users: Mutex<Option<Arc<dyn Users>>>,
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
pub(super) struct Seed {
    pub definition: StoragePool,
    pub warnings: Vec<String>,
    pub persistent: bool,
    pub autostart: bool,
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

    /// Puts a started backend into place and shows its volumes.
    pub(super) async fn activate(self: &Arc<Self>, pool: &PoolHandle, backend: Arc<dyn Backend>, live: StoragePool) -> Result<()> {
        let (name, xml, store) = (pool.name(), live.to_xml(), self.store.clone());
        backends::blocking(move || Ok(store.active_pools().save(&name, &xml)?)).await?;
        pool.started.set(Some(backend));
        let shown = pool.request(Request::Activated(Arc::new(live))).await;
        if shown.is_err() {
            pool.started.set(None);
            self.forget_active(&pool.name());
            return shown;
        }
        let view = pool.view();
        for secret in self.interrupted.secrets_of_nothing(&view.name, &view.contents.volumes).await {
            self.forget_secret(secret).await;
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
    pub(super) async fn show(&self, pool: &PoolHandle) {
        self.publisher.publish_and_wait(Event::Pool(Change::Added(pool.view()))).await;
    }

    /// Gives a pool its actor.
    pub(super) fn spawn(self: &Arc<Self>, seed: Seed) -> PoolHandle {
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
