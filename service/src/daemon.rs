//! Composition: build the parts, find what runs, serve the bus, leave when nobody needs us.
//!
//! The instance of a user and that of the system are made of the same parts. They differ in their bus, their directories,
//! and in who decides what a caller may do.
//!
//! Order at the start: lock the store, find the guests, put the objects on the bus, then take the
//! name: whoever sees the name sees everything. At the end: give the name up, see whether a call came
//! in at the last moment, and only then go. Guests stay.

pub mod policy;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::types::InstanceKind;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zbus::Connection;
use zbus::fdo::{RequestNameFlags, RequestNameReply};

use policy::Policies;

use crate::authorization::{Authorizer, OwnerOnly, Polkit};
use crate::bus::{self, Clients, Served};
use crate::confinement::selinux::Pairs;
use crate::domains::{Engine, Parts};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Publisher;
use crate::host::firewalld::Firewalld;
use crate::host::sysfs::Sysfs;
use crate::hypervisors::Driver;
use crate::hypervisors::qemu::{self, QemuDriver};
use crate::jobs::Jobs;
use crate::networks::Networks;
use crate::node_devices::NodeDevices;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::storage::{self, Storage};
use crate::store::{Layout, Store, StoreError};

/// How long a store may still be locked by a service that is just leaving.
const HANDOVER: Duration = Duration::from_secs(3);

/// Whose service to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {
    /// One user's, on the session bus.
    Session,
    /// The machine's, on the system bus.
    System,
}

impl Instance {
    fn kind(self) -> InstanceKind {
        match self {
            Self::Session => InstanceKind::Session,
            Self::System => InstanceKind::System,
        }
    }
}

/// Which service to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whose.
    pub instance: Instance,
    /// Keep all files below this directory instead of the usual ones.
    pub root: Option<PathBuf>,
    /// Leave after so many seconds without work, instead of what the settings say; 0 means never.
    pub idle_timeout: Option<u64>,
}

/// How long the bus name waits for storage that does not answer.
const PATIENCE_WITH_POOLS: Duration = Duration::from_secs(5);

/// Runs the service until it is told to stop or nobody needs it.
///
/// # Errors
/// It cannot start: the bus, the store or the settings are not usable, or another one is running.
pub async fn run(options: Options) -> Result<()> {
    let Options { instance, root, idle_timeout } = options;
    // Before there is anybody to send them: what nobody listens for would end the service.
    let signals = Signals::listen()?;
    let layout = layout(instance, root.as_deref())?;
    let settings = load_settings(&layout)?;
    let connection = connect(instance).await?;
    refuse_second(&connection).await?;
    let store = Arc::new(open_store(layout).await?);
    let (publisher, publications) = Publisher::new();
    let policies = policies(instance, connection.clone(), store.layout());
    let driver = Arc::new(QemuDriver::new(qemu::Options {
        cache: store.layout().capabilities(),
        session: instance == Instance::Session,
        policy: policies.now(&settings)?,
    }));
    let devices = NodeDevices::load(Sysfs::of_this_host(), store.clone(), publisher.clone()).await?;
    let secrets = Secrets::load(store.clone(), publisher.clone())?;
    let networks = Networks::new(store.clone(), publisher.clone(), instance == Instance::Session)?;
    let jobs = Arc::new(Jobs::new(publisher.clone()));
    let storage =
        Storage::new(storage::Parts { store: store.clone(), publisher: publisher.clone(), jobs: jobs.clone(), secrets: secrets.clone() });
    let drivers: Vec<Arc<dyn Driver>> = vec![driver.clone()];
    let console_keep = settings.console.ring_size_bytes;
    let parts = Parts {
        store,
        drivers,
        publisher,
        jobs,
        networks: networks.clone(),
        devices: devices.clone(),
        secrets: secrets.clone(),
        storage: storage.clone(),
        console_keep,
    };
    let engine = Engine::new(parts);
    if instance == Instance::System {
        networks.follow_firewalld(Firewalld::on(connection.clone())).await;
    }
    networks.recover().await?;
    engine.recover().await?;
    let served = Served { engine: engine.clone(), networks: networks.clone(), secrets, storage: storage.clone(), devices: devices.clone() };
    let clients = bus::serve(&connection, served, authorizer(instance)?, publications, instance.kind()).await?;
    // What changes is told to the bus, so there has to be one.
    engine.give_lost_devices_back().await;
    if instance == Instance::System {
        networks.offer_default().await;
    }
    find_pools(storage).await?;
    take_name(&connection).await?;
    tracing::info!("lodged {} serves {} domains on the {} bus", env!("CARGO_PKG_VERSION"), engine.registry.len(), instance.kind());
    devices.follow();
    engine.autostart().await;
    Service { connection, engine, clients, driver, policies, settings, idle_timeout }.until_over(signals).await
}

