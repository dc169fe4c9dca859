//! QEMU as a [`Driver`]: completes definitions, starts machines, finds them again, tells what it can do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use lodge_model::domain::{Domain, DomainType};
use lodge_model::domain_capabilities::DomainCapabilities;
use lodge_model::native::Written;
use uuid::Uuid;

use super::capabilities::{Arch, Cache, Capabilities, CapabilitiesError, find_emulator};
use super::choices::Choices;
use super::complete::{self, CompleteError};
use super::input::{Host, Operator, PlanInput};
use super::plan::LaunchPlan;
use super::reconnect::reconnect;
use super::refusal::{Refusal, RefusalKind};
use super::start::{Surroundings, start};
use super::{command, confined, facts, offer, script, validate};
use crate::error::{Error, ErrorKind, Result};
use crate::host::program;
use crate::hypervisors::confine::Confine;
use crate::hypervisors::{Driver, HypervisorView, Launch, MachineType, Offer, Places, Reconnected, Started, Wanted};

/// What the driver of an instance is told.
#[derive(Clone)]
pub struct Options {
    /// The directory for what probing the emulators finds.
    pub cache: PathBuf,
    /// Whether guests are a user's own: with the user's network and firmware instead of the host's.
    pub session: bool,
    /// What an administrator may change while guests run.
    pub policy: Policy,
}

/// What an administrator may change while guests run: the next guest sees the change, those that run keep what they have.
#[derive(Clone)]
pub struct Policy {
    /// The emulator for definitions that name none, instead of the one that is found.
    pub emulator: Option<PathBuf>,
    /// How long an emulator may take from its launch to its first answer.
    pub start_timeout: Duration,
    /// Decides how guests are confined.
    pub confine: Arc<dyn Confine>,
    /// What guests get whose definitions leave it open.
    pub choices: Choices,
}

/// QEMU of one instance.
pub struct QemuDriver {
    cache: Cache,
    session: bool,
    policy: RwLock<Policy>,
    /// The last description, with what it describes.
    described: Mutex<Option<Described>>,
}

struct Described {
    of: Vec<(Arch, Arc<Capabilities>)>,
    view: HypervisorView,
}

impl QemuDriver {
    /// The driver of an instance.
    pub fn new(options: Options) -> Self {
        let Options { cache, session, policy } = options;
        Self { cache: Cache::new(cache), session, policy: RwLock::new(policy), described: Mutex::default() }
    }

    /// Takes another policy, for guests that start from now on.
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    fn policy(&self) -> Policy {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a user may have descriptions of firmware. The system's guests have the system's only.
    fn config_home(&self) -> Option<PathBuf> {
        if self.session { config_home() } else { None }
    }

    /// What the QEMU for a definition can do. To find that out, it is run.
    async fn capabilities_for(&self, domain: &Domain) -> Result<Arc<Capabilities>> {
        let emulator = match domain.devices.emulator.as_deref().map(str::trim) {
            Some(path) if !path.is_empty() => self.named(Path::new(path))?,
            _ => self.default_emulator(arch(domain)?)?,
        };
        Ok(self.cache.get(&emulator, &*self.policy().confine).await?)
    }

    /// A program that a definition names. The system's service runs as root and reads definitions of people who are not: a
    /// program of theirs must not be run, and one of root's that is no emulator neither.
    fn named(&self, program: &Path) -> Result<PathBuf> {
        if self.session {
            return Ok(program.to_owned());
        }
        let real = of_root(program)?;
        let name = real.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("qemu") || name == "kvm" {
            return Ok(real);
        }
        let message = format!("{} is not taken for an emulator: its name does not begin with qemu", real.display());
        Err(Error::new(ErrorKind::NotSupported, message))
    }

    fn default_emulator(&self, arch: Arch) -> Result<PathBuf> {
        match self.policy().emulator {
            Some(path) => Ok(path),
            None => Ok(find_emulator(arch)?),
        }
    }

    async fn default_capabilities(&self, arch: Arch) -> Result<Arc<Capabilities>> {
        Ok(self.cache.get(&self.default_emulator(arch)?, &*self.policy().confine).await?)
    }

    async fn plan(&self, launch: &Launch, choices: Choices) -> Result<LaunchPlan> {
        let capabilities = self.capabilities_for(&launch.domain).await?;
        let (launch, config_home, session) = (launch.clone(), self.config_home(), self.session);
        let planning = tokio::task::spawn_blocking(move || {
            let input = PlanInput {
                capabilities: &capabilities,
                firmware: &facts::firmware(config_home.as_deref()),
                programs: &facts::programs(),
                host: &facts::host(&launch.domain),
                operator: Operator::Service,
                session,
                choices: &choices,
                runtime: &launch.runtime.join(confined::SOCKETS),
                nvram: &launch.nvram,
                tpm: &launch.tpm,
                ports: facts::ports(&launch.domain, &choices),
                vsock_cid: Some(vsock_cid(launch.uuid)),
                nics: &launch.nics.iter().map(|(place, nic)| (*place, (nic.queues.len(), nic.vhost.len()))).collect(),
                now: now(),
            };
            command::plan(&launch.domain, &input)
        });
        let planned = planning.await.map_err(|error| Error::new(ErrorKind::Internal, "planning the start crashed").caused_by(error))?;
        let mut plan = planned?;
        if !self.session {
            // A definition may name some of them.
            for companion in &mut plan.companions {
                companion.program = of_root(&companion.program)?;
            }
        }
        Ok(plan)
    }

    /// The emulators that are installed, one for each architecture.
    async fn installed(&self) -> (Vec<(Arch, Arc<Capabilities>)>, Option<Error>) {
        let (mut installed, mut problem) = (Vec::new(), None);
        for arch in Arch::ALL {
            match self.default_capabilities(arch).await {
                Ok(capabilities) => installed.push((arch, capabilities)),
                Err(error) => drop(problem.get_or_insert(error)),
            }
        }
        (installed, problem)
    }
}

#[async_trait]
impl Driver for QemuDriver {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn runs(&self, kind: DomainType) -> bool {
        matches!(kind, DomainType::Qemu | DomainType::Kvm)
    }

