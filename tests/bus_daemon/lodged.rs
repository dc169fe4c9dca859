//! A private bus with `lodged`, and somebody who watches it come and go without being its client.

use std::time::Duration;

use futures_util::StreamExt;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::options::DefineOptions;
use lodge_dbus_interfaces::proxies::{DomainProxy, ManagerProxy};
use lodge_tests::bus::PrivateBus;
use zbus::Connection;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};
use zbus::proxy::CacheProperties;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Lodged {
    pub bus: PrivateBus,
    watcher: DBusProxy<'static>,
    owners: NameOwnerChangedStream,
}

impl Lodged {
    /// A bus that starts the service when it is called.
    pub async fn new(arguments: &[&str]) -> Self {
        Self::on(PrivateBus::with_lodged(arguments)).await
    }

    /// A bus that stands for the system's.
    pub async fn system(arguments: &[&str]) -> Self {
        Self::on(PrivateBus::with_system_lodged(arguments)).await
    }

    async fn on(bus: PrivateBus) -> Self {
        let watcher = DBusProxy::new(&bus.connect().await).await.unwrap();
        let owners = watcher.receive_name_owner_changed_with_args(&[(0, BUS_NAME)]).await.unwrap();
        Self { bus, watcher, owners }
    }

    /// A new client and the service's manager; the client is gone when the connection is dropped.
    pub async fn client(&self) -> (Connection, ManagerProxy<'static>) {
        let connection = self.bus.connect().await;
        let manager = ManagerProxy::builder(&connection).cache_properties(CacheProperties::No).build().await.unwrap();
        (connection, manager)
    }

    /// Waits until the service has given its name up.
    pub async fn until_gone(&mut self) {
        let gone = async {
            while let Some(change) = self.owners.next().await {
                if change.args().unwrap().new_owner().is_none() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("the service stays:\n{}", self.bus.log()));
    }

    /// Sends the running service a signal.
    pub async fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.watcher.get_connection_unix_process_id(BUS_NAME.try_into().unwrap()).await.unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

/// Defines a domain and answers with its path.
pub async fn define(manager: &ManagerProxy<'_>, name: &str) -> String {
    let (path, _) = manager.define_domain(&xml(name), &DefineOptions::default()).await.unwrap();
    path.to_string()
}

pub async fn domain(connection: &Connection, path: &str) -> DomainProxy<'static> {
    DomainProxy::builder(connection).path(path.to_owned()).cache_properties(CacheProperties::No).build().await.unwrap()
}

/// A small domain.
pub fn xml(name: &str) -> String {
    format!("<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os></domain>")
}
