//! What the driver does with confinement, and what is left when any part of it fails: a confinement in memory that fails
//! where it is told to.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lodge_model::document::Document as _;
use serde_json::{Value, json};

use super::{Bench, PLAIN, WITH_TPM, processes_with};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{ChildStep, Process};
use crate::hypervisors::confine::{Confine, Confined, Label, Program, Stage, Subject};
use crate::hypervisors::qemu::Policy;
use crate::hypervisors::qemu::record::Record;
use crate::hypervisors::{Driver, ExitReason, MachineEvent, Reconnected};

/// Where it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Plan,
    Apply,
    Steps(Program),
    InChild(Program),
    Admit(Program),
    Release,
}

/// What was done, in order.
#[derive(Debug, Default)]
struct Done {
    calls: Vec<String>,
    given: bool,
    /// Processes of the guest when it was released.
    alive: usize,
}

/// A confinement in memory.
#[derive(Clone, Default)]
pub struct Fake {
    fault: Option<Fault>,
    done: Arc<Mutex<Done>>,
}

struct FakeGuest {
    fake: Fake,
    name: String,
}

impl Fake {
    pub fn failing(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    fn call(&self, call: String, fault: Fault) -> Result<()> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).calls.push(call);
        match self.fault == Some(fault) {
            true => Err(Error::new(ErrorKind::HostFailed, format!("{fault:?} fails"))),
            false => Ok(()),
        }
    }

    fn calls(&self) -> Vec<String> {
        self.done.lock().unwrap().calls.clone()
    }

    /// What was given is taken back, and was when nothing ran any more.
    pub fn assert_released(&self) {
        let done = self.done.lock().unwrap();
        assert!(!done.given && done.alive == 0, "{done:?}");
    }
}

#[async_trait]
impl Confine for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        assert!(guest.runtime.is_dir() && guest.programs[0].ends_with("qemu-system-x86_64"));
        self.call("plan".to_owned(), Fault::Plan)?;
        Ok(Some(Arc::new(FakeGuest { fake: self.clone(), name: guest.domain.name.clone() })))
    }

    fn recall(&self, record: Value) -> Result<Arc<dyn Confined>> {
        let name = record["name"].as_str().unwrap().to_owned();
        Ok(Arc::new(FakeGuest { fake: self.clone(), name }))
    }
}

#[async_trait]
impl Confined for FakeGuest {
    fn record(&self) -> Value {
        json!({ "name": self.name })
    }

    async fn apply(&self) -> Result<()> {
        self.fake.done.lock().unwrap().given = true;
        tokio::task::yield_now().await;
        self.fake.call("apply".to_owned(), Fault::Apply)
    }

    fn steps(&self, program: Program) -> Result<Vec<(Stage, ChildStep)>> {
        self.fake.call(format!("steps {program:?}"), Fault::Steps(program))?;
        let fails = self.fake.fault == Some(Fault::InChild(program));
        let step = move || if fails { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) };
        Ok(vec![(Stage::Identity, ChildStep::new("become somebody else", step))])
    }

    async fn admit(&self, process: &Process) -> Result<()> {
        let program = std::fs::read_link(format!("/proc/{}/exe", process.pid())).unwrap();
        assert_eq!(program, std::env::current_exe().unwrap(), "it is held");
        let program =
            if self.fake.calls().last().is_some_and(|call| call.contains("Companion")) { Program::Companion } else { Program::Hypervisor };
        self.fake.call(format!("admit {program:?}"), Fault::Admit(program))
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label { model: "dac", label: "+7:+8".into(), image_label: None, relabel: true }]
    }

    async fn release(&self) -> Result<()> {
        {
            let mut done = self.fake.done.lock().unwrap();
            done.alive += processes_with(&self.name);
            done.given = false;
        }
        self.fake.call("release".to_owned(), Fault::Release)
    }
}