    async fn complete(&self, domain: &mut Domain) -> Result<()> {
        let capabilities = match self.capabilities_for(domain).await {
            Ok(capabilities) => Ok(capabilities),
            // The program that it names may come later; it is needed at the start only.
            Err(_) => self.default_capabilities(arch(domain)?).await,
        };
        match capabilities {
            Ok(capabilities) => complete::complete(domain, &*capabilities, &mut random)?,
            Err(_) if is_complete(domain) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn start(&self, launch: Launch) -> Result<Started> {
        let policy = self.policy();
        let plan = self.plan(&launch, policy.choices).await?;
        (launch.take)().await?;
        let surroundings = Surroundings { confine: &*policy.confine, session: self.session };
        start(launch, plan, &surroundings, policy.start_timeout).await
    }

    async fn reconnect(&self, launch: Launch, record: serde_json::Value) -> Result<Reconnected> {
        reconnect(launch, record, &*self.policy().confine).await
    }

    async fn command_line(&self, domain: Domain, places: Places) -> Result<Written> {
        let (capabilities, problem) = match self.capabilities_for(&domain).await {
            Ok(capabilities) => (capabilities, None),
            Err(error) => {
                let here = self.default_capabilities(arch(&domain)?).await.ok();
                let instead = here.map(|here| format!("; put {} in its place, which is here", here.emulator.display()));
                let problem = format!("{error}{}", instead.unwrap_or_default());
                (Arc::new(script::assumed::capabilities(&domain)), Some(problem))
            }
        };
        let config_home = self.config_home();
        let writing = tokio::task::spawn_blocking(move || {
            let host = host(capabilities, config_home.as_deref(), &domain);
            let vsock_cid = vsock_cid(domain.uuid.unwrap_or_default());
            script::write(&domain, &places, &host, &mut script::Chances { random: &mut random, now: now(), vsock_cid })
        });
        let written = writing.await.map_err(|error| Error::new(ErrorKind::Internal, "writing the command crashed").caused_by(error))?;
        let mut written = written?;
        if let Some(problem) = problem {
            written.warnings.insert(0, format!("the command is for a QEMU of today that has everything: {problem}"));
        }
        Ok(written)
    }

    async fn domain_capabilities(&self, wanted: Wanted) -> Result<DomainCapabilities> {
        let Wanted { kind, arch, machine } = wanted;
        let arch = arch.as_deref().map_or(Ok(Arch::ALL[0]), known_arch)?;
        let capabilities = self.default_capabilities(arch).await?;
        let (session, config_home) = (self.session, self.config_home());
        let trying = tokio::task::spawn_blocking(move || {
            let host = host(capabilities, config_home.as_deref(), &Domain::default());
            let domain_type = kind.unwrap_or_else(|| offer::default_type(&host));
            offer::domain_capabilities(&offer::Kind { domain_type, arch, machine, session }, &host)
        });
        trying.await.map_err(|error| Error::new(ErrorKind::Internal, "trying what a domain can have crashed").caused_by(error))?
    }

    async fn offer(&self) -> Offer {
        let (installed, _) = self.installed().await;
        let guests = installed.iter().map(|(arch, capabilities)| offer::guest(*arch, capabilities)).collect();
        // The layers that label guests have their models told here.
        Offer { guests, security_models: self.policy().confine.models() }
    }

    async fn describe(&self) -> HypervisorView {
        let (installed, problem) = self.installed().await;
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        match &*described {
            Some(known) if !installed.is_empty() && same(&known.of, &installed) => known.view.clone(),
            _ => {
                let view = view(&installed, problem);
                *described = Some(Described { of: installed, view: view.clone() });
                view
            }
        }
    }
}

/// What is looked up of this host for a plan. Blocks.
fn host(capabilities: Arc<Capabilities>, config_home: Option<&Path>, domain: &Domain) -> Host {
    Host { capabilities, firmware: facts::firmware(config_home), programs: facts::programs(), devices: facts::host(domain) }
}

fn known_arch(name: &str) -> Result<Arch> {
    Arch::of_name(name).ok_or_else(|| {
        let known: Vec<&str> = Arch::ALL.into_iter().map(Arch::name).collect();
        let sentence = format!("guests of the architecture '{name}' cannot be run; use one of {}", known.join(", "));
        Error::new(ErrorKind::NotSupported, sentence)
    })
}

fn of_root(program: &Path) -> Result<PathBuf> {
    program::of_root(program).map_err(|error| Error::new(ErrorKind::NotSupported, error.to_string()))
}

fn same(one: &[(Arch, Arc<Capabilities>)], other: &[(Arch, Arc<Capabilities>)]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(&one.1, &other.1))
}

fn view(installed: &[(Arch, Arc<Capabilities>)], problem: Option<Error>) -> HypervisorView {
    let Some((_, first)) = installed.first() else {
        let reason = problem.map(|error| error.to_string()).unwrap_or_default();
        return HypervisorView { reason, ..HypervisorView::default() };
    };
    let mut accelerators = vec!["tcg".to_owned()];
    if first.kvm.usable {
        accelerators.insert(0, "kvm".to_owned());
    }
    let machines = installed.iter().flat_map(|(arch, capabilities)| {
        let machines = capabilities.machines.values().filter(|machine| validate::knows_machine(&machine.name));
        machines.map(|machine| MachineType {
            arch: arch.name().to_owned(),
            name: machine.name.clone(),
            alias: machine.alias.clone(),
            default: machine.is_default,
            max_vcpus: machine.cpu_max,
            deprecated: machine.deprecated,
        })
    });
    HypervisorView {
        version: first.version.qemu.to_string(),
        available: true,
        reason: String::new(),
        accelerators,
        architectures: installed.iter().map(|(arch, _)| arch.name().to_owned()).collect(),
        machines: machines.collect(),
    }
}

/// A QEMU of which nothing is known: it changes nothing in a definition that is complete.
struct NoQemu;

impl complete::Platform for NoQemu {
    fn emulator(&self) -> &str {
        ""
    }

