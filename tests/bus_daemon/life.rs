//! The service comes when it is called, leaves when nobody needs it, and forgets nothing in between.

use lodge_dbus_interfaces::options::XmlOptions;
use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;
use rustix::process::Signal;

use super::lodged::{Lodged, define, domain};

#[tokio::test]
async fn it_leaves_when_nobody_needs_it_and_comes_back_with_everything_as_it_was() {
    let mut lodged = Lodged::new(&["--idle-timeout", "1"]).await;
    let (client, manager) = lodged.client().await;
    let path = define(&manager, "a b").await;
    let before = domain(&client, &path).await;
    before.set_autostart(true).await.unwrap();
    before.set_title("mine", &Default::default()).await.unwrap();
    let (xml, uuid) = (before.get_xml(&XmlOptions::default()).await.unwrap(), before.uuid().await.unwrap());
    drop((manager, before));
    client.graceful_shutdown().await;
    lodged.until_gone().await;

    let (client, manager) = lodged.client().await;
    assert_eq!(manager.get_domain(&uuid).await.unwrap().as_str(), path);
    let after = domain(&client, &path).await;
    assert_eq!(after.get_xml(&XmlOptions::default()).await.unwrap(), xml);
    assert_eq!(after.title().await.unwrap(), "mine");
    assert!(after.autostart().await.unwrap());
    // It was not started: this is not the first service since the login.
    assert_eq!(after.state().await.unwrap().as_str(), "shut-off");
}

#[tokio::test]
async fn a_client_that_calls_and_leaves_at_once_does_not_keep_it() {
    let mut lodged = Lodged::new(&["--idle-timeout", "1"]).await;
    for _ in 0..20 {
        let (client, manager) = lodged.client().await;
        manager.version().await.unwrap();
        let message = zbus::Message::method_call("/org/lodge/Lodge1", "Ping").destination("org.lodge.Lodge1");
        let ping = message.interface("org.freedesktop.DBus.Peer").build(&()).unwrap();
        client.send(&ping).await.unwrap();
        drop(manager);
        client.close().await.unwrap();
    }
    lodged.until_gone().await;
}

#[tokio::test]
async fn it_leaves_when_it_is_told_to() {
    let mut lodged = Lodged::new(&[]).await;
    let (_client, manager) = lodged.client().await;
    define(&manager, "a").await;
    for signal in [Signal::TERM, Signal::INT] {
        lodged.signal(signal).await;
        lodged.until_gone().await;
        manager.get_domain("a").await.unwrap_or_else(|error| panic!("{error}\n{}", lodged.bus.log()));
    }
    assert!(lodged.bus.log().contains("lodged leaves: it was asked to"), "{}", lodged.bus.log());
}

#[tokio::test]
async fn no_definition_that_was_acknowledged_is_lost_to_kill_9() {
    let mut lodged = Lodged::new(&[]).await;
    let (_client, manager) = lodged.client().await;
    for count in 0..6_usize {
        // Killed right after the reply to the last of so many.
        for number in 0..=count {
            define(&manager, &format!("round {count} number {number}")).await;
        }
        lodged.signal(Signal::KILL).await;
        lodged.until_gone().await;
        for round in 0..=count {
            for number in 0..=round {
                let name = format!("round {round} number {number}");
                manager.get_domain(&name).await.unwrap_or_else(|error| panic!("{error}\n{}", lodged.bus.log()));
            }
        }
    }
}

#[tokio::test]
async fn a_second_one_is_refused_and_told_why() {
    let lodged = Lodged::new(&[]).await;
    let (_client, manager) = lodged.client().await;
    manager.version().await.unwrap();
    let other_bus = PrivateBus::start();
    let elsewhere = lodged.bus.directory().join("elsewhere");
    for (bus, root, reason) in [
        (&lodged.bus, elsewhere, "another service has the name org.lodge.Lodge1"),
        (&other_bus, lodged.bus.lodge_root(), "is in use by another lodged (process "),
    ] {
        let output = bus.command(binaries::built("lodged")).arg("--session").arg("--root").arg(root).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(reason), "{said}");
    }
    manager.version().await.unwrap();
}
