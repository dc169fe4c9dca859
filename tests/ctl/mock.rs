//! A service with one domain, `demo`, that tells the test what it was asked for.

use std::os::fd::OwnedFd;

use lodge_dbus_interfaces::{BUS_NAME, ROOT_PATH, paths};
use lodge_tests::bus::PrivateBus;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use zbus::{Connection, OwnedObjectPath};

/// The running mock and what it was asked for.
pub struct Mock {
    pub bus: PrivateBus,
    pub connection: Connection,
    /// The guest's end of each console that was opened, with the device that was asked for.
    pub consoles: mpsc::Receiver<(String, UnixStream)>,
    /// The names that were looked for, and `State` for each time it was read.
    pub lookups: mpsc::Receiver<String>,
}

impl Mock {
    pub async fn start() -> Self {
        let bus = PrivateBus::start();
        let connection = bus.connect().await;
        let (opened, consoles) = mpsc::channel(4);
        let (looked_for, lookups) = mpsc::channel(4);
        let domain = MockDomain { opened, read: looked_for.clone() };
        connection.object_server().at(ROOT_PATH, MockManager(looked_for)).await.unwrap();
        connection.object_server().at(paths::domain("demo"), domain).await.unwrap();
        connection.request_name(BUS_NAME).await.unwrap();
        Self { bus, connection, consoles, lookups }
    }

    /// Sends a signal of the domain.
    pub async fn emit<B: serde::Serialize + zbus::Type>(&self, interface: &str, signal: &str, body: &B) {
        self.connection.emit_signal(None::<&str>, &paths::domain("demo"), interface, signal, body).await.unwrap();
    }
}

struct MockManager(mpsc::Sender<String>);

#[zbus::interface(name = "org.lodge.Lodge1.Manager")]
impl MockManager {
    async fn get_domain(&self, name: String) -> OwnedObjectPath {
        let path = paths::domain(&name);
        self.0.send(name).await.unwrap();
        path
    }
}

struct MockDomain {
    opened: mpsc::Sender<(String, UnixStream)>,
    read: mpsc::Sender<String>,
}

#[zbus::interface(name = "org.lodge.Lodge1.Domain")]
impl MockDomain {
    #[zbus(property)]
    async fn state(&self) -> &'static str {
        self.read.send("State".to_owned()).await.unwrap();
        "running"
    }

    async fn open_console(
        &self,
        device: String,
        _options: std::collections::HashMap<String, zbus::OwnedVariant>,
    ) -> zbus::fdo::Result<zbus::OwnedFd> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        self.opened.send((device, UnixStream::from_std(ours).unwrap())).await.unwrap();
        Ok(OwnedFd::from(theirs).into())
    }
}
