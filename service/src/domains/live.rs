//! The running half of a domain: its machine, its document, its consoles.

use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use tokio::sync::mpsc;

use super::console::Consoles;
use super::view::Facts;
use crate::hypervisors::{Machine, MachineEvent, PauseReason};
use crate::storage::ForGuest;

/// Events of a machine that wait for its actor at most; beyond that the machine's reader waits.
pub(super) const MACHINE_EVENTS: usize = 64;

/// A running guest as its actor holds it.
pub(super) struct Live {
    /// The number of this run.
    pub id: u32,
    /// The machine.
    pub machine: Arc<dyn Machine>,
    /// What the machine tells.
    pub events: mpsc::Receiver<MachineEvent>,
    /// The definition it was started from.
    pub started_from: Arc<str>,
    /// Its document, as XML, and as what clients read daily.
    pub xml: Arc<str>,
    /// See `xml`.
    pub facts: Arc<Facts>,
    /// The volumes that it starts with, until everybody can see that it runs.
    pub held: ForGuest,
    /// What can be talked to.
    pub consoles: Consoles,
    /// Why the next pause will have happened: a disk or the watchdog tells before the pause itself.
    pub pause_reason: Option<PauseReason>,
    /// Whether it was started held before its first instruction.
    pub paused: bool,
    /// Whether the machine has told a state since it was last asked for something.
    pub told: bool,
    /// Whether somebody asked the guest to power off.
    pub asked_to_shut_down: bool,
}

impl Live {
    /// Takes a changed document.
    pub fn set_document(&mut self, domain: &Domain) {
        self.xml = domain.to_xml().into();
        self.facts = Arc::new(Facts::of(domain));
    }
}
