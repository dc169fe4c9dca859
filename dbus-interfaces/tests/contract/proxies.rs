//! The proxies say what the interface files say.
//!
//! A mock service answers straight from the files: a call with the declared types gets a made-up answer of the declared
//! types, anything else an error. Every proxy method is called once; what the files have and nobody called fails the test.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::interface_files::{Interface, Member, interfaces};
use futures_util::StreamExt;
use lodge_dbus_interfaces::options::{
    AddressOptions, BuildOptions, ChangeOptions, ConsoleOptions, CreateOptions, CreatePoolOptions, DefineOptions, DestroyOptions,
    DetachOptions, DomainCapabilitiesOptions, InactiveOptions, MetadataOptions, NetworkUpdateOptions, NoOptions, PoolStartOptions,
    ResetOptions, ResizeOptions, ShutdownOptions, StartOptions, TransferOptions, UndefineOptions, VolumeOptions, WipeOptions, XmlOptions,
};
use lodge_dbus_interfaces::proxies::{
    DomainProxy, HypervisorProxy, JobProxy, ManagerProxy, NetworkProxy, NodeDeviceProxy, SecretProxy, StoragePoolProxy, StorageVolumeProxy,
};
use lodge_dbus_interfaces::types::{JobState, State};
use lodge_dbus_interfaces::{BUS_NAME, Error};
use tokio::task::JoinHandle;
use zbus::message::Type;
use zbus::proxy::CacheProperties;
use zbus::{Array, Connection, Dict, Fd, Message, MessageStream, ObjectPath, Signature, Structure, Variant, connection};

/// What the mock was asked for, as `Interface.Member`, `get Interface.Member` and `set Interface.Member`.
type Asked = BTreeSet<String>;

/// Calls everything a proxy has: `call!(proxy; method(arguments), ...)`.
macro_rules! call {
    ($proxy:ident; $($method:ident($($argument:expr),*),)+) => {
        $($proxy.$method($($argument),*).await.unwrap_or_else(|error| panic!("{}: {error}", stringify!($method)));)+
    };
}

/// Receives signals and takes their arguments apart: `receive!(proxy, mock; receive_x => "X", ...)`.
macro_rules! receive {
    ($proxy:ident, $mock:ident; $($receive:ident => $signal:literal,)+) => {
        $(
            let mut stream = $proxy.$receive().await.unwrap();
            $mock.emit($proxy.inner().interface().as_str(), $signal).await;
            let signal = stream.next().await.unwrap();
            signal.args().unwrap_or_else(|error| panic!("{}: {error}", $signal));
        )+
    };
}

macro_rules! proxy {
    ($proxy:ident, $mock:ident) => {
        $proxy::builder(&$mock.client).destination(BUS_NAME).path("/mock").cache_properties(CacheProperties::No).build().await.unwrap()
    };
}

#[tokio::test]
async fn manager() {
    let mock = Mock::start().await;
    let manager = proxy!(ManagerProxy, mock);
    call!(manager;
        version(), instance_kind(), hypervisors(),
        define_domain("", &DefineOptions::default()), create_domain("", &CreateOptions::default()),
        validate_domain("", &NoOptions::default()), domain_from_native("", "", &NoOptions::default()),
        domain_to_native("", "", &NoOptions::default()), get_capabilities(&NoOptions::default()), get_domain(""),
        define_network("", &DefineOptions::default()), create_network("", &NoOptions::default()), get_network(""),
        define_pool("", &DefineOptions::default()), create_pool("", &CreatePoolOptions::default()), get_pool(""), get_volume(""),
        get_pool_capabilities(&NoOptions::default()), find_pool_sources("", "", &NoOptions::default()),
        define_secret("", &DefineOptions::default()), get_secret(""),
        get_device(""), create_device("", &NoOptions::default()),
    );
    drop(manager);
    mock.finish("Manager").await;
}

#[tokio::test]
async fn hypervisor() {
    let mock = Mock::start().await;
    let hypervisor = proxy!(HypervisorProxy, mock);
    call!(hypervisor;
        name(), version(), available(), reason(), accelerators(), architectures(),
        get_machines("", &NoOptions::default()), get_domain_capabilities(&DomainCapabilitiesOptions::default()),
    );
    drop(hypervisor);
    mock.finish("Hypervisor").await;
}

