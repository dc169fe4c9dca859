//! Users and owners: guests run as a user that has nothing but them, and own exactly their files while they run.
//!
//! Invariants:
//! - A file is given by its inode, and only if it is the one that was decided about.
//! - Whom it belonged to is remembered before it is given ([`memory`]), and is restored when the last guest that has it ends.
//! - Two guests never have one file under different owners.

mod files;
mod memory;
mod user;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lodge_model::capabilities::{BaseLabel, SecurityModel};
use lodge_model::domain::DomainType;
use lodge_model::domain::seclabel::{Seclabel, SeclabelType};
use lodge_model::xml::YesNo;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::files::Given;
use self::memory::{Memories, TakeError};
use crate::error::{Error, ErrorKind, Result};
use crate::host::credentials::{self, become_user};
use crate::host::inode::{Inode, Owner};
use crate::host::process::ChildStep;
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Stage, Subject};

pub use self::user::Identity;

/// The model's name in `<seclabel>`.
const MODEL: &str = "dac";
/// The group that may use KVM, whether or not the guest's user is in it.
const KVM_GROUP: &str = "kvm";

/// What is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Who guests run as, unless their definitions say otherwise: a name or a number.
    pub user: String,
    /// The group; that of the user when absent.
    pub group: Option<String>,
    /// Whether files are given to guests.
    pub dynamic_ownership: bool,
    /// Whether owners are remembered with the files.
    pub remember_owner: bool,
}

/// The layer.
pub struct Dac {
    options: Options,
    memories: Arc<Memories>,
}

impl Dac {
    /// The layer; `boot` is the boot of the host.
    pub fn new(options: Options, boot: String) -> Self {
        let memories = Memories::new(boot, options.remember_owner);
        Self { options, memories: Arc::new(memories) }
    }

    fn confined(&self, record: Record) -> Arc<dyn Confined> {
        Arc::new(DacConfined { record, memories: self.memories.clone(), released: Arc::default() })
    }
}

/// What is written down of a guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    identity: Identity,
    also_group: Option<u32>,
    relabel: bool,
    /// This run, among those who have a file.
    holder: String,
    runtime: PathBuf,
    given: Vec<Given>,
}

#[async_trait]
impl Confine for Dac {
    fn name(&self) -> &'static str {
        MODEL
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        let (guest, options, memories) = (guest.clone(), self.options.clone(), self.memories.clone());
        let planning = tokio::task::spawn_blocking(move || plan(&guest, &options, &memories));
        Ok(Some(self.confined(planning.await.map_err(crashed)??)))
    }

    fn steps_for_nobody(&self) -> Result<Vec<(Stage, ChildStep)>> {
        let (identity, _) = choose(None, &self.options)?;
        let user = identity.user(credentials::group(KVM_GROUP).unwrap_or_default());
        Ok(vec![(Stage::Identity, become_user(&user))])
    }

    fn models(&self) -> Vec<SecurityModel> {
        let Options { user, group, .. } = &self.options;
        // Without that user no guest starts, and says so.
        let Ok(identity) = Identity::find(user, group.as_deref(), "the settings say who guests run as") else { return Vec::new() };
        let label = |kind: &str| BaseLabel { kind: kind.into(), label: Some(identity.label()), ..Default::default() };
        vec![SecurityModel { model: MODEL.into(), doi: "0".into(), base_labels: vec![label("kvm"), label("qemu")], ..Default::default() }]
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let record = serde_json::from_value(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "what is written down of the guest's files cannot be read").caused_by(error)
        })?;
        Ok(self.confined(record))
    }
}

fn crashed(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "giving files to the guest crashed").caused_by(error)
}

fn plan(guest: &Subject, options: &Options, memories: &Memories) -> Result<Record> {
    let seclabel = guest.domain.seclabels.iter().find(|seclabel| seclabel.model.as_deref() == Some(MODEL));
    let (identity, relabel) = choose(seclabel, options)?;
    let also_group = match guest.domain.kind {
        DomainType::Kvm => credentials::group(KVM_GROUP).unwrap_or_default(),
        _ => None,
    };
    let given = match relabel {
        true => files::decide(guest, &identity, &identity.user(also_group), memories)?,
        false => Vec::new(),
    };
    let holder = format!("{}/{}", guest.uuid, guest.id);
    Ok(Record { identity, also_group, relabel, holder, runtime: guest.runtime.clone(), given })
}