    fn machine(&self, _name: &str) -> Option<&str> {
        None
    }

    fn default_machine(&self) -> Option<&str> {
        None
    }

    fn has_device(&self, _name: &str) -> bool {
        true
    }
}

/// Whether a definition leaves nothing open, so that it can be taken on a host without QEMU.
fn is_complete(domain: &Domain) -> bool {
    let mut completed = domain.clone();
    complete::complete(&mut completed, &NoQemu, &mut random).is_ok() && completed == *domain
}

fn arch(domain: &Domain) -> Result<Arch> {
    match complete::architecture(domain) {
        "x86_64" => Ok(Arch::X86_64),
        "i686" => Ok(Arch::I686),
        other => {
            let sentence = format!("guests of the architecture '{other}' cannot be run; write arch='x86_64' or arch='i686' in <os><type>");
            Err(Error::new(ErrorKind::NotSupported, sentence))
        }
    }
}

/// The user's configuration directory (XDG Base Directory Specification), in which firmware may be described.
fn config_home() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| std::env::home_dir().map(|home| home.join(".config")))
}

/// A context id that is always the same for a domain; 0 to 2 have meanings of their own (vsock(7)).
fn vsock_cid(uuid: Uuid) -> u32 {
    let (number, ..) = uuid.as_fields();
    (number & 0x7fff_ffff).max(3)
}

/// The time, in seconds since 1970 UTC.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A uniform number. The generator of UUIDs is the system's; four of a UUID's bytes are random as they are.
fn random() -> u32 {
    let (number, ..) = Uuid::new_v4().as_fields();
    number
}

