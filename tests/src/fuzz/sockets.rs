//! Those that the service talks to over a socket: QEMU, and the agent in a guest. They are played by the bytes, against the
//! clients as they are.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lodge_service::hypervisors::qemu::capabilities::{Answers, parse_list};
use lodge_service::hypervisors::qemu::qmp::{self, Client, Connected, EventKind, QmpError};
use lodge_service::hypervisors::qemu::{agent, agent_interfaces};
use rustix::net::SendFlags;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;

/// Nothing here waits so long: a peer that has nothing more to say goes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Turns of all others after which a client that has made no request waits for an answer that will not come.
const TURNS: usize = 100;

/// What each thread uses again and again.
struct World {
    runtime: Runtime,
    listener: UnixListener,
    path: PathBuf,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().event_interval(1).enable_all().build().expect("a runtime can be made");
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().join("agent");
        let listener = runtime.block_on(async { UnixListener::bind(&path) }).expect("a socket can be listened on");
        Self { runtime, listener, path, _directory: directory }
    }
}

thread_local! {
    static WORLD: World = World::new();
}

/// QEMU on QMP: the greeting, then behind an empty line what it answers to each request in turn.
pub fn qmp(data: &[u8]) {
    talk(data, async |connected: Connected| {
        let Connected { client, mut events, .. } = connected;
        ask(&client).await;
        drop(client);
        while let Some(event) = events.recv().await {
            assert!(!matches!(event.kind, EventKind::Missed { count: 0 }));
        }
    });
}

/// QEMU when it is asked what it can do: the greeting, the answer to the agreement on capabilities, those to all questions,
/// and the list of displays.
pub fn qemu_probe(data: &[u8]) {
    let list = parts(data).last().map(|part| String::from_utf8_lossy(part).into_owned()).unwrap_or_default();
    talk(data, async |Connected { client, version, .. }| {
        if let Ok(answers) = Answers::collect(&client).await {
            let capabilities = answers.into_capabilities(Path::new("/usr/bin/qemu"), version, parse_list(&list), BTreeSet::new());
            let known = |name: &str| capabilities.machine(name).is_some_and(|machine| machine.name == name);
            assert!(capabilities.machines.keys().all(|name| known(name)), "{:?}", capabilities.machines);
            let text = serde_json::to_vec(&capabilities).expect("what was asked can be kept");
            assert_eq!(serde_json::from_slice(&text).ok(), Some(capabilities));
        }
    });
}

/// The typed commands, whatever comes of each.
async fn ask(client: &Client) -> Option<QmpError> {
    client.query_status().await.err();
    for chardev in client.query_chardev().await.unwrap_or_default() {
        assert!(chardev.pty().is_none_or(|path| path.len() < chardev.filename.len()));
    }
    for drive in client.query_block().await.unwrap_or_default() {
        drive.alias();
    }
    client.query_balloon().await.err();
    client.cont().await.err()
}

/// The parts between empty lines.
fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\n\n") {
        // The line's own end is part of it.
        parts.push(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

/// Connects to a QEMU that says the parts, one at once and one after each request, and is gone then.
fn talk(data: &[u8], then: impl AsyncFnOnce(Connected)) {
    WORLD.with(|world| {
        world.runtime.block_on(async {
            let (ours, theirs) = UnixStream::pair().expect("sockets can be had");
            let parts = parts(data);
            let client = async {
                if let Ok(connected) = qmp::connect(ours, PATIENCE).await {
                    then(connected).await;
                }
            };
            tokio::join!(say(theirs, &parts), client);
        });
    });
}

/// Lets everybody do what can be done without time passing.
async fn idle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

async fn say(stream: UnixStream, parts: &[&[u8]]) {
    let mut requests = BufReader::new(stream);
    let mut request = Vec::new();
    for part in parts {
        if send(requests.get_ref(), part).await.is_err() {
            return;
        }
        request.clear();
        tokio::select! {
            biased;
            read = requests.read_until(b'\n', &mut request) => if read.is_ok_and(|length| length > 0) { continue },
            () = idle() => {}
        }
        return;
    }
}

/// The agent in a guest: as it answers an order, and as it tells the guest's interfaces.
pub fn agent(data: &[u8]) {
    agent_asked(data, async |path| agent::shut_down(path, "powerdown", None).await);
    agent_asked(data, async |path| {
        let answer = agent::ask(path, agent_interfaces::QUESTION, None).await?;
        let told = agent_interfaces::read(answer);
        assert!(told.iter().all(|interface| !interface.name.contains(char::is_control)));
        Ok(())
    });
}

/// The agent in a guest: what was left in its channel, then behind an empty line its answer.
fn agent_asked(data: &[u8], ask: impl AsyncFn(&Path) -> lodge_service::error::Result<()>) {
    let parts = parts(data);
    let mut said = parts[0].to_vec();
    said.push(0xff);
    said.extend_from_slice(format!("{{\"return\": {}}}\n", std::process::id()).as_bytes());
    parts[1..].iter().for_each(|part| said.extend_from_slice(part));
    WORLD.with(|world| {
        world.runtime.block_on(async {
            let channel = async {
                let (stream, _) = world.listener.accept().await.expect("the client connects");
                if send(&stream, &said).await.is_ok() {
                    rustix::net::shutdown(&stream, rustix::net::Shutdown::Write).ok();
                }
                let mut orders = Vec::new();
                BufReader::new(stream).read_to_end(&mut orders).await.ok();
            };
            let (_, outcome) = tokio::join!(channel, ask(&world.path));
            if let Err(error) = outcome {
                assert!(!error.to_string().is_empty());
            }
        });
    });
}

/// Sends all without a signal when nobody reads: these programs have no runtime of Rust that would have set it aside.
async fn send(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        let sent = stream.try_io(Interest::WRITABLE, || Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?));
        match sent {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
