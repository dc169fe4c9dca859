//! The devices of this machine, as both sides tell them: the same names, on the same parents, and how long that takes.
//!
//! Invariant: sides that do not tell the same are not compared; the run fails and names the difference.

use std::collections::BTreeMap;

use lodge_dbus_interfaces::{NODE_DEVICE_INTERFACE, paths};
use zbus::{Connection, OwnedObjectPath, Variant};

use crate::Result;
use crate::service::{Objects, PROPERTIES, Properties, managed_objects};

const LODGE: &str = lodge_dbus_interfaces::BUS_NAME;
const LIBVIRT: &str = "org.libvirt";
const LIBVIRT_PATH: &str = "/org/libvirt/QEMU";
const LIBVIRT_DEVICE: &str = "org.libvirt.NodeDevice";

/// Names of devices, and of what each is on.
pub type Devices = BTreeMap<String, String>;

fn text(properties: &Properties<'_>, name: &str) -> String {
    properties.get(name).and_then(|value| <&str>::try_from(value).ok()).unwrap_or_default().to_owned()
}

/// Ours.
pub async fn of_lodge(connection: &Connection) -> Result<Devices> {
    let body = managed_objects(connection).await?;
    let objects: Objects<'_> = body.deserialize()?;
    let devices = objects.values().filter_map(|interfaces| interfaces.get(NODE_DEVICE_INTERFACE));
    Ok(devices.map(|properties| (text(properties, "Name"), text(properties, "Parent"))).collect())
}

async fn paths_of_libvirt(connection: &Connection) -> Result<Vec<OwnedObjectPath>> {
    let reply = connection.call_method(Some(LIBVIRT), LIBVIRT_PATH, Some("org.libvirt.Connect"), "ListNodeDevices", &0_u32).await?;
    Ok(reply.body().deserialize()?)
}

/// Theirs: a property at a time, because `GetAll` leaves out what their devices have.
pub async fn of_libvirt(connection: &Connection) -> Result<Devices> {
    let mut devices = Devices::new();
    for path in paths_of_libvirt(connection).await? {
        let name = property_of_libvirt(connection, &path, "Name").await?;
        // What is on nothing has no parent to tell.
        devices.insert(name, property_of_libvirt(connection, &path, "Parent").await.unwrap_or_default());
    }
    Ok(devices)
}

async fn property_of_libvirt(connection: &Connection, path: &OwnedObjectPath, name: &str) -> Result<String> {
    let reply = connection.call_method(Some(LIBVIRT), path, Some(PROPERTIES), "Get", &(LIBVIRT_DEVICE, name)).await?;
    let body = reply.body();
    let value: Variant<'_> = body.deserialize()?;
    Ok(<&str>::try_from(&value)?.to_owned())
}

/// Reads the documents of ours.
pub async fn documents_of_lodge(connection: &Connection, devices: &Devices) -> Result<()> {
    for name in devices.keys() {
        let path = paths::device(name);
        connection.call_method(Some(LODGE), &path, Some(NODE_DEVICE_INTERFACE), "GetXml", &Properties::new()).await?;
    }
    Ok(())
}

/// Reads the documents of theirs.
pub async fn documents_of_libvirt(connection: &Connection) -> Result<()> {
    for path in paths_of_libvirt(connection).await? {
        connection.call_method(Some(LIBVIRT), &path, Some(LIBVIRT_DEVICE), "GetXMLDesc", &0_u32).await?;
    }
    Ok(())
}

/// Tells where two sides differ.
pub fn compare(ours: &Devices, theirs: &Devices) -> Result<()> {
    let only = |these: &Devices, those: &Devices| -> Vec<String> {
        these
            .iter()
            .filter(|(name, parent)| those.get(*name) != Some(parent))
            .map(|(name, parent)| format!("{name} on '{parent}'"))
            .collect()
    };
    let (ours_only, theirs_only) = (only(ours, theirs), only(theirs, ours));
    match ours_only.is_empty() && theirs_only.is_empty() {
        true => Ok(()),
        false => Err(format!("the devices differ: only ours: {ours_only:?}; only libvirt's: {theirs_only:?}").into()),
    }
}
