//! Work as jobs: how it is begun, called off, told of and ended, whatever it is.

use std::sync::Arc;

use tokio::sync::watch;

use super::claims::Claim;
use super::engine::Storage;
use super::handle::PoolHandle;
use super::interrupted::{Operation, Work};
use crate::authorization::{Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Job;

impl Storage {
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
            if let Some(pool) = &pool
                && let (Err(error), true) = (pool.refreshed().await, result.is_ok())
            {
                result = Err(error);
            }
            if let Some(work) = in_place {
                // What was called off may just have been done: then the secret is needed.
                let is_there = pool.is_some_and(|pool| pool.view().volume(work.volume()).is_some());
                if let (Operation::Create(secret), false) = (work.operation(), is_there) {
                    storage.forget_secret(secret).await;
                }
                work.end().await;
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
