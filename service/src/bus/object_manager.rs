//! The whole inventory in one answer.
//!
//! zbus has an object manager of its own, which asks every property of every object one by one. This
//! one answers from the engine's snapshots: they are serialized as they stand, with nothing awaited
//! and nothing copied into maps first.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_dbus_interfaces::{HYPERVISOR_INTERFACE, paths};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use zbus::message::Header;
use zbus::{Connection, ObjectPath, Signature, Type, Variant};

use super::Shared;
use super::properties::{self, Property};
use super::published::Published;
use super::value::Value;
use super::visible::{self, Visible};
use crate::hypervisors::HypervisorView;

/// The object manager at the root.
pub struct ObjectManager {
    shared: Arc<Shared>,
}

impl ObjectManager {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[zbus::interface(name = "org.freedesktop.DBus.ObjectManager", introspection_docs = false)]
impl ObjectManager {
    #[zbus(out_args("objects"))]
    async fn get_managed_objects(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> lodge_dbus_interfaces::Result<ManagedObjects> {
        let caller = self.shared.clients.caller(&header, connection).await?;
        let visible = visible::to(&self.shared, caller, "GetManagedObjects").await?;
        let mut hypervisors = Vec::new();
        for driver in &visible.drivers {
            hypervisors.push((driver.name(), driver.describe().await));
        }
        Ok(ManagedObjects { visible, hypervisors })
    }

    #[zbus(signal)]
    pub async fn interfaces_added(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        object: ObjectPath<'_>,
        interfaces: HashMap<&str, HashMap<&str, Variant<'_>>>,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn interfaces_removed(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        object: ObjectPath<'_>,
        interfaces: &[&str],
    ) -> zbus::Result<()>;
}

/// Properties by name, as a list.
pub type Values<'a> = Vec<(&'static str, Value<'a>)>;

/// Everything there is, `a{oa{sa{sv}}}`.
struct ManagedObjects {
    visible: Visible,
    hypervisors: Vec<(&'static str, HypervisorView)>,
}

impl Type for ManagedObjects {
    const SIGNATURE: &'static Signature = <HashMap<ObjectPath<'_>, HashMap<&str, HashMap<&str, Variant<'_>>>> as Type>::SIGNATURE;
}

impl Serialize for ManagedObjects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, view) in &self.hypervisors {
            let properties = Table(properties::HYPERVISOR, &(*name, view.clone()));
            map.serialize_entry(&paths::hypervisor(name), &HashMap::from([(HYPERVISOR_INTERFACE, properties)]))?;
        }
        let Visible { domains, networks, jobs, secrets, pools, volumes, drivers: _ } = &self.visible;
        entries(&mut map, domains)?;
        entries(&mut map, networks)?;
        entries(&mut map, secrets)?;
        entries(&mut map, pools)?;
        entries(&mut map, volumes)?;
        entries(&mut map, jobs)?;
        map.end()
    }
}

fn entries<M: SerializeMap, T: Published>(map: &mut M, views: &[Arc<T>]) -> Result<(), M::Error> {
    views.iter().try_for_each(|view| map.serialize_entry(&view.path(), &Interfaces(&**view)))
}

/// One object's interface with its properties, `a{sa{sv}}`.
pub struct Interfaces<'a, T>(pub &'a T);

impl<T> Type for Interfaces<'_, T> {
    const SIGNATURE: &'static Signature = <HashMap<&str, HashMap<&str, Variant<'_>>> as Type>::SIGNATURE;
}

impl<T: Published> Serialize for Interfaces<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(T::INTERFACE, &Table(T::PROPERTIES, self.0))?;
        map.end()
    }
}

/// A table of properties applied to a snapshot, `a{sv}`.
struct Table<'a, T: 'static>(&'static [Property<T>], &'a T);

impl<T> Serialize for Table<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &value(self.1))?;
        }
        map.end()
    }
}

/// A list of pairs as a map, `a{sv}`.
pub struct Pairs<'a>(pub &'a Values<'a>);

impl Type for Pairs<'_> {
    const SIGNATURE: &'static Signature = <HashMap<&str, Variant<'_>> as Type>::SIGNATURE;
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
