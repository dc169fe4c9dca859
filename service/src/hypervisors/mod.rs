//! What the engine asks of a hypervisor: a [`Driver`] completes definitions and starts machines, a
//! [`Machine`] is one running guest.
//!
//! Invariants:
//! - Nothing here knows D-Bus or the store; a driver gets paths and values and answers with them.
//! - A machine outlives the service. What is needed to find it again is its [`Machine::record`].
//! - A driver's `start` leaves nothing behind when it fails or when its future is dropped.
//! - Every machine ends with exactly one [`MachineEvent::Exited`].

pub mod confine;
mod event;
pub mod fake;
pub mod kept;
mod nic;
pub mod qemu;
pub mod resources;
pub mod secrets;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lodge_model::capabilities::{Guest, SecurityModel};
use lodge_model::domain::devices::MacAddress;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::domain_capabilities::DomainCapabilities;
use lodge_model::native::Written;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use event::{ExitReason, MachineEvent, PauseReason, RunState};
pub use nic::{Nic, Nics};
pub use secrets::{Reveal, SecretValue};

use crate::error::{Error, ErrorKind, Result};

/// Where a machine's events go. Bounded: a driver waits when the engine is behind.
pub type MachineEvents = mpsc::Sender<MachineEvent>;

/// A hypervisor.
#[async_trait]
pub trait Driver: Send + Sync {
    /// The name on the bus and in paths, such as `qemu`.
    fn name(&self) -> &'static str;

    /// Whether it runs domains of a type.
    fn runs(&self, kind: DomainType) -> bool;

    /// Fills in what a definition leaves open (machine type, addresses, controllers, MAC addresses,
    /// default devices), so that the guest sees the same hardware at every start.
    ///
    /// # Errors
    /// `InvalidXml` or `NotSupported` for a definition that could never be started as it stands.
    async fn complete(&self, domain: &mut Domain) -> Result<()>;

    /// Starts a machine. Answers when it runs, or is set up and paused if that was asked.
    ///
    /// # Errors
    /// Whatever keeps it from starting; nothing is left behind then.
    async fn start(&self, launch: Launch) -> Result<Started>;

    /// Finds a machine that was started before the service was.
    ///
    /// # Errors
    /// The machine is there but cannot be spoken to.
    async fn reconnect(&self, launch: Launch, record: serde_json::Value) -> Result<Reconnected>;

    /// A definition as commands that a person can run without the service. Neither the hypervisor nor anything else that
    /// the guest needs has to be installed: what is not there is assumed, and a warning says so.
    ///
    /// # Errors
    /// Those of [`Driver::complete`]; `NotSupported` for what no command can do, and from hypervisors that have none.
    async fn command_line(&self, domain: Domain, places: Places) -> Result<Written>;

    /// What one kind of domain can have on this host: only what a start would not refuse.
    ///
    /// # Errors
    /// `NotSupported` when there can be no such domain here, with the reason.
    async fn domain_capabilities(&self, wanted: Wanted) -> Result<DomainCapabilities>;

    /// What the hypervisor adds to the capabilities of the host; nothing where it is not installed.
    async fn offer(&self) -> Offer;

    /// What the hypervisor can do on this host.
    async fn describe(&self) -> HypervisorView;
}

/// Writes down a machine's record.
pub type Remember = Arc<dyn Fn(&serde_json::Value) -> Result<()> + Send + Sync>;

/// Takes the devices of the host that a definition names from the host's drivers.
pub type Take = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What a driver needs to start or find a machine.
#[derive(Clone)]
pub struct Launch {
    /// The complete definition.
    pub domain: Domain,
    /// Its identity.
    pub uuid: Uuid,
    /// The number of this run.
    pub id: u32,
    /// Whether the guest stays paused.
    pub paused: bool,
    /// Interfaces of the host that were made for it.
    pub nics: Arc<Nics>,
    /// To be called when nothing else is wrong with the definition, and before anything is made of the host: it changes the host
    /// most.
    pub take: Take,
    /// A directory for this run, which exists and is ours alone.
    pub runtime: PathBuf,
    /// The file that the machine's own messages are appended to.
    pub log: PathBuf,
    /// Where a guest's firmware variables live between runs.
    pub nvram: PathBuf,
    /// Where a guest's TPM state lives between runs.
    pub tpm: PathBuf,
    /// Where events go. What is still to be undone when a start has failed or was called off holds a clone of it: only when the
    /// other end sees the last of them go may the run be forgotten.
    pub events: MachineEvents,
    /// To be called with the machine's record before its program executes its first instruction, so
    /// that a service which dies in the middle of a start has not lost it.
    pub remember: Remember,
    /// To be called with the names of the secrets that open what the definition has.
    pub reveal: Reveal,
}