impl From<CapabilitiesError> for Error {
    fn from(error: CapabilitiesError) -> Self {
        let kind = match &error {
            CapabilitiesError::NotFound { .. } | CapabilitiesError::TooOld { .. } | CapabilitiesError::Examine { .. } => {
                ErrorKind::NotSupported
            }
            _ => ErrorKind::HypervisorFailed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CompleteError> for Error {
    fn from(error: CompleteError) -> Self {
        let kind = match &error {
            CompleteError::Invalid(_) => ErrorKind::InvalidXml,
            CompleteError::Unsupported(_) => ErrorKind::NotSupported,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind {
            RefusalKind::InvalidXml => ErrorKind::InvalidXml,
            RefusalKind::NotSupported => ErrorKind::NotSupported,
        };
        Self::new(kind, refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    async fn complete(driver: &QemuDriver, xml: &str) -> Result<Domain> {
        let (mut domain, _) = Domain::parse(xml).unwrap();
        driver.complete(&mut domain).await.map(|()| domain)
    }

    fn driver(directory: &Path, emulator: Option<PathBuf>) -> QemuDriver {
        let confine = Arc::new(crate::hypervisors::confine::Unconfined);
        let policy = Policy { emulator, start_timeout: Duration::from_secs(60), confine, choices: Choices::default() };
        QemuDriver::new(Options { cache: directory.join("cache"), session: true, policy })
    }

    #[tokio::test]
    async fn the_system_runs_no_program_that_others_put_there() {
        let directory = tempfile::tempdir().unwrap();
        let (program, ran) = (directory.path().join("qemu-system-x86_64"), directory.path().join("ran"));
        std::fs::write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let system = QemuDriver { session: false, ..driver(directory.path(), None) };
        for (program, why) in [(program.to_str().unwrap(), "changed by others"), ("/usr/bin/env", "does not begin with qemu")] {
            let (domain, _) = Domain::parse(&xml(&format!("<emulator>{program}</emulator>"))).unwrap();
            let error = system.capabilities_for(&domain).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            // The definition is kept all the same, completed by the installed one.
            complete(&system, &domain.to_xml()).await.unwrap();
        }
        assert!(!ran.exists());
    }

    fn xml(emulator: &str) -> String {
        format!("<domain type='kvm'><name>a</name><memory>65536</memory><os><type>hvm</type></os><devices>{emulator}</devices></domain>")
    }

    #[tokio::test]
    async fn an_emulator_that_is_not_there_yet_is_kept_in_the_definition() {
        let directory = tempfile::tempdir().unwrap();
        let driver = driver(directory.path(), None);
        let domain = complete(&driver, &xml("<emulator>/nowhere/qemu</emulator>")).await.unwrap();
        assert_eq!(domain.devices.emulator.as_deref(), Some("/nowhere/qemu"));
        let error = driver.capabilities_for(&domain).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported);
        assert!(error.to_string().contains("/nowhere/qemu"), "{error}");
    }

    #[tokio::test]
    async fn without_qemu_only_a_complete_definition_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let with = driver(directory.path(), None);
        let without = driver(directory.path(), Some("/nowhere/qemu".into()));
        assert_eq!(complete(&without, &xml("")).await.unwrap_err().kind(), ErrorKind::NotSupported);
        let mut whole = complete(&with, &xml("")).await.unwrap();
        whole.devices.emulator = Some("/nowhere/other".into());
        assert_eq!(complete(&without, &whole.to_xml()).await.unwrap(), whole);
        assert!(!without.describe().await.available);
    }

    #[tokio::test]
    async fn without_qemu_a_command_is_written_for_a_host_that_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let places = Places { sockets: root.join("by-hand"), nvram: root.join("nvram"), tpm: root.join("tpm") };
        let (domain, _) = Domain::parse(&xml("<emulator>/nowhere/qemu</emulator>")).unwrap();
        let written = driver(root, None).command_line(domain, places).await.unwrap();
        assert!(written.text.starts_with("/nowhere/qemu \\\n  -name guest=a,"), "{}", written.text);
        assert!(written.text.contains("-machine pc,"), "{}", written.text);
        let told = written.warnings.concat();
        assert!(told.contains("/nowhere/qemu") && told.contains("; put /usr/bin/qemu-system-x86_64 in its place"), "{told}");
        assert_eq!(written.warnings.len(), 1);
        assert!(["by-hand", "nvram", "tpm"].iter().all(|made| !root.join(made).exists()));
    }
}
