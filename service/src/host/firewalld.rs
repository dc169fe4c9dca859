//! firewalld, where it runs on the system bus: which zones it has, and which of them an interface is in (firewalld.dbus(5)).
//!
//! Only what runs is changed, nothing that firewalld keeps: an interface is in a zone until firewalld ends or is told otherwise.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use zbus::proxy::CacheProperties;

use super::systemd::{Bus, no_such_service};

/// Its name on the bus.
const NAME: &str = "org.fedoraproject.FirewallD1";

/// Time for it to answer. It answers nobody while it reads its configuration.
const ANSWER: Duration = Duration::from_secs(30);

/// What firewalld did not do, and why.
#[derive(Debug, thiserror::Error)]
#[error("firewalld does not {what}: {source}")]
pub struct FirewalldError {
    /// Completes the sentence "firewalld does not WHAT".
    what: String,
    source: zbus::Error,
}

/// firewalld on a bus, whether it runs or not. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Firewalld(Bus);

// firewalld is there or it is not: it is never started by the bus.
#[zbus::proxy(
    interface = "org.fedoraproject.FirewallD1.zone",
    default_service = "org.fedoraproject.FirewallD1",
    default_path = "/org/fedoraproject/FirewallD1"
)]
trait Zones {
    #[zbus(no_autostart, name = "getZones")]
    fn get_zones(&self) -> zbus::Result<Vec<String>>;

    #[zbus(no_autostart, name = "changeZoneOfInterface")]
    fn change_zone_of_interface(&self, zone: &str, interface: &str) -> zbus::Result<String>;

    #[zbus(no_autostart, name = "removeInterface")]
    fn remove_interface(&self, zone: &str, interface: &str) -> zbus::Result<String>;
}

#[zbus::proxy(
    interface = "org.fedoraproject.FirewallD1",
    default_service = "org.fedoraproject.FirewallD1",
    default_path = "/org/fedoraproject/FirewallD1"
)]
trait Firewall {
    #[zbus(signal, name = "Reloaded")]
    fn reloaded(&self) -> zbus::Result<()>;
}

impl Firewalld {
    /// That of a bus.
    pub fn on(bus: Bus) -> Self {
        Self(bus)
    }

    /// The zones; `None` where firewalld does not run.
    ///
    /// # Errors
    /// It is there and does not tell.
    pub async fn zones(&self) -> Result<Option<Vec<String>>, FirewalldError> {
        match in_time(async { self.proxy().await?.get_zones().await }).await {
            Ok(zones) => Ok(Some(zones)),
            Err(error) if no_such_service(&error) => Ok(None),
            Err(source) => Err(FirewalldError { what: "tell its zones".to_owned(), source }),
        }
    }

    /// Puts an interface into a zone, out of any other; answers whether firewalld runs.
    ///
    /// # Errors
    /// It refuses, as where it has no such zone.
    pub async fn bind(&self, zone: &str, interface: &str) -> Result<bool, FirewalldError> {
        match in_time(async { self.proxy().await?.change_zone_of_interface(zone, interface).await }).await {
            Ok(_) => Ok(true),
            Err(error) if no_such_service(&error) => Ok(false),
            Err(source) => Err(FirewalldError { what: format!("put {interface} into its zone {zone}"), source }),
        }
    }

    /// Takes an interface out of whatever zone it is in. One that is in none is no error.
    ///
    /// # Errors
    /// It refuses.
    pub async fn unbind(&self, interface: &str) -> Result<(), FirewalldError> {
        match in_time(async { self.proxy().await?.remove_interface("", interface).await }).await {
            Err(error) if !no_such_service(&error) && !is_in_no_zone(&error) => {
                Err(FirewalldError { what: format!("take {interface} out of its zone"), source: error })
            }
            _ => Ok(()),
        }
    }

    /// Tells when firewalld has started or read its configuration anew: what it was told may be forgotten by then.
    ///
    /// # Errors
    /// The bus does not answer.
    pub async fn renewals(&self) -> zbus::Result<impl Stream<Item = ()> + Unpin + use<>> {
        let firewall = FirewallProxy::builder(&self.0).cache_properties(CacheProperties::No).build().await?;
        let reloads = firewall.receive_reloaded().await?.map(|_| ());
        let owners = zbus::fdo::DBusProxy::new(&self.0).await?.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
        let starts =
            owners.filter_map(|change| std::future::ready(change.args().ok().filter(|change| change.new_owner().is_some()).map(|_| ())));
        Ok(stream::select(reloads, starts))
    }

    async fn proxy(&self) -> zbus::Result<ZonesProxy<'_>> {
        ZonesProxy::builder(&self.0).cache_properties(CacheProperties::No).build().await
    }
}

async fn in_time<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(ANSWER, work).await.unwrap_or_else(|_| Err(zbus::Error::InputOutput(std::sync::Arc::new(late()))))
}

/// firewalld's exceptions are one error with a word in front of the text (firewalld.dbus(5)).
fn is_in_no_zone(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::MethodError(_, Some(text), _) if text.starts_with("UNKNOWN_INTERFACE") || text.starts_with("NOT_ENABLED"))
}