/// Who the guest runs as, and whether it is given its files.
fn choose(seclabel: Option<&Seclabel>, options: &Options) -> Result<(Identity, bool)> {
    let Options { user, group, dynamic_ownership, .. } = options;
    let configured = || Identity::find(user, group.as_deref(), "the settings say who guests run as");
    let kind = seclabel.map_or(SeclabelType::Dynamic, |seclabel| seclabel.kind.unwrap_or(SeclabelType::Dynamic));
    let relabel = |default| seclabel.and_then(|seclabel| seclabel.relabel).map_or(default, |YesNo(on)| on);
    match kind {
        SeclabelType::Dynamic => Ok((configured()?, relabel(true) && *dynamic_ownership)),
        SeclabelType::None => Ok((configured()?, false)),
        SeclabelType::Static => {
            let label = seclabel.and_then(|seclabel| seclabel.label.as_deref()).filter(|label| !label.trim().is_empty());
            let label = label.ok_or_else(|| {
                Error::new(ErrorKind::InvalidXml, "<seclabel type='static' model='dac'> has no <label>: add <label>USER:GROUP</label>")
            })?;
            Ok((Identity::of_label(label)?, relabel(false) && *dynamic_ownership))
        }
    }
}

struct DacConfined {
    record: Record,
    memories: Arc<Memories>,
    /// Held for one file; set when nothing may be given any more. A start that is called off leaves its work behind on another
    /// thread.
    released: Arc<Mutex<bool>>,
}

#[async_trait]
impl Confined for DacConfined {
    fn record(&self) -> Value {
        serde_json::to_value(&self.record).unwrap_or_default()
    }

    async fn apply(&self) -> Result<()> {
        let (record, memories, released) = (self.record.clone(), self.memories.clone(), self.released.clone());
        tokio::task::spawn_blocking(move || record.apply(&memories, &released)).await.map_err(crashed)?
    }

    fn steps(&self, _program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        Ok(vec![(Stage::Identity, become_user(&self.record.identity.user(self.record.also_group)))])
    }

    fn labels(&self) -> Vec<Label> {
        let Record { identity, relabel, .. } = &self.record;
        let label = identity.label();
        vec![Label { model: MODEL, image_label: relabel.then(|| label.clone()), label, relabel: *relabel }]
    }

    async fn release(&self) -> Result<()> {
        let (record, memories, released) = (self.record.clone(), self.memories.clone(), self.released.clone());
        tokio::task::spawn_blocking(move || record.release(&memories, &released)).await.map_err(crashed)?
    }
}

/// Gives the directory of a run away, with what the service has put there for the guest. Nothing of the guest runs yet.
fn give_directory(directory: &Inode, owner: Owner) -> io::Result<()> {
    for name in directory.names()? {
        directory.entry(&name)?.set_owner(owner)?;
    }
    directory.set_owner(owner)
}

impl Record {
    fn apply(&self, memories: &Memories, released: &Mutex<bool>) -> Result<()> {
        let failed = |error: io::Error| Error::new(ErrorKind::HostFailed, "it cannot be given to the guest's user").caused_by(error);
        let runtime = Inode::open(&self.runtime).and_then(|inode| give_directory(&inode, self.identity.owner()));
        runtime.map_err(|error| failed(error).in_context(self.runtime.display()))?;
        for file in &self.given {
            let released = released.lock().unwrap_or_else(PoisonError::into_inner);
            if *released {
                return Err(Error::new(ErrorKind::Cancelled, "the start was called off"));
            }
            self.give(file, memories).map_err(|error| error.in_context(file.path.display()))?;
        }
        Ok(())
    }

    fn give(&self, file: &Given, memories: &Memories) -> Result<()> {
        let inode = Inode::open(&file.path).map_err(|error| Error::new(ErrorKind::HostFailed, "it is gone").caused_by(error))?;
        if inode.id() != file.id {
            return Err(Error::new(ErrorKind::HostFailed, "another file has taken its place meanwhile; start the guest again"));
        }
        let taken = memories.take(&inode, &self.holder, self.identity.owner());
        taken.or_else(|error| if file.usable && error.is_refusal() { Ok(()) } else { Err(error) }).map_err(|error| match error {
            TakeError::InUse(_) => {
                let Identity { uid, gid, .. } = self.identity;
                let sentence = format!("{error}; this guest would have it as user {uid} and group {gid}: stop the other, or give both the same <seclabel model='dac'>");
                Error::new(ErrorKind::InUse, sentence)
            }
            TakeError::Host(error) => {
                let sentence = format!("it cannot be given to user {}; make it usable for that user, or move it", self.identity.name);
                Error::new(ErrorKind::HostFailed, sentence).caused_by(error)
            }
        })
    }

    fn release(&self, memories: &Memories, released: &Mutex<bool>) -> Result<()> {
        let mut released = released.lock().unwrap_or_else(PoisonError::into_inner);
        *released = true;
        let mut failures = Vec::new();
        for file in self.given.iter().rev() {
            match self.give_back(file, memories) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    failures.push(format!("{} still belongs to the guest's user: {error}", file.path.display()));
                }
                _ => {}
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::HostFailed, failures.join("; "))) }
    }

    fn give_back(&self, file: &Given, memories: &Memories) -> io::Result<()> {
        let inode = Inode::open(&file.path)?;
        // A file that has come in its place was never given.
        if inode.id() != file.id {
            return Ok(());
        }
        memories.give_back(&inode, &self.holder, self.identity.owner(), file.owner)
    }
}
