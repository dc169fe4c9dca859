//! A private bus with `lodged`, whose guests are real, and somebody who uses it and kills it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::options::{ConsoleOptions, DefineOptions, StartOptions};
use lodge_dbus_interfaces::proxies::{DomainProxy, ManagerProxy};
use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use zbus::Connection;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream, PropertiesChangedStream, PropertiesProxy};
use zbus::proxy::CacheProperties;

use crate::processes::{self, Leftovers};

/// How long anything may take before a test fails; a guest boots in emulation on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A world with a service.
pub struct Host {
    pub client: Connection,
    pub manager: ManagerProxy<'static>,
    watcher: DBusProxy<'static>,
    owners: NameOwnerChangedStream,
    pub bus: PrivateBus,
    _leftovers: Leftovers,
}

impl Host {
    /// A bus that starts the service when it is called.
    ///
    /// # Panics
    /// A program is not installed.
    pub async fn new() -> Self {
        binaries::installed("qemu-system-x86_64", "qemu-system-x86");
        let bus = PrivateBus::with_lodged(&[]);
        let client = bus.connect().await;
        let watcher = DBusProxy::new(&bus.connect().await).await.unwrap();
        let owners = watcher.receive_name_owner_changed_with_args(&[(0, BUS_NAME)]).await.unwrap();
        let manager = ManagerProxy::builder(&client).cache_properties(CacheProperties::No).build().await.unwrap();
        let leftovers = Leftovers::of(bus.directory());
        Self { client, manager, watcher, owners, bus, _leftovers: leftovers }
    }

    /// Defines a domain.
    pub async fn define(&self, xml: &str) -> Guest<'_> {
        let defined = self.manager.define_domain(xml, &DefineOptions::default()).await;
        let (path, _) = defined.unwrap_or_else(|error| panic!("{error}\n{xml}\n{}", self.bus.log()));
        self.guest(path.as_str()).await
    }

    /// The domain at a path.
    pub async fn guest(&self, path: &str) -> Guest<'_> {
        let builder = DomainProxy::builder(&self.client).path(path.to_owned());
        let domain = builder.cache_properties(CacheProperties::No).build().await.unwrap();
        let (name, uuid) = (domain.name().await.unwrap(), domain.uuid().await.unwrap());
        Guest { host: self, domain, name, uuid }
    }

    /// Kills the service as nothing can be prepared for, and waits until it is gone.
    pub async fn kill_service(&mut self) {
        self.send_kill().await;
        self.until_gone().await;
    }

    /// The process id of the running service.
    pub async fn service(&self) -> Pid {
        let pid = self.watcher.get_connection_unix_process_id(BUS_NAME.try_into().unwrap()).await.unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    async fn send_kill(&self) {
        kill_process(self.service().await, Signal::KILL).unwrap();
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
}

/// A domain of the host.
pub struct Guest<'host> {
    host: &'host Host,
    pub domain: DomainProxy<'static>,
    pub name: String,
    pub uuid: String,
}

