//! Work that takes a while, shown to clients: what is done, on what, for whom, how far it is, how it ended.
//!
//! Whoever begins a job does the work too, looks at [`Job::cancelled`] meanwhile, and ends it. Invariant: what may be called
//! off is called off by whoever may do it: the action that began a job is needed to cancel it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::authorization::{Action, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, Publisher};

/// How long an ended job stays visible.
const LINGER: Duration = Duration::from_secs(60);
/// Ended jobs that stay visible at most; older ones go early.
const MAX_ENDED: usize = 64;
/// Clients hear of progress so often at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

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

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes that are done.
    pub done: u64,
    /// Bytes in all; 0 while that is not known.
    pub total: u64,
    /// Bytes per second, on average since the job began.
    pub rate: u64,
    /// When it will probably be done, in microseconds since 1970-01-01 UTC; 0 while that is not known.
    pub expected_end: u64,
}

impl Progress {
    /// From 0 to 1; `None` while that is not known.
    pub fn fraction(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "the share of bytes is for people")]
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }
}

/// One piece of work.
pub struct Job {
    /// Its number, from 1, never used again while the service runs.
    pub number: u32,
    /// What is done, such as `domain-start`.
    pub operation: &'static str,
    /// What it works on.
    pub subject: Subject,
    /// What cancelling it takes.
    pub manage: Action,
    /// Who asked for it.
    pub uid: u32,
    /// When it began, in microseconds since 1970-01-01 UTC.
    pub start_time: u64,
    state: watch::Sender<JobState>,
    cancel: watch::Sender<bool>,
    began: Instant,
    progress: Mutex<(Progress, Option<Instant>)>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job {} {} {}", self.number, self.operation, self.subject)
    }
}

impl Job {
    /// How it stands.
    pub fn state(&self) -> JobState {
        self.state.borrow().clone()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.noted().0
    }

    /// Notes how far it is; whether it is time that clients hear of it.
    fn advance(&self, done: u64, total: u64) -> bool {
        let elapsed = self.began.elapsed();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        let scaled =
            |amount: u64, by: u64, of: u64| u64::try_from(u128::from(amount) * u128::from(by) / u128::from(of.max(1))).unwrap_or(0);
        let expected_end = if done == 0 || total == 0 { 0 } else { self.start_time.saturating_add(scaled(micros, total, done)) };
        let mut noted = self.noted();
        noted.0 = Progress { done, total, rate: scaled(done, 1_000_000, micros), expected_end };
        let due = noted.1.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY);
        if due {
            noted.1 = Some(Instant::now());
        }
        due
    }

    fn noted(&self) -> MutexGuard<'_, (Progress, Option<Instant>)> {
        // Held for assignments only.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the work to stop and undo what it did.
    ///
    /// # Errors
    /// `InvalidState` when it is over.
    pub fn cancel(&self, grant: Grant) -> Result<()> {
        grant.covers(self.manage)?;
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

    /// Shows a new job, of whoever has the grant. It is on the bus when this returns.
    pub async fn begin(&self, operation: &'static str, subject: Subject, grant: &Grant) -> Arc<Job> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let job = Arc::new(Job {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            operation,
            subject,
            manage: grant.action(),
            uid: grant.uid(),
            start_time: u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX),
            state: watch::Sender::new(JobState::Running),
            cancel: watch::Sender::new(false),
            began: Instant::now(),
            progress: Mutex::default(),
        });
        self.visible().insert(job.number, job.clone());
        self.publisher.publish_and_wait(Event::JobAdded(job.clone())).await;
        job
    }

    /// Notes how far a job is, in bytes; `total` is 0 while it is not known. Clients hear of it now and then.
    pub async fn advance(&self, job: &Arc<Job>, done: u64, total: u64) {
        if job.advance(done, total) {
            self.publisher.publish(Event::JobProgressed(job.clone())).await;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn progress_is_told_now_and_then() {
        let (publisher, mut publications) = Publisher::new();
        let jobs = Arc::new(Jobs::new(publisher));
        let taking = tokio::spawn(async move {
            let mut told = 0;
            while let Some(publication) = publications.recv().await {
                told += u32::from(matches!(publication.event, Event::JobProgressed(_)));
                publication.then.into_iter().for_each(|then| then());
            }
            told
        });
        let grant = Grant::for_the_service(Action::DomainManage);
        let job = jobs.begin("domain-start", Subject::Domain("a".to_owned()), &grant).await;
        assert_eq!((job.progress().fraction(), job.progress().expected_end), (None, 0));
        for done in 0..=1000 {
            jobs.advance(&job, done, 2000).await;
        }
        let progress = job.progress();
        assert_eq!(progress.fraction(), Some(0.5));
        assert!(progress.expected_end > job.start_time, "{progress:?}");
        // What was told is in the queue before this: the first, and one more for each quarter of a second that has passed.
        jobs.publisher.caught_up().await;
        let most = 2 + job.began.elapsed().as_millis() / PROGRESS_EVERY.as_millis();
        drop(jobs);
        let told = taking.await.unwrap();
        assert!(told >= 1 && u128::from(told) <= most, "told {told} times");
    }
}
