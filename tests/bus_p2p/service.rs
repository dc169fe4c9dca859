//! A service on a runtime of its own, and a client of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lodge_dbus_interfaces::options::{CreateOptions, DefineOptions, DestroyOptions, NoOptions, StartOptions};
use lodge_dbus_interfaces::proxies::{DomainProxy, HypervisorProxy, JobProxy, ManagerProxy, NodeDeviceProxy};
use lodge_dbus_interfaces::types::InstanceKind;
use lodge_dbus_interfaces::{Error, ROOT_PATH, paths};
use lodge_service::authorization::{Authorizer, OwnerOnly};
use lodge_service::bus::Served;
use lodge_service::domains::{Engine, Parts};
use lodge_service::events::Publisher;
use lodge_service::host::sysfs::Sysfs;
use lodge_service::hypervisors::fake::FakeDriver;
use lodge_service::jobs::Jobs;
use lodge_service::networks::Networks;
use lodge_service::node_devices::NodeDevices;
use lodge_service::secrets::Secrets;
use lodge_service::storage::{self, Storage};
use lodge_service::store::{Layout, Store};
use lodge_tests::sysfs_tree;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, connection};

use super::seen::Seen;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Where the machine is that the service believes to run on: one without devices, unless a test builds one.
const MACHINE: &str = "machine";

/// The inventory.
pub type Objects = HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>;

/// A running service and its client.
pub struct Service {
    pub client: Connection,
    pub driver: FakeDriver,
    pub seen: Seen,
    root: Arc<TempDir>,
    runtime: Option<Runtime>,
}

impl Service {
    /// An empty one.
    pub async fn new() -> Self {
        let root = Arc::new(TempDir::with_prefix("lodge-").unwrap());
        Self::on(root, FakeDriver::default(), Arc::new(OwnerOnly::of_this_process())).await
    }

    /// An empty one on a machine that is built of a text (`lodge_tests::sysfs_tree`).
    pub async fn on_machine(text: &str) -> Self {
        let root = Arc::new(TempDir::with_prefix("lodge-").unwrap());
        sysfs_tree::build(&root.path().join(MACHINE), text);
        Self::on(root, FakeDriver::default(), Arc::new(OwnerOnly::of_this_process())).await
    }

    /// Where that machine is.
    pub fn machine(&self) -> PathBuf {
        self.root.path().join(MACHINE)
    }

    /// An empty one with another rule of who may do what.
    pub async fn guarded_by(authorizer: impl Authorizer + 'static) -> Self {
        let root = Arc::new(TempDir::with_prefix("lodge-").unwrap());
        Self::on(root, FakeDriver::default(), Arc::new(authorizer)).await
    }

    async fn on(root: Arc<TempDir>, driver: FakeDriver, authorizer: Arc<dyn Authorizer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let (layout, drivers) = (Layout::under(root.path()), driver.clone());
        let machine = Sysfs::below(root.path().join(MACHINE));
        let serving = runtime.spawn(async move {
            let connection = lodge_service::bus::answering(builder(ours).server(zbus::Guid::generate()).p2p()).build().await.unwrap();
            let (publisher, publications) = Publisher::new();
            let store = Arc::new(Store::open(layout).unwrap());
            let devices = NodeDevices::load(machine, store.clone(), publisher.clone()).await.unwrap();
            let secrets = Secrets::load(store.clone(), publisher.clone()).unwrap();
            let networks = Networks::new(store.clone(), publisher.clone(), true).unwrap();
            networks.recover().await.unwrap();
            let jobs = Arc::new(Jobs::new(publisher.clone()));
            let parts = storage::Parts { store: store.clone(), publisher: publisher.clone(), jobs: jobs.clone(), secrets: secrets.clone() };
            let storage = Storage::new(parts);
            let engine = Engine::new(Parts {
                store,
                drivers: vec![Arc::new(drivers)],
                publisher,
                jobs,
                networks: networks.clone(),
                devices: devices.clone(),
                secrets: secrets.clone(),
                storage: storage.clone(),
                console_keep: 4096,
            });
            engine.recover().await.unwrap();
            lodge_service::bus::serve(
                &connection,
                Served { engine: engine.clone(), networks, secrets, storage, devices },
                authorizer,
                publications,
                InstanceKind::Session,
            )
            .await
            .unwrap();
            engine.give_lost_devices_back().await;
            engine.autostart().await;
            connection
        });
        let client = soon("the handshake", builder(theirs).p2p().build()).await.unwrap();
        let seen = Seen::on(&client);
        let connection = soon("the start of the service", serving).await.unwrap();
        // Lives as long as the runtime.
        runtime.spawn(async move { connection.closed().await });
        Self { client, driver, seen, root, runtime: Some(runtime) }
    }

    /// The service dies as by kill -9, and another one starts on the same files. Guests stay.
    pub async fn crash_and_restart(self) -> Self {
        let (root, driver) = self.crash();
        Self::on(root, driver, Arc::new(OwnerOnly::of_this_process())).await
    }

    /// The service dies as by kill -9, and what it leaves is changed before another one starts.
    pub async fn restart_after(self, change: impl FnOnce(&Files, &FakeDriver)) -> Self {
        let files = self.files();
        let (root, driver) = self.crash();
        change(&files, &driver);
        Self::on(root, driver, Arc::new(OwnerOnly::of_this_process())).await
    }