#[tokio::test]
async fn network() {
    let mock = Mock::start().await;
    let network = proxy!(NetworkProxy, mock);
    call!(network;
        name(), uuid(), active(), persistent(), autostart(), set_autostart(true), mode(), bridge(), domain(), addresses(), title(),
        description(), connections(), pending_changes(), warnings(), get_xml(&InactiveOptions::default()),
        start(&NoOptions::default()), destroy(&NoOptions::default()), undefine(&NoOptions::default()),
        update("", "", "", &NetworkUpdateOptions::default()), get_leases(&NoOptions::default()),
    );
    drop(network);
    mock.finish("Network").await;
}

#[tokio::test]
async fn secret() {
    let mock = Mock::start().await;
    let secret = proxy!(SecretProxy, mock);
    call!(secret;
        uuid(), usage(), usage_id(), description(), ephemeral(), private(), has_value(), warnings(),
        get_xml(&NoOptions::default()), set_value(&[], &NoOptions::default()), get_value(&NoOptions::default()),
        undefine(&NoOptions::default()),
    );
    drop(secret);
    mock.finish("Secret").await;
}

#[tokio::test]
async fn storage_pool() {
    let mock = Mock::start().await;
    let pool = proxy!(StoragePoolProxy, mock);
    let source = ObjectPath::from_static_str_unchecked("/");
    call!(pool;
        name(), uuid(), kind(), active(), persistent(), autostart(), set_autostart(true), path(), capacity(), allocation(), available(),
        warnings(), get_xml(&InactiveOptions::default()), build(&BuildOptions::default()), start(&PoolStartOptions::default()),
        refresh(&NoOptions::default()), stop(&NoOptions::default()), delete(&NoOptions::default()), undefine(&NoOptions::default()),
        create_volume("", &VolumeOptions::default()), clone_volume("", &source, &VolumeOptions::default()), get_volume(""),
    );
    drop(pool);
    mock.finish("StoragePool").await;
}

#[tokio::test]
async fn storage_volume() {
    let mock = Mock::start().await;
    let volume = proxy!(StorageVolumeProxy, mock);
    let (file, _) = std::io::pipe().unwrap();
    let file = std::os::fd::AsFd::as_fd(&file);
    call!(volume;
        name(), pool(), key(), path(), kind(), format(), capacity(), allocation(), physical(), backing_path(), encrypted(),
        get_xml(&NoOptions::default()), get_backing_chain(&NoOptions::default()), resize(1, &ResizeOptions::default()), wipe(&WipeOptions::default()),
        delete(&NoOptions::default()), upload(file.into(), &TransferOptions::default()), download(file.into(), &TransferOptions::default()),
    );
    drop(volume);
    mock.finish("StorageVolume").await;
}

#[tokio::test]
async fn node_device() {
    let mock = Mock::start().await;
    let device = proxy!(NodeDeviceProxy, mock);
    call!(device;
        name(), parent(), capabilities(), path(), device_files(), driver(), vendor(), product(), iommu_group(), used_by(),
        get_xml(&NoOptions::default()), detach(&DetachOptions::default()), reattach(&NoOptions::default()),
        reset(&ResetOptions::default()), destroy(&NoOptions::default()),
    );
    drop(device);
    mock.finish("NodeDevice").await;
}

#[tokio::test]
async fn job() {
    let mut mock = Mock::start().await;
    let job = proxy!(JobProxy, mock);
    call!(job;
        operation(), message(), progress(), progress_valid(), bytes(), rate(), start_time(), expected_end_time(),
        objects(), started_by_uid(), cancelable(), cancel(&NoOptions::default()),
    );
    // The made-up word is of no version: it must decode all the same.
    assert_eq!(job.state().await.unwrap(), JobState::Other("word".into()));
    receive!(job, mock; receive_completed => "Completed",);
    drop(job);
    mock.finish("Job").await;
}

