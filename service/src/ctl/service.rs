//! The way to the service.

use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::proxies::{DomainProxy, ManagerProxy, StoragePoolProxy, StorageVolumeProxy};
use serde::de::DeserializeOwned;
use zbus::proxy::{CacheProperties, MethodFlags};
use zbus::{Connection, DynamicType, OwnedObjectPath, OwnedVariant, Proxy, Variant};

use super::failure::{Failure, Outcome};
use super::uri::Bus;

/// A connection to the bus where the service is, or where it is started by the first call.
#[derive(Debug)]
pub struct Service {
    /// The connection.
    pub connection: Connection,
    /// The service's way in.
    pub manager: ManagerProxy<'static>,
    /// Whether a person may be asked for reading.
    flags: MethodFlags,
}

impl Service {
    /// Connects to the bus; the service is not called yet.
    ///
    /// # Errors
    /// There is no such bus.
    pub async fn connect(bus: Bus) -> Outcome<Self> {
        Self::connect_with(bus, MethodFlags::ALLOW_INTERACTIVE_AUTH).await
    }

    /// The same for somebody who must not be asked anything.
    ///
    /// # Errors
    /// As [`Service::connect`].
    pub async fn connect_quietly(bus: Bus) -> Outcome<Self> {
        Self::connect_with(bus, MethodFlags::empty()).await
    }

    async fn connect_with(bus: Bus, flags: MethodFlags) -> Outcome<Self> {
        let builder = match bus {
            Bus::Session => zbus::connection::Builder::session(),
            Bus::System => zbus::connection::Builder::system(),
        };
        let connection = builder.build().await.map_err(|error| no_bus(bus, &error))?;
        // Properties are read once or followed by hand.
        let manager = ManagerProxy::builder(&connection).cache_properties(CacheProperties::No).build().await?;
        Ok(Self { connection, manager, flags })
    }

    /// The domain with a name, a UUID or an id.
    ///
    /// # Errors
    /// There is none, or no service.
    pub async fn domain(&self, name: &str) -> Outcome<DomainProxy<'static>> {
        let path = self.manager.get_domain(name).await?;
        self.domain_at(path).await
    }

    /// The pool with a name or a UUID.
    ///
    /// # Errors
    /// There is none, or no service.
    pub async fn pool(&self, name: &str) -> Outcome<StoragePoolProxy<'static>> {
        let path = self.manager.get_pool(name).await?;
        self.pool_at(path).await
    }

    /// The pool at a path that the service told.
    ///
    /// # Errors
    /// The bus does not work.
    pub async fn pool_at(&self, path: OwnedObjectPath) -> Outcome<StoragePoolProxy<'static>> {
        Ok(StoragePoolProxy::builder(&self.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }

    /// The volume at a path that the service told.
    ///
    /// # Errors
    /// The bus does not work.
    pub async fn volume_at(&self, path: OwnedObjectPath) -> Outcome<StorageVolumeProxy<'static>> {
        Ok(StorageVolumeProxy::builder(&self.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }

    /// Calls a method that reads.
    ///
    /// # Errors
    /// Those of the method.
    pub async fn read<T: DeserializeOwned + zbus::Type>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + DynamicType),
    ) -> Outcome<T> {
        let proxy = Proxy::new(&self.connection, BUS_NAME, path, interface).await?;
        let answer = proxy.call_with_flags(method, self.flags, arguments).await?;
        answer.ok_or_else(|| "the service did not answer".into())
    }

    /// The domain at a path that the service told.
    ///
    /// # Errors
    /// The bus does not work.
    pub async fn domain_at(&self, path: OwnedObjectPath) -> Outcome<DomainProxy<'static>> {
        Ok(DomainProxy::builder(&self.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }
}

/// A property of an object. A person may be asked for it, which the getters of proxies do not allow.
///
/// # Errors
/// It may not be read, or has another type than is promised.
pub async fn property<T>(object: &Proxy<'_>, name: &str) -> Outcome<T>
where
    T: TryFrom<OwnedVariant>,
    T::Error: Into<zbus::Error>,
{
    let arguments = (object.interface().as_str(), name);
    let value: Option<OwnedVariant> = properties(object).await?.call_with_flags("Get", ASKING, &arguments).await?;
    let value = value.ok_or("the service did not answer")?;
    Ok(T::try_from(value).map_err(Into::into)?)
}

/// Sets a property, likewise.
///
/// # Errors
/// It may not be set.
pub async fn set_property(object: &Proxy<'_>, name: &str, value: Variant<'_>) -> Outcome {
    let arguments = (object.interface().as_str(), name, value);
    let done: Option<()> = properties(object).await?.call_with_flags("Set", ASKING, &arguments).await?;
    done.ok_or_else(|| "the service did not answer".into())
}

async fn properties<'a>(object: &Proxy<'a>) -> zbus::Result<Proxy<'a>> {
    let (name, path) = (object.destination().to_owned(), object.path().to_owned());
    Proxy::new(object.connection(), name, path, "org.freedesktop.DBus.Properties").await
}

/// The flag of calls by which a person may be asked.
const ASKING: MethodFlags = MethodFlags::ALLOW_INTERACTIVE_AUTH;

/// Connects and finds a domain.
///
/// # Errors
/// As [`Service::connect`] and [`Service::domain`].
pub async fn domain(bus: Bus, name: &str) -> Outcome<DomainProxy<'static>> {
    Service::connect(bus).await?.domain(name).await
}

fn no_bus(bus: Bus, error: &zbus::Error) -> Failure {
    match bus {
        Bus::Session => format!(
            "cannot reach the session bus: {error}; run this in a desktop session or a login with systemd, or below: dbus-run-session"
        ),
        Bus::System => format!("cannot reach the system bus: {error}; start it with: systemctl start dbus"),
    }
    .into()
}