    /// The service dies, and one with another rule starts.
    pub async fn restart_guarded_by(self, authorizer: impl Authorizer + 'static) -> Self {
        let (root, driver) = self.crash();
        Self::on(root, driver, Arc::new(authorizer)).await
    }

    fn crash(mut self) -> (Arc<TempDir>, FakeDriver) {
        let runtime = self.runtime.take().unwrap();
        let lock = Layout::under(self.root.path());
        // A runtime may not end inside another one.
        std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE)).join().unwrap();
        drop(Store::open(lock).expect("the dead service still holds its store"));
        (self.root.clone(), self.driver.clone())
    }

    /// What the service wrote.
    pub fn files(&self) -> Files {
        Files(Layout::under(self.root.path()))
    }

    pub async fn manager(&self) -> ManagerProxy<'static> {
        ManagerProxy::builder(&self.client).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn hypervisor(&self) -> HypervisorProxy<'static> {
        HypervisorProxy::builder(&self.client).path(paths::hypervisor("fake")).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn domain(&self, name: &str) -> DomainProxy<'static> {
        DomainProxy::builder(&self.client).path(paths::domain(name)).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn job(&self, number: u32) -> JobProxy<'static> {
        JobProxy::builder(&self.client).path(paths::job(number)).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn device(&self, name: &str) -> NodeDeviceProxy<'static> {
        let path = self.manager().await.get_device(name).await.unwrap();
        assert_eq!(path, paths::device(name));
        NodeDeviceProxy::builder(&self.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    /// Defines a domain and answers with it.
    pub async fn define(&self, xml: &str) -> DomainProxy<'static> {
        let manager = self.manager().await;
        let (path, warnings) = soon("a definition", manager.define_domain(xml, &DefineOptions::default())).await.unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        DomainProxy::builder(&self.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    /// Defines and starts a domain.
    pub async fn started(&self, xml: &str) -> DomainProxy<'static> {
        let domain = self.define(xml).await;
        soon("a start", domain.start(&StartOptions::default())).await.unwrap();
        domain
    }

    /// Starts a transient domain.
    pub async fn create(&self, xml: &str) -> Result<OwnedObjectPath, Error> {
        self.manager().await.create_domain(xml, &CreateOptions::default()).await.map(|(path, _)| path)
    }

    /// What is sent while something is done, as far as it comes before the reply to a call made right afterwards.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.settle().await;
        let start = self.seen.len();
        let result = tokio::time::timeout(PATIENCE, work).await.expect("it takes too long");
        let serial = self.settle().await;
        (result, self.seen.until_reply(start, serial).await)
    }

    /// Waits until everything that was sent so far is recorded.
    async fn settle(&self) -> u32 {
        let ping = self.client.call_method(None::<&str>, ROOT_PATH, Some("org.freedesktop.DBus.Peer"), "Ping", &());
        let pong = tokio::time::timeout(PATIENCE, ping).await.expect("the service does not answer").unwrap();
        let serial = pong.header().reply_serial().unwrap().get();
        self.seen.until_reply(0, serial).await;
        serial
    }

    /// Waits for a line that begins so, from the beginning of the record.
    pub async fn wait_for(&self, prefix: &str) -> Vec<String> {
        self.seen.until_line(0, prefix).await
    }

    /// The whole inventory.
    pub async fn objects(&self) -> Objects {
        let reply =
            self.client.call_method(None::<&str>, ROOT_PATH, Some("org.freedesktop.DBus.ObjectManager"), "GetManagedObjects", &()).await;
        reply.unwrap().body().deserialize().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Fails the test when something takes too long.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} takes too long"))
}

fn builder(stream: std::os::unix::net::UnixStream) -> connection::Builder<'static> {
    connection::Builder::unix_stream(stream)
}

/// What is on disk.
pub struct Files(Layout);

impl Files {
    pub fn definition(&self, name: &str) -> PathBuf {
        self.0.config.join("domains").join(format!("{name}.xml"))
    }

    pub fn autostart(&self, name: &str) -> PathBuf {
        self.0.config.join("autostart").join(format!("{name}.xml"))
    }

    pub fn status(&self, uuid: Uuid) -> PathBuf {
        self.0.domain_runtime(uuid)
    }

    /// Whatever was written down about running guests is as if there had been a reboot.
    pub fn forget_the_run(&self) {
        std::fs::remove_dir_all(&self.0.runtime).unwrap();
    }

    /// The names of all definitions.
    pub fn definitions(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.0.config.join("domains"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A small domain whose UUID ends in `number`.
pub fn xml(name: &str, number: u64) -> String {
    xml_with(name, number, "")
}

/// A small domain with more elements.
pub fn xml_with(name: &str, number: u64, more: &str) -> String {
    let uuid = uuid(number);
    format!(
        "<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>\
         <currentMemory unit='MiB'>32</currentMemory><vcpu current='1'>4</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>{more}</domain>"
    )
}

/// The UUID that ends in `number`.
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x11, number)
}

/// The last part of an error's name.
pub fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    use zbus::DBusError;
    let error = result.unwrap_err();
    let name = match &error {
        Error::ZBus(zbus::Error::MethodError(name, ..)) => name.to_string(),
        own => own.name().to_string(),
    };
    name.strip_prefix("org.lodge.Lodge1.Error.").unwrap_or(&name).to_owned()
}

pub const NONE: NoOptions = NoOptions {};
pub const START: StartOptions = StartOptions { paused: false, no_wait: false };
pub const FORCE: DestroyOptions = DestroyOptions { graceful: false };