#[tokio::test]
async fn domain() {
    let mut mock = Mock::start().await;
    let domain = proxy!(DomainProxy, mock);
    let (none, change) = (NoOptions::default(), ChangeOptions { live: true, config: true });
    call!(domain;
        name(), uuid(), id(), hypervisor(), type_(), state_reason(), title(), description(), persistent(), autostart(),
        set_autostart(true), memory(), max_memory(), vcpus(), max_vcpus(), arch(), machine(), security_labels(),
        graphics(), pending_changes(), warnings(),
    );
    assert_eq!(domain.state().await.unwrap(), State::Other("word".into()));
    call!(domain;
        start(&StartOptions { paused: true, no_wait: true }), shutdown(&ShutdownOptions::default()),
        reboot(&ShutdownOptions::default()), reset(&none), destroy(&DestroyOptions::default()), suspend(&none),
        resume(&none), undefine(&UndefineOptions::default()), rename("", &none), get_xml(&XmlOptions::default()),
        set_memory(1, &change), set_max_memory(1, &none), set_vcpus(1, &change), set_max_vcpus(1, &none),
        set_title("", &change), set_description("", &change), set_metadata("", "", "", &change),
        get_metadata("", &MetadataOptions::default()), open_console("", &ConsoleOptions::default()), get_interface_addresses(&AddressOptions::default()),
    );
    receive!(domain, mock;
        receive_xml_changed => "XmlChanged", receive_guest_panicked => "GuestPanicked",
        receive_watchdog_fired => "WatchdogFired", receive_io_error => "IoError",
        receive_device_removed => "DeviceRemoved",
    );
    let mut rebooted = domain.receive_rebooted().await.unwrap();
    mock.emit(domain.inner().interface().as_str(), "Rebooted").await;
    rebooted.next().await.unwrap();
    drop((domain, rebooted));
    mock.finish("Domain").await;
}

#[tokio::test]
async fn errors_come_back_as_the_contract_s_own() {
    let mock = Mock::start().await;
    let refused = DomainProxy::builder(&mock.client)
        .destination(BUS_NAME)
        .path("/refused")
        .cache_properties(CacheProperties::No)
        .build()
        .await
        .unwrap();
    let options = StartOptions::default();
    let from_method = refused.start(&options).await.unwrap_err();
    let from_getter = refused.state().await.unwrap_err();
    let from_setter = refused.set_autostart(true).await.unwrap_err();
    for error in [from_method, from_getter, from_setter] {
        assert!(matches!(&error, Error::InvalidState(message) if message == "refused"), "{error:?}");
    }
}

/// The service's side of a connection, and the client's end of it.
struct Mock {
    client: Connection,
    server: Connection,
    signals: Asked,
    task: JoinHandle<Asked>,
}

impl Mock {
    async fn start() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = connection::Builder::unix_stream(ours).server(zbus::Guid::generate()).p2p().build();
        let client = connection::Builder::unix_stream(theirs).p2p().build();
        let (server, client) = tokio::try_join!(server, client).unwrap();
        let mut calls = MessageStream::from(&server);
        let connection = server.clone();
        let task = tokio::spawn(async move {
            let (interfaces, mut asked) = (interfaces(), Asked::new());
            while let Some(Ok(message)) = calls.next().await {
                if message.message_type() == Type::MethodCall {
                    let reply = answer(&interfaces, &message, &mut asked);
                    connection.send(&reply).await.unwrap();
                }
            }
            asked
        });
        Self { client, server, signals: Asked::new(), task }
    }

    async fn emit(&mut self, interface: &str, signal: &str) {
        let interfaces = interfaces();
        let member = find(&interfaces, interface, "signal", signal).unwrap();
        let message = Message::signal("/mock", interface, signal);
        self.server.send(&build(message, &member.signature(""))).await.unwrap();
        self.signals.insert(format!("{interface}.{signal}"));
    }

    /// Holds what was called against what the file has.
    async fn finish(self, interface: &str) {
        self.client.close().await.unwrap();
        let mut asked = self.task.await.unwrap();
        asked.extend(self.signals);
        let interfaces = interfaces();
        let interface = interfaces.iter().find(|candidate| candidate.name.ends_with(interface)).unwrap();
        let mut declared = Asked::new();
        for member in &interface.members {
            let place = format!("{}.{}", interface.name, member.name);
            match (member.kind.as_str(), member.access.as_str()) {
                ("property", "read") => declared.extend([format!("get {place}")]),
                ("property", _) => declared.extend([format!("get {place}"), format!("set {place}")]),
                _ => declared.extend([place]),
            }
        }
        assert_eq!(asked, declared, "left: what the test called; right: what the file has");
    }
}

