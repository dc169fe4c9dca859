//! A real guest on a network: the demo guest under QEMU, its cable a tap that the service made.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lodge_service::authorization::Action;
use lodge_service::domains::{AddressSource, DomainHandle, Engine, Parts, Request as DomainRequest};
use lodge_service::host::sysfs::Sysfs;
use lodge_service::hypervisors::qemu::{Options, QemuDriver};
use lodge_service::jobs::Jobs;
use lodge_service::networks::Request;
use lodge_service::node_devices::NodeDevices;
use lodge_service::secrets::Secrets;
use lodge_service::storage::{self, Storage};
use lodge_tests::system::{GUEST, SystemInstance};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::world::{HOST, SERVER, World, grant};

/// Longer than a guest in emulation takes for anything on a busy host.
const PATIENCE: Duration = Duration::from_secs(120);

/// The demo guest with other interfaces.
fn document(name: &str, interfaces: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let directory = root.join("build/demo-guest");
    assert!(directory.join("stamp").is_file(), "the demo guest is not built; run: make demo-guest");
    let document = std::fs::read_to_string(root.join("scripts/demo-guest.xml")).unwrap();
    let document = document.replace("@TYPE@", "qemu").replace("@NAME@", name).replace("@DIRECTORY@", directory.to_str().unwrap());
    let (before, rest) = document.split_once("<interface").unwrap();
    format!("{before}{interfaces}{}", rest.split_once("</interface>").unwrap().1)
}

/// An engine with QEMU beside the networks of a world.
async fn engine(world: &World) -> Arc<Engine> {
    let (store, networks, publisher) = world.parts().clone();
    let layout = store.layout();
    std::fs::write(layout.qemu_conf(), format!("user = \"+{GUEST}\"\ngroup = \"+{GUEST}\"\n")).unwrap();
    let policy = SystemInstance::policy(layout);
    let driver = Arc::new(QemuDriver::new(Options { cache: layout.capabilities(), session: false, policy }));
    let jobs = Arc::new(Jobs::new(publisher.clone()));
    let secrets = Secrets::load(store.clone(), publisher.clone()).unwrap();
    let parts = storage::Parts { store: store.clone(), publisher: publisher.clone(), jobs: jobs.clone(), secrets: secrets.clone() };
    let storage = Storage::new(parts);
    let devices = NodeDevices::load(Sysfs::of_this_host(), store.clone(), publisher.clone()).await.unwrap();
    Engine::new(Parts { store, drivers: vec![driver], publisher, jobs, networks, devices, secrets, storage, console_keep: 64 << 10 })
}

async fn start(engine: &Arc<Engine>, xml: &str) -> DomainHandle {
    let draft = Engine::read(xml).unwrap();
    let domain = engine.define(grant(Action::DomainDefine).await, draft, false).await.unwrap().domain;
    let started = engine.start(domain.clone(), grant(Action::DomainManage).await, false, true).await;
    started.unwrap_or_else(|error| panic!("{error}"));
    domain
}

/// A guest's console.
struct Console {
    stream: UnixStream,
    seen: String,
}

impl Console {
    async fn of(domain: &DomainHandle) -> Self {
        let file = domain.view().consoles.open(grant(Action::DomainConsole).await, "", true).unwrap();
        let stream = StdStream::from(file);
        stream.set_nonblocking(true).unwrap();
        Self { stream: UnixStream::from_std(stream).unwrap(), seen: String::new() }
    }

    /// Waits until the guest has printed something, and answers with what stood before it.
    async fn until(&mut self, text: &str) -> String {
        let came = async {
            loop {
                if let Some(place) = self.seen.find(text) {
                    return self.seen.drain(..place + text.len()).collect();
                }
                let mut buffer = [0; 4096];
                let length = self.stream.read(&mut buffer).await.unwrap();
                assert!(length > 0, "the console ends before '{text}':\n{}", self.seen);
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        };
        let came = tokio::time::timeout(PATIENCE, came).await;
        came.unwrap_or_else(|_| panic!("'{text}' is not printed:\n{}", self.seen))
    }

    async fn types(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }
}

#[test]
fn a_guest_on_the_default_network_reaches_a_server_through_nat() {
    let world = World::new();
    world.wait(world.networks().offer_default());
    let network = world.network("default");
    world.ask(&network, Request::Start).unwrap_or_else(|error| panic!("{error}"));
    let engine = world.wait(async { engine(&world).await });
    let interface =
        "<interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='default'/><model type='virtio'/></interface>";
    let domain = world.wait(start(&engine, &document("web", interface)));
    let live = domain.view().live.clone().unwrap();
    assert!(live.contains("<target dev='vnet0'/>") || live.contains("<target dev=\"vnet0\"/>"), "{live}");
    assert_eq!(network.view().connections, 1);

    // A server outside, which answers one request and says who asked.
    let listener = world.outside.enter(|| TcpListener::bind((SERVER, 80)).unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let count = stream.read(&mut request).unwrap();
        assert!(request[..count].starts_with(b"GET /hello "), "{}", String::from_utf8_lossy(&request[..count]));
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 15\r\n\r\nfrom the outside").unwrap();
        peer.ip().to_string()
    });
    world.wait(async {
        let mut console = Console::of(&domain).await;
        console.until("Lodge demo guest ready").await;
        console.types(&format!("\rwget -qO- http://{SERVER}/hello; echo \"end $((6 * 7))\"\r")).await;
        let answer = console.until("end 42").await;
        assert!(answer.contains("from the outsid"), "{answer}");
    });
    assert_eq!(server.join().unwrap(), HOST, "the guest is hidden behind the host's address");

