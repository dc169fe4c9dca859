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
use super::published::{Placed, Published};
use crate::domains::DomainView;
use crate::events::{Change, DomainSignal, Event, Publication};
use crate::jobs::{Job, JobState};

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
            added(connection, &*view).await
        }
        Event::DomainChanged { old, new } if old.name == new.name => changed(connection, &old, &new).await,
        Event::DomainChanged { old, new } => {
            remove_domain(connection, &old).await?;
            let Some(domain) = shared.engine.registry.by_uuid(new.uuid) else { return Ok(()) };
            let path = paths::domain(&new.name);
            put(connection, shared, &path, DomainObject::new(domain, shared.clone())).await?;
            added(connection, &*new).await
        }
        Event::DomainRemoved(view) => remove_domain(connection, &view).await,
        Event::DomainSignal { domain, signal } => emit(connection, &domain, signal).await,
        Event::JobAdded(job) => {
            let path = paths::job(job.number);
            put(connection, shared, &path, JobObject::new(job.clone(), shared.clone())).await?;
            added(connection, &*job).await
        }
        Event::JobProgressed(job) => job_progressed(connection, &job).await,
        Event::JobEnded(job) => job_ended(connection, &job).await,
        Event::JobRemoved(job) => {
            let path = paths::job(job.number);
            connection.object_server().remove::<JobObject, _>(&path).await?;
            removed(connection, path, JOB_INTERFACE).await
        }
        Event::Secret(change) => follow(connection, shared, change).await,
        Event::Network(change) => follow(connection, shared, change).await,
        Event::Pool(change) => follow(connection, shared, change).await,
        Event::Volume(change) => follow(connection, shared, change).await,
        Event::None => Ok(()),
    }
}

/// Puts the objects of snapshots into the tree, before anybody looks.
pub async fn place<T: Placed>(connection: &Connection, shared: &Arc<Shared>, views: Vec<Arc<T>>) -> zbus::Result<()> {
    for view in views {
        put(connection, shared, &view.path(), view.object(shared.clone())).await?;
    }
    Ok(())
}

/// Lets an object come, change or go with its snapshots.
async fn follow<T: Placed>(connection: &Connection, shared: &Arc<Shared>, change: Change<T>) -> zbus::Result<()> {
    match change {
        Change::Added(view) => {
            put(connection, shared, &view.path(), view.object(shared.clone())).await?;
            added(connection, &*view).await
        }
        Change::Changed { old, new } => {
            properties_changed(connection, &new.path(), T::INTERFACE, &properties::changes(T::PROPERTIES, &old, &new)).await
        }
        Change::Removed(view) => {
            let path = view.path();
            connection.object_server().remove::<T::Object, _>(&path).await?;
            removed(connection, path, T::INTERFACE).await
        }
    }
}

async fn put<T: Guarded>(connection: &Connection, shared: &Arc<Shared>, path: &OwnedObjectPath, object: T) -> zbus::Result<()> {
    guarded::put(connection.object_server(), shared, path, object).await
}

async fn added<T: Published>(connection: &Connection, view: &T) -> zbus::Result<()> {
    let body = (view.path(), Interfaces(view));
    connection.emit_signal(None::<&str>, ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", &body).await
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

/// What changes while a job goes on.
const PROGRESS: &[&str] = &["Progress", "ProgressValid", "Bytes", "Rate", "ExpectedEndTime"];

async fn job_changed(connection: &Connection, job: &Job, properties: &[&str]) -> zbus::Result<()> {
    let changed = properties::JOB.iter().filter(|(name, _)| properties.contains(name));
    let values: Values<'_> = changed.map(|(name, value)| (*name, value(job))).collect();
    properties_changed(connection, &job.path(), JOB_INTERFACE, &values).await
}

async fn job_progressed(connection: &Connection, job: &Job) -> zbus::Result<()> {
    job_changed(connection, job, PROGRESS).await
}

async fn job_ended(connection: &Connection, job: &Job) -> zbus::Result<()> {
    job_changed(connection, job, &["State", "Message", "Progress", "ProgressValid", "Cancelable"]).await?;
    let path = paths::job(job.number);
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
