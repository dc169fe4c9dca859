//! Snapshots as objects of the bus: which interface, which properties, which path, and who may see them.
//!
//! A new kind of object is added by implementing [`Published`] here and [`Placed`] beside its object.

use std::sync::Arc;

use lodge_dbus_interfaces::{
    DOMAIN_INTERFACE, JOB_INTERFACE, NETWORK_INTERFACE, SECRET_INTERFACE, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE, paths,
};
use zbus::OwnedObjectPath;

use super::Shared;
use super::guarded::Guarded;
use super::properties::{self, Property};
use crate::authorization::{Action, Details, Subject};
use crate::domains::DomainView;
use crate::jobs::Job;
use crate::networks::NetworkView;
use crate::secrets::SecretView;
use crate::storage::{StoragePoolView, VolumeView};

/// A snapshot that is an object of the bus.
pub trait Published: Sized + 'static {
    /// The object's interface.
    const INTERFACE: &'static str;
    /// The interface's properties.
    const PROPERTIES: &'static [Property<Self>];

    /// Where the object is.
    fn path(&self) -> OwnedObjectPath;
}

/// A snapshot whose object comes and goes with it.
pub trait Placed: Published + Send + Sync {
    /// What answers for it.
    type Object: Guarded;
    /// What seeing one of them takes.
    const VIEW: Action;

    /// The object for this snapshot and those after it.
    fn object(&self, shared: Arc<Shared>) -> Self::Object;

    /// What it is.
    fn subject(&self) -> Subject;

    /// What an authorizer is told when a verb is about it.
    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, self.subject())
    }
}

/// Where an object is.
pub fn path(subject: &Subject) -> OwnedObjectPath {
    match subject {
        Subject::Domain(name) => paths::domain(name),
        Subject::Network(name) => paths::network(name),
        Subject::Secret(uuid) => paths::secret(&uuid.to_string()),
        Subject::StoragePool(name) => paths::pool(name),
        Subject::StorageVolume { pool, volume } => paths::volume(pool, volume),
    }
}

/// What seeing an object takes.
pub fn view_action(subject: &Subject) -> Action {
    match subject {
        Subject::Domain(_) => Action::DomainView,
        Subject::Network(_) => Action::NetworkView,
        Subject::Secret(_) => Action::SecretView,
        Subject::StoragePool(_) => Action::PoolView,
        Subject::StorageVolume { .. } => Action::VolumeView,
    }
}

impl Published for DomainView {
    const INTERFACE: &'static str = DOMAIN_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::DOMAIN;

    fn path(&self) -> OwnedObjectPath {
        paths::domain(&self.name)
    }
}

impl Published for Job {
    const INTERFACE: &'static str = JOB_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::JOB;

    fn path(&self) -> OwnedObjectPath {
        paths::job(self.number)
    }
}

impl Published for NetworkView {
    const INTERFACE: &'static str = NETWORK_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::NETWORK;

    fn path(&self) -> OwnedObjectPath {
        paths::network(&self.name)
    }
}

impl Published for StoragePoolView {
    const INTERFACE: &'static str = STORAGE_POOL_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::STORAGE_POOL;

    fn path(&self) -> OwnedObjectPath {
        path(&self.subject())
    }
}

impl Published for VolumeView {
    const INTERFACE: &'static str = STORAGE_VOLUME_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::STORAGE_VOLUME;

    fn path(&self) -> OwnedObjectPath {
        path(&self.subject())
    }
}

impl Published for SecretView {
    const INTERFACE: &'static str = SECRET_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::SECRET;

    fn path(&self) -> OwnedObjectPath {
        path(&self.subject())
    }
}
