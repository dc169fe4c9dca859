//! `org.lodge.Lodge1.Job`: work that takes a while.

use std::sync::Arc;

use lodge_dbus_interfaces::Result;
use lodge_dbus_interfaces::options::{NoOptions, Received};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath};

use super::guarded::Guarded;
use super::{Shared, properties, published};
use crate::authorization::{Action, Details, Subject};
use crate::jobs::{Job, JobState};

/// One job.
pub struct JobObject {
    job: Arc<Job>,
    shared: Arc<Shared>,
}

impl JobObject {
    pub fn new(job: Arc<Job>, shared: Arc<Shared>) -> Self {
        Self { job, shared }
    }
}

impl Guarded for JobObject {
    fn view_action(&self) -> Action {
        published::view_action(&self.job.subject)
    }

    fn details(&self, verb: &'static str) -> Details {
        // The domain may be gone by now; its name still says whose job it is.
        let domain = match &self.job.subject {
            Subject::Domain(name) => self.shared.engine.registry.by_name(name),
            _ => None,
        };
        domain.map_or_else(|| Details::about(verb, self.job.subject.clone()), |domain| domain.view().details(verb))
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.Job", introspection_docs = false)]
impl JobObject {
    // Signals come first: busctl of systemd 252 takes their arguments for those of a method before them, and complains.
    #[zbus(signal)]
    pub async fn completed(emitter: &SignalEmitter<'_>, success: bool, message: &str) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn operation(&self) -> &'static str {
        self.job.operation
    }

    #[zbus(property)]
    fn state(&self) -> &'static str {
        self.job.state().as_str()
    }

    #[zbus(property)]
    fn message(&self) -> String {
        properties::message(&self.job.state())
    }

    #[zbus(property)]
    fn progress(&self) -> f64 {
        properties::progress(&self.job).unwrap_or(0.0)
    }

    #[zbus(property)]
    fn progress_valid(&self) -> bool {
        properties::progress(&self.job).is_some()
    }

    #[zbus(property)]
    fn bytes(&self) -> u64 {
        self.job.progress().total
    }

    #[zbus(property)]
    fn rate(&self) -> u64 {
        self.job.progress().rate
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn start_time(&self) -> u64 {
        self.job.start_time
    }

    #[zbus(property)]
    fn expected_end_time(&self) -> u64 {
        self.job.progress().expected_end
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn objects(&self) -> Vec<OwnedObjectPath> {
        vec![published::path(&self.job.subject)]
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn started_by_uid(&self) -> u32 {
        self.job.uid
    }

    #[zbus(property)]
    fn cancelable(&self) -> bool {
        self.job.state() == JobState::Running
    }

    async fn cancel(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.shared.authorize(&header, connection, self.job.manage, self.details("Cancel")).await?;
        Ok(self.job.cancel(grant)?)
    }
}
