//! Composition: build the parts, find what runs, serve the bus, leave when nobody needs us.
//!
//! Order at the start: lock the store, find the guests, put the objects on the bus, then take the
//! name: whoever sees the name sees everything. At the end: give the name up, see whether a call came
//! in at the last moment, and only then go. Guests stay.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::types::InstanceKind;
use tokio::signal::unix::{SignalKind, signal};
use zbus::Connection;
use zbus::fdo::{RequestNameFlags, RequestNameReply};

use crate::authorization::OwnerOnly;
use crate::bus::{self, Clients};
use crate::confinement;
use crate::domains::{Engine, Parts};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Publisher;
use crate::hypervisors::qemu::{self, QemuDriver};
use crate::settings::Settings;
use crate::store::{Layout, Store, StoreError};

/// How long a store may still be locked by a service that is just leaving.
const HANDOVER: Duration = Duration::from_secs(3);

/// Which service to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Keep all files below this directory instead of the usual ones.
    pub root: Option<PathBuf>,
    /// Leave after so many seconds without work, instead of what the settings say; 0 means never.
    pub idle_timeout: Option<u64>,
}

/// Runs the session service until it is told to stop or nobody needs it.
///
/// # Errors
/// It cannot start: the bus, the store or the settings are not usable, or another one is running.
pub async fn run_session(options: Options) -> Result<()> {
    let layout = match &options.root {
        Some(root) => Layout::under(root),
        None => Layout::session()?,
    };
    let settings = load_settings(&layout)?;
    let connection = bus::answering(zbus::connection::Builder::session()).build().await.map_err(|error| {
        Error::new(ErrorKind::HostFailed, "cannot reach the session bus; is DBUS_SESSION_BUS_ADDRESS set?").caused_by(error)
    })?;
    refuse_second(&connection).await?;
    let store = Arc::new(open_store(layout).await?);
    let (publisher, publications) = Publisher::new();
    let driver = QemuDriver::new(qemu::Options {
        cache: store.layout().capabilities(),
        emulator: settings.qemu.emulator.clone(),
        start_timeout: Duration::from_secs(settings.start_timeout_seconds),
        session: true,
        policy: qemu::Policy { confine: confinement::of_session(connection.clone()) },
    });
    let parts = Parts { store, drivers: vec![Arc::new(driver)], publisher, console_keep: settings.console.ring_size_bytes };
    let engine = Engine::new(parts);
    engine.recover().await?;
    let authorizer = Arc::new(OwnerOnly::of_this_process());
    let clients = bus::serve(&connection, engine.clone(), authorizer, publications, InstanceKind::Session).await?;
    take_name(&connection).await?;
    tracing::info!("lodged {} serves {} domains on the session bus", env!("CARGO_PKG_VERSION"), engine.registry.len());
    engine.autostart().await;
    let idle_timeout = Duration::from_secs(options.idle_timeout.unwrap_or(settings.idle_timeout_seconds));
    until_over(&connection, &engine, &clients, idle_timeout).await
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

/// Waits for the reason to go: a signal, the end of the bus, or nothing to do.
async fn until_over(connection: &Connection, engine: &Arc<Engine>, clients: &Clients, idle_timeout: Duration) -> Result<()> {
    let handler = |kind| signal(kind).map_err(|error| Error::new(ErrorKind::HostFailed, "cannot listen for signals").caused_by(error));
    let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    loop {
        tokio::select! {
            _ = terminate.recv() => return leave("it was asked to"),
            _ = interrupt.recv() => return leave("it was interrupted"),
            () = connection.closed() => return leave("the bus is gone"),
            () = idle(engine, clients, idle_timeout) => {}
        }
        if give_up_name(connection, engine, clients).await? {
            return leave("nobody needs it; the bus starts it again when somebody does");
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
