//! Virtual networks of guests (IEEE 802.1Q). Where the kernel's bridges know none, that is told, and nothing is made; the test on a
//! kernel that does is in `tests/vm`.

use lodge_service::error::ErrorKind;
use lodge_service::host::netlink::VlanMember;
use lodge_service::networks::{Plug, Plugged, Request, To};
use uuid::Uuid;

use crate::client::reach;
use crate::world::World;

const ACCESS: VlanMember = VlanMember { id: 42, native: true, untagged: true };

/// Whether bridges of this kernel keep virtual networks apart.
fn are_known(world: &World) -> bool {
    world.host.ip("link add probe0 type bridge");
    let known = world.host.ip("-d -o link show probe0").contains("vlan_default_pvid");
    world.host.ip("link delete probe0");
    known
}

fn plug(to: To, vlans: Vec<VlanMember>) -> Plug {
    Plug {
        owner: Uuid::new_v4(),
        mac: [0x52, 0x54, 0, 0, 0, 1],
        to,
        name: None,
        queues: 1,
        filter: None,
        vlans,
        vnet_header: false,
        mtu: None,
        isolated: false,
        limits: None,
    }
}

fn to(group: Option<&str>) -> To {
    To::Network { name: "net".into(), port_group: group.map(str::to_owned) }
}

/// The virtual networks of a port, as bridge(8) tells them.
fn of_port(world: &World, port: &Plugged) -> String {
    let bridge = lodge_tests::binaries::installed("bridge", "iproute2");
    let told = world.host.run(bridge.to_str().unwrap(), &["vlan", "show", "dev", &port.interface]);
    let told = String::from_utf8(told.stdout).unwrap();
    let words = told.split_whitespace().filter(|word| !["port", "vlan-id", &port.interface].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

const XML: &str = "<network><name>net</name><bridge name='virbr0' stp='off'/><ip address='10.77.0.1' prefix='24'/></network>";

#[test]
fn guests_are_in_the_virtual_networks_of_their_interface_or_port_group_or_are_not_connected() {
    let world = World::new();
    let network = world.start(XML);
    if !are_known(&world) {
        let error = world.wait(world.networks().plug(&plug(to(None), vec![ACCESS]))).unwrap_err();
        assert!(error.kind() == ErrorKind::NotSupported && error.to_string().contains("CONFIG_BRIDGE_VLAN_FILTERING"), "{error}");
        assert!(!world.host.ip("-o link").contains("vnet"), "nothing is made");
        world.ask(&network, Request::Destroy).unwrap();
        let red = XML.replace("<ip", "<portgroup name='red'><vlan><tag id='42'/></vlan></portgroup><ip");
        let network = world.define(&red);
        assert_eq!(world.ask(&network, Request::Start).unwrap_err().kind(), ErrorKind::NotSupported);
        assert_eq!(world.remains(), Vec::<String>::new());
        return;
    }
    let trunk = [ACCESS, VlanMember { id: 43, native: false, untagged: false }];
    let plain = world.wait(world.networks().plug(&plug(to(None), Vec::new()))).unwrap();
    let access = world.wait(world.networks().plug(&plug(to(None), vec![ACCESS]))).unwrap();
    let both = world.wait(world.networks().plug(&plug(to(None), trunk.to_vec()))).unwrap();
    assert_eq!(of_port(&world, &plain), "1 PVID Egress Untagged");
    assert_eq!(of_port(&world, &access), "42 PVID Egress Untagged");
    assert_eq!(of_port(&world, &both), "42 PVID Egress Untagged 43");
    drop((plain, access, both));
    reaches_the_host_only_from_its_own(&world);
}

#[test]
fn a_bridge_of_somebody_else_is_not_told_to_keep_virtual_networks_apart() {
    let world = World::new();
    world.host.ip("link add br0 type bridge");
    let known = are_known(&world);
    let error = world.wait(world.networks().plug(&plug(To::Bridge("br0".into()), vec![ACCESS]))).unwrap_err();
    let (kind, word) = match known {
        true => (ErrorKind::InvalidState, "ip link set br0 type bridge vlan_filtering 1"),
        false => (ErrorKind::NotSupported, "CONFIG_BRIDGE_VLAN_FILTERING"),
    };
    assert!(error.kind() == kind && error.to_string().contains(word), "{error}");
    assert!(!world.host.ip("-o link").contains("vnet"));
    if known {
        world.host.ip("link set br0 type bridge vlan_filtering 1");
        let port = world.wait(world.networks().plug(&plug(To::Bridge("br0".into()), vec![ACCESS]))).unwrap();
        assert_eq!(of_port(&world, &port), "42 PVID Egress Untagged");
    }
}

#[test]
fn what_is_no_bridge_keeps_nothing_apart() {
    let world = World::new();
    for to in [To::Direct { dev: "up0".into(), mode: lodge_model::domain::devices::DirectMode::Bridge }, To::Nothing { is_there: false }] {
        let error = world.wait(world.networks().plug(&plug(to, vec![ACCESS]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    }
    let links = world.host.ip("-o link");
    assert!(!links.contains("vnet") && !links.contains("macvtap"), "{links}");
}

/// Frames: the host's end is where guests are that say none.
fn reaches_the_host_only_from_its_own(world: &World) {
    world.ask(&world.network("net"), Request::Destroy).unwrap();
    world.start(&XML.replace("<ip", "<vlan><tag id='42'/></vlan><ip"));
    let (same, other) = (world.guest("virbr0"), world.guest("virbr0"));
    let bridge = lodge_tests::binaries::installed("bridge", "iproute2");
    let ports = world.host.ip("-o link show master virbr0");
    let ports: Vec<&str> = ports.lines().filter_map(|line| line.split([' ', '@']).find(|word| word.starts_with("guest"))).collect();
    for (port, id) in ports.iter().zip(["42", "43"]) {
        for arguments in [&["vlan", "delete", "dev", port, "vid", "1"][..], &["vlan", "add", "dev", port, "vid", id, "pvid", "untagged"]] {
            assert!(world.host.run(bridge.to_str().unwrap(), arguments).status.success());
        }
    }
    same.ip("addr add 10.77.0.2/24 dev eth0");
    other.ip("addr add 10.77.0.3/24 dev eth0");
    assert!(reach(&same, &world.host, "10.77.0.1").is_ok());
    assert!(reach(&other, &world.host, "10.77.0.1").is_err());
}