/// Finds the pools again. One that does not answer, such as a server that is gone, does not keep the others waiting for long.
async fn find_pools(storage: Arc<Storage>) -> Result<()> {
    let mut finding = tokio::spawn(async move {
        storage.recover().await?;
        storage.make_default().await;
        Ok(())
    });
    match tokio::time::timeout(PATIENCE_WITH_POOLS, &mut finding).await {
        Ok(found) => found.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, "finding the pools crashed").caused_by(error))),
        Err(_) => {
            tracing::warn!("not all storage answers; pools appear when it does");
            Ok(())
        }
    }
}

fn layout(instance: Instance, root: Option<&Path>) -> Result<Layout> {
    match (instance, root) {
        (_, Some(root)) => Ok(Layout::under(root)),
        (Instance::Session, None) => Ok(Layout::session()?),
        (Instance::System, None) if rustix::process::geteuid().is_root() => Ok(Layout::system()),
        (Instance::System, None) => Err(Error::new(
            ErrorKind::NotAuthorized,
            "the system instance runs as root, usually started by the system bus; run lodged --session for your own virtual machines",
        )),
    }
}

async fn connect(instance: Instance) -> Result<Connection> {
    let (builder, unreachable) = match instance {
        Instance::Session => (zbus::connection::Builder::session(), "cannot reach the session bus; is DBUS_SESSION_BUS_ADDRESS set?"),
        Instance::System => (zbus::connection::Builder::system(), "cannot reach the system bus; start it with: systemctl start dbus"),
    };
    bus::answering(builder).build().await.map_err(|error| Error::new(ErrorKind::HostFailed, unreachable).caused_by(error))
}

fn authorizer(instance: Instance) -> Result<Arc<dyn Authorizer>> {
    Ok(match instance {
        Instance::Session => Arc::new(OwnerOnly::of_this_process()),
        Instance::System => Arc::new(Polkit::start()?),
    })
}

fn policies(instance: Instance, bus: Connection, layout: &Layout) -> Policies {
    match instance {
        Instance::Session => Policies::Session { bus },
        Instance::System => Policies::System { layout: layout.clone(), bus, pairs: Pairs::default() },
    }
}

fn load_settings(layout: &Layout) -> Result<Settings> {
    let (settings, unknown) =
        Settings::load(&layout.settings()).map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
    for key in unknown {
        tracing::warn!("{key}");
    }
    Ok(settings)
}

/// A service that is just leaving still holds the locks for a moment after it gave up the name.
async fn open_store(layout: Layout) -> Result<Store> {
    let since = Instant::now();
    loop {
        match Store::open(layout.clone()) {
            Err(StoreError::Locked { .. }) if since.elapsed() < HANDOVER => tokio::time::sleep(Duration::from_millis(20)).await,
            other => return Ok(other?),
        }
    }
}

async fn refuse_second(connection: &Connection) -> Result<()> {
    let bus = zbus::fdo::DBusProxy::new(connection).await.map_err(no_bus)?;
    let name = zbus::names::BusName::try_from(BUS_NAME)
        .map_err(|error| Error::new(ErrorKind::Internal, "the bus name is malformed").caused_by(error))?;
    match bus.name_has_owner(name).await {
        Ok(true) => Err(already_running()),
        Ok(false) => Ok(()),
        Err(error) => Err(no_bus(error.into())),
    }
}

