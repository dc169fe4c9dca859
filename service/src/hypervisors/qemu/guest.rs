//! A running QEMU as its machine and its event task see it together.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::{OnceCell, mpsc, watch};

use super::confined;
use super::qmp::{self, Client, Event, QmpError};
use super::record::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::Process;
use crate::hypervisors::confine::Confined;

/// Time that a QEMU which did not answer before has to answer when it is tried again.
const SECOND_CHANCE: Duration = Duration::from_secs(3);
/// Time for a command. Clients of the service usually give up after 25 s.
const COMMAND: Duration = Duration::from_secs(15);

/// What QEMU does when the guest powers off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPoweroff {
    /// It ends.
    End,
    /// It holds the machine.
    Hold,
}

impl OnPoweroff {
    /// As for `set-action`.
    pub fn word(self) -> &'static str {
        match self {
            Self::End => "poweroff",
            Self::Hold => "pause",
        }
    }
}

/// What a [`Guest`] is made of.
pub struct Found {
    /// The domain's name.
    pub name: String,
    /// QEMU.
    pub process: Process,
    /// What QEMU was told to do when the guest powers off.
    pub on_poweroff: OnPoweroff,
    /// What is written down of it.
    pub record: Record,
    /// How it is confined.
    pub confined: Option<Arc<dyn Confined>>,
}

/// A running QEMU.
pub struct Guest {
    /// The domain's name, for messages.
    pub name: String,
    /// QEMU.
    pub process: Process,
    /// What QEMU was told to do when the guest powers off.
    pub on_poweroff: OnPoweroff,
    /// Whether the service was asked to end it.
    pub ended_by_us: AtomicBool,
    /// Whether a program in the guest has the agent's channel open.
    pub agent_connected: AtomicBool,
    /// Counts resets of the machine.
    pub resets: watch::Sender<u64>,
    /// Becomes true when QEMU has ended and all of it is cleaned up.
    pub gone: watch::Sender<bool>,
    /// How it is confined.
    pub confined: Option<Arc<dyn Confined>>,
    record: Mutex<Record>,
    client: OnceCell<Client>,
    attach: mpsc::Sender<mpsc::Receiver<Event>>,
}

impl Guest {
    /// A guest, and where its event task gets the events of a connection that is made later.
    pub fn new(found: Found) -> (Self, mpsc::Receiver<mpsc::Receiver<Event>>) {
        let Found { name, process, on_poweroff, record, confined } = found;
        let (attach, attached) = mpsc::channel(1);
        let guest = Self {
            name,
            process,
            on_poweroff,
            ended_by_us: AtomicBool::new(false),
            agent_connected: AtomicBool::new(false),
            resets: watch::Sender::new(0),
            gone: watch::Sender::new(false),
            confined,
            record: Mutex::new(record),
            client: OnceCell::new(),
            attach,
        };
        (guest, attached)
    }

    /// What is to be written down of it.
    pub fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is to be written down.
    pub fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the connection over.
    pub fn connected(&self, client: Client) {
        // Set once: whoever connects does it through the cell or before anybody else has the guest.
        drop(self.client.set(client.with_timeout(COMMAND)));
    }

    /// The connection, made now if QEMU did not answer before.
    ///
    /// # Errors
    /// `GuestUnresponsive` when it does not answer now either.
    pub async fn client(&self) -> Result<&Client> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client> {
        let path: PathBuf = self.record().qmp;
        let connecting = async {
            let stream = confined::connect(&path, self.confined.as_deref()).await?;
            qmp::connect(stream, SECOND_CHANCE).await.map_err(|error| self.failed(error))
        };
        let connected = connecting.await.map_err(|error| {
            let sentence = format!("QEMU of domain '{}' does not answer; it can be ended with destroy", self.name);
            Error::new(ErrorKind::GuestUnresponsive, sentence).caused_by(error)
        })?;
        // The event task lives as long as QEMU.
        drop(self.attach.send(connected.events).await);
        Ok(connected.client.with_timeout(COMMAND))
    }

    /// An error of QMP as what it means for the guest.
    pub fn failed(&self, error: QmpError) -> Error {
        match &error {
            QmpError::TimedOut { .. } => {
                let sentence = format!("QEMU of domain '{}' does not answer; it can be ended with destroy", self.name);
                Error::new(ErrorKind::GuestUnresponsive, sentence).caused_by(error)
            }
            QmpError::Closed { .. } => {
                Error::new(ErrorKind::HypervisorFailed, format!("QEMU of domain '{}' has ended", self.name)).caused_by(error)
            }
            QmpError::Refused { class, description, .. } if class == "DeviceNotActive" => {
                Error::new(ErrorKind::NotSupported, format!("domain '{}': {description}", self.name))
            }
            _ => Error::new(ErrorKind::HypervisorFailed, error.to_string()),
        }
    }

    /// Whether the next shutdown is to become a reset.
    pub fn is_rebooting(&self) -> bool {
        self.record().rebooting
    }

    /// Tells QEMU to hold the machine when the guest powers off, so that it can be reset instead; or no longer.
    ///
    /// # Errors
    /// QEMU does not answer or refuses.
    pub async fn set_rebooting(&self, rebooting: bool) -> Result<()> {
        let word = if rebooting { OnPoweroff::Hold } else { self.on_poweroff }.word();
        let set = self.client().await?.execute("set-action", json!({ "shutdown": word })).await;
        let IgnoredAny = set.map_err(|error| self.failed(error))?;
        self.note(|record| record.rebooting = rebooting);
        Ok(())
    }

    /// Waits until QEMU has ended and all of it is cleaned up.
    pub async fn is_gone(&self) {
        // The sender lives in this very value.
        drop(self.gone.subscribe().wait_for(|gone| *gone).await);
    }

    /// Whether a program in the guest listens to the agent's channel.
    pub fn has_agent(&self) -> bool {
        self.agent_connected.load(Ordering::Relaxed)
    }
}