/// The reply to a call of a method or of org.freedesktop.DBus.Properties.
fn answer(interfaces: &[Interface], call: &Message, asked: &mut Asked) -> Message {
    let header = call.header();
    let refuse = |message: &str| {
        let builder = Message::error(&header, "org.lodge.Lodge1.Error.InvalidState");
        builder.build(&message).unwrap()
    };
    if header.path().is_some_and(|path| path.as_str() == "/refused") {
        return refuse("refused");
    }
    let (interface, name) = (header.interface().unwrap().as_str(), header.member().unwrap().as_str());
    let body = call.body();
    let signature = body.signature().to_string_no_parens();
    if interface != "org.freedesktop.DBus.Properties" {
        return match find(interfaces, interface, "method", name) {
            Some(method) if method.signature("in") == signature => {
                asked.insert(format!("{interface}.{name}"));
                build(Message::method_return(&header), &method.signature("out"))
            }
            _ => refuse(&format!("no method {interface}.{name}({signature})")),
        };
    }
    let (interface, property, value) = match name {
        "Get" => {
            let (interface, property): (String, String) = body.deserialize().unwrap();
            (interface, property, None)
        }
        _ => {
            let (interface, property, value): (String, String, Variant<'_>) = body.deserialize().unwrap();
            (interface, property, Some(value.value_signature().to_string()))
        }
    };
    let Some(member) = find(interfaces, &interface, "property", &property) else {
        return refuse(&format!("no property {interface}.{property}"));
    };
    match value {
        None => {
            asked.insert(format!("get {interface}.{property}"));
            let value = made_up(&Signature::try_from(member.signature.as_str()).unwrap());
            Message::method_return(&header).build(&value).unwrap()
        }
        Some(signature) if member.access == "readwrite" && signature == member.signature => {
            asked.insert(format!("set {interface}.{property}"));
            Message::method_return(&header).build(&()).unwrap()
        }
        Some(signature) => refuse(&format!("{interface}.{property} cannot be set to a {signature}")),
    }
}

fn find<'a>(interfaces: &'a [Interface], interface: &str, kind: &str, name: &str) -> Option<&'a Member> {
    let interface = interfaces.iter().find(|candidate| candidate.name == interface)?;
    interface.members.iter().find(|member| member.kind == kind && member.name == name)
}

/// A message whose body has made-up values of these types.
fn build(message: zbus::message::Builder<'_>, signature: &str) -> Message {
    if signature.is_empty() {
        return message.build(&()).unwrap();
    }
    match made_up(&Signature::try_from(format!("({signature})").as_str()).unwrap()) {
        Variant::Structure(body) => message.build(&body).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Some value of a type. Containers have one element, so that the types of elements count.
fn made_up(signature: &Signature) -> Variant<'static> {
    match signature {
        Signature::U8 => 1_u8.into(),
        Signature::Bool => true.into(),
        Signature::U32 => 1_u32.into(),
        Signature::I32 => (-1_i32).into(),
        Signature::U64 => 1_u64.into(),
        Signature::F64 => 0.5_f64.into(),
        Signature::Str => "word".into(),
        Signature::ObjectPath => ObjectPath::from_static_str("/made/up").unwrap().into(),
        Signature::Variant => Variant::Variant(Box::new(1_u16.into())),
        Signature::Fd => Fd::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap())).into(),
        Signature::Array(element) => {
            let mut array = Array::new(element.signature());
            array.append(made_up(element.signature())).unwrap();
            array.into()
        }
        Signature::Dict { key, value } => {
            let mut dict = Dict::new(key.signature(), value.signature());
            dict.append(made_up(key.signature()), made_up(value.signature())).unwrap();
            dict.into()
        }
        Signature::Structure(fields) => {
            let builder = Structure::builder();
            let filled = fields.iter().fold(builder, |builder, field| builder.append_field(made_up(field)));
            filled.build().unwrap().into()
        }
        other => panic!("no made-up value of type {other}: add one"),
    }
}
