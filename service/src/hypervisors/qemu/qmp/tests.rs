//! The client against a server of our own, which says what no QEMU would say on demand, and against a real QEMU.

use std::io::{IoSliceMut, Read};
use std::os::fd::AsRawFd;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};

use super::*;
use crate::host::process::{Exit, ProcessSpec, launch};
use crate::host::sockets;

const GREETING: &str =
    r#"{"QMP":{"version":{"qemu":{"micro":9,"minor":2,"major":7},"package":"","of":"the future"},"capabilities":["oob",{"x":1}]}}"#;

/// The server's side of a connection.
struct Server(BufReader<UnixStream>);

impl Server {
    async fn say(&mut self, message: &str) {
        self.0.get_mut().write_all(format!("{message}\r\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    async fn answer(&mut self, command: &Value, result: Value) {
        self.say(&json!({ "return": result, "id": command["id"] }).to_string()).await;
    }
}

/// A connection past its greeting.
async fn connected() -> (Server, Connected) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut server = Server(BufReader::new(theirs));
    server.say(GREETING).await;
    let negotiate = async {
        let command = server.hear().await;
        assert_eq!(command["execute"], "qmp_capabilities");
        assert_eq!(command["arguments"], json!({ "enable": ["oob"] }));
        server.answer(&command, json!({})).await;
    };
    let (connected, ()) = tokio::join!(connect(ours, DEFAULT_TIMEOUT), negotiate);
    (server, connected.unwrap())
}

#[tokio::test]
async fn commands_in_flight_find_their_answers_in_any_order() {
    let (mut server, Connected { client, version, .. }) = connected().await;
    assert_eq!(version.qemu.to_string(), "7.2.9");
    let serve = async {
        let (first, second, third) = (server.hear().await, server.hear().await, server.hear().await);
        server.answer(&third, json!(3)).await;
        server.say(&json!({ "id": second["id"], "error": { "class": "DeviceNotFound", "desc": "no b" } }).to_string()).await;
        server.answer(&first, json!(1)).await;
    };
    let (a, b, c, ()) = tokio::join!(
        client.execute::<u32>("a", NoArguments {}),
        client.execute::<u32>("b", NoArguments {}),
        client.execute::<String>("c", NoArguments {}),
        serve
    );
    assert_eq!(a.unwrap(), 1);
    let error = b.unwrap_err();
    assert_eq!(error.to_string(), "QEMU refused b: no b");
    assert!(matches!(error, QmpError::Refused { class, .. } if class == "DeviceNotFound"));
    let error = c.unwrap_err();
    assert!(matches!(error, QmpError::Unexpected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_flood_of_events_neither_delays_replies_nor_goes_unnoticed() {
    let (mut server, Connected { client, mut events, .. }) = connected().await;
    let sent = EVENT_QUEUE + 1000;
    let serve = async {
        let command = server.hear().await;
        for number in 0..sent {
            server.say(&json!({ "event": "RTC_CHANGE", "data": { "offset": number } }).to_string()).await;
        }
        server.answer(&command, json!({ "status": "running", "running": true, "singlestep": false })).await;
    };
    // Nobody takes events meanwhile.
    let (status, ()) = tokio::join!(client.query_status(), serve);
    assert_eq!(status.unwrap(), Status { status: RunState::Running, running: true });
    for number in 0..EVENT_QUEUE {
        let offset = i64::try_from(number).unwrap();
        assert_eq!(events.recv().await.unwrap().kind, EventKind::RtcChange { offset });
    }
    // The note comes without any further event, and events go on after it.
    assert_eq!(events.recv().await.unwrap().kind, EventKind::Missed { count: 1000 });
    server.say(r#"{"event":"STOP"}"#).await;
    assert_eq!(events.recv().await.unwrap().kind, EventKind::Stop);
}

#[tokio::test]
async fn the_end_fails_what_waits_after_the_last_event() {
    let (mut server, Connected { client, mut events, .. }) = connected().await;
    let serve = async {
        server.hear().await;
        server.say(r#"{"event":"SHUTDOWN","data":{"guest":false,"reason":"host-signal"}}"#).await;
        drop(server);
    };
    let (result, ()) = tokio::join!(client.query_status(), serve);
    assert_eq!(result.unwrap_err().to_string(), "the connection to QEMU ended before query-status was answered: QEMU closed it");
    let shutdown = EventKind::Shutdown { guest: false, reason: "host-signal".into() };
    assert_eq!(events.recv().await.unwrap().kind, shutdown);
    assert_eq!(events.recv().await, None);
    assert!(matches!(client.cont().await, Err(QmpError::Closed { .. })));
}

#[tokio::test]
async fn a_late_answer_harms_nobody() {
    let (mut server, Connected { client, .. }) = connected().await;
    let hasty = client.clone().with_timeout(Duration::from_millis(20));
    let error = hasty.query_status().await.unwrap_err();
    assert_eq!(error.to_string(), "QEMU did not answer query-status within 0.02 s");
    let serve = async {
        let late = server.hear().await;
        server.answer(&late, json!("nobody wants this")).await;
        let next = server.hear().await;
        server.answer(&next, json!({})).await;
    };
    let (result, ()) = tokio::join!(client.cont(), serve);
    result.unwrap();
}

#[tokio::test]
async fn nonsense_ends_the_connection_with_its_reason() {
    let (mut server, Connected { client, .. }) = connected().await;
    let serve = async {
        server.hear().await;
        server.say("hello").await;
    };
    let (result, ()) = tokio::join!(client.cont(), serve);
    assert!(result.unwrap_err().to_string().contains("QEMU sent no QMP"));
}

#[tokio::test]
async fn without_a_greeting_connecting_ends() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let error = connect(ours, Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.to_string(), "QEMU did not answer the greeting within 0.02 s");
    drop(theirs);
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let error = connect(ours, DEFAULT_TIMEOUT).await.unwrap_err();
    assert!(matches!(error, QmpError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn letting_go_of_the_clients_closes_the_connection() {
    let (mut server, Connected { client, mut events, .. }) = connected().await;
    drop(client);
    assert_eq!(server.0.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(events.recv().await, None);
}

#[tokio::test]
async fn files_go_along_one_command_after_another() {
    let (mut server, Connected { client, .. }) = connected().await;
    let file = |text: &str| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, text.as_bytes()).unwrap();
        OwnedFd::from(reader)
    };
    let (one, two) = (file("one"), file("two"));
    let serve = async {
        let mut contents = Vec::new();
        for _ in 0..2 {
            let stream = server.0.get_ref();
            let (line, mut file) = stream.async_io(Interest::READABLE, || receive(stream)).await.unwrap();
            let command: Value = serde_json::from_slice(&line).expect("one command alone");
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            contents.push((command["arguments"]["fdname"].as_str().unwrap().to_owned(), text));
            server.answer(&command, json!({})).await;
        }
        contents
    };
    let (first, second, contents) = tokio::join!(client.getfd("a", one), client.getfd("b", two), serve);
    first.unwrap();
    second.unwrap();
    assert_eq!(contents, [("a".to_owned(), "one".to_owned()), ("b".to_owned(), "two".to_owned())]);
}

fn receive(stream: &UnixStream) -> std::io::Result<(Vec<u8>, std::fs::File)> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = vec![0; 4096];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?;
    bytes.truncate(received.bytes);
    let mut files = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => files.collect(),
        _ => Vec::new(),
    });
    let file = files.next().expect("a file with the command");
    Ok((bytes, file.into()))
}

/// Starts a real QEMU without a guest, which inherits its listening QMP socket, and connects without waiting for it.
async fn real_qemu(path: &std::path::Path) -> (crate::host::process::Process, Connected) {
    let listener = sockets::listen(path).unwrap();
    let mut spec = ProcessSpec::new("/usr/bin/qemu-system-x86_64").arguments([
        "-machine",
        "q35",
        "-accel",
        "tcg",
        "-m",
        "16",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-S",
        "-device",
        "virtio-balloon-pci",
        "-mon",
        "chardev=qmp,mode=control",
    ]);
    let number = spec.inherit(listener);
    let spec = spec.arguments(["-chardev".to_owned(), format!("socket,id=qmp,fd={number},server=on,wait=off")]);
    let log = tempfile::tempfile().unwrap();
    let mut spec = spec;
    spec.output = Some(log.try_clone().unwrap().into());
    let process = launch(spec).await.expect("install qemu-system-x86");
    let stream = sockets::connect(path).await.unwrap();
    let connected = connect(stream, DEFAULT_TIMEOUT).await;
    let connected = connected.unwrap_or_else(|error| {
        let mut text = String::new();
        let mut log = log;
        std::io::Seek::rewind(&mut log).unwrap();
        log.read_to_string(&mut text).unwrap();
        panic!("{error}; QEMU said: {text}")
    });
    (process, connected)
}

#[tokio::test]
async fn a_real_qemu_is_driven_through_its_life() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d".repeat(120));
    std::fs::create_dir(&path).unwrap();
    let path = path.join("qmp");
    let (process, Connected { client, mut events, version }) = real_qemu(&path).await;
    assert!(version.qemu >= Release { major: 7, minor: 2, micro: 0 }, "{version:?}");
    assert_eq!(client.query_status().await.unwrap(), Status { status: RunState::Prelaunch, running: false });
    client.cont().await.unwrap();
    assert_eq!(events.recv().await.unwrap().kind, EventKind::Resume);
    client.stop().await.unwrap();
    let stopped = events.recv().await.unwrap();
    assert_eq!(stopped.kind, EventKind::Stop);
    assert!(stopped.time.unwrap().elapsed().unwrap() < Duration::from_secs(60));
    assert_eq!(client.query_balloon().await.unwrap(), 16 << 20);
    let labels: Vec<String> = client.query_chardev().await.unwrap().into_iter().map(|chardev| chardev.label).collect();
    assert_eq!(labels, ["qmp"]);

    // Several files at once arrive, each under its name.
    let file = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let (a, b) = tokio::join!(client.getfd("a", file()), client.getfd("b", file()));
    a.and(b).unwrap();
    client.closefd("a").await.unwrap();
    client.closefd("b").await.unwrap();
    assert!(matches!(client.closefd("a").await, Err(QmpError::Refused { .. })));

    // A second service life: the old connection is dropped, a new one greets.
    drop(client);
    while events.recv().await.is_some() {}
    let stream = sockets::connect(&path).await.unwrap();
    let Connected { client, mut events, .. } = connect(stream, DEFAULT_TIMEOUT).await.unwrap();
    assert_eq!(client.query_status().await.unwrap().status, RunState::Paused);
    client.quit().await.unwrap();
    let shutdown = EventKind::Shutdown { guest: false, reason: "host-qmp-quit".into() };
    assert_eq!(events.recv().await.unwrap().kind, shutdown);
    assert_eq!(events.recv().await, None);
    assert_eq!(process.exited().await, Exit::Code(0));
}

#[tokio::test]
async fn a_qemu_that_fails_to_start_closes_the_connection() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("qmp");
    let listener = sockets::listen(&path).unwrap();
    let number = listener.as_raw_fd();
    let mut spec = ProcessSpec::new("/usr/bin/qemu-system-x86_64").arguments(["-machine", "no-such-machine"]);
    assert_eq!(spec.inherit(listener), number);
    let process = launch(spec).await.expect("install qemu-system-x86");
    // Connecting cannot fail while QEMU or we hold the listener; after its end there is nothing to connect to.
    if let Ok(stream) = sockets::connect(&path).await {
        let error = connect(stream, DEFAULT_TIMEOUT).await.unwrap_err();
        assert!(matches!(error, QmpError::Closed { .. }), "{error:?}");
    }
    assert_eq!(process.exited().await, Exit::Code(1));
}
