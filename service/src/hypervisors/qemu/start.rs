//! Carries a launch plan out: makes what must be there, starts the programs, and brings QEMU to the point where the
//! guest runs.
//!
//! Invariants:
//! - QEMU executes nothing before its record is written, so a service that is killed at any moment loses no guest.
//! - What was done is noted in [`Undo`] before the next step, so a start that fails or is called off leaves nothing.
//! - Nothing is waited for by time: sockets are inherited, programs tell when they listen, ends are noticed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lodge_model::domain::Domain;
use lodge_model::domain::devices::Device;
use lodge_model::domain::lifecycle::LifecycleAction;
use serde::de::IgnoredAny;

use super::companions::{self, Company, duplicate};
use super::confined;
use super::guest::{Found, Guest, OnPoweroff};
use super::live;
use super::log::RunLog;
use super::machine::QemuMachine;
use super::plan::{LaunchPlan, SecretFile, Slot};
use super::prepare::prepare;
use super::qmp::{self, Chardev, Connected, QmpError};
use super::record::{Identity, Record, StreamRecord, boot_id};
use super::undo::{self, Undo};
use super::watch::Watch;
use super::{alias, qmp::Client, threads};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Process, ProcessSpec, hold};
use crate::host::terminal;
use crate::hypervisors::confine::{Confine, Confined, Program};
use crate::hypervisors::{Console, Launch, Started};

/// Variables that QEMU and its companions have in any case.
const FIXED: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8")];
/// Variables of our environment that they get in a session: where sound servers, graphics and caches are found.
const PASSED_ON: [&str; 8] = ["HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "PULSE_SERVER", "WAYLAND_DISPLAY", "TMPDIR"];
/// The name of the agent's channel in the guest.
const AGENT: &str = "org.qemu.guest_agent.0";

/// How long a QEMU that does not listen may take to be seen to have ended.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What is the same for all guests of an instance.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Decides how guests are confined.
    pub confine: &'a dyn Confine,
    /// Whether it is a user's own instance: its guests are that user's, and see that user's surroundings.
    pub session: bool,
}

/// Carries the plan out within `limit`.
///
/// # Errors
/// `TimedOut`, or whatever keeps the guest from starting; nothing is left behind.
pub async fn start(launch: Launch, plan: LaunchPlan, surroundings: &Surroundings<'_>, limit: Duration) -> Result<Started> {
    let (log, output) = RunLog::begin(&launch.log, &headline(&launch, &plan))?;
    for warning in &plan.warnings {
        tracing::warn!(domain = %launch.domain.name, "{warning}");
    }
    let mut undo = Undo::default();
    let starting = Starting { launch: &launch, plan: &plan, surroundings, log: log.clone(), output, until: Instant::now() + limit };
    let result = match tokio::time::timeout(limit, starting.run(&mut undo)).await {
        Ok(result) => result,
        Err(_) => Err(too_late(limit, &log)),
    };
    match result {
        Ok(started) => {
            undo.keep();
            Ok(started)
        }
        Err(error) => {
            undo.now().await;
            Err(error)
        }
    }
}

/// A start under way.
struct Starting<'a> {
    launch: &'a Launch,
    plan: &'a LaunchPlan,
    surroundings: &'a Surroundings<'a>,
    log: RunLog,
    output: OwnedFd,
    until: Instant,
}

