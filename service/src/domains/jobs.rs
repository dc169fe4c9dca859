//! Work that takes a while, shown to clients: what is done, on which domain, for whom, how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::authorization::{Action, Grant};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, Publisher};

/// How long an ended job stays visible.
const LINGER: Duration = Duration::from_secs(60);
/// Ended jobs that stay visible at most; older ones go early.
const MAX_ENDED: usize = 64;

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Not done, with the sentence that the request was answered with.
    Failed(String),
    /// Undone because somebody asked.
    Cancelled,
}

impl JobState {
    /// The state's word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One piece of work.
pub struct Job {
    /// Its number, from 1, never used again while the service runs.
    pub number: u32,
    /// What is done, such as `domain-start`.
    pub operation: &'static str,
    /// The domain it works on.
    pub domain: String,
    /// Who asked for it.
    pub uid: u32,
    /// When it began, in microseconds since 1970-01-01 UTC.
    pub start_time: u64,
    state: watch::Sender<JobState>,
    cancel: watch::Sender<bool>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job {} {} '{}'", self.number, self.operation, self.domain)
    }
}

impl Job {
    /// How it stands.
    pub fn state(&self) -> JobState {
        self.state.borrow().clone()
    }

    /// Asks the work to stop and undo what it did.
    ///
    /// # Errors
    /// `InvalidState` when it is over.
    pub fn cancel(&self, grant: Grant) -> Result<()> {
        grant.covers(Action::DomainManage)?;
        if self.state() != JobState::Running {
            return Err(Error::new(ErrorKind::InvalidState, format!("job {} cannot be cancelled: it has ended", self.number)));
        }
        self.cancel.send_replace(true);
        Ok(())
    }

    /// Answers when somebody asked for the end of the work.
    pub async fn cancelled(&self) {
        let mut cancel = self.cancel.subscribe();
        // An error means that the job itself is gone, which cannot be while we hold it.
        if cancel.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// All jobs that are visible.
pub struct Jobs {
    next: AtomicU32,
    visible: Mutex<BTreeMap<u32, Arc<Job>>>,
    publisher: Publisher,
}

impl Jobs {
    /// None yet.
    pub fn new(publisher: Publisher) -> Self {
        Self { next: AtomicU32::new(1), visible: Mutex::default(), publisher }
    }

    /// Shows a new job. It is on the bus when this returns.
    pub async fn begin(&self, operation: &'static str, domain: &str, uid: u32) -> Arc<Job> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let job = Arc::new(Job {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            operation,
            domain: domain.to_owned(),
            uid,
            start_time: u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX),
            state: watch::Sender::new(JobState::Running),
            cancel: watch::Sender::new(false),
        });
        self.visible().insert(job.number, job.clone());
        self.publisher.publish_and_wait(Event::JobAdded(job.clone())).await;
        job
    }

    /// Notes how a job ended and takes it away a while later. Clients have been told when this returns.
    pub async fn end(self: &Arc<Self>, job: &Arc<Job>, result: &Result<()>) {
        job.state.send_replace(match result {
            Ok(()) => JobState::Succeeded,
            Err(error) if error.kind() == ErrorKind::Cancelled => JobState::Cancelled,
            Err(error) => JobState::Failed(error.to_string()),
        });
        self.publisher.publish_and_wait(Event::JobEnded(job.clone())).await;
        for old in self.surplus() {
            self.forget(&old).await;
        }
        let (jobs, job) = (self.clone(), job.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            jobs.forget(&job).await;
        });
    }

    /// A visible job.
    pub fn get(&self, number: u32) -> Option<Arc<Job>> {
        self.visible().get(&number).cloned()
    }

    /// All visible jobs, oldest first.
    pub fn all(&self) -> Vec<Arc<Job>> {
        self.visible().values().cloned().collect()
    }

    /// Whether any work is under way.
    pub fn any_running(&self) -> bool {
        self.visible().values().any(|job| job.state() == JobState::Running)
    }

    fn surplus(&self) -> Vec<Arc<Job>> {
        let visible = self.visible();
        let ended: Vec<_> = visible.values().filter(|job| job.state() != JobState::Running).cloned().collect();
        let surplus = ended.len().saturating_sub(MAX_ENDED);
        ended.into_iter().take(surplus).collect()
    }

    async fn forget(&self, job: &Arc<Job>) {
        let removed = self.visible().remove(&job.number);
        if removed.is_some() {
            self.publisher.publish(Event::JobRemoved(job.clone())).await;
        }
    }

    fn visible(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Job>>> {
        // Held for map operations only, never over an await.
        self.visible.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
