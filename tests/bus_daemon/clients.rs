//! Other people's clients: busctl of systemd and gdbus of GLib.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use lodge_tests::binaries;

use super::lodged::{Lodged, define, xml};

const DOMAIN: &str = "/org/lodge/Lodge1/domain/a";

#[tokio::test]
async fn busctl_can_look_call_and_read() {
    let lodged = Lodged::new(&[]).await;
    let document = xml("a");
    let domain = "org.lodge.Lodge1.Domain";
    for (arguments, expected) in [
        (
            vec!["call", "org.lodge.Lodge1", "/org/lodge/Lodge1", "org.lodge.Lodge1.Manager", "DefineDomain", "sa{sv}", &document, "0"],
            r#"oas "/org/lodge/Lodge1/domain/a" 0"#,
        ),
        (vec!["get-property", "org.lodge.Lodge1", DOMAIN, domain, "State"], r#"s "shut-off""#),
        (vec!["set-property", "org.lodge.Lodge1", DOMAIN, domain, "Autostart", "b", "true"], ""),
        (vec!["get-property", "org.lodge.Lodge1", DOMAIN, domain, "Autostart"], "b true"),
        (vec!["introspect", "org.lodge.Lodge1", DOMAIN], ".StateReason"),
        (vec!["tree", "org.lodge.Lodge1"], DOMAIN),
    ] {
        let address = format!("--address={}", lodged.bus.address());
        let output = lodged.bus.command(binaries::installed("busctl", "systemd")).arg(address).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(expected), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let refused = ["call", "org.lodge.Lodge1", DOMAIN, domain, "Suspend", "a{sv}", "0"];
    let output = lodged
        .bus
        .command(binaries::installed("busctl", "systemd"))
        .arg(format!("--address={}", lodged.bus.address()))
        .args(refused)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot suspend domain 'a': it is shut off"), "{said}");
}

#[tokio::test]
async fn gdbus_sees_signals_and_names_of_errors() {
    let lodged = Lodged::new(&[]).await;
    let (_client, manager) = lodged.client().await;
    manager.version().await.unwrap();
    let gdbus = binaries::installed("gdbus", "libglib2.0-bin");
    let mut monitor =
        lodged.bus.command(&gdbus).args(["monitor", "--session", "--dest", "org.lodge.Lodge1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("is owned by")));
    define(&manager, "a").await;
    let added = lines.find(|line| line.contains("InterfacesAdded")).unwrap();
    assert!(added.contains(DOMAIN) && added.contains("'State': <'shut-off'>"), "{added}");
    monitor.kill().unwrap();
    monitor.wait().unwrap();

    let output = lodged
        .bus
        .command(&gdbus)
        .args([
            "call",
            "--session",
            "--dest",
            "org.lodge.Lodge1",
            "--object-path",
            DOMAIN,
            "--method",
            "org.lodge.Lodge1.Domain.Resume",
            "{}",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("org.lodge.Lodge1.Error.InvalidState"), "{said}");
    let output = lodged
        .bus
        .command(&gdbus)
        .args(["introspect", "--session", "--dest", "org.lodge.Lodge1", "--object-path", "/org/lodge/Lodge1"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("DefineDomain"));
}
