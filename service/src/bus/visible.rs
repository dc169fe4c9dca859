//! What of the inventory a caller may see.
//!
//! The question is put once for all objects of a kind, as one about none in particular. Who may not see them all may still see
//! some, by rules that name them: then it is put for each, and those are left out that the caller may not see. Nobody is
//! asked to authenticate for a single object here; only if no domain is to be seen, for all of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use super::Shared;
use super::published::Placed;
use crate::authorization::{Action, Caller, Details, Subject};
use crate::domains::DomainView;
use crate::error::{ErrorKind, Result};
use crate::hypervisors::Driver;
use crate::jobs::Job;
use crate::networks::NetworkView;
use crate::secrets::SecretView;
use crate::storage::{StoragePoolView, VolumeView};

/// Objects asked for at the same time.
const AT_ONCE: usize = 8;
/// How long all the answers about a kind may take together.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a caller may see.
pub struct Visible {
    /// The domains, in order of names.
    pub domains: Vec<Arc<DomainView>>,
    /// The networks, in order of names.
    pub networks: Vec<Arc<NetworkView>>,
    /// The secrets, in order of UUIDs.
    pub secrets: Vec<Arc<SecretView>>,
    /// The pools, in order of names.
    pub pools: Vec<Arc<StoragePoolView>>,
    /// Their volumes.
    pub volumes: Vec<Arc<VolumeView>>,
    /// The work on what is seen.
    pub jobs: Vec<Arc<Job>>,
    /// The hypervisors.
    pub drivers: Vec<Arc<dyn Driver>>,
}

/// What of a kind a caller may see.
enum Part<T> {
    All(Vec<Arc<T>>),
    Some(Vec<Arc<T>>),
}

impl<T> Part<T> {
    /// Whether it may see one that may be gone by now.
    fn has(&self, is_it: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(views) => views.iter().any(|view| is_it(view)),
        }
    }

    fn views(self) -> Vec<Arc<T>> {
        let (Self::All(views) | Self::Some(views)) = self;
        views
    }
}

/// Finds out for a call.
///
/// # Errors
/// `NotAuthorized` when the caller may see no domain at all.
pub async fn to(shared: &Shared, caller: Caller, verb: &'static str) -> Result<Visible> {
    let quiet = Caller { interactive: false, ..caller.clone() };
    let all = shared.engine.registry.views();
    let mut domains = part(shared, &quiet, Action::DomainView, verb, all, DomainView::details).await?;
    if matches!(&domains, Part::Some(views) if views.is_empty()) {
        shared.require(&caller, Action::DomainView, &Details::of_verb(verb)).await?;
        domains = Part::All(shared.engine.registry.views());
    }
    let networks = placed(shared, &quiet, verb, shared.networks.registry.views()).await?;
    let secrets = placed(shared, &quiet, verb, shared.secrets.views()).await?;
    let all = shared.storage.registry.views();
    let all_volumes = all.iter().flat_map(|pool| pool.volume_views()).collect();
    let pools = placed(shared, &quiet, verb, all).await?;
    let volumes = placed(shared, &quiet, verb, all_volumes).await?;
    let mut jobs = shared.engine.jobs.all();
    jobs.retain(|job| match &job.subject {
        Subject::Domain(name) => domains.has(|domain| domain.name == *name),
        Subject::Network(name) => networks.has(|network| network.name == *name),
        Subject::Secret(uuid) => secrets.has(|secret| secret.uuid == *uuid),
        Subject::StoragePool(name) => pools.has(|pool| pool.name == *name),
        Subject::StorageVolume { pool, volume } => volumes.has(|view| view.pool == *pool && view.volume.name == *volume),
    });
    let may_see_hypervisors = shared.require(&quiet, Action::HypervisorView, &Details::of_verb(verb)).await.is_ok();
    let drivers = if may_see_hypervisors { shared.engine.drivers().to_vec() } else { Vec::new() };
    Ok(Visible {
        domains: domains.views(),
        networks: networks.views(),
        secrets: secrets.views(),
        pools: pools.views(),
        volumes: volumes.views(),
        jobs,
        drivers,
    })
}

async fn placed<T: Placed>(shared: &Shared, caller: &Caller, verb: &'static str, all: Vec<Arc<T>>) -> Result<Part<T>> {
    part(shared, caller, T::VIEW, verb, all, T::details).await
}

async fn part<T>(
    shared: &Shared,
    caller: &Caller,
    action: Action,
    verb: &'static str,
    all: Vec<Arc<T>>,
    details: fn(&T, &'static str) -> Details,
) -> Result<Part<T>> {
    match shared.require(caller, action, &Details::of_verb(verb)).await {
        Ok(_) => return Ok(Part::All(all)),
        Err(error) if error.kind() != ErrorKind::NotAuthorized => return Err(error),
        Err(_) => {}
    }
    // Those that a caller may see each by itself.
    let asked = all.into_iter().map(|view| async move {
        let answer = shared.require(caller, action, &details(&view, verb)).await;
        answer.is_ok().then_some(view)
    });
    let some = futures_util::stream::iter(asked).buffered(AT_ONCE).filter_map(std::future::ready).collect();
    Ok(Part::Some(timeout(PATIENCE, some).await.unwrap_or_default()))
}
