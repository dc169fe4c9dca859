//! The way to the service.

use lodge_dbus_interfaces::proxies::{DomainProxy, ManagerProxy};
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath};

use super::failure::{Failure, Outcome};
use super::uri::Bus;

/// A connection to the bus where the service is, or where it is started by the first call.
#[derive(Debug)]
pub struct Service {
    /// The connection.
    pub connection: Connection,
    /// The service's way in.
    pub manager: ManagerProxy<'static>,
}

impl Service {
    /// Connects to the bus; the service is not called yet.
    ///
    /// # Errors
    /// There is no such bus.
    pub async fn connect(bus: Bus) -> Outcome<Self> {
        let builder = match bus {
            Bus::Session => zbus::connection::Builder::session(),
            Bus::System => zbus::connection::Builder::system(),
        };
        let connection = builder.build().await.map_err(|error| no_bus(bus, &error))?;
        // Properties are read once or followed by hand.
        let manager = ManagerProxy::builder(&connection).cache_properties(CacheProperties::No).build().await?;
        Ok(Self { connection, manager })
    }

    /// The domain with a name, a UUID or an id.
    ///
    /// # Errors
    /// There is none, or no service.
    pub async fn domain(&self, name: &str) -> Outcome<DomainProxy<'static>> {
        let path = self.manager.get_domain(name).await?;
        self.domain_at(path).await
    }

    /// The domain at a path that the service told.
    ///
    /// # Errors
    /// The bus does not work.
    pub async fn domain_at(&self, path: OwnedObjectPath) -> Outcome<DomainProxy<'static>> {
        Ok(DomainProxy::builder(&self.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }
}

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
