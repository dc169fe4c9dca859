//! A service on a runtime of its own, and a client of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lodge_dbus_interfaces::options::{CreatePoolOptions, DefineOptions, NoOptions, PoolStartOptions, VolumeOptions};
use lodge_dbus_interfaces::proxies::{JobProxy, ManagerProxy, StoragePoolProxy, StorageVolumeProxy};
use lodge_dbus_interfaces::types::InstanceKind;
use lodge_dbus_interfaces::{BUS_NAME, Error, ROOT_PATH, paths};
use lodge_service::authorization::OwnerOnly;
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
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zbus::fdo::ObjectManagerProxy;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath, connection};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running service, its client, and a directory for both.
pub struct Service {
    pub client: Connection,
    root: Arc<TempDir>,
    runtime: Option<Runtime>,
}

impl Service {
    /// An empty one.
    pub async fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "the storage tests mount and partition: run them as root (make test does)");
        Self::on(Arc::new(TempDir::with_prefix("lodge-").unwrap())).await
    }

    async fn on(root: Arc<TempDir>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let layout = Layout::under(&root.path().join("service"));
        let machine = Sysfs::below(root.path().join("machine"));
        let serving = runtime.spawn(async move {
            let builder = connection::Builder::unix_stream(ours).server(zbus::Guid::generate()).p2p();
            let connection = lodge_service::bus::answering(builder).build().await.unwrap();
            let (publisher, publications) = Publisher::new();
            let store = Arc::new(Store::open(layout).unwrap());
            let devices = NodeDevices::load(machine, store.clone(), publisher.clone()).await.unwrap();
            let secrets = Secrets::load(store.clone(), publisher.clone()).unwrap();
            let jobs = Arc::new(Jobs::new(publisher.clone()));
            let parts = storage::Parts { store: store.clone(), publisher: publisher.clone(), jobs: jobs.clone(), secrets: secrets.clone() };
            let storage = Storage::new(parts);
            let drivers: Vec<Arc<dyn lodge_service::hypervisors::Driver>> = vec![Arc::new(FakeDriver::default())];
            let networks = Networks::new(store.clone(), publisher.clone(), true).unwrap();
            let engine = Engine::new(Parts {
                store,
                drivers,
                publisher,
                jobs,
                networks: networks.clone(),
                devices: devices.clone(),
                secrets: secrets.clone(),
                storage: storage.clone(),
                console_keep: 4096,
            });
            let served = Served { engine, networks, secrets, storage: storage.clone(), devices };
            lodge_service::bus::serve(&connection, served, Arc::new(OwnerOnly::of_this_process()), publications, InstanceKind::Session)
                .await
                .unwrap();
            storage.recover().await.unwrap();
            connection
        });
        let client = soon("the handshake", connection::Builder::unix_stream(theirs).p2p().build()).await.unwrap();
        let connection = soon("the start of the service", serving).await.unwrap();
        runtime.spawn(async move { connection.closed().await });
        Self { client, root, runtime: Some(runtime) }
    }

    /// A service of somebody else's on a bus.
    pub fn on_bus(client: Connection) -> Self {
        Self { client, root: Arc::new(TempDir::with_prefix("lodge-").unwrap()), runtime: None }
    }

    /// The service dies as by kill -9, and another one starts on the same files.
    pub async fn crash_and_restart(mut self) -> Self {
        let runtime = self.runtime.take().unwrap();
        // A runtime may not end inside another one.
        std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE)).join().unwrap();
        Self::on(self.root.clone()).await
    }

    /// A path in the directory of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub async fn manager(&self) -> ManagerProxy<'static> {
        ManagerProxy::builder(&self.client).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn pool(&self, name: &str) -> StoragePoolProxy<'static> {
        StoragePoolProxy::builder(&self.client).path(paths::pool(name)).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn volume(&self, pool: &str, name: &str) -> StorageVolumeProxy<'static> {
        let path = paths::volume(pool, name);
        StorageVolumeProxy::builder(&self.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    pub async fn job(&self, path: OwnedObjectPath) -> JobProxy<'static> {
        JobProxy::builder(&self.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap()
    }

    /// Defines a pool.
    pub async fn define(&self, xml: &str) -> Result<OwnedObjectPath, Error> {
        self.manager().await.define_pool(xml, &DefineOptions::default()).await.map(|(path, _)| path)
    }

    /// Defines, builds and starts a pool in a directory of its own, and answers with it and the directory.
    pub async fn directory_pool(&self, name: &str) -> (StoragePoolProxy<'static>, PathBuf) {
        let path = self.path(name);
        self.define(&directory(name, &path)).await.unwrap();
        let pool = self.pool(name).await;
        soon("a start", pool.start(&PoolStartOptions { build: true, ..Default::default() })).await.unwrap();
        (pool, path)
    }

    /// Starts a transient pool.
    pub async fn create(&self, xml: &str) -> Result<OwnedObjectPath, Error> {
        self.manager().await.create_pool(xml, &CreatePoolOptions::default()).await.map(|(path, _)| path)
    }

    /// Makes a volume in a pool.
    pub async fn make(&self, pool: &str, xml: &str) -> Result<StorageVolumeProxy<'static>, Error> {
        let pool = self.pool(pool).await;
        let (path, _, _) = soon("a volume", pool.create_volume(xml, &VolumeOptions::default())).await?;
        Ok(StorageVolumeProxy::builder(&self.client).path(path).cache_properties(CacheProperties::No).build().await.unwrap())
    }

    /// The names of a pool's volumes, in order.
    pub async fn volumes(&self, pool: &str) -> Vec<String> {
        let objects = self.objects().await;
        let mut names: Vec<_> = objects.into_iter().filter_map(|path| paths::volume_name(path.as_str())).collect();
        names.retain(|(of, _)| of == pool);
        let mut names: Vec<_> = names.into_iter().map(|(_, name)| name).collect();
        names.sort();
        names
    }

    /// Waits for a volume to be there, or to be gone.
    pub async fn wait_for_volume(&self, pool: &str, name: &str, there: bool) {
        let objects = ObjectManagerProxy::builder(&self.client).destination(BUS_NAME).path(ROOT_PATH).build().await.unwrap();
        let (mut added, mut removed) =
            (objects.receive_interfaces_added().await.unwrap(), objects.receive_interfaces_removed().await.unwrap());
        soon("a change made by others", async {
            while self.volumes(pool).await.contains(&name.to_owned()) != there {
                tokio::select! {
                    signal = added.next() => drop(signal.unwrap()),
                    signal = removed.next() => drop(signal.unwrap()),
                }
            }
        })
        .await;
    }

    async fn objects(&self) -> Vec<OwnedObjectPath> {
        type Inventory = std::collections::HashMap<
            OwnedObjectPath,
            std::collections::HashMap<String, std::collections::HashMap<String, zbus::OwnedVariant>>,
        >;
        let reply =
            self.client.call_method(Some(BUS_NAME), ROOT_PATH, Some("org.freedesktop.DBus.ObjectManager"), "GetManagedObjects", &()).await;
        let objects: Inventory = reply.unwrap().body().deserialize().unwrap();
        objects.into_keys().collect()
    }

    /// Waits until a job has ended, and answers with its state and message.
    pub async fn ended(&self, path: OwnedObjectPath) -> (String, String) {
        let job = self.job(path).await;
        let mut completed = job.receive_completed().await.unwrap();
        if job.state().await.unwrap().as_str() == "running" {
            soon("a job", completed.next()).await.unwrap();
        }
        (job.state().await.unwrap().as_str().to_owned(), job.message().await.unwrap())
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

/// A pool that is a directory.
pub fn directory(name: &str, path: &Path) -> String {
    format!("<pool type='dir'><name>{name}</name><target><path>{}</path></target></pool>", path.display())
}

/// A volume of a format.
pub fn volume(name: &str, format: &str, capacity: u64, more: &str) -> String {
    format!(
        "<volume><name>{name}</name><allocation>0</allocation><capacity>{capacity}</capacity><target><format type='{format}'/></target>{more}</volume>"
    )
}

/// The last part of an error's name.
pub fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    use zbus::DBusError;
    result.unwrap_err().name().rsplit('.').next().unwrap().to_owned()
}

/// Nothing but an option.
pub const NONE: NoOptions = NoOptions {};
