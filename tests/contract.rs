//! The live service against the contract: what it says of itself, and what it answers, is what the
//! interface files promise, nothing missing and nothing more.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lodge_dbus_interfaces::options::{CreatePoolOptions, DefineOptions, StartOptions};
use lodge_dbus_interfaces::proxies::{DomainProxy, ManagerProxy};
use lodge_dbus_interfaces::types::InstanceKind;
use lodge_dbus_interfaces::{
    DOMAIN_INTERFACE, HYPERVISOR_INTERFACE, INTERFACE_FILES, JOB_INTERFACE, MANAGER_INTERFACE, NETWORK_INTERFACE, NODE_DEVICE_INTERFACE,
    ROOT_PATH, SECRET_INTERFACE, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE, paths,
};
use lodge_service::authorization::{Action, OwnerOnly};
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
use quick_xml::events::{BytesStart, Event};
use tempfile::TempDir;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, connection};

const DOMAIN: &str = "<domain type='test'><name>a</name><memory>65536</memory>\
    <devices><graphics type='vnc' port='5900'/></devices></domain>";

const NETWORK: &str = "<network><name>lab</name><ip address='10.0.0.1' prefix='24'/></network>";

const SECRET_UUID: &str = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f";
const SECRET: &str = "<secret><uuid>0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f</uuid></secret>";

/// Interface by interface, the members as `method Start(in options a{sv}, out job o)`.
type Interfaces = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn the_service_introspects_as_its_interface_files_say() {
    let service = Service::start().await;
    for (interface, file) in INTERFACE_FILES {
        let promised = members(file);
        let live = members(&service.introspect(&service.place(interface)).await);
        let (promised, live) = (&promised[interface], &live[interface]);
        let missing: Vec<_> = promised.difference(live).collect();
        let surplus: Vec<_> = live.difference(promised).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "{interface}: promised only: {missing:#?}, served only: {surplus:#?}");
    }
}

#[tokio::test]
async fn no_object_serves_anything_besides_the_contract() {
    let service = Service::start().await;
    let standard = ["Introspectable", "ObjectManager", "Peer", "Properties"].map(|name| format!("org.freedesktop.DBus.{name}"));
    for (interface, _) in INTERFACE_FILES {
        let live = members(&service.introspect(&service.place(interface)).await);
        let others: Vec<_> = live.keys().filter(|name| *name != interface && !standard.contains(name)).collect();
        assert!(others.is_empty(), "{interface}: {others:?}");
    }
}

#[tokio::test]
async fn every_property_is_served_and_in_the_inventory_with_the_promised_type() {
    let service = Service::start().await;
    let reply = service
        .client
        .call_method(None::<&str>, ROOT_PATH, Some("org.freedesktop.DBus.ObjectManager"), "GetManagedObjects", &())
        .await
        .unwrap();
    let objects: HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>> = reply.body().deserialize().unwrap();
    for (interface, file) in INTERFACE_FILES {
        let promised = property_types(file);
        let path = service.place(interface);
        let properties = Some("org.freedesktop.DBus.Properties");
        let reply = service.client.call_method(None::<&str>, path.as_str(), properties, "GetAll", &interface).await.unwrap();
        let all: HashMap<String, OwnedVariant> = reply.body().deserialize().unwrap();
        assert_eq!(types(&all), promised, "{interface}, GetAll");
        if interface != MANAGER_INTERFACE {
            assert_eq!(types(&objects[&path][interface]), promised, "{interface}, GetManagedObjects");
        }
        for (name, signature) in &promised {
            let reply = service.client.call_method(None::<&str>, path.as_str(), properties, "Get", &(interface, name)).await.unwrap();
            let value: OwnedVariant = reply.body().deserialize().unwrap();
            assert_eq!(&value.value_signature().to_string(), signature, "{interface}.{name}, Get");
        }
    }
    let places: BTreeSet<_> = objects.keys().map(|path| path.to_string()).collect();
    let with_objects = [
        DOMAIN_INTERFACE,
        HYPERVISOR_INTERFACE,
        JOB_INTERFACE,
        NETWORK_INTERFACE,
        NODE_DEVICE_INTERFACE,
        SECRET_INTERFACE,
        STORAGE_POOL_INTERFACE,
        STORAGE_VOLUME_INTERFACE,
    ];
    let mut expected: BTreeSet<_> = with_objects.map(|interface| service.place(interface).to_string()).into();
    // The start of the pool was a job, too.
    expected.insert(paths::job(2).to_string());
    assert_eq!(places, expected);
}

