//! What is asked of both sides, and the calls that are the same for both.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::{Connection, ObjectPath, Variant};

use crate::Result;
use crate::process::Memory;

/// One side. Numbers name the domains of [`crate::documents`].
pub trait Service {
    /// Its name on the bus.
    const NAME: &'static str;

    /// Starts it; answers with the time until a call to it was answered.
    async fn launch(&mut self) -> Result<Duration>;

    /// Ends it.
    fn end(&mut self);

    /// What all of its processes take.
    fn memory(&self) -> Result<Memory>;

    /// The connection its calls go over.
    fn connection(&self) -> &Connection;

    /// An object to read from: that of domain 0.
    fn object(&self) -> ObjectPath<'_>;

    /// The interface of that object.
    fn interface(&self) -> &'static str;

    /// Stores a domain.
    async fn define(&mut self, xml: &str) -> Result<()>;

    /// Reads everything there is to know of all domains without their documents; answers with their number.
    async fn inventory(&self) -> Result<usize>;

    /// Reads the document of domain 0; answers with its length.
    async fn document(&self) -> Result<usize>;

    /// Starts the guest that can be started and waits until it runs.
    async fn start_guest(&self) -> Result<()>;

    /// Ends it.
    async fn destroy_guest(&self) -> Result<()>;

    /// Reads one property.
    async fn read_property(&self) -> Result<()> {
        let body = (self.interface(), "Persistent");
        let reply = self.connection().call_method(Some(Self::NAME), self.object(), Some(PROPERTIES), "Get", &body).await?;
        match reply.body().deserialize()? {
            Variant::Bool(true) => Ok(()),
            other => Err(format!("the domain is not persistent but {other:?}").into()),
        }
    }

    /// Makes a round trip that asks for nothing.
    async fn ping(&self) -> Result<()> {
        self.connection().call_method(Some(Self::NAME), self.object(), Some("org.freedesktop.DBus.Peer"), "Ping", &()).await?;
        Ok(())
    }
}

/// The interface with Get and GetAll.
pub const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// All properties of an object.
pub type Properties<'a> = HashMap<&'a str, Variant<'a>>;

/// Objects with their interfaces and properties, as [`managed_objects`] tells them.
pub type Objects<'a> = HashMap<ObjectPath<'a>, HashMap<&'a str, Properties<'a>>>;

/// The whole inventory of ours, to be decoded as [`Objects`].
pub async fn managed_objects(connection: &Connection) -> Result<zbus::message::Body> {
    let manager = Some("org.freedesktop.DBus.ObjectManager");
    let name = Some(lodge_dbus_interfaces::BUS_NAME);
    let reply = connection.call_method(name, lodge_dbus_interfaces::ROOT_PATH, manager, "GetManagedObjects", &()).await?;
    Ok(reply.body())
}

/// The time from `spawn` until the bus name it brings has an owner and `call` was answered.
pub async fn until_answered(
    connection: &Connection,
    name: &'static str,
    spawn: impl FnOnce() -> Result<()>,
    call: impl AsyncFnOnce() -> Result<()>,
) -> Result<Duration> {
    let bus = DBusProxy::new(connection).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, name)]).await?;
    if bus.name_has_owner(BusName::try_from(name)?).await? {
        return Err(format!("{name} is on the bus already").into());
    }
    let since = Instant::now();
    spawn()?;
    owners.next().await.ok_or("the bus is gone")?;
    call().await?;
    Ok(since.elapsed())
}

/// Waits until a bus name has no owner.
pub async fn gone(connection: &Connection, name: &'static str) -> Result<()> {
    let bus = DBusProxy::new(connection).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, name)]).await?;
    while bus.name_has_owner(BusName::try_from(name)?).await? {
        owners.next().await.ok_or("the bus is gone")?;
    }
    Ok(())
}
