//! A hypervisor in memory: for tests of the engine and the bus, and for injecting faults.
//!
//! It keeps the contract of a driver: a start that fails leaves nothing, every machine ends with one
//! `Exited`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lodge_model::capabilities::{Guest, GuestArch, GuestDomain};
use lodge_model::domain::devices::MacAddress;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::domain_capabilities::DomainCapabilities;
use lodge_model::native::Written;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{
    Console, Driver, ExitReason, GuestInterface, HypervisorView, Launch, Machine, MachineEvent, Offer, Places, Reconnected, RunState,
    ShutdownMode, Started, Wanted,
};
use crate::error::{Error, ErrorKind, Result};

/// The architecture of its guests.
const ARCHITECTURE: &str = "x86_64";

/// A driver whose guests are values. Cheap to clone; clones share their guests.
#[derive(Clone, Default)]
pub struct FakeDriver(Arc<State>);

#[derive(Default)]
struct State {
    machines: Mutex<HashMap<Uuid, Arc<FakeMachine>>>,
    fault: Mutex<Option<Fault>>,
    /// Starts wait while this is set.
    held: watch::Sender<bool>,
    /// How many starts and commands have come to wait.
    waiting: watch::Sender<u32>,
    /// What a machine tells right after the next thing that it tells for a command.
    sequel: Mutex<Option<MachineEvent>>,
}

/// What goes wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The next start fails.
    Start,
    /// The next start panics.
    Panic,
    /// The next command to a machine is not answered.
    Hang,
}

impl FakeDriver {
    /// Makes something go wrong once.
    pub fn inject(&self, fault: Fault) {
        *lock(&self.0.fault) = Some(fault);
    }

    /// Lets starts wait, or go on.
    pub fn hold_starts(&self, hold: bool) {
        self.0.held.send_replace(hold);
    }

    /// Answers once a start is held or a command hangs.
    pub async fn until_stuck(&self) {
        // The driver itself holds the sender, so waiting cannot fail.
        drop(self.0.waiting.subscribe().wait_for(|waiting| *waiting > 0).await);
    }

    /// Lets something happen to a guest between the effect of its next command and the answer.
    pub fn then(&self, event: MachineEvent) {
        *lock(&self.0.sequel) = Some(event);
    }

    /// Lets something happen to a running guest.
    pub async fn happen(&self, uuid: Uuid, event: MachineEvent) {
        let machine = lock(&self.0.machines).get(&uuid).cloned();
        if let Some(machine) = machine {
            machine.tell(event).await;
        }
    }

    /// Ends a guest while nobody looks.
    pub fn lose(&self, uuid: Uuid) {
        lock(&self.0.machines).remove(&uuid);
    }

    /// Whether a guest runs here, whatever the engine thinks.
    pub fn has(&self, uuid: Uuid) -> bool {
        lock(&self.0.machines).contains_key(&uuid)
    }
}

#[async_trait]
impl Driver for FakeDriver {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn runs(&self, kind: DomainType) -> bool {
        matches!(kind, DomainType::Test | DomainType::Qemu | DomainType::Kvm)
    }

    async fn complete(&self, _domain: &mut Domain) -> Result<()> {
        Ok(())
    }

    async fn start(&self, launch: Launch) -> Result<Started> {
        let fault = lock(&self.0.fault).take_if(|fault| *fault != Fault::Hang);
        let mut held = self.0.held.subscribe();
        if *held.borrow() {
            self.0.waiting.send_modify(|waiting| *waiting += 1);
        }
        // As above.
        drop(held.wait_for(|held| !held).await);
        match fault {
            Some(Fault::Start) => return Err(Error::new(ErrorKind::HypervisorFailed, "the fake was told to fail")),
            Some(Fault::Panic) => panic!("the fake was told to panic"),
            _ => {}
        }
        (launch.take)().await?;
        (launch.remember)(&serde_json::Value::Null)?;
        let machine = Arc::new(FakeMachine { driver: self.clone(), uuid: launch.uuid, events: launch.events });
        lock(&self.0.machines).insert(launch.uuid, machine.clone());
        Ok(Started { machine, live: launch.domain })
    }

