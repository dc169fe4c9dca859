//! `events` and `wait`: signals in the order in which they were sent.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, ROOT_PATH, paths};
use zbus::Variant;

use crate::mock::Mock;
use crate::{Ran, lodgectl};

/// What the program prints for the same events.
async fn printed(arguments: &[&str], lines: usize) -> Vec<String> {
    let mut mock = Mock::start().await;
    let mut program = lodgectl(&mock.bus, arguments).stdout(Stdio::piped()).spawn().unwrap();
    // It listens before it looks for the domain.
    assert_eq!(mock.lookups.recv().await.unwrap(), "demo");
    let properties = HashMap::from([("State", Variant::from("paused")), ("StateReason", Variant::from("io-error"))]);
    mock.emit("org.freedesktop.DBus.Properties", "PropertiesChanged", &(DOMAIN_INTERFACE, properties, Vec::<String>::new())).await;
    mock.emit(DOMAIN_INTERFACE, "Rebooted", &()).await;
    mock.emit(DOMAIN_INTERFACE, "IoError", &("virtio-disk0", "write", "no-space", "pause", "")).await;
    mock.emit(DOMAIN_INTERFACE, "DeviceRemoved", &("net1",)).await;
    let stdout = BufReader::new(program.stdout.take().unwrap());
    let printed = stdout.lines().take(lines).map(Result::unwrap).collect();
    program.kill().unwrap();
    program.wait().unwrap();
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn as_sentences() {
    let expected = [
        "domain 'demo': paused (io error)",
        "domain 'demo': rebooted",
        "domain 'demo': io error: Device virtio-disk0, Operation write, Reason no-space, Action pause",
        "domain 'demo': device removed: Device net1",
    ];
    assert_eq!(printed(&["events", "demo"], expected.len()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_json() {
    let lines = printed(&["events", "--json", "demo"], 4).await;
    let events: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["details"]["State"], "paused");
    assert_eq!(
        events[1],
        serde_json::json!({"event": "Rebooted", "path": "/org/lodge/Lodge1/domain/demo", "domain": "demo", "details": {}})
    );
    assert_eq!(events[2]["details"]["Reason"], "no-space");
    assert_eq!(events[3]["details"]["Device"], "net1");
}

/// How waiting for a state ends when the domain vanishes meanwhile.
async fn wait_while_it_vanishes(state: &str) -> Ran {
    let mut mock = Mock::start().await;
    let mut program = lodgectl(&mock.bus, &["wait", "demo", "--state", state]);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(mock.lookups.recv().await.unwrap(), "demo");
    // It listens before it looks at the state.
    assert_eq!(mock.lookups.recv().await.unwrap(), "State");
    let removed = (paths::domain("demo"), vec![DOMAIN_INTERFACE]);
    let connection = &mock.connection;
    connection.emit_signal(None::<&str>, ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", &removed).await.unwrap();
    tokio::task::spawn_blocking(|| program.wait_with_output().unwrap().into()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_vanished_is_shut_off() {
    assert_eq!(wait_while_it_vanishes("shut-off").await.good(), "");
    assert!(wait_while_it_vanishes("paused").await.failed().contains("domain 'demo' is gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_the_service() {
    let mut mock = Mock::start().await;
    let mut program = lodgectl(&mock.bus, &["wait", "demo", "--state", "paused"]);
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(mock.lookups.recv().await.unwrap(), "demo");
    assert_eq!(mock.lookups.recv().await.unwrap(), "State");
    mock.connection.release_name(BUS_NAME).await.unwrap();
    let ran: Ran = tokio::task::spawn_blocking(|| program.wait_with_output().unwrap().into()).await.unwrap();
    assert!(ran.failed().contains("Lodge went away"));
}