#[test]
fn every_action_is_asked_for_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let bus: String = std::fs::read_dir(root.join("service/src/bus"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for action in Action::ALL {
        assert!(bus.contains(&format!("Action::{action:?}")), "no bus method asks for {action}");
    }
}

#[test]
fn every_action_has_its_policy_and_every_policy_its_action() {
    let policy = repository_file("polkit/org.lodge.Lodge1.policy");
    let described: Vec<_> = policy.split("<action id=\"").skip(1).map(|action| action.split_once("\">").unwrap()).collect();
    let promised: Vec<_> = Action::ALL.iter().map(|action| action.id()).collect();
    let ids: Vec<_> = described.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, promised);
    for (id, action) in described {
        let active = if id.ends_with(".view") { "yes" } else { "auth_admin_keep" };
        for (who, may) in [("any", "auth_admin"), ("inactive", "auth_admin"), ("active", active)] {
            assert!(action.contains(&format!("<allow_{who}>{may}</allow_{who}>")), "{id}: allow_{who} is not {may}");
        }
        for element in ["description", "message"] {
            for language in ["", " xml:lang=\"de\"", " xml:lang=\"es\"", " xml:lang=\"fr\"", " xml:lang=\"zh_CN\""] {
                assert!(action.contains(&format!("<{element}{language}>")), "{id} has no <{element}{language}>");
            }
        }
        // Whose machine it is stands in every language or in none.
        let messages = action.matches("<message").count();
        let names = action.matches("$(").count();
        assert!(names == 0 || names == messages, "{id}: {names} of {messages} messages name the object");
    }
}

#[test]
fn the_shipped_rule_grants_what_does_not_make_root() {
    let rules = repository_file("polkit/org.lodge.Lodge1.rules");
    let granted: BTreeSet<_> = rules.split('"').filter(|word| word.starts_with("org.lodge.")).map(str::to_owned).collect();
    let expected = Action::ALL
        .iter()
        .map(|action| action.id())
        .filter(|id| ![".define", ".read", "device.manage"].iter().any(|not| id.ends_with(not)))
        .collect();
    assert_eq!(granted, expected);
}

#[test]
fn the_documentation_shows_the_rule_that_is_tested() {
    // tests/system gives it to the real polkit.
    let example = repository_file("docs/examples/one-machine.rules");
    assert!(repository_file("docs/security.md").contains(&format!("```js\n{example}```")));
}

#[test]
fn the_debian_package_has_the_version_of_the_workspace() {
    let changelog = repository_file("debian/changelog");
    assert!(changelog.starts_with(&format!("lodge ({}) ", env!("CARGO_PKG_VERSION"))), "{changelog}");
}