async fn take_name(connection: &Connection) -> Result<()> {
    match connection.request_name_with_flags(BUS_NAME, RequestNameFlags::DO_NOT_QUEUE).await {
        Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => Ok(()),
        Ok(_) | Err(zbus::Error::NameTaken) => Err(already_running()),
        Err(error @ zbus::Error::MethodError(..)) => {
            let message =
                format!("the bus does not let this service have the name {BUS_NAME}; its policy lets root have it, where it is installed");
            Err(Error::new(ErrorKind::NotAuthorized, message).caused_by(error))
        }
        Err(error) => Err(no_bus(error)),
    }
}

fn already_running() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("another service has the name {BUS_NAME} on this bus already; use that one, or end it first"),
    )
}

fn no_bus(error: zbus::Error) -> Error {
    Error::new(ErrorKind::HostFailed, "the message bus does not work").caused_by(error)
}

/// What the service is told by signals.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let on = |kind| signal(kind).map_err(|error| Error::new(ErrorKind::HostFailed, "cannot listen for signals").caused_by(error));
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())?, hangup: on(SignalKind::hangup())? })
    }
}

/// The parts that stay in sight while the service runs.
struct Service {
    connection: Connection,
    engine: Arc<Engine>,
    clients: Clients,
    driver: Arc<QemuDriver>,
    policies: Policies,
    settings: Settings,
    /// What the command line says instead of the settings.
    idle_timeout: Option<u64>,
}

impl Service {
    /// Waits for the reason to go: a signal, the end of the bus, or nothing to do. SIGHUP makes it read its settings.
    async fn until_over(mut self, mut signals: Signals) -> Result<()> {
        loop {
            let idle_timeout = Duration::from_secs(self.idle_timeout.unwrap_or(self.settings.idle_timeout_seconds));
            tokio::select! {
                _ = signals.terminate.recv() => return leave("it was asked to"),
                _ = signals.interrupt.recv() => return leave("it was interrupted"),
                _ = signals.hangup.recv() => {
                    self.reload();
                    continue;
                }
                () = self.connection.closed() => return leave("the bus is gone"),
                () = idle(&self.engine, &self.clients, idle_timeout) => {}
            }
            if give_up_name(&self.connection, &self.engine, &self.clients).await? {
                return leave("nobody needs it; the bus starts it again when somebody does");
            }
        }
    }

    /// Takes the settings as they are now. Ones that cannot be meant change nothing.
    fn reload(&mut self) {
        let read = || {
            let settings = load_settings(self.engine.layout())?;
            let policy = self.policies.now(&settings)?;
            Ok::<_, Error>((settings, policy))
        };
        match read() {
            Ok((settings, policy)) => {
                self.driver.set_policy(policy);
                self.engine.keep_of_consoles(settings.console.ring_size_bytes);
                self.settings = settings;
                tracing::info!("the settings were read again");
            }
            Err(error) => tracing::error!("the settings stay as they were: {error}"),
        }
    }
}

fn leave(why: &str) -> Result<()> {
    tracing::info!("lodged leaves: {why}");
    Ok(())
}

/// Answers when there was nothing to do for so long. Never for a timeout of 0.
async fn idle(engine: &Engine, clients: &Clients, timeout: Duration) {
    let mut activity = clients.activity();
    loop {
        activity.mark_unchanged();
        if timeout.is_zero() || is_needed(engine, clients) {
            // The sender lives as long as we look at it.
            drop(activity.changed().await);
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(timeout) => return,
            _ = activity.changed() => {}
        }
    }
}

fn is_needed(engine: &Engine, clients: &Clients) -> bool {
    clients.any() || engine.registry.any_active() || engine.jobs.any_running()
}

/// Gives the bus name up, unless a call came in at the last moment: then takes it back. A call that
/// comes later starts the service anew.
async fn give_up_name(connection: &Connection, engine: &Engine, clients: &Clients) -> Result<bool> {
    connection.release_name(BUS_NAME).await.map_err(no_bus)?;
    clients.caught_up(connection).await.map_err(no_bus)?;
    if is_needed(engine, clients) {
        take_name(connection).await?;
        return Ok(false);
    }
    Ok(true)
}