impl Guest<'_> {
    /// Starts it.
    pub async fn start(&self) {
        let started = tokio::time::timeout(PATIENCE, self.domain.start(&StartOptions::default())).await;
        let started = started.unwrap_or_else(|_| panic!("the start of {} hangs:\n{}", self.name, self.host.bus.log()));
        started.unwrap_or_else(|error| panic!("{error}\n{}", self.host.bus.log()));
    }

    /// State and reason, as the service tells them now.
    pub async fn state(&self) -> String {
        let told = self.properties().await.get_all("org.lodge.Lodge1.Domain".try_into().unwrap()).await;
        let mut told = told.unwrap_or_else(|error| panic!("{error}\n{}", self.host.bus.log()));
        let mut word = |name: &str| String::try_from(told.remove(name).unwrap()).unwrap();
        format!("{} ({})", word("State"), word("StateReason"))
    }

    /// Follows its properties from now on.
    pub async fn changes(&self) -> Changes {
        Changes(self.properties().await.receive_properties_changed().await.unwrap())
    }

    async fn properties(&self) -> PropertiesProxy<'static> {
        let path = self.domain.inner().path().to_string();
        PropertiesProxy::builder(&self.host.client).destination(BUS_NAME).path(path).build().await.unwrap()
    }

    /// The id of its one QEMU process, as the service wrote it down.
    pub fn qemu(&self) -> Pid {
        let status = self.runtime().join("status.json");
        let status: serde_json::Value = serde_json::from_slice(&std::fs::read(&status).unwrap()).unwrap();
        let pid = Pid::from_raw(i32::try_from(status["machine"]["qemu"]["pid"].as_i64().unwrap()).unwrap()).unwrap();
        assert_eq!(self.processes(), [pid]);
        pid
    }

    /// Its QEMU processes, as the kernel knows them.
    pub fn processes(&self) -> Vec<Pid> {
        processes::guests(self.host.bus.directory(), &self.name)
    }

    /// Where the service keeps what it knows of the running guest.
    pub fn runtime(&self) -> PathBuf {
        runtime(&self.host.bus, &self.uuid)
    }

    /// Opens its console.
    pub async fn console(&self) -> Console {
        let stream = self.domain.open_console("", &ConsoleOptions::default()).await;
        let stream = stream.unwrap_or_else(|error| panic!("{error}\n{}", self.host.bus.log()));
        let stream = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(stream));
        stream.set_nonblocking(true).unwrap();
        Console { stream: UnixStream::from_std(stream).unwrap(), seen: String::new() }
    }
}

/// Where the service on a bus keeps what it knows of a running guest.
pub fn runtime(bus: &PrivateBus, uuid: &str) -> PathBuf {
    bus.lodge_root().join("run/domains").join(uuid)
}

/// What a domain's properties become.
pub struct Changes(PropertiesChangedStream);

impl Changes {
    /// Waits until it is in that state; answers with the reason.
    pub async fn until(&mut self, state: &str) -> String {
        let came = async {
            while let Some(change) = self.0.next().await {
                let change = change.args().unwrap();
                let words: HashMap<_, _> = change
                    .changed_properties()
                    .iter()
                    .filter_map(|(name, value)| Some((*name, value.downcast_ref::<String>().ok()?)))
                    .collect();
                if words.get("State").is_some_and(|word| word == state) {
                    return words["StateReason"].clone();
                }
            }
            panic!("the bus is gone before it is {state}");
        };
        tokio::time::timeout(PATIENCE, came).await.unwrap_or_else(|_| panic!("it does not become {state}"))
    }
}

/// An open console.
pub struct Console {
    stream: UnixStream,
    seen: String,
}

impl Console {
    /// Waits until the guest has printed that, and forgets all up to there.
    pub async fn until(&mut self, text: &str) {
        let came = async {
            loop {
                if let Some(place) = self.seen.find(text) {
                    self.seen.drain(..place + text.len());
                    return;
                }
                assert!(self.read().await > 0, "the console ends before '{text}':\n{}", self.seen);
            }
        };
        let came = tokio::time::timeout(PATIENCE, came).await;
        came.unwrap_or_else(|_| panic!("'{text}' is not printed:\n{}", self.seen));
    }

    /// Waits for its end.
    pub async fn until_end(&mut self) {
        let end = async { while self.read().await > 0 {} };
        tokio::time::timeout(PATIENCE, end).await.unwrap_or_else(|_| panic!("the console stays open"));
    }

    /// Types.
    pub async fn types(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn read(&mut self) -> usize {
        let mut buffer = [0; 4096];
        // A peer that was killed may reset the connection.
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        length
    }
}

/// Makes a disk image.
pub fn image(path: &Path, format: &str, size: &str) {
    let mut qemu_img = binaries::command(binaries::installed("qemu-img", "qemu-utils"));
    let made = qemu_img.args(["create", "-q", "-f", format]).arg(path).arg(size).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
