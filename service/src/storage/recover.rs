//! What a service does with pools when it starts: it finds again those that are defined or were started, makes the first one of an
//! instance, and starts those that are marked for it.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::storage_pool::{PoolTarget, PoolType, StoragePool};

use super::actor::Request;
use super::backends::{self, Overwrite};
use super::engine::{Draft, Seed, Storage};
use super::handle::PoolHandle;
use crate::authorization::{Action, Grant};
use crate::error::{Error, ErrorKind, Result};

/// The pool that every instance begins with.
const DEFAULT_POOL: &str = "default";

impl Storage {
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
            target: Some(PoolTarget { path: Some(images.display().to_string()), ..Default::default() }),
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
