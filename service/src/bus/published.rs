//! Snapshots as objects of the bus: which interface, which properties, which path, and who may see them.
//!
//! A new kind of object is added by implementing [`Published`] here and [`Placed`] beside its object.

use std::sync::Arc;

use lodge_dbus_interfaces::{DOMAIN_INTERFACE, JOB_INTERFACE, NODE_DEVICE_INTERFACE, SECRET_INTERFACE, paths};
use zbus::OwnedObjectPath;

use super::Shared;
use super::guarded::Guarded;
use super::properties::{self, Property};
use crate::authorization::{Action, Details, Subject};
use crate::domains::DomainView;
use crate::jobs::Job;
use crate::node_devices::DeviceView;
use crate::secrets::SecretView;

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
        Subject::Secret(uuid) => paths::secret(&uuid.to_string()),
        Subject::Device(name) => paths::device(name),
    }
}

/// What seeing an object takes.
pub fn view_action(subject: &Subject) -> Action {
    match subject {
        Subject::Domain(_) => Action::DomainView,
        Subject::Secret(_) => Action::SecretView,
        Subject::Device(_) => Action::DeviceView,
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

impl Published for SecretView {
    const INTERFACE: &'static str = SECRET_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::SECRET;

    fn path(&self) -> OwnedObjectPath {
        path(&self.subject())
    }
}

impl Published for DeviceView {
    const INTERFACE: &'static str = NODE_DEVICE_INTERFACE;
    const PROPERTIES: &'static [Property<Self>] = properties::NODE_DEVICE;

    fn path(&self) -> OwnedObjectPath {
        paths::device(&self.name)
    }
}
