//! The listings of networks that Lodge's document shows (8-6 to 8-8, see tests/listings.rs), led through their lives by busctl: what any
//! client of the bus can do.

use lodge_dbus_interfaces::{BUS_NAME, MANAGER_INTERFACE, NETWORK_INTERFACE, ROOT_PATH};
use lodge_tests::binaries;

use crate::client::dhcp;
use crate::commands::System;
use crate::namespace::{Namespace, leave};

/// Calls a method by busctl; answers with what that prints.
fn call(system: &System, path: &str, interface: &str, method: &str, arguments: &[&str]) -> String {
    let mut command = system.bus.command(binaries::installed("busctl", "systemd"));
    command.arg(format!("--address={}", system.bus.address())).args(["call", BUS_NAME, path, interface, method]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{method} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    // busctl writes strings as C does.
    String::from_utf8(output.stdout).unwrap().replace("\\\"", "\"").replace("\\'", "'")
}

#[test]
fn the_documents_of_the_listings_run() {
    leave();
    let host = Namespace::own();
    host.ip("link set lo up");
    host.ip("link add eth0 type bridge");
    let system = System::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/network");
    for (fixture, name, bridge, addresses, lends) in [
        ("metadata", "lab", "virbr7", &["10.20.0.1/16"][..], None),
        ("lan", "lan", "virbr0", &["192.168.100.1/24"][..], Some("192.168.100.")),
        ("default", "default", "virbr0", &["192.168.122.1/24", "2001:db8:ca2:2::1/64"][..], Some("192.168.122.")),
    ] {
        let xml = std::fs::read_to_string(fixtures.join(format!("{fixture}.xml"))).unwrap();
        if name == "lan" {
            // Both listings have the bridge virbr0, and the network that is offered took it.
            call(&system, &format!("{ROOT_PATH}/network/default"), NETWORK_INTERFACE, "Undefine", &["a{sv}", "0"]);
        }
        let defined = call(&system, ROOT_PATH, MANAGER_INTERFACE, "DefineNetwork", &["sa{sv}", &xml, "0"]);
        let path = format!("{ROOT_PATH}/network/{name}");
        assert!(defined.contains(&path), "{defined}");
        let network = |method: &str| call(&system, &path, NETWORK_INTERFACE, method, &["a{sv}", "0"]);
        network("Start");
        let document = network("GetXml");
        for part in [bridge, "<uuid>"].into_iter().chain(addresses.iter().map(|address| address.split_once('/').unwrap().0)) {
            assert!(document.contains(part), "{part} in {document}");
        }
        let there = host.ip(&format!("-o addr show {bridge}"));
        assert!(addresses.iter().all(|address| there.contains(address)), "{there}");
        if let Some(prefix) = lends {
            // Whose spanning tree would let the guest wait for half a minute.
            host.ip(&format!("link set {bridge} type bridge stp_state 0"));
            host.ip(&format!("link set {bridge} type bridge forward_delay 0"));
            let (guest, port) = (Namespace::new(), format!("port-{name}"));
            host.cable(&port, &guest, "eth0");
            host.ip(&format!("link set {port} master {bridge}"));
            let address = dhcp(&guest, "web").address.to_string();
            assert!(address.starts_with(prefix), "{address}");
            assert!(network("GetLeases").contains(&format!("\"{address}\"")), "{}", network("GetLeases"));
        }
        network("Destroy");
        assert!(!host.ip("-o link").contains("virbr"));
        network("Undefine");
    }
}
