//! SELinux: every guest runs in the policy's domain for guests, with two categories of its own, and only its own files
//! have them (sVirt). Types come from the policy's files `virtual_domain_context` and `virtual_image_context`. A policy
//! without levels tells guests from the host only.
//!
//! Invariants:
//! - No two running guests of an instance have the same pair of categories.
//! - A file that carries a running guest's pair is never given another label: a second guest that asks for it is refused.
//! - What a file was labelled before is written down before the label is changed.

mod context;
mod files;
mod policy;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lodge_model::domain::DomainType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::context::{Context, Pair, Pairs, Taken};
use self::files::Labelled;
pub use self::policy::Policy;
use super::seclabel::{self, Wish};
use crate::error::{Error, ErrorKind, Result};
use crate::host::attributes::{Attribute, change_on_exec};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Stage, Subject};

/// The word for this model in documents and settings.
pub const MODEL: &str = "selinux";

/// The layer.
#[derive(Debug)]
pub struct Selinux {
    /// `None` where it is switched off or not there; what it did before is taken back all the same.
    policy: Option<Policy>,
    pairs: Pairs,
}

impl Selinux {
    /// The layer of an instance.
    pub fn new(policy: Option<Policy>) -> Self {
        Self { policy, pairs: Pairs::default() }
    }
}

/// What is written down of a guest's labels.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// The label of its processes.
    process: String,
    /// The label of its own files.
    image: String,
    /// Whether files are given labels.
    relabel: bool,
    /// The files, with what they were labelled before.
    files: Vec<Labelled>,
}

#[async_trait]
impl Confine for Selinux {
    fn name(&self) -> &'static str {
        MODEL
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let Some(policy) = &self.policy else { return Ok(None) };
        let kind = if guest.domain.kind == DomainType::Kvm { &policy.virtual_machine } else { &policy.emulator };
        let (process, level, taken, relabel) = match seclabel::wish(MODEL, &guest.domain)? {
            Wish::Nothing => return Ok(None),
            Wish::Static { label, relabel } => {
                let process = parsed(label)?;
                let level = process.level().map(str::to_owned);
                (process, level, None, relabel)
            }
            Wish::Dynamic { base, relabel } => {
                let base = base.map_or_else(|| Ok(kind.process.clone()), parsed)?;
                let taken = self.take(policy, &base)?;
                let level = taken.as_ref().map(|taken| taken.pair.level());
                (level.as_deref().map_or_else(|| base.clone(), |level| base.at(level)), level, taken, relabel)
            }
        };
        let image = level.as_deref().map_or_else(|| kind.image.clone(), |level| kind.image.at(level));
        let labels = files::Labels { own: image.clone(), shared: kind.image.clone(), content: policy.content.clone() };
        let (guest, pairs) = (guest.clone(), self.pairs.clone());
        let deciding = tokio::task::spawn_blocking(move || if relabel { files::decide(&guest, &labels, &pairs) } else { Ok(Vec::new()) });
        let files = deciding.await.map_err(crashed)??;
        let record = Record { process: process.to_string(), image: image.to_string(), relabel, files };
        Ok(Some(Arc::new(SelinuxConfined::new(record, taken))))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let record: Record = serde_json::from_value(record)
            .map_err(|error| Error::new(ErrorKind::Internal, "what is written down of a guest's labels cannot be used").caused_by(error))?;
        let pair = Context::parse(&record.process).and_then(|process| Pair::of_level(process.level()?));
        let taken = pair.map(|pair| self.pairs.note(pair));
        Ok(Arc::new(SelinuxConfined::new(record, taken)))
    }
}

impl Selinux {
    /// A pair of categories, where the policy has levels.
    fn take(&self, policy: &Policy, base: &Context) -> Result<Option<Taken>> {
        if base.level().is_none() {
            return Ok(None);
        }
        let taken = self.pairs.take(policy.range);
        taken.map(Some).ok_or_else(|| Error::new(ErrorKind::HostFailed, "all pairs of SELinux categories are given to running guests"))
    }
}

fn parsed(label: &str) -> Result<Context> {
    Context::parse(label).ok_or_else(|| {
        let sentence = format!("'{label}' is no SELinux context; write one such as system_u:system_r:svirt_t:s0:c1,c2");
        Error::new(ErrorKind::InvalidXml, sentence)
    })
}

fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "labelling the guest's files crashed").caused_by(error)
}

struct SelinuxConfined {
    record: Record,
    /// Nobody else has the categories as long as the guest is confined by this.
    taken: Mutex<Option<Taken>>,
    /// Held while a file is labelled; set when none may be any more. A start that is called off leaves its work behind on
    /// another thread.
    released: Arc<Mutex<bool>>,
}

impl SelinuxConfined {
    fn new(record: Record, taken: Option<Taken>) -> Self {
        Self { record, taken: Mutex::new(taken), released: Arc::default() }
    }
}

#[async_trait]
impl Confined for SelinuxConfined {
    fn record(&self) -> Value {
        serde_json::to_value(&self.record).unwrap_or_default()
    }

    async fn apply(&self) -> Result<()> {
        let (files, released) = (self.record.files.clone(), self.released.clone());
        tokio::task::spawn_blocking(move || files::label(&files, &released)).await.map_err(crashed)?
    }

    fn steps(&self, _program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let step = change_on_exec(Attribute::Selinux, &self.record.process);
        let step = step.map_err(|error| Error::new(ErrorKind::InvalidXml, "the label of a guest has a zero byte").caused_by(error))?;
        Ok(vec![(Stage::Label, step)])
    }

    fn socket_label(&self) -> Option<&str> {
        Some(&self.record.process)
    }

    fn labels(&self) -> Vec<Label> {
        let Record { process, image, relabel, .. } = &self.record;
        vec![Label { model: MODEL, label: process.clone(), image_label: Some(image.clone()), relabel: *relabel }]
    }

    async fn release(&self) -> Result<()> {
        let (files, released) = (self.record.files.clone(), self.released.clone());
        let result = tokio::task::spawn_blocking(move || files::restore(&files, &released)).await.map_err(crashed)?;
        drop(self.taken.lock().unwrap_or_else(PoisonError::into_inner).take());
        result
    }
}

#[cfg(test)]
mod tests;