    async fn reconnect(&self, launch: Launch, _record: serde_json::Value) -> Result<Reconnected> {
        if !self.has(launch.uuid) {
            return Ok(Reconnected::Gone(ExitReason::Unknown));
        }
        let machine = Arc::new(FakeMachine { driver: self.clone(), uuid: launch.uuid, events: launch.events });
        lock(&self.0.machines).insert(launch.uuid, machine.clone());
        Ok(Reconnected::Alive { machine, state: RunState::Running })
    }

    async fn command_line(&self, domain: Domain, _places: Places) -> Result<Written> {
        Ok(Written { text: format!("fake --name '{}'\n", domain.name), warnings: vec!["it is not real".to_owned()] })
    }

    async fn domain_capabilities(&self, wanted: Wanted) -> Result<DomainCapabilities> {
        let kind = wanted.kind.unwrap_or(DomainType::Test);
        if !self.runs(kind) {
            return Err(Error::new(ErrorKind::NotSupported, format!("the fake does not run domains of the type '{kind}'; use test")));
        }
        let arch = wanted.arch.unwrap_or_else(|| ARCHITECTURE.to_owned());
        Ok(DomainCapabilities { kind, arch, machine: wanted.machine, ..DomainCapabilities::default() })
    }

    async fn offer(&self) -> Offer {
        let domains = vec![GuestDomain { kind: DomainType::Test, ..GuestDomain::default() }];
        let arch = GuestArch { name: ARCHITECTURE.to_owned(), word_bits: 64, domains, ..GuestArch::default() };
        Offer { guests: vec![Guest { arch: Some(arch), ..Guest::default() }], ..Offer::default() }
    }

    async fn describe(&self) -> HypervisorView {
        HypervisorView { version: "1".into(), available: true, architectures: vec![ARCHITECTURE.into()], ..HypervisorView::default() }
    }
}

struct FakeMachine {
    driver: FakeDriver,
    uuid: Uuid,
    events: mpsc::Sender<MachineEvent>,
}

impl FakeMachine {
    async fn tell(&self, event: MachineEvent) {
        if matches!(event, MachineEvent::Exited(_)) {
            lock(&self.driver.0.machines).remove(&self.uuid);
        }
        // Without a listener the engine is gone.
        drop(self.events.send(event).await);
    }

    async fn command(&self, event: Option<MachineEvent>) -> Result<()> {
        if lock(&self.driver.0.fault).take_if(|fault| *fault == Fault::Hang).is_some() {
            self.driver.0.waiting.send_modify(|waiting| *waiting += 1);
            std::future::pending::<()>().await;
        }
        let sequel = lock(&self.driver.0.sequel).take();
        for event in event.into_iter().chain(sequel) {
            self.tell(event).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Machine for FakeMachine {
    fn record(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn consoles(&self) -> &[Console] {
        &[]
    }

    async fn resume(&self) -> Result<()> {
        self.command(Some(MachineEvent::Resumed)).await
    }

    async fn suspend(&self) -> Result<()> {
        self.command(Some(MachineEvent::Paused(super::PauseReason::Unknown))).await
    }

    async fn shutdown(&self, _mode: ShutdownMode) -> Result<()> {
        self.command(None).await
    }

    async fn reboot(&self, _mode: ShutdownMode) -> Result<()> {
        self.command(Some(MachineEvent::Rebooted)).await
    }

    async fn reset(&self) -> Result<()> {
        self.command(Some(MachineEvent::Rebooted)).await
    }

    async fn destroy(&self, _graceful: bool) -> Result<()> {
        self.tell(MachineEvent::Exited(ExitReason::Destroyed)).await;
        Ok(())
    }

    async fn set_memory(&self, bytes: u64) -> Result<()> {
        self.command(Some(MachineEvent::MemoryChanged(bytes))).await
    }

    async fn guest_interfaces(&self) -> Result<Vec<GuestInterface>> {
        let told = |name: &str, mac: Option<MacAddress>, address: [u8; 4], prefix| GuestInterface {
            name: name.to_owned(),
            mac,
            addresses: vec![(address.into(), prefix)],
        };
        let card = Some(MacAddress([0x52, 0x54, 0, 0, 0, 1]));
        let silent = GuestInterface { name: "eth1".to_owned(), mac: None, addresses: Vec::new() };
        Ok(vec![told("lo", None, [127, 0, 0, 1], 8), told("eth0", card, [192, 0, 2, 7], 24), silent])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