/// Where a guest that a person runs by hand has its files.
#[derive(Debug, Clone)]
pub struct Places {
    /// A directory for sockets and secrets, which need not exist.
    pub sockets: PathBuf,
    /// The firmware variables: those that the guest has when the service runs it.
    pub nvram: PathBuf,
    /// The TPM's state, likewise.
    pub tpm: PathBuf,
}

/// A machine that has been started.
pub struct Started {
    /// The machine.
    pub machine: Arc<dyn Machine>,
    /// The definition with what this run added: terminal paths, ports, aliases.
    pub live: Domain,
}

/// What became of a machine while the service was away.
pub enum Reconnected {
    /// It is there.
    Alive {
        /// The machine.
        machine: Arc<dyn Machine>,
        /// What it does; `Paused(StartingUp)` when it never ran.
        state: RunState,
    },
    /// It ended meanwhile.
    Gone(ExitReason),
}

/// How a guest is asked to shut down or reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShutdownMode {
    /// The guest agent when it is connected, else the power button.
    #[default]
    Auto,
    /// The ACPI power button.
    Acpi,
    /// The guest agent.
    Agent,
}

/// A stream in and out of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// The device's alias, such as `serial0`.
    pub alias: String,
    /// The terminal or socket on the host.
    pub path: PathBuf,
    /// Whether the path is a socket rather than a terminal.
    pub socket: bool,
}

/// A network interface of a guest, as the guest tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestInterface {
    /// Its name in the guest.
    pub name: String,
    /// Its Ethernet address, if it has one.
    pub mac: Option<MacAddress>,
    /// Its addresses, each with the length of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// One running guest.
#[async_trait]
pub trait Machine: Send + Sync {
    /// What [`Driver::reconnect`] needs to find it again.
    fn record(&self) -> serde_json::Value;

    /// The streams a person can talk to the guest by, the default one first.
    fn consoles(&self) -> &[Console];

    /// Lets the guest run.
    ///
    /// # Errors
    /// The hypervisor refuses or does not answer; so for all that follow.
    async fn resume(&self) -> Result<()>;

    /// Holds the guest.
    async fn suspend(&self) -> Result<()>;

    /// Asks the guest to shut down; answers when it was asked.
    async fn shutdown(&self, mode: ShutdownMode) -> Result<()>;

    /// Asks the guest to reboot; answers when it was asked.
    async fn reboot(&self, mode: ShutdownMode) -> Result<()>;

    /// Presses the reset button.
    async fn reset(&self) -> Result<()>;

    /// Ends the machine; answers when its process is gone. A graceful end gives up with `TimedOut`
    /// instead of using force.
    async fn destroy(&self, graceful: bool) -> Result<()>;

    /// Asks the guest to make do with this much memory, in bytes.
    async fn set_memory(&self, bytes: u64) -> Result<()>;

    /// Asks the guest's agent for its network interfaces.
    async fn guest_interfaces(&self) -> Result<Vec<GuestInterface>> {
        Err(Error::new(ErrorKind::NotSupported, "guests of this hypervisor have no agent that could be asked"))
    }
}

/// A kind of domains. What is left open is as in a domain that says nothing of it; the type is the fastest that there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Their type.
    pub kind: Option<DomainType>,
    /// Their architecture.
    pub arch: Option<String>,
    /// Their machine, by name or by one that stands for it.
    pub machine: Option<String>,
}

/// What a hypervisor adds to the capabilities of the host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// The guests that it can run.
    pub guests: Vec<Guest>,
    /// The security models that confine them.
    pub security_models: Vec<SecurityModel>,
}

/// What a hypervisor can do on this host, as clients see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HypervisorView {
    /// The hypervisor's version, empty when it is not there.
    pub version: String,
    /// Whether guests can be started.
    pub available: bool,
    /// Why not, and what to do about it.
    pub reason: String,
    /// What can execute guest code, the fastest first: `kvm`, `tcg`.
    pub accelerators: Vec<String>,
    /// Guest architectures for which there is an emulator.
    pub architectures: Vec<String>,
    /// Machine types of all architectures.
    pub machines: Vec<MachineType>,
}

/// A machine type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineType {
    /// The guest architecture.
    pub arch: String,
    /// Its full name.
    pub name: String,
    /// The short name that stands for it.
    pub alias: Option<String>,
    /// Whether it is taken when a domain names none.
    pub default: bool,
    /// Most virtual processors.
    pub max_vcpus: u32,
    /// Whether the emulator will drop it.
    pub deprecated: bool,
}