impl Starting<'_> {
    async fn run(self, undo: &mut Undo) -> Result<Started> {
        let Self { launch, plan, .. } = &self;
        prepare(&plan.preparations, undo).await?;
        let mut record = self.first_record(undo)?;
        self.write_secrets().await?;
        let confined = self.confine(&mut record, undo).await?;
        let environment = self.environment(&[], &record);
        let (confining, reveal) = (confined.as_deref(), &launch.reveal);
        let company = Company { environment, log: &self.output, confined: confining, remember: &launch.remember, reveal };
        let companions = companions::start(&plan.companions, &company, &mut record, undo).await?;
        let process = self.start_qemu(&mut record, confined.as_deref(), undo).await?;
        let connected = self.connect(&record, &process, confined.as_deref()).await?;
        self.remove_secrets();
        let Connected { client, events, .. } = connected;
        let result = self.set_up(&client, &record, &process).await;
        let (consoles, mut live) = self.explain(&process, result).await?;
        if threads::are_tuned(&launch.domain) {
            let found = threads::find(&client).await;
            self.explain(&process, found).await?.tune(&process, &launch.domain)?;
        }
        confined::write_labels(&mut live, &confined.as_ref().map(|confined| confined.labels()).unwrap_or_default());

        let on_poweroff = on_poweroff(&launch.domain);
        let name = launch.domain.name.clone();
        let (guest, attached) = Guest::new(Found { name, process: process.clone(), on_poweroff, record, confined: confined.clone() });
        guest.connected(client.clone());
        if !launch.paused {
            let result = client.cont().await;
            self.explain(&process, result).await?;
        }
        let guest = Arc::new(guest);
        let watch = Watch::new(guest.clone(), launch.events.clone(), Some(events), attached, companions);
        tokio::spawn(watch.run(false));
        Ok(Started { machine: Arc::new(QemuMachine::new(guest, consoles)), live })
    }

    fn first_record(&self, undo: &mut Undo) -> Result<Record> {
        let Self { launch, plan, .. } = self;
        let qmp = launch.runtime.join("qmp.sock");
        let sockets: Vec<PathBuf> = plan.sockets().map(PathBuf::from).chain([qmp.clone()]).collect();
        // What an earlier run left when the host lost power.
        for socket in &sockets {
            undo::remove_socket(socket);
        }
        let directory = launch.runtime.join(confined::SOCKETS);
        undo.made(&directory);
        confined::make_directory(&directory)
            .map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot make {}", directory.display())).caused_by(error))?;
        Ok(Record {
            boot: boot_id()?,
            qemu: None,
            companions: Vec::new(),
            qmp,
            sockets,
            directory,
            consoles: plan.consoles.iter().map(StreamRecord::from).collect(),
            agent: agent_channel(&plan.live, plan.agent.clone()),
            log: self.log.clone(),
            rebooting: false,
            confinement: None,
        })
    }

    /// Writes the values of secrets where QEMU reads them: into the guest's own directory, which nobody of the guest can change
    /// yet, and which goes when the start fails.
    async fn write_secrets(&self) -> Result<()> {
        for SecretFile { path, name, owner } in &self.plan.secrets {
            let value = (self.launch.reveal)(name.clone()).await.map_err(|error| error.in_context(format_args!("{owner} is encrypted")))?;
            let written =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| file.write_all(&value));
            written.map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot write {}", path.display())).caused_by(error))?;
        }
        Ok(())
    }

    /// QEMU has read them before it answers on QMP.
    fn remove_secrets(&self) {
        for SecretFile { path, .. } in &self.plan.secrets {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!("{} stays until the guest ends: {error}", path.display());
            }
        }
    }

    /// Decides how the guest is confined, writes that down, and only then changes the host.
    async fn confine(&self, record: &mut Record, undo: &mut Undo) -> Result<Option<Arc<dyn Confined>>> {
        let Self { launch, plan, surroundings, .. } = self;
        let Some(confined) = confined::decide(surroundings.confine, launch, plan).await? else { return Ok(None) };
        record.confinement = Some(confined.record());
        undo.confined(confined.clone(), launch.events.clone());
        (launch.remember)(&record.to_json()?)?;
        confined.apply().await?;
        Ok(Some(confined))
    }

    /// The environment of a program that runs for the guest. A guest of the system has nothing of the service's own.
    fn environment(&self, own: &[(String, String)], record: &Record) -> Vec<(OsString, OsString)> {
        let mut all = Vec::new();
        if self.surroundings.session {
            all.extend(PASSED_ON.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))));
        } else {
            all.push(("HOME".into(), record.directory.clone().into()));
        }
        all.extend(FIXED.map(|(name, value)| (name.into(), value.into())));
        all.extend(own.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
        all
    }

    async fn start_qemu(&self, record: &mut Record, confined: Option<&dyn Confined>, undo: &mut Undo) -> Result<Process> {
        let Self { launch, plan, .. } = self;
        let listener = confined::listen(&record.qmp, confined)?;
        for socket in &record.sockets {
            undo.made_socket(socket);
        }
        let mut spec = ProcessSpec::new(&plan.program);
        let mut numbers = BTreeMap::from([(Slot::Qmp, spec.inherit(listener))]);
        for (interface, nic) in &*launch.nics {
            let interface = *interface;
            for (queue, file) in nic.queues.iter().enumerate() {
                numbers.insert(Slot::Tap { interface, queue }, spec.inherit(duplicate(file)?));
            }
            for (queue, file) in nic.vhost.iter().enumerate() {
                numbers.insert(Slot::Vhost { interface, queue }, spec.inherit(duplicate(file)?));
            }
        }
        let number = |slot| numbers.get(&slot).copied().unwrap_or(-1);
        spec.arguments = plan.arguments.iter().map(|argument| argument.render(number).into()).collect();
        spec.environment = self.environment(&plan.environment, record);
        spec.output = Some(duplicate(&self.output)?);
        spec.steps = confined::steps(confined, Program::Hypervisor)?;
        let held = hold(spec).await?;
        undo.started(held.process());
        record.qemu = Some(Identity::of(held.process()));
        (launch.remember)(&record.to_json()?)?;
        if let Some(confined) = confined {
            confined.admit(held.process()).await?;
        }
        Ok(held.release().await?)
    }

    async fn connect(&self, record: &Record, process: &Process, confined: Option<&dyn Confined>) -> Result<Connected> {
        let connecting = async {
            let stream = confined::connect(&record.qmp, confined).await?;
            let time = self.until.saturating_duration_since(Instant::now());
            Ok::<_, Error>(qmp::connect(stream, time).await)
        };
        let connected = tokio::select! {
            biased;
            connected = connecting => match connected {
                Ok(connected) => connected,
                // A process closes its files first and is seen to have ended a moment later.
                Err(error) => match tokio::time::timeout(LAST_MOMENT, process.exited()).await {
                    Ok(exit) => return Err(died(&format!("{exit}"), &self.log)),
                    Err(_) => return Err(error),
                },
            },
            exit = process.exited() => return Err(died(&format!("{exit}"), &self.log)),
        };
        self.explain(process, connected).await
    }

    /// Everything that is done over QMP before the guest runs.
    async fn set_up(&self, client: &Client, record: &Record, process: &Process) -> Result<(Vec<Console>, Domain), QmpError> {
        let chardevs = with_own_terminals(client.query_chardev().await?, process);
        let mut live = self.plan.live.clone();
        for stream in &self.plan.consoles {
            if let Some(path) = terminal(&chardevs, &stream.chardev) {
                live::set_terminal(&mut live, &stream.alias, &path);
            }
        }
        for command in &self.plan.set_up {
            let IgnoredAny = client.execute(command.execute, &command.arguments).await?;
        }
        Ok((consoles(&record.consoles, &chardevs), live))
    }

    /// An error of QMP, or what QEMU said before it died of the same cause.
    async fn explain<T>(&self, process: &Process, result: Result<T, QmpError>) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(QmpError::Closed { .. }) => {
                let exit = process.exited().await;
                Err(died(&format!("{exit}"), &self.log))
            }
            Err(QmpError::TimedOut { after, .. }) => Err(too_late(after, &self.log)),
            Err(error) => Err(Error::new(ErrorKind::HypervisorFailed, error.to_string())),
        }
    }
}

