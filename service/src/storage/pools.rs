//! What is done with a pool as a whole.

use std::sync::Arc;

use super::actor::Request;
use super::backends::{self, Overwrite};
use super::engine::Storage;
use super::handle::PoolHandle;
use super::work::Order;
use crate::authorization::{Action, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Job;

impl Storage {
    /// Makes what the pool needs before it can be started.
    ///
    /// # Errors
    /// `InvalidState` when it is started, `InUse` when something else is there, those of the host.
    pub async fn build(self: &Arc<Self>, pool: &PoolHandle, grant: Grant, overwrite: Overwrite, wait: bool) -> Result<Arc<Job>> {
        grant.covers(Action::PoolManage)?;
        let claim = pool.claims.pool(&pool.name(), "built")?;
        self.refuse_started(pool, "built")?;
        let backend = backends::of(&pool.view().definition, &self.host)?;
        let (order, name) = (self.order("pool-build", pool, grant, vec![claim], wait), pool.name());
        self.as_job(order, move |_| async move {
            backend.build(overwrite).await.map_err(|error| error.in_context(format_args!("cannot build pool '{name}'")))
        })
        .await
    }

    /// Makes the volumes reachable, after building the pool if that is asked.
    ///
    /// # Errors
    /// `InvalidState` when it is started already; those of the host, and then it is as before.
    pub async fn start(self: &Arc<Self>, pool: &PoolHandle, grant: Grant, build: Option<Overwrite>, wait: bool) -> Result<Arc<Job>> {
        grant.covers(Action::PoolManage)?;
        let claim = pool.claims.pool(&pool.name(), "started")?;
        self.refuse_started(pool, "started")?;
        let definition = pool.view().definition.clone();
        let backend = backends::of(&definition, &self.host)?;
        let order = self.order("pool-start", pool, grant, vec![claim], wait);
        let (storage, pool) = (self.clone(), pool.clone());
        self.as_job(order, move |_| async move {
            let start = async {
                if let Some(overwrite) = build {
                    backend.build(overwrite).await?;
                }
                backend.start().await?;
                let activated = storage.activate(&pool, backend.clone(), definition.as_ref().clone()).await;
                if activated.is_err()
                    && let Err(error) = backend.stop().await
                {
                    tracing::warn!("pool '{}' could not be started, and not all of that is undone: {error}", pool.name());
                }
                activated
            };
            start.await.map_err(|error| error.in_context(format_args!("cannot start pool '{}'", pool.name())))
        })
        .await
    }

    /// Looks through the pool again.
    ///
    /// # Errors
    /// `InvalidState` when it is not started; those of the host.
    pub async fn refresh(&self, pool: &PoolHandle, grant: Grant) -> Result<()> {
        grant.covers(Action::PoolManage)?;
        pool.backend()?;
        pool.refreshed().await
    }

    /// Makes the volumes unreachable; they stay. A pool without definition is gone then.
    ///
    /// # Errors
    /// `InvalidState` when it is not started, `Busy` while somebody works on a volume, `InUse`, those of the host.
    pub async fn stop(&self, pool: &PoolHandle, grant: Grant) -> Result<()> {
        grant.covers(Action::PoolManage)?;
        let name = pool.name();
        let _claim = pool.claims.pool(&name, "stopped")?;
        let backend = pool.backend()?;
        let volumes: Vec<_> = pool.view().contents.volumes.values().cloned().collect();
        // Files of a directory stay where they are.
        if !backend.is_untouched_by_stop()
            && let Some(guest) = self.guest_with(&volumes).await
        {
            let message = format!("cannot stop pool '{name}': domain '{guest}' uses a volume of it; shut that down first");
            return Err(Error::new(ErrorKind::InUse, message));
        }
        backend.stop().await.map_err(|error| error.in_context(format_args!("cannot stop pool '{name}'")))?;
        pool.started.set(None);
        self.forget_active(&name);
        pool.request(Request::Deactivated).await
    }

    /// Undoes what building did; what is in it may be lost.
    ///
    /// # Errors
    /// `InvalidState` when it is started, those of the host.
    pub async fn delete(&self, pool: &PoolHandle, grant: Grant) -> Result<()> {
        grant.covers(Action::PoolManage)?;
        let name = pool.name();
        let _claim = pool.claims.pool(&name, "deleted")?;
        self.refuse_started(pool, "deleted")?;
        let backend = backends::of(&pool.view().definition, &self.host)?;
        backend.delete().await.map_err(|error| error.in_context(format_args!("cannot delete pool '{name}'")))
    }

    /// Removes the definition; what the pool is made of stays.
    ///
    /// # Errors
    /// `InvalidState` when it is started or has no definition, those of the store.
    pub async fn undefine(self: &Arc<Self>, pool: &PoolHandle, grant: Grant) -> Result<()> {
        grant.covers(Action::PoolDefine)?;
        let name = pool.name();
        let _claim = pool.claims.pool(&name, "undefined")?;
        self.refuse_transient(pool)?;
        self.refuse_started(pool, "undefined")?;
        let (store, file) = (self.store.clone(), name);
        backends::blocking(move || {
            store.pool_autostart().set(&file, false)?;
            Ok(store.pools().remove(&file)?)
        })
        .await?;
        self.interrupted.forget_pool(&pool.name()).await;
        pool.request(Request::Undefined).await
    }

    /// Has the pool started with the service, or not.
    ///
    /// # Errors
    /// `InvalidState` when it has no definition, those of the store.
    pub async fn set_autostart(self: &Arc<Self>, pool: &PoolHandle, grant: Grant, on: bool) -> Result<()> {
        grant.covers(Action::PoolDefine)?;
        self.refuse_transient(pool)?;
        let (store, name) = (self.store.clone(), pool.name());
        backends::blocking(move || Ok(store.pool_autostart().set(&name, on)?)).await?;
        pool.request(Request::Autostart(on)).await
    }

    fn order(&self, operation: &'static str, pool: &PoolHandle, grant: Grant, claims: Vec<super::claims::Claim>, wait: bool) -> Order {
        Order { operation, subject: Subject::StoragePool(pool.name()), grant, claims, pool: None, wait, in_place: None }
    }

    fn refuse_started(&self, pool: &PoolHandle, verb: &str) -> Result<()> {
        match pool.started.get() {
            None => Ok(()),
            Some(_) => {
                let message = format!("pool '{}' cannot be {verb}: it is started; stop it first", pool.name());
                Err(Error::new(ErrorKind::InvalidState, message))
            }
        }
    }

    fn refuse_transient(&self, pool: &PoolHandle) -> Result<()> {
        if pool.view().persistent {
            return Ok(());
        }
        let message = format!("pool '{}' has no stored definition; define it first", pool.name());
        Err(Error::new(ErrorKind::InvalidState, message))
    }
}