async fn bench(fake: &Fake) -> Bench {
    let bench = Bench::new(&format!("{PLAIN}{WITH_TPM}"), "").await;
    bench.driver.set_policy(Policy { confine: Arc::new(fake.clone()) });
    bench
}

#[tokio::test]
async fn a_guest_is_confined_from_before_its_first_program_to_after_its_last() {
    let fake = Fake::default();
    let bench = bench(&fake).await;
    let mut running = bench.start(false).await;
    let before = ["plan", "apply", "steps Companion", "admit Companion", "steps Hypervisor", "admit Hypervisor"];
    assert_eq!(fake.calls(), before);
    let records = bench.records();
    assert_eq!(records.len(), 3, "once before anything is changed, once for each program");
    assert!(records.iter().all(|record| record.confinement == Some(json!({ "name": bench.domain.name }))));
    assert!(running.live.to_xml().contains("<label>+7:+8</label>"), "{}", running.live.to_xml());

    running.machine.destroy(false).await.unwrap();
    assert_eq!(running.rest().await.last(), Some(&MachineEvent::Exited(ExitReason::Destroyed)));
    assert_eq!(fake.calls()[before.len()..], ["release"]);
    fake.assert_released();
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn whatever_fails_leaves_nothing() {
    let both = |fault: fn(Program) -> Fault| [fault(Program::Companion), fault(Program::Hypervisor)];
    let faults = [Fault::Plan, Fault::Apply].into_iter().chain(both(Fault::Steps)).chain(both(Fault::InChild)).chain(both(Fault::Admit));
    for fault in faults {
        let fake = Fake::failing(fault);
        let bench = bench(&fake).await;
        let error = bench.driver.start(bench.launch(false).0).await.err().unwrap();
        let expected = if matches!(fault, Fault::InChild(_)) { "cannot become somebody else in the new process" } else { " fails" };
        assert!(error.to_string().contains(expected), "{fault:?}: {error}");
        bench.assert_nothing_left().await;
        fake.assert_released();
        let released = fake.calls().iter().filter(|call| *call == "release").count();
        assert_eq!(released, usize::from(fault != Fault::Plan), "{fault:?}");
    }
}

#[tokio::test]
async fn a_release_that_fails_does_not_keep_the_end_from_being_told() {
    let fake = Fake::failing(Fault::Release);
    let bench = bench(&fake).await;
    let mut running = bench.start(false).await;
    running.machine.destroy(false).await.unwrap();
    assert_eq!(running.rest().await.last(), Some(&MachineEvent::Exited(ExitReason::Destroyed)));
}

/// Every record that a start writes down is one that the service may be killed behind.
#[tokio::test]
async fn a_later_service_releases_what_an_earlier_one_had_begun() {
    let fake = Fake::default();
    let bench = bench(&fake).await;
    let running = bench.start(false).await;
    let record = running.machine.record();
    drop(running);

    let (found, events) = bench.reconnect(record).await;
    let Reconnected::Alive { machine, .. } = found else { panic!("it runs") };
    machine.destroy(false).await.unwrap();
    fake.assert_released();
    drop((machine, events));

    let records: Vec<Record> = bench.records();
    for record in records {
        fake.done.lock().unwrap().given = true;
        let (found, _) = bench.reconnect(record.to_json().unwrap()).await;
        assert!(matches!(found, Reconnected::Gone(_)));
        fake.assert_released();
    }
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn a_record_that_nobody_understands_is_left_alone() {
    let bench = Bench::new(PLAIN, "").await;
    let running = bench.start(false).await;
    let mut record: Record = serde_json::from_value(running.machine.record()).unwrap();
    record.confinement = Some(json!({ "unknown": {} }));
    let (launch, _events) = bench.launch(false);
    let error = bench.driver.reconnect(launch, record.to_json().unwrap()).await.err().unwrap();
    assert!(error.to_string().contains("no layer is called 'unknown' here"), "{error}");
    running.machine.destroy(false).await.unwrap();
}