fn headline(launch: &Launch, plan: &LaunchPlan) -> String {
    let mut line = format!("--- lodged starts '{}', run {}: {}", launch.domain.name, launch.id, plan.program.display());
    for argument in &plan.arguments {
        let text = argument.render(|_| -1).replace('\n', " ");
        let quote = if text.contains([' ', '"', '{']) { "'" } else { "" };
        line.extend([" ", quote, &text, quote]);
    }
    line
}

/// What QEMU does when the guest powers off; as the planner has it.
pub(super) fn on_poweroff(domain: &Domain) -> OnPoweroff {
    match domain.on_poweroff.unwrap_or(LifecycleAction::Destroy) {
        LifecycleAction::Destroy => OnPoweroff::End,
        _ => OnPoweroff::Hold,
    }
}

fn agent_channel(live: &Domain, socket: Option<PathBuf>) -> Option<StreamRecord> {
    let socket = socket?;
    let channel = live.devices.list.iter().find_map(|device| match device {
        Device::Channel(channel) if channel.target.as_ref().is_some_and(|target| target.name.as_deref() == Some(AGENT)) => Some(channel),
        _ => None,
    })?;
    let alias = alias::of(channel.alias.as_ref()).to_owned();
    Some(StreamRecord { chardev: format!("char{alias}"), alias, socket: Some(socket) })
}

/// Without terminals that are not QEMU's own: whoever has taken it over could name somebody else's.
pub(super) fn with_own_terminals(mut chardevs: Vec<Chardev>, process: &Process) -> Vec<Chardev> {
    let uid = process.uid();
    chardevs.retain(|chardev| chardev.pty().is_none_or(|path| uid.is_some_and(|uid| terminal::is_of_user(Path::new(path), uid))));
    chardevs
}

/// The terminal that QEMU has made for a character device.
fn terminal(chardevs: &[Chardev], id: &str) -> Option<PathBuf> {
    chardevs.iter().find(|chardev| chardev.label == id)?.pty().map(PathBuf::from)
}

/// The streams a person can talk to the guest by.
pub(super) fn consoles(streams: &[StreamRecord], chardevs: &[Chardev]) -> Vec<Console> {
    let console = |stream: &StreamRecord| match &stream.socket {
        Some(path) => Some(Console { alias: stream.alias.clone(), path: path.clone(), socket: true }),
        None => Some(Console { alias: stream.alias.clone(), path: terminal(chardevs, &stream.chardev)?, socket: false }),
    };
    streams.iter().filter_map(console).collect()
}

/// Notes whether the agent's channel is open in the guest.
pub(super) fn note_agent(guest: &Guest, chardevs: &[Chardev]) {
    if let Some(agent) = guest.record().agent {
        let open = chardevs.iter().any(|chardev| chardev.label == agent.chardev && chardev.frontend_open);
        guest.agent_connected.store(open, Ordering::Relaxed);
    }
}

fn died(exit: &str, log: &RunLog) -> Error {
    let words = log.last_words();
    let sentence = if words.is_empty() {
        format!("QEMU ended at once ({exit}) and said nothing")
    } else {
        format!("QEMU ended at once ({exit}): {words}")
    };
    Error::new(ErrorKind::HypervisorFailed, sentence)
}

fn too_late(limit: Duration, log: &RunLog) -> Error {
    let words = log.last_words();
    let said = if words.is_empty() { String::new() } else { format!("; QEMU said: {words}") };
    let sentence = format!("QEMU was not ready within {} s (start_timeout_seconds in the settings){said}", limit.as_secs_f32().round());
    Error::new(ErrorKind::TimedOut, sentence)
}