    // Its address is known, and the host reaches it there.
    let addresses = world.wait(engine.interface_addresses(&domain.view(), AddressSource::Lease)).unwrap();
    assert_eq!(
        (addresses.len(), addresses[0].name.as_str(), addresses[0].mac.unwrap().to_string().as_str()),
        (1, "vnet0", "52:54:00:aa:bb:01")
    );
    let (address, prefix) = addresses[0].addresses.first_key_value().unwrap();
    let (address, prefix) = (*address, *prefix);
    assert_eq!(prefix, 24);
    let page = world.host.enter(|| {
        let mut stream = std::net::TcpStream::connect((address, 8080)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    });
    assert!(page.contains("Lodge demo guest ready"), "{page}");
    let seen = world.wait(engine.interface_addresses(&domain.view(), AddressSource::Arp)).unwrap();
    assert!(seen[0].addresses.contains_key(&address), "{seen:?}");

    // With the guest goes its cable, and its place in the network.
    world.wait(async {
        let destroy = DomainRequest::Destroy { graceful: false };
        domain.request(grant(Action::DomainManage).await, destroy).await.unwrap();
        network.watch().wait_for(|view| view.connections == 0).await.unwrap();
    });
    assert!(!world.host.ip("-o link").contains("vnet0"));
    world.ask(&network, Request::Destroy).unwrap();
    assert_eq!(world.remains(), Vec::<String>::new());
}

#[test]
fn a_guest_of_a_network_that_does_not_run_is_refused_with_the_next_step() {
    let world = World::new();
    world.wait(world.networks().offer_default());
    let engine = world.wait(async { engine(&world).await });
    for (interface, why) in [
        ("<interface type='network'><source network='default'/></interface>", "lodgectl net-start default"),
        ("<interface type='network'><source network='none'/></interface>", "there is no network with the name or UUID 'none'"),
        ("<interface type='bridge'><source bridge='br9'/></interface>", "there is no bridge br9 on this host"),
        ("<interface type='direct'><source dev='eth9' mode='bridge'/></interface>", "this host has no interface eth9"),
    ] {
        let error = world.wait(async {
            let draft = Engine::read(&document("web", interface)).unwrap();
            let domain = engine.define(grant(Action::DomainDefine).await, draft, false).await.unwrap().domain;
            engine.start(domain, grant(Action::DomainManage).await, false, true).await.unwrap_err().to_string()
        });
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_guest_has_as_many_queues_as_it_asks_for_on_a_bridge_of_the_host() {
    let world = World::new();
    world.host.ip("link add br0 type bridge");
    world.host.ip("link set br0 up");
    let engine = world.wait(async { engine(&world).await });
    let interfaces = "<interface type='bridge'><source bridge='br0'/><target dev='web0'/><model type='virtio'/><driver queues='2'/></interface>\
                      <interface type='ethernet'><target dev='own0'/><model type='e1000e'/></interface>";
    let domain = world.wait(start(&engine, &document("web", interfaces)));
    let port = world.host.ip("-d -o link show web0");
    assert!(port.contains("master br0") && port.contains("numqueues 2") || port.contains("multi_queue"), "{port}");
    assert!(world.host.ip("-o link show own0").contains("UP"));
    world.wait(async {
        let destroy = DomainRequest::Destroy { graceful: false };
        domain.request(grant(Action::DomainManage).await, destroy).await.unwrap();
    });
    let links = world.host.ip("-o link");
    assert!(!links.contains("web0") && !links.contains("own0"), "{links}");
}

#[test]
fn a_guest_through_macvtap_is_on_the_hosts_own_network_and_leaves_no_interface() {
    let world = World::new();
    world.start("<network><name>lan</name><forward mode='bridge'><interface dev='up0'/></forward></network>");
    let engine = world.wait(async { engine(&world).await });
    let interface = "<interface type='network'><source network='lan'/><model type='virtio'/></interface>";
    let domain = world.wait(start(&engine, &document("web", interface)));
    assert!(world.host.ip("-d -o link show type macvtap").contains("mode bridge"));
    assert_eq!(world.network("lan").view().connections, 1);

    let listener = world.outside.enter(|| TcpListener::bind((SERVER, 80)).unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").unwrap();
        peer.ip().to_string()
    });
    world.wait(async {
        let mut console = Console::of(&domain).await;
        console.until("Lodge demo guest ready").await;
        console.types(&format!("\rip addr add 203.0.113.77/24 dev eth0; wget -qO- http://{SERVER}/; echo \"end $((6 * 7))\"\r")).await;
        console.until("end 42").await;
    });
    assert_eq!(server.join().unwrap(), "203.0.113.77", "nobody translates");
    world.wait(async {
        let destroy = DomainRequest::Destroy { graceful: false };
        domain.request(grant(Action::DomainManage).await, destroy).await.unwrap();
        world.network("lan").watch().wait_for(|view| view.connections == 0).await.unwrap();
        // Its interface goes in the same breath; a new start waits for that.
        engine.start(domain.clone(), grant(Action::DomainManage).await, false, true).await.unwrap_or_else(|error| panic!("{error}"));
    });
    assert_eq!(world.host.ip("-o link show type macvtap").lines().count(), 1);
    world.wait(async {
        let destroy = DomainRequest::Destroy { graceful: false };
        domain.request(grant(Action::DomainManage).await, destroy).await.unwrap();
    });
}