fn repository_file(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// A service with one of everything.
struct Service {
    client: Connection,
    _server: Connection,
    _root: TempDir,
}

impl Service {
    async fn start() -> Self {
        let root = TempDir::with_prefix("lodge-").unwrap();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let server = lodge_service::bus::answering(connection::Builder::unix_stream(ours).server(zbus::Guid::generate()).p2p()).build();
        let client = connection::Builder::unix_stream(theirs).p2p().build();
        let (server, client) = tokio::try_join!(server, client).unwrap();
        let (publisher, publications) = Publisher::new();
        let store = Arc::new(Store::open(Layout::under(root.path())).unwrap());
        let devices = NodeDevices::load(Sysfs::below(root.path()), store.clone(), publisher.clone()).await.unwrap();
        let secrets = Secrets::load(store.clone(), publisher.clone()).unwrap();
        let networks = Networks::new(store.clone(), publisher.clone(), true).unwrap();
        let jobs = Arc::new(Jobs::new(publisher.clone()));
        let parts = storage::Parts { store: store.clone(), publisher: publisher.clone(), jobs: jobs.clone(), secrets: secrets.clone() };
        let storage = Storage::new(parts);
        let engine = Engine::new(Parts {
            store,
            drivers: vec![Arc::new(FakeDriver::default())],
            publisher,
            jobs,
            networks: networks.clone(),
            devices: devices.clone(),
            secrets: secrets.clone(),
            storage: storage.clone(),
            console_keep: 4096,
        });
        engine.recover().await.unwrap();
        let owner = Arc::new(OwnerOnly::of_this_process());
        let served = Served { engine, networks, secrets, storage, devices };
        lodge_service::bus::serve(&server, served, owner, publications, InstanceKind::Session).await.unwrap();
        let manager = ManagerProxy::new(&client).await.unwrap();
        manager.define_domain(DOMAIN, &DefineOptions::default()).await.unwrap();
        manager.define_network(NETWORK, &DefineOptions::default()).await.unwrap();
        manager.define_secret(SECRET, &DefineOptions::default()).await.unwrap();
        let domain = DomainProxy::builder(&client).path(paths::domain("a")).build().await.unwrap();
        domain.start(&StartOptions::default()).await.unwrap();
        let images = root.path().join("images");
        std::fs::create_dir(&images).unwrap();
        std::fs::write(images.join("image"), "").unwrap();
        let pool = format!("<pool type='dir'><name>p</name><target><path>{}</path></target></pool>", images.display());
        manager.create_pool(&pool, &CreatePoolOptions::default()).await.unwrap();
        Self { client, _server: server, _root: root }
    }

    /// Where an object with the interface is.
    fn place(&self, interface: &str) -> OwnedObjectPath {
        match interface {
            MANAGER_INTERFACE => zbus::ObjectPath::from_static_str(ROOT_PATH).unwrap().into(),
            HYPERVISOR_INTERFACE => paths::hypervisor("fake"),
            DOMAIN_INTERFACE => paths::domain("a"),
            JOB_INTERFACE => paths::job(1),
            NETWORK_INTERFACE => paths::network("lab"),
            SECRET_INTERFACE => paths::secret(SECRET_UUID),
            STORAGE_POOL_INTERFACE => paths::pool("p"),
            STORAGE_VOLUME_INTERFACE => paths::volume("p", "image"),
            NODE_DEVICE_INTERFACE => paths::device("computer"),
            other => panic!("{other} is new: say here where it lives"),
        }
    }

    async fn introspect(&self, path: &OwnedObjectPath) -> String {
        let reply = self.client.call_method(None::<&str>, path.as_str(), Some("org.freedesktop.DBus.Introspectable"), "Introspect", &());
        reply.await.unwrap().body().deserialize().unwrap()
    }
}

fn types(values: &HashMap<String, OwnedVariant>) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| (name.clone(), value.value_signature().to_string())).collect()
}

fn property_types(file: &str) -> BTreeMap<String, String> {
    let member = |line: &String| {
        let (name, rest) = line.strip_prefix("property ")?.split_once(' ')?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    members(file).values().flatten().filter_map(member).collect()
}

/// Every member of every interface of a document's outermost node.
fn members(document: &str) -> Interfaces {
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let (mut interfaces, mut interface, mut member, mut depth) = (Interfaces::new(), String::new(), Member::default(), 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => match element.name().as_ref() {
                "node" => depth += 1,
                _ if depth > 1 => {}
                "interface" => interface = attribute(&element, "name"),
                kind @ ("method" | "signal" | "property") => member = Member::new(kind, &element),
                "arg" => member.arg(&element),
                "annotation" => member.annotation(&element),
                _ => {}
            },
            Event::End(element) if element.name().as_ref() == "node" => depth -= 1,
            Event::End(element) if depth == 1 && ["method", "signal", "property"].contains(&element.name().as_ref()) => {
                interfaces.entry(interface.clone()).or_default().insert(member.line());
            }
            Event::Eof => return interfaces,
            _ => {}
        }
    }
}

#[derive(Default)]
struct Member {
    kind: String,
    name: String,
    parts: Vec<String>,
    /// `true` is the default and need not be said.
    announced: String,
}

impl Member {
    fn new(kind: &str, element: &BytesStart<'_>) -> Self {
        let parts = match kind {
            "property" => vec![attribute(element, "type"), attribute(element, "access")],
            _ => Vec::new(),
        };
        Self { kind: kind.to_owned(), name: attribute(element, "name"), parts, announced: "true".to_owned() }
    }

    fn arg(&mut self, element: &BytesStart<'_>) {
        let parts = ["direction", "name", "type"].map(|key| attribute(element, key));
        self.parts.push(parts.join(" ").trim().to_owned());
    }

    fn annotation(&mut self, element: &BytesStart<'_>) {
        if attribute(element, "name") == "org.freedesktop.DBus.Property.EmitsChangedSignal" {
            self.announced = attribute(element, "value");
        }
    }

    fn line(&self) -> String {
        let Self { kind, name, parts, announced } = self;
        match kind.as_str() {
            "property" => format!("property {name} {} {announced}", parts.join(" ")),
            _ => format!("{kind} {name}({})", parts.join(", ")),
        }
    }
}

/// Empty when absent.
fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    element.try_get_attribute(name).unwrap().map_or_else(String::new, |value| value.value.into_owned())
}
