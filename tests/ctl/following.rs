//! `events`: signals in the order in which they were sent.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use lodge_dbus_interfaces::DOMAIN_INTERFACE;
use zbus::Variant;

use crate::lodgectl;
use crate::mock::Mock;

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
