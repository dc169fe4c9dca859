//! Virtual networks of guests (IEEE 802.1Q) on a kernel whose bridges know them, with guests of the installed service.

use lodge_tests::hosts::{Host, Vm, VmKind};
use lodge_tests::staging;

const LAB: &str = "<network><name>lab</name><bridge name='lab0' stp='off'/><vlan><tag id='42'/></vlan>
    <ip address='10.77.0.1' prefix='24'/>
    <portgroup name='blue'><vlan><tag id='43'/></vlan></portgroup>
    <portgroup name='all'><vlan trunk='yes'><tag id='42' nativeMode='untagged'/><tag id='43'/></vlan></portgroup></network>";

const WEB: &str = "<domain type='qemu'><name>web</name><memory unit='MiB'>16</memory><os><type arch='x86_64'>hvm</type></os><devices>
    <interface type='network'><source network='lab'/><target dev='web0'/></interface>
    <interface type='network'><source network='lab' portgroup='blue'/><target dev='web1'/></interface>
    <interface type='network'><source network='lab' portgroup='all'/><target dev='web2'/></interface>
    <interface type='network'><source network='lab' portgroup='blue'/><vlan><tag id='44'/></vlan><target dev='web3'/></interface>
    </devices></domain>";

const ON_BRIDGE: &str = "<domain type='qemu'><name>db</name><memory unit='MiB'>16</memory><os><type arch='x86_64'>hvm</type></os><devices>
    <interface type='bridge'><source bridge='br0'/><vlan><tag id='42'/></vlan><target dev='db0'/></interface></devices></domain>";

/// The virtual networks of a port or bridge, as bridge(8) tells them.
fn of_port(host: &Vm, port: &str) -> String {
    let told = host.run(&["bridge", "vlan", "show", "dev", port]).success();
    let words = told.split_whitespace().filter(|word| !["port", "vlan-id", port].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

/// A computer beside the guests: a network namespace with a cable to the bridge, in one virtual network.
fn computer(host: &Vm, name: &str, vlan: &str, address: &str) {
    let port = format!("{name}0");
    let script = format!(
        "ip netns add {name}; ip link add {port} type veth peer name eth0 netns {name}; ip link set {port} up master lab0
         bridge vlan delete dev {port} vid 1; bridge vlan add dev {port} vid {vlan} pvid untagged
         ip -n {name} link set eth0 up; ip -n {name} address add {address}/24 dev eth0"
    );
    host.run(&["sh", "-e", "-c", &script]).success();
}

/// Whether a computer reaches the host's server of remote shells.
fn reaches_host(host: &Vm, name: &str) -> bool {
    host.run(&["ip", "netns", "exec", name, "timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/10.77.0.1/22"]).status == 0
}

fn define(host: &Vm, command: &str, name: &str, xml: &str) {
    let path = format!("/tmp/{name}.xml");
    host.write(&path, xml);
    host.run(&["lodgectl", command, &path]).success();
}

#[test]
fn guests_are_kept_apart_by_their_tags() {
    let host = Vm::boot(VmKind::AppArmor);
    let staged = tempfile::tempdir().unwrap();
    staging::install("/usr", staged.path().to_str().unwrap());
    host.install_staged(staged.path());
    define(&host, "net-define", "lab", LAB);
    host.run(&["lodgectl", "net-start", "lab"]).success();
    define(&host, "define", "web", WEB);
    host.run(&["lodgectl", "start", "web"]).success();

    let as_asked_for = [
        ("web0", "42 PVID Egress Untagged"),
        ("web1", "43 PVID Egress Untagged"),
        ("web2", "42 PVID Egress Untagged 43"),
        ("web3", "44 PVID Egress Untagged"),
        ("lab0", "42 PVID Egress Untagged"),
    ];
    assert_eq!(as_asked_for.map(|(port, _)| of_port(&host, port)), as_asked_for.map(|(_, vlans)| vlans.to_owned()));
    computer(&host, "same", "42", "10.77.0.2");
    computer(&host, "other", "43", "10.77.0.3");
    assert_eq!([reaches_host(&host, "same"), reaches_host(&host, "other")], [true, false]);

    // The service dies, the bridge goes: the next service puts all back as it was.
    host.run(&["systemctl", "kill", "--signal=KILL", "lodged"]).success();
    host.run(&["ip", "link", "delete", "lab0"]).success();
    host.run(&["lodgectl", "net-info", "lab"]).success();
    assert_eq!(as_asked_for.map(|(port, _)| of_port(&host, port)), as_asked_for.map(|(_, vlans)| vlans.to_owned()));

    // On a bridge of the host's own it is the administrator who decides.
    host.run(&["ip", "link", "add", "br0", "type", "bridge"]).success();
    define(&host, "define", "db", ON_BRIDGE);
    let refusal = host.run(&["lodgectl", "start", "db"]).failure();
    assert!(refusal.contains("ip link set br0 type bridge vlan_filtering 1"), "{refusal}");
    host.run(&["ip", "link", "set", "br0", "type", "bridge", "vlan_filtering", "1"]).success();
    host.run(&["lodgectl", "start", "db"]).success();
    assert_eq!(of_port(&host, "db0"), "42 PVID Egress Untagged");
    for name in ["web", "db"] {
        host.run(&["lodgectl", "destroy", name]).success();
    }
    host.run(&["lodgectl", "net-destroy", "lab"]).success();
    host.run(&["ip", "link", "show", "lab0"]).failure();
}
