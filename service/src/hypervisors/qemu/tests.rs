//! The driver with the real QEMU: guests that have firmware and nothing else, so that each takes a fraction of a second.

mod confinement;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::confinement::Fake;
use super::plan::{Argument, LaunchPlan};
use super::record::Record;
use super::start::{self, Surroundings};
use super::{Choices, Options, Policy, QemuDriver};
use crate::error::{Error, ErrorKind};
use crate::host::process::{Limits, ProcessSpec, Signal, run};
use crate::hypervisors::confine::Unconfined;
use crate::hypervisors::{Driver, ExitReason, Launch, Machine, MachineEvent, PauseReason, Reconnected, Reveal, RunState, ShutdownMode};

/// Longer than anything here takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);

const PLAIN: &str = "<serial type='pty'/><memballoon model='virtio'/>";
const WITH_AGENT: &str = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
const WITH_TPM: &str = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>";

/// A driver with a directory of its own, and one guest.
struct Bench {
    directory: tempfile::TempDir,
    driver: QemuDriver,
    domain: Domain,
    remembered: Arc<Mutex<Vec<Value>>>,
}

impl Bench {
    async fn new(devices: &str, extra: &str) -> Self {
        for (path, package) in [("/usr/bin/qemu-system-x86_64", "qemu-system-x86"), ("/usr/bin/swtpm", "swtpm")] {
            assert!(Path::new(path).exists(), "install the package {package}");
        }
        let directory = tempfile::tempdir().unwrap();
        let driver = QemuDriver::new(Options { cache: directory.path().join("cache"), session: true, policy: unconfined() });
        let name = format!("bench-{}", Uuid::new_v4().simple());
        let xml = format!(
            "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{name}</name><memory unit='MiB'>32</memory>\
             <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices>{extra}</domain>"
        );
        let (mut domain, _) = Domain::parse(&xml).unwrap();
        driver.complete(&mut domain).await.unwrap();
        std::fs::create_dir(directory.path().join("run")).unwrap();
        Self { directory, driver, domain, remembered: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn launch(&self, paused: bool) -> (Launch, mpsc::Receiver<MachineEvent>) {
        let (events, receiver) = mpsc::channel(64);
        let remembered = self.remembered.clone();
        let launch = Launch {
            domain: self.domain.clone(),
            uuid: self.domain.uuid.unwrap(),
            id: 1,
            paused,
            nics: Arc::default(),
            take: Arc::new(|| Box::pin(std::future::ready(Ok(())))),
            runtime: self.path("run"),
            log: self.path("log"),
            nvram: self.path("nvram"),
            tpm: self.path("tpm"),
            events,
            remember: Arc::new(move |record| {
                remembered.lock().unwrap().push(record.clone());
                Ok(())
            }),
            reveal: crate::hypervisors::secrets::nobody(),
        };
        (launch, receiver)
    }

    async fn start(&self, paused: bool) -> Running {
        let (launch, events) = self.launch(paused);
        let started = tokio::time::timeout(PATIENCE, self.driver.start(launch)).await.unwrap().unwrap();
        Running { machine: started.machine, live: started.live, events }
    }

    async fn reconnect(&self, record: Value) -> (Reconnected, mpsc::Receiver<MachineEvent>) {
        let (launch, events) = self.launch(false);
        (self.driver.reconnect(launch, record).await.unwrap(), events)
    }

    fn records(&self) -> Vec<Record> {
        self.remembered.lock().unwrap().iter().map(|record| serde_json::from_value(record.clone()).unwrap()).collect()
    }

    /// No process, no socket.
    async fn assert_nothing_left(&self) {
        for record in self.records() {
            for identity in record.companions.iter().chain(&record.qemu) {
                if let Some(process) = identity.reopen().unwrap() {
                    tokio::time::timeout(PATIENCE, process.exited()).await.expect("a process is left");
                }
            }
        }
        assert_eq!(std::fs::read_dir(self.path("run")).unwrap().count(), 0, "files are left");
        assert_eq!(processes_with(&self.domain.name), 0, "a process is left");
    }
}

struct Running {
    machine: Arc<dyn Machine>,
    live: Domain,
    events: mpsc::Receiver<MachineEvent>,
}

impl Running {
    async fn until(&mut self, wanted: &MachineEvent) {
        let find = async { while self.events.recv().await.expect("events go on").ne(wanted) {} };
        tokio::time::timeout(PATIENCE, find).await.unwrap_or_else(|_| panic!("no {wanted:?}"));
    }

    /// All events up to the end of the machine.
    async fn rest(&mut self) -> Vec<MachineEvent> {
        let mut all = Vec::new();
        while let Some(event) = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap() {
            all.push(event);
        }
        all
    }
}

fn processes_with(name: &str) -> usize {
    let is_one = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(name)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(is_one).filter(|found| *found).count()
}

#[tokio::test]
async fn a_guest_lives_from_start_to_destroy() {
    let bench = Bench::new(PLAIN, "").await;
    let mut running = bench.start(false).await;
    let [recorded] = &bench.records()[..] else { panic!("one record for one program") };
    assert!(recorded.qemu.as_ref().unwrap().reopen().unwrap().is_some());

    let console = &running.machine.consoles()[0];
    assert!(console.path.starts_with("/dev/pts") && console.alias == "serial0", "{console:?}");
    assert!(running.live.to_xml().contains(&format!("tty='{}'", console.path.display())), "{}", running.live.to_xml());

    running.machine.suspend().await.unwrap();
    running.until(&MachineEvent::Paused(PauseReason::Unknown)).await;
    running.machine.resume().await.unwrap();
    running.until(&MachineEvent::Resumed).await;
    running.machine.reset().await.unwrap();
    running.until(&MachineEvent::Rebooted).await;
    running.machine.set_memory(24 << 20).await.unwrap();
    running.machine.shutdown(ShutdownMode::Auto).await.unwrap();
    running.until(&MachineEvent::ShuttingDown).await;

    running.machine.destroy(false).await.unwrap();
    bench.assert_nothing_left().await;
    // SeaBIOS that is reset before it was done resets once more, to have its memory as it was.
    let mut rest = running.rest().await;
    rest.retain(|event| *event != MachineEvent::Rebooted);
    assert_eq!(rest, [MachineEvent::Exited(ExitReason::Destroyed)]);
    // What is asked of a machine that has ended is answered too.
    running.machine.destroy(true).await.unwrap();
    assert_eq!(running.machine.suspend().await.unwrap_err().kind(), ErrorKind::HypervisorFailed);
}

#[tokio::test]
async fn a_paused_start_waits_for_resume() {
    let bench = Bench::new(PLAIN, "").await;
    let mut running = bench.start(true).await;
    assert!(running.events.try_recv().is_err(), "nothing has happened yet");
    running.machine.resume().await.unwrap();
    running.until(&MachineEvent::Resumed).await;
    running.machine.destroy(true).await.unwrap();
}

#[tokio::test]
async fn a_reset_of_a_held_guest_has_happened_when_it_is_answered() {
    let bench = Bench::new(PLAIN, "").await;
    let mut running = bench.start(false).await;
    running.machine.suspend().await.unwrap();
    running.machine.reset().await.unwrap();
    running.machine.resume().await.unwrap();
    running.until(&MachineEvent::Rebooted).await;
    running.until(&MachineEvent::Resumed).await;
    running.machine.destroy(false).await.unwrap();
}

/// At every point where a start waits it may be dropped.
#[tokio::test]
async fn a_start_that_is_called_off_anywhere_leaves_nothing() {
    let (bench, fake) = (Bench::new(&format!("{PLAIN}{WITH_TPM}"), "").await, Fake::default());
    bench.driver.set_policy(Policy { confine: Arc::new(fake.clone()), ..unconfined() });
    for polls in 1.. {
        let (launch, mut events) = bench.launch(false);
        let mut starting = pin!(bench.driver.start(launch));
        let mut left = polls;
        let done = std::future::poll_fn(|context| {
            left -= 1;
            match starting.as_mut().poll(context) {
                std::task::Poll::Ready(started) => std::task::Poll::Ready(Some(started)),
                std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        });
        match tokio::time::timeout(PATIENCE, done).await.unwrap() {
            Some(started) => {
                started.unwrap().machine.destroy(false).await.unwrap();
                assert!(polls > 8, "a start waits more often than {polls} times");
                return;
            }
            None => {
                // Dropped here, as a cancelled job drops it.
                starting.set(bench.driver.start(bench.launch(false).0));
                // Whoever still undoes something holds the other end.
                assert_eq!(tokio::time::timeout(PATIENCE, events.recv()).await.unwrap(), None);
                bench.assert_nothing_left().await;
                fake.assert_released();
                assert!(!bench.path("tpm").exists(), "the TPM's state is left");
            }
        }
    }
}

#[tokio::test]
async fn companions_are_recorded_first_and_end_with_the_guest() {
    let bench = Bench::new(&format!("{PLAIN}{WITH_TPM}"), "").await;
    let mut running = bench.start(false).await;
    let records = bench.records();
    assert_eq!(records.iter().map(|record| (record.companions.len(), record.qemu.is_some())).collect::<Vec<_>>(), [(1, false), (1, true)]);
    running.machine.destroy(false).await.unwrap();
    bench.assert_nothing_left().await;
    assert_eq!(running.rest().await.last(), Some(&MachineEvent::Exited(ExitReason::Destroyed)));
    assert!(bench.path("tpm").is_dir(), "the TPM's state is kept");

    // The service died between the companion and QEMU.
    let (reconnected, _) = bench.reconnect(records[0].to_json().unwrap()).await;
    assert!(matches!(reconnected, Reconnected::Gone(ExitReason::Failed(_))));
}

/// Has secrets with their names as values.
fn telling(name: &str) -> Reveal {
    let known = name.to_owned();
    Arc::new(move |name| {
        let value = if name == known { Ok(Zeroizing::new(b"open sesame".to_vec())) } else { Err(Error::new(ErrorKind::NotFound, name)) };
        Box::pin(async move { value })
    })
}

#[tokio::test]
async fn the_state_of_a_tpm_is_encrypted_with_a_secret_that_nobody_sees() {
    const NAME: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";
    let tpm = format!("<tpm model='tpm-crb'><backend type='emulator' version='2.0'><encryption secret='{NAME}'/></backend></tpm>");
    let bench = Bench::new(&format!("{tpm}{PLAIN}"), "").await;
    let start = async |reveal| {
        let (mut launch, events) = bench.launch(false);
        launch.reveal = reveal;
        bench.driver.start(launch).await.map(|started| (started, events))
    };
    for _ in 0..2 {
        let (started, events) = start(telling(NAME)).await.unwrap();
        let swtpm = bench.records().last().unwrap().companions[0].reopen().unwrap().unwrap();
        let command = String::from_utf8(std::fs::read(format!("/proc/{}/cmdline", swtpm.pid())).unwrap()).unwrap();
        assert!(command.contains("--key\0pwdfd=") && !command.contains("sesame"), "{command}");
        let log = std::fs::read_to_string(bench.path("log")).unwrap();
        assert!(!log.contains("sesame"), "{log}");
        started.machine.destroy(false).await.unwrap();
        bench.assert_nothing_left().await;
        drop(events);
    }
    // Another passphrase does not open what the first one has closed.
    let other: Reveal = Arc::new(|_| Box::pin(async { Ok(Zeroizing::new(b"another".to_vec())) }));
    let refused = start(other).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::HypervisorFailed, "{refused}");
    bench.assert_nothing_left().await;
    let refused = start(crate::hypervisors::secrets::nobody()).await.err().unwrap();
    assert!(refused.to_string().starts_with("<tpm> is encrypted: there is no secret"), "{refused}");
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn encrypted_disks_are_opened_by_their_secrets_which_are_nowhere_afterwards() {
    const NAME: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";
    let directory = tempfile::tempdir().unwrap();
    let make = async |name: &str, format: &str, options: &str| {
        let image = directory.path().join(name).display().to_string();
        let arguments = ["create", "-q", "-f", format, "--object", "secret,id=key,data=open sesame", "-o", options, &image, "1M"];
        let spec = ProcessSpec::new("/usr/bin/qemu-img").arguments(arguments.map(str::to_owned));
        run(spec, &[], Limits::default()).await.unwrap().require_success().unwrap();
        image
    };
    let raw = make("raw", "luks", "key-secret=key,iter-time=10").await;
    let qcow2 = make("qcow2", "qcow2", "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10").await;
    let disk = |path: &str, format: &str, target: &str| {
        format!(
            "<disk type='file'><driver name='qemu' type='{format}'/><source file='{path}'><encryption format='luks'><secret type='passphrase' \
             uuid='{NAME}'/></encryption></source><target dev='{target}' bus='virtio'/></disk>"
        )
    };
    let disks = disk(&raw, "raw", "vda") + &disk(&qcow2, "qcow2", "vdb");
    let bench = Bench::new(&format!("{disks}{PLAIN}"), "").await;
    let (mut launch, events) = bench.launch(false);
    launch.reveal = telling(NAME);
    let started = bench.driver.start(launch).await.unwrap();
    let log = std::fs::read_to_string(bench.path("log")).unwrap();
    assert!(log.contains("key-secret") && !log.contains("sesame"), "{log}");
    let left: Vec<_> = std::fs::read_dir(bench.path("run/sockets")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("secret")), "{left:?}");
    started.machine.destroy(false).await.unwrap();
    bench.assert_nothing_left().await;
    drop(events);

    // Nobody tells it.
    let refused = bench.driver.start(bench.launch(false).0).await.err().unwrap();
    assert!(refused.to_string().starts_with("<disk> 'vda' is encrypted: there is no secret"), "{refused}");
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn a_qemu_that_dies_at_once_is_quoted() {
    let bench = Bench::new(PLAIN, "<qemu:commandline><qemu:arg value='-nonsense'/></qemu:commandline>").await;
    let error = bench.driver.start(bench.launch(false).0).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::HypervisorFailed, "{error}");
    let text = error.to_string();
    assert!(text.contains("exit status 1): -nonsense: invalid option"), "{text}");
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn threads_run_where_the_definition_says() {
    let tune = "<vcpu>2</vcpu><iothreads>1</iothreads><cputune><vcpupin vcpu='1' cpuset='0'/><iothreadpin iothread='1' cpuset='0'/>\
                <emulatorsched scheduler='idle'/></cputune>";
    let bench = Bench::new(PLAIN, tune).await;
    let running = bench.start(true).await;
    let process = bench.records().pop().unwrap().qemu.unwrap();
    let pinned = |thread: i32| {
        let status = std::fs::read_to_string(format!("/proc/{}/task/{thread}/status", process.pid)).unwrap();
        status.lines().any(|line| line == "Cpus_allowed_list:\t0")
    };
    let threads = crate::host::threads::of_process(process.pid).unwrap();
    assert_eq!(threads.into_iter().filter(|thread| pinned(*thread)).count(), 2, "one virtual processor and one I/O thread");
    running.machine.destroy(false).await.unwrap();

    let bench = Bench::new(PLAIN, "<vcpu cpuset='16383'>1</vcpu>").await;
    let error = bench.driver.start(bench.launch(false).0).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("cannot run on the host's processors 16383"), "{error}");
    bench.assert_nothing_left().await;
}

/// No confinement.
fn unconfined() -> Policy {
    Policy { emulator: None, start_timeout: Duration::from_secs(60), confine: Arc::new(Unconfined), choices: Choices::default() }
}

async fn start(bench: &Bench, plan: LaunchPlan, limit: Duration) -> crate::error::Result<crate::hypervisors::Started> {
    let surroundings = Surroundings { confine: &Unconfined, session: true };
    start::start(bench.launch(false).0, plan, &surroundings, limit).await
}

/// The plan of a program that is no QEMU.
fn plan_of(program: &str, arguments: &[&str], domain: &Domain) -> LaunchPlan {
    LaunchPlan {
        program: program.into(),
        arguments: arguments.iter().map(|text| Argument::Text((*text).to_owned())).collect(),
        environment: Vec::new(),
        preparations: Vec::new(),
        secrets: Vec::new(),
        companions: Vec::new(),
        resources: Vec::new(),
        consoles: Vec::new(),
        agent: None,
        set_up: Vec::new(),
        warnings: Vec::new(),
        live: domain.clone(),
    }
}

#[tokio::test]
async fn a_qemu_that_never_answers_is_given_up() {
    let bench = Bench::new(PLAIN, "").await;
    let plan = plan_of("/bin/sleep", &["1000"], &bench.domain);
    let error = start(&bench, plan, Duration::from_millis(300)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    bench.assert_nothing_left().await;

    let plan = plan_of("/nowhere/qemu-system-x86_64", &[], &bench.domain);
    let error = start(&bench, plan, PATIENCE).await.err().unwrap();
    assert!(error.to_string().contains("install it (package qemu-system-x86 on Debian)"), "{error}");
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_written_stops_the_start() {
    let bench = Bench::new(PLAIN, "").await;
    let (mut launch, _events) = bench.launch(false);
    launch.remember = Arc::new(|_| Err(Error::new(ErrorKind::NoSpace, "the disk is full")));
    let error = bench.driver.start(launch).await.err().unwrap();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NoSpace, "the disk is full"));
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn a_later_service_finds_the_guest_again() {
    let bench = Bench::new(&format!("{PLAIN}{WITH_AGENT}"), "").await;
    let running = bench.start(false).await;
    let (record, consoles) = (running.machine.record(), running.machine.consoles().to_vec());
    running.machine.suspend().await.unwrap();
    drop(running);

    let (found, events) = bench.reconnect(record.clone()).await;
    let Reconnected::Alive { machine, state } = found else { panic!("it runs") };
    assert_eq!(state, RunState::Paused(PauseReason::Unknown));
    assert_eq!(machine.consoles(), consoles);
    assert_eq!(machine.record(), record);
    let error = machine.shutdown(ShutdownMode::Agent).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GuestUnresponsive, "{error}");
    machine.destroy(false).await.unwrap();
    drop((machine, events));

    let (found, _) = bench.reconnect(record).await;
    assert!(matches!(found, Reconnected::Gone(ExitReason::Destroyed)), "the log tells");
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn a_record_of_an_earlier_boot_is_of_no_process() {
    let bench = Bench::new(PLAIN, "").await;
    let running = bench.start(false).await;
    let mut record: Record = serde_json::from_value(running.machine.record()).unwrap();
    record.boot = "another".to_owned();
    let (found, _) = bench.reconnect(record.to_json().unwrap()).await;
    assert!(matches!(found, Reconnected::Gone(ExitReason::Unknown)));
    running.machine.destroy(false).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_does_not_answer_can_be_destroyed_and_may_come_back() {
    let bench = Bench::new(PLAIN, "").await;
    let running = bench.start(false).await;
    let record = running.machine.record();
    let process = bench.records()[0].qemu.as_ref().unwrap().reopen().unwrap().unwrap();
    drop(running);
    process.signal(Signal::STOP).unwrap();

    // Time runs at once to whatever is waited for: QEMU stands still and will not answer.
    tokio::time::pause();
    let (found, events) = bench.reconnect(record).await;
    let Reconnected::Alive { machine, .. } = found else { panic!("it is there") };
    let error = machine.suspend().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GuestUnresponsive, "{error}");
    assert_eq!(machine.destroy(true).await.unwrap_err().kind(), ErrorKind::TimedOut);
    tokio::time::resume();

    // The signal that ended nothing is still waiting, and QEMU goes when it runs again.
    process.signal(Signal::CONT).unwrap();
    let mut running = Running { machine, live: bench.domain.clone(), events };
    assert!(matches!(running.rest().await.last(), Some(MachineEvent::Exited(_))));
    bench.assert_nothing_left().await;
}

#[tokio::test]
async fn the_hypervisor_is_described_and_that_is_cheap() {
    let bench = Bench::new(PLAIN, "").await;
    let view = bench.driver.describe().await;
    assert!(view.available && view.architectures == ["x86_64", "i686"], "{:?}", view.architectures);
    assert!(view.machines.iter().any(|machine| machine.alias.as_deref() == Some("q35") && machine.arch == "x86_64"));
    // All is known: the first poll answers.
    let mut describing = pin!(bench.driver.describe());
    assert!(describing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(bench.driver.describe().await, view);
}
