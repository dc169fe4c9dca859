//! What a driver asks of confinement: a [`Confine`] decides for one guest, a [`Confined`] carries that out and takes it
//! back. The driver tells what the guest uses ([`HostResource`]) and knows no owner, label, profile or device list.
//!
//! Order, for the driver:
//! 1. [`Confine::plan`] decides and changes nothing; then the record is written down.
//! 2. [`Confined::apply`] changes the host: owners, labels, profiles.
//! 3. Every program of the guest is started with [`Confined::steps`], and held; [`Confined::admit`] puts it under its
//!    limits; only then it is released.
//! 4. [`Confined::release`] when the last program is gone, or when the start failed at any point after 1.
//!
//! Invariants:
//! - A failure at any point means that the guest does not run: never less confined than configured.
//! - [`Confined::release`] needs nothing but the record, works after a part of [`Confined::apply`] as well, and may be
//!   called again: a service that was killed at any moment can be cleaned up after.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::domain::Domain;
use serde_json::Value;
use uuid::Uuid;

use super::resources::HostResource;
use crate::error::Result;
use crate::host::process::{ChildStep, Process};

/// A guest to be confined.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The complete definition, with its name, security labels and limits.
    pub domain: Domain,
    /// Its identity.
    pub uuid: Uuid,
    /// The number of this run.
    pub id: u32,
    /// The directory of this run's sockets. The guest's programs make sockets in it.
    pub runtime: PathBuf,
    /// The file that their output is appended to. They are handed it open.
    pub log: PathBuf,
    /// Every program that runs for the guest, the hypervisor first.
    pub programs: Vec<PathBuf>,
    /// What of the host it uses.
    pub resources: Vec<HostResource>,
}

/// A program of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// What executes the guest's code.
    Hypervisor,
    /// One that serves it: an emulated TPM, a network, a shared directory.
    Companion,
}

/// When a step is done in a new process, which begins with all privileges of the service and loses them on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its own view of the host's files. Needs privileges.
    Mounts,
    /// Its resource limits. Raising one needs privileges.
    Limits,
    /// The label or profile it takes on when it executes its program.
    Label,
    /// Privileges that can never come back. Needs privileges.
    Bounding,
    /// Its user and groups.
    Identity,
    /// The privileges that are left.
    Privileges,
}

/// A label of a running guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The security model: `dac`, `selinux`, `apparmor`.
    pub model: &'static str,
    /// The label of its processes.
    pub label: String,
    /// The label of its files, where files have one.
    pub image_label: Option<String>,
    /// Whether files were given that label.
    pub relabel: bool,
}

/// Decides how guests are confined.
#[async_trait]
pub trait Confine: Send + Sync {
    /// The name under which records are kept, such as `dac`.
    fn name(&self) -> &'static str;

    /// Decides for a guest. Changes nothing. `None` when there is nothing to do for it.
    ///
    /// # Errors
    /// The guest cannot be confined as configured, or asks for what is not allowed.
    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>>;

    /// Takes up what an earlier run of the service decided.
    ///
    /// # Errors
    /// `Internal` for a record that this version did not write.
    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>>;
}

/// How one guest is confined.
#[async_trait]
pub trait Confined: Send + Sync {
    /// What [`Confine::recall`] needs. Complete before [`Confined::apply`]; later changes are not seen.
    fn record(&self) -> Value;

    /// Gives the guest what it uses.
    ///
    /// # Errors
    /// Something could not be given; the caller releases.
    async fn apply(&self) -> Result<()> {
        Ok(())
    }

    /// What is done in a new process of the guest, in any order within a stage.
    ///
    /// # Errors
    /// The steps cannot be made.
    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        let _ = program;
        Ok(Vec::new())
    }

    /// Puts a process that is held under the guest's limits.
    ///
    /// # Errors
    /// It could not be; the process must not go on.
    async fn admit(&self, process: &Process) -> Result<()> {
        let _ = process;
        Ok(())
    }

    /// The SELinux label of sockets that the service makes for the guest; the service's own when there is none.
    fn socket_label(&self) -> Option<&str> {
        None
    }

    /// The labels that the guest runs under.
    fn labels(&self) -> Vec<Label> {
        Vec::new()
    }

    /// Takes back what was given. Everything is tried, whatever fails.
    ///
    /// # Errors
    /// All that could not be taken back, as one error.
    async fn release(&self) -> Result<()> {
        Ok(())
    }
}
