//! A host with networks, guests and an outside world, each in a network namespace.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lodge_service::authorization::{Action, Authorizer, Caller, Grant, OwnerOnly};
use lodge_service::events::Publisher;
use lodge_service::networks::{Draft, NetworkHandle, Networks, Request, Update};
use lodge_service::scope::Scope;
use lodge_service::store::{Layout, Store, StoreError};
use lodge_tests::binaries;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::namespace::{Namespace, leave};

/// The host's address outside, and that of the server there.
pub const HOST: &str = "203.0.113.1";
pub const SERVER: &str = "203.0.113.2";
/// The same of IPv6.
pub const HOST6: &str = "2001:db8:ffff::1";
pub const SERVER6: &str = "2001:db8:ffff::2";

/// The networks, and what they are made of.
pub type Parts = (Arc<Store>, Arc<Networks>, Publisher);

/// A host.
pub struct World {
    pub host: Namespace,
    pub outside: Namespace,
    pub root: TempDir,
    service: Option<(Runtime, Parts)>,
    guests: AtomicU32,
}

impl World {
    /// A host without networks. The calling thread is on it from now on.
    pub fn new() -> Self {
        leave();
        let (host, outside) = (Namespace::own(), Namespace::new());
        host.ip("link set lo up");
        host.cable("up0", &outside, "eth0");
        for (namespace, interface, v4, v6) in [(&host, "up0", HOST, HOST6), (&outside, "eth0", SERVER, SERVER6)] {
            namespace.ip(&format!("addr add {v4}/24 dev {interface}"));
            namespace.ip(&format!("addr add {v6}/64 dev {interface} nodad"));
        }
        let root = TempDir::with_prefix("lodge-networks-").unwrap();
        // dnsmasq reads files there as another user.
        std::fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let service = Some(serve(root.path()));
        Self { host, outside, root, service, guests: AtomicU32::new(0) }
    }

    /// The service leaves, or dies, and another one comes.
    pub fn restart(self) -> Self {
        self.restart_after(|_| {})
    }

    /// The same, with something that happens in between.
    pub fn restart_after(mut self, meanwhile: impl FnOnce(&Self)) -> Self {
        // With the runtime go the actors, and with the last of them the locks of the store.
        drop(self.service.take());
        meanwhile(&self);
        self.service = Some(serve(self.root.path()));
        self
    }

    /// The networks.
    pub fn networks(&self) -> &Arc<Networks> {
        &self.parts().1
    }

    /// What the networks are made of.
    pub fn parts(&self) -> &Parts {
        &self.service.as_ref().unwrap().1
    }

    /// A network by name.
    pub fn network(&self, name: &str) -> NetworkHandle {
        self.networks().registry.by_name(name).unwrap()
    }

    /// Waits for the service.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.service.as_ref().unwrap().0.block_on(work)
    }

    /// Defines a network.
    pub fn define(&self, xml: &str) -> NetworkHandle {
        let draft = Draft::read(xml).unwrap_or_else(|error| panic!("{error}"));
        self.wait(async { self.networks().define(grant(Action::NetworkDefine).await, draft, false).await }).unwrap()
    }

    /// Asks a network for something.
    pub fn ask(&self, network: &NetworkHandle, request: Request) -> lodge_service::error::Result<()> {
        self.wait(async { network.request(grant(request.action()).await, request).await })
    }

    /// Defines a network and starts it.
    pub fn start(&self, xml: &str) -> NetworkHandle {
        let network = self.define(xml);
        self.ask(&network, Request::Start).unwrap_or_else(|error| panic!("{error}"));
        network
    }

    /// Changes a part of a network.
    pub fn update(&self, network: &NetworkHandle, command: &str, section: &str, xml: &str, scope: Scope) {
        let update = Update::read(command, section, None, xml).unwrap_or_else(|error| panic!("{error}"));
        self.ask(network, Request::Update(Box::new(update), scope)).unwrap_or_else(|error| panic!("{error}"));
    }

    /// A guest on a bridge, its card called `eth0`.
    pub fn guest(&self, bridge: &str) -> Namespace {
        let number = self.guests.fetch_add(1, Ordering::Relaxed);
        let (guest, port) = (Namespace::new(), format!("guest{number}"));
        self.host.cable(&port, &guest, "eth0");
        self.host.ip(&format!("link set {port} master {bridge}"));
        guest
    }

    /// What of networks is on the host: interfaces, tables, processes, files.
    pub fn remains(&self) -> Vec<String> {
        let links = self.host.ip("-o link show type bridge");
        let nft = binaries::installed("nft", "nftables");
        let tables = String::from_utf8(self.host.run(nft.to_str().unwrap(), &["list", "tables"]).stdout).unwrap();
        let lines = links.lines().chain(tables.lines()).map(str::to_owned);
        let files = ["run/networks", "state/networks"].into_iter().flat_map(|folder| entries(&self.root.path().join(folder)));
        lines
            .chain(files.map(|path| path.display().to_string()))
            .chain(processes(self.root.path()).into_iter().map(|(_, line)| line))
            .collect()
    }
}

impl Drop for World {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        drop(self.service.take());
        for (number, _) in processes(self.root.path()) {
            if let Some(pid) = rustix::process::Pid::from_raw(number) {
                // It may have ended by now.
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
    }
}

/// A service on the files of `root`, in this thread's namespace.
fn serve(root: &Path) -> (Runtime, Parts) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let parts = runtime.block_on(parts(root));
    (runtime, parts)
}

/// The networks of `root`, found again, and a reader of what they tell.
pub async fn service(root: &Path) -> Arc<Networks> {
    parts(root).await.1
}

/// The same with what the networks are made of, for an engine beside them.
pub async fn parts(root: &Path) -> Parts {
    let store = store(root).await;
    let (publisher, mut publications) = Publisher::new();
    tokio::spawn(async move {
        while let Some(publication) = publications.recv().await {
            publication.then.into_iter().for_each(|then| then());
        }
    });
    let networks = Networks::new(store.clone(), publisher.clone(), false).unwrap();
    networks.recover().await.unwrap();
    (store, networks, publisher)
}

/// The store, as soon as nobody has it locked. Children that other tests fork at this moment have a copy of the lock until they
/// execute their programs.
pub async fn store(root: &Path) -> Arc<Store> {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        match Store::open(Layout::under(root).searchable()) {
            Err(StoreError::Locked { .. }) if std::time::Instant::now() < until => tokio::task::yield_now().await,
            other => return Arc::new(other.unwrap()),
        }
    }
}

/// The leave to do something.
pub async fn grant(action: Action) -> Grant {
    let caller = Caller { bus_name: None, uid: rustix::process::getuid().as_raw(), interactive: false };
    OwnerOnly::of_this_process().require(&caller, action, &Default::default()).await.unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Numbers and command lines of processes that name a directory, but for our own.
fn processes(root: &Path) -> Vec<(i32, String)> {
    let of_process = |path: PathBuf| {
        let number: i32 = path.file_name()?.to_str()?.parse().ok()?;
        let line = std::fs::read(path.join("cmdline")).ok().filter(|_| number.unsigned_abs() != std::process::id())?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(root.to_str()?).then_some((number, line))
    };
    entries(Path::new("/proc")).into_iter().filter_map(of_process).collect()
}
