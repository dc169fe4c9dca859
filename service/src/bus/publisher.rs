//! From the engine's events to objects and signals, in order, one after the other.
//!
//! Change signals are derived: the old and the new snapshot are compared, property by property. What
//! waits behind an event, usually the answer to a request, is let go once the signal is on its way.

use std::sync::Arc;

use lodge_dbus_interfaces::{DOMAIN_INTERFACE, JOB_INTERFACE, ROOT_PATH, paths};
use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath};

use super::Shared;
use super::domain::DomainObject;
use super::guarded::{self, Guarded};
use super::job::JobObject;
use super::object_manager::{Interfaces, ObjectManager, Pairs, Values};
use super::properties;
use crate::domains::{DomainView, Job, JobState};
use crate::events::{DomainSignal, Event, Publication};

/// Runs until the engine is gone.
pub async fn run(connection: Connection, shared: Arc<Shared>, mut publications: mpsc::Receiver<Publication>) {
    while let Some(Publication { event, then }) = publications.recv().await {
        // A signal that cannot be sent means that the connection is gone, which ends the service.
        if let Err(error) = publish(&connection, &shared, event).await {
            tracing::debug!("a signal was not sent: {error}");
        }
        shared.clients.touch();
        if let Some(then) = then {
            then();
        }
    }
}

async fn publish(connection: &Connection, shared: &Arc<Shared>, event: Event) -> zbus::Result<()> {
    match event {
        Event::DomainAdded(domain) => {
            let view = domain.view();
            let path = paths::domain(&view.name);
            put(connection, shared, &path, DomainObject::new(domain, shared.clone())).await?;
            added(connection, path, Interfaces::Domain(&view)).await
        }
        Event::DomainChanged { old, new } if old.name == new.name => changed(connection, &old, &new).await,
        Event::DomainChanged { old, new } => {
            remove_domain(connection, &old).await?;
            let Some(domain) = shared.engine.registry.by_uuid(new.uuid) else { return Ok(()) };
            let path = paths::domain(&new.name);
            put(connection, shared, &path, DomainObject::new(domain, shared.clone())).await?;
            added(connection, path, Interfaces::Domain(&new)).await
        }
        Event::DomainRemoved(view) => remove_domain(connection, &view).await,
        Event::DomainSignal { domain, signal } => emit(connection, &domain, signal).await,
        Event::JobAdded(job) => {
            let path = paths::job(job.number);
            put(connection, shared, &path, JobObject::new(job.clone(), shared.clone())).await?;
            added(connection, path, Interfaces::Job(&job)).await
        }
        Event::JobEnded(job) => job_ended(connection, &job).await,
        Event::JobRemoved(job) => {
            let path = paths::job(job.number);
            connection.object_server().remove::<JobObject, _>(&path).await?;
            removed(connection, path, JOB_INTERFACE).await
        }
        Event::Network(_) | Event::None => Ok(()),
    }
}

async fn put<T: Guarded>(connection: &Connection, shared: &Arc<Shared>, path: &OwnedObjectPath, object: T) -> zbus::Result<()> {
    guarded::put(connection.object_server(), shared, path, object).await
}

async fn added(connection: &Connection, path: OwnedObjectPath, interfaces: Interfaces<'_>) -> zbus::Result<()> {
    ObjectManager::interfaces_added(&SignalEmitter::new(connection, ROOT_PATH)?, path.into(), interfaces).await
}

async fn removed(connection: &Connection, path: OwnedObjectPath, interface: &str) -> zbus::Result<()> {
    ObjectManager::interfaces_removed(&SignalEmitter::new(connection, ROOT_PATH)?, path.into(), &[interface]).await
}

async fn remove_domain(connection: &Connection, view: &DomainView) -> zbus::Result<()> {
    let path = paths::domain(&view.name);
    connection.object_server().remove::<DomainObject, _>(&path).await?;
    removed(connection, path, DOMAIN_INTERFACE).await
}

async fn changed(connection: &Connection, old: &DomainView, new: &DomainView) -> zbus::Result<()> {
    let path = paths::domain(&new.name);
    properties_changed(connection, &path, DOMAIN_INTERFACE, &properties::changes(properties::DOMAIN, old, new)).await?;
    let emitter = SignalEmitter::new(connection, &path)?;
    for (inactive, before, after) in [(true, &old.definition, &new.definition), (false, &old.live, &new.live)] {
        if before != after {
            DomainObject::xml_changed(&emitter, inactive).await?;
        }
    }
    Ok(())
}

async fn job_ended(connection: &Connection, job: &Job) -> zbus::Result<()> {
    let path = paths::job(job.number);
    let now = |name: &str| properties::JOB.iter().find(|(known, _)| *known == name).map(|(known, value)| (*known, value(job)));
    let values: Values<'_> = ["State", "Message", "Progress", "ProgressValid", "Cancelable"].into_iter().filter_map(now).collect();
    properties_changed(connection, &path, JOB_INTERFACE, &values).await?;
    let state = job.state();
    JobObject::completed(&SignalEmitter::new(connection, &path)?, state == JobState::Succeeded, &properties::message(&state)).await
}

async fn properties_changed(connection: &Connection, path: &OwnedObjectPath, interface: &str, values: &Values<'_>) -> zbus::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let invalidated: &[&str] = &[];
    let body = (interface, Pairs(values), invalidated);
    connection.emit_signal(None::<&str>, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", &body).await
}

async fn emit(connection: &Connection, domain: &str, signal: DomainSignal) -> zbus::Result<()> {
    let path = paths::domain(domain);
    let emitter = SignalEmitter::new(connection, &path)?;
    match signal {
        DomainSignal::Rebooted => DomainObject::rebooted(&emitter).await,
        DomainSignal::GuestPanicked { action } => DomainObject::guest_panicked(&emitter, action, "").await,
        DomainSignal::WatchdogFired(action) => DomainObject::watchdog_fired(&emitter, &action).await,
        DomainSignal::IoError { device, operation, reason, action, message } => {
            DomainObject::io_error(&emitter, &device, &operation, reason, action, &message).await
        }
        DomainSignal::DeviceRemoved(device) => DomainObject::device_removed(&emitter, &device).await,
    }
}
