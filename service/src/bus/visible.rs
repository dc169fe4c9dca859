//! What of the inventory a caller may see.
//!
//! The question is put once for all domains, as one about no domain in particular. Who may not see them all may still see
//! some, by rules that name them: then it is put for each, and those are left out that the caller may not see. Nobody is
//! asked to authenticate for a single domain here; only if none is to be seen, for all of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use super::Shared;
use crate::authorization::{Action, Caller, Details};
use crate::domains::{DomainView, Job};
use crate::error::{ErrorKind, Result};
use crate::hypervisors::Driver;

/// Domains asked for at the same time.
const AT_ONCE: usize = 8;
/// How long all the answers may take together.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a caller may see.
pub struct Visible {
    /// The domains, in order of names.
    pub domains: Vec<Arc<DomainView>>,
    /// The work on them.
    pub jobs: Vec<Arc<Job>>,
    /// The hypervisors.
    pub drivers: Vec<Arc<dyn Driver>>,
}

/// Finds out for a call.
///
/// # Errors
/// `NotAuthorized` when the caller may see no domain at all.
pub async fn to(shared: &Shared, caller: Caller, verb: &'static str) -> Result<Visible> {
    let engine = &shared.engine;
    let quiet = Caller { interactive: false, ..caller.clone() };
    let (domains, jobs) = match shared.require(&quiet, Action::DomainView, &Details::of_verb(verb)).await {
        Ok(_) => (engine.registry.views(), engine.jobs.all()),
        Err(error) if error.kind() != ErrorKind::NotAuthorized => return Err(error),
        Err(_) => match timeout(PATIENCE, some(shared, &quiet, verb)).await.unwrap_or_default() {
            domains if domains.is_empty() => {
                shared.require(&caller, Action::DomainView, &Details::of_verb(verb)).await?;
                (engine.registry.views(), engine.jobs.all())
            }
            domains => {
                let mut jobs = engine.jobs.all();
                jobs.retain(|job| domains.binary_search_by(|domain| domain.name.cmp(&job.domain)).is_ok());
                (domains, jobs)
            }
        },
    };
    let may_see_hypervisors = shared.require(&quiet, Action::HypervisorView, &Details::of_verb(verb)).await.is_ok();
    let drivers = if may_see_hypervisors { engine.drivers().to_vec() } else { Vec::new() };
    Ok(Visible { domains, jobs, drivers })
}

/// The domains that a caller may see each by itself.
async fn some(shared: &Shared, caller: &Caller, verb: &'static str) -> Vec<Arc<DomainView>> {
    let asked = shared.engine.registry.views().into_iter().map(|domain| async move {
        let answer = shared.require(caller, Action::DomainView, &domain.details(verb)).await;
        answer.is_ok().then_some(domain)
    });
    futures_util::stream::iter(asked).buffered(AT_ONCE).filter_map(std::future::ready).collect().await
}
