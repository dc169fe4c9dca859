//! Lives of networks: what a start makes and a stop takes away, and what a later service finds.

use lodge_service::error::ErrorKind;
use lodge_service::networks::{Connect, Connection, Request, Whose};
use lodge_tests::binaries;
use uuid::Uuid;

use crate::client::{dhcp, reach};
use crate::world::{HOST, SERVER, World};

fn nat(number: u8) -> String {
    format!(
        "<network><name>net{number}</name><forward mode='nat'/><bridge stp='off'/>
        <ip address='10.77.{number}.1' prefix='24'><dhcp><range start='10.77.{number}.2' end='10.77.{number}.254'/></dhcp></ip></network>"
    )
}

#[test]
fn a_hundred_networks_come_and_go_and_leave_nothing() {
    let world = World::new();
    // The kernel has room for 128 of a thing that each server of names needs one of (inotify(7)): every other one gives out
    // addresses only.
    let document = |number: u8| match number % 2 {
        0 => nat(number),
        _ => nat(number).replace("<bridge", "<dns enable='no'/><bridge"),
    };
    let networks: Vec<_> = (0..100).map(|number| world.start(&document(number))).collect();
    let there = world.remains();
    let of = |what: &str| there.iter().filter(|line| line.contains(what)).count();
    assert_eq!((of("virbr"), of("dnsmasq.conf"), of("run/networks/")), (200, 100, 100), "bridges and tables, processes, files");
    for network in &networks {
        world.ask(network, Request::Destroy).unwrap();
    }
    assert_eq!(world.remains(), Vec::<String>::new());
}

#[test]
fn what_runs_is_found_again_and_repaired() {
    let world = World::new();
    let network = world.start(&nat(1));
    let uuid = network.uuid();
    drop(network);
    let guest = world.guest("virbr0");
    let address = dhcp(&guest, "web").address;
    let before = world.remains();
    // Nothing was amiss, and nothing was touched.
    let world = world.restart();
    assert_eq!(world.remains(), before);
    assert!(world.network("net1").view().active);
    assert_eq!(world.network("net1").uuid(), uuid);
    assert_eq!(reach(&guest, &world.outside, SERVER), Ok(HOST.parse().unwrap()));
    // The rules, the address and dnsmasq went, as with `nft flush ruleset`.
    let nft = binaries::installed("nft", "nftables");
    let pid = std::fs::read_to_string(world.root.path().join(format!("state/networks/{uuid}/pid"))).unwrap();
    let world = world.restart_after(|world| {
        world.host.run(nft.to_str().unwrap(), &["flush", "ruleset"]);
        world.host.ip("addr flush dev virbr0");
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
    assert_eq!(reach(&guest, &world.outside, SERVER), Ok(HOST.parse().unwrap()));
    assert_eq!(dhcp(&world.guest("virbr0"), "db").address.to_string().split('.').nth(1), Some("77"));
    // The bridge went.
    let world = world.restart_after(|world| drop(world.host.ip("link delete virbr0")));
    assert_eq!(world.network("net1").view().warnings, Vec::<String>::new());
    world.host.ip("link set guest0 master virbr0");
    assert_eq!(reach(&guest, &world.outside, SERVER), Ok(HOST.parse().unwrap()), "{address}");
    world.ask(&world.network("net1"), Request::Destroy).unwrap();
    assert_eq!(world.remains(), Vec::<String>::new());
}

#[test]
fn a_transient_network_lasts_as_long_as_it_runs() {
    let world = World::new();
    let network = world.start(&nat(1));
    world.ask(&network, Request::Undefine).unwrap();
    let world = world.restart();
    let network = world.network("net1");
    assert!(network.view().active && !network.view().persistent);
    assert_eq!(world.ask(&network, Request::Undefine).unwrap_err().kind(), ErrorKind::InvalidState);
    world.ask(&network, Request::Destroy).unwrap();
    assert!(world.networks().registry.by_name("net1").is_none());
}

#[test]
fn dnsmasq_that_dies_is_started_again_or_missed() {
    let world = World::new();
    let network = world.start(&nat(1));
    let mut view = network.watch();
    let path = world.root.path().join(format!("state/networks/{}/pid", network.uuid()));
    let pid = rustix::process::Pid::from_raw(std::fs::read_to_string(path).unwrap().trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    // It had lived for a moment only: it is not started again and again, but told.
    let told = world.wait(async { view.wait_for(|view| !view.warnings.is_empty()).await.unwrap().warnings.concat() });
    assert!(told.contains("guests get no addresses"), "{told}");
    world.ask(&network, Request::Destroy).unwrap();
    world.ask(&network, Request::Start).unwrap();
    assert_eq!(network.view().warnings, Vec::<String>::new());
}

#[test]
fn what_the_host_has_already_is_refused_and_nothing_remains() {
    let world = World::new();
    let same = world.define("<network><name>a</name><forward/><ip address='203.0.113.129' prefix='25'/></network>");
    let error = world.ask(&same, Request::Start).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().contains("the host reaches 203.0.113.0/24 by up0 already"), "{error}");
    let named = world.define("<network><name>b</name><bridge name='up0'/></network>");
    let error = world.ask(&named, Request::Start).unwrap_err().to_string();
    assert!(error.contains("the host has an interface of that name already"), "{error}");
    // The second of two networks with the same addresses.
    world.start(&nat(1));
    let twin = world.define(&nat(1).replace("net1", "twin"));
    let error = world.ask(&twin, Request::Start).unwrap_err().to_string();
    assert!(error.contains("10.77.1.0/24 by virbr"), "{error}");
    world.ask(&world.network("net1"), Request::Destroy).unwrap();
    // What fails late takes all back: somebody has the port of dnsmasq on the bridge's address.
    world.host.enter(|| std::fs::write("/proc/sys/net/ipv4/ip_nonlocal_bind", "1").unwrap());
    let taken = world.host.enter(|| std::net::UdpSocket::bind("10.77.1.1:53").unwrap());
    let error = world.ask(&twin, Request::Start).unwrap_err().to_string();
    assert!(error.contains("dnsmasq ended at once") && error.contains("in use"), "{error}");
    assert_eq!(world.remains(), Vec::<String>::new());
    drop(taken);
    world.ask(&twin, Request::Start).unwrap();
}

#[test]
fn rules_of_others_that_cut_guests_off_are_told() {
    let world = World::new();
    let nft = binaries::installed("nft", "nftables");
    let chain = "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }";
    assert!(world.host.run(nft.to_str().unwrap(), &[chain]).status.success());
    let told = world.start(&nat(1)).view().warnings.concat();
    assert!(told.contains("the chain FORWARD of the table ip filter drops") && told.contains("iptables -I FORWARD -i virbr0"), "{told}");
    // Guests that go nowhere miss nothing.
    assert_eq!(world.start("<network><name>c</name><ip address='10.78.0.1' prefix='24'/></network>").view().warnings, Vec::<String>::new());
}

#[test]
fn a_guest_gets_its_place_while_the_network_runs() {
    let world = World::new();
    let network = world.define(&nat(1));
    let owner = Uuid::new_v4();
    let ask = || Connect { owner, mac: [0x52, 0x54, 0, 0, 0, 1], ..Connect::default() };
    let error = world.wait(network.connect(ask())).unwrap_err();
    assert!(error.to_string().contains("lodgectl net-start net1"), "{error}");
    world.ask(&network, Request::Start).unwrap();
    let Connection::Bridge { bridge, whose: Whose::Ours, .. } = world.wait(network.connect(ask())).unwrap() else { panic!() };
    assert_eq!(bridge, "virbr0");
    assert_eq!(network.view().connections, 1);
    drop(network);
    let world = world.restart();
    let network = world.network("net1");
    assert_eq!(network.view().connections, 1, "guests outlive the service");
    world.wait(network.disconnect(owner));
    world.wait(async { network.watch().wait_for(|view| view.connections == 0).await.map(drop).unwrap() });
}

/// Documents as people write them, among them those that many books show.
#[test]
fn documents_of_every_mode_with_a_bridge_of_its_own_run() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/network");
    let world = World::new();
    for name in ["metadata", "lan", "default", "nat-everything", "route", "open", "isolated", "ipv6", "dns", "several-addresses", "no-dns"]
    {
        // There is no firewalld here (tests/system/firewalld.rs).
        let document = std::fs::read_to_string(fixtures.join(format!("{name}.xml"))).unwrap();
        let document = ["libvirt", "internal"].iter().fold(document, |text, zone| text.replace(&format!("zone='{zone}'"), ""));
        let network = world.define(&document);
        world.ask(&network, Request::Start).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(network.view().active && world.remains().len() >= 3, "{name}: {:?}", world.remains());
        world.ask(&network, Request::Destroy).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(world.remains(), Vec::<String>::new(), "{name}");
        world.ask(&network, Request::Undefine).unwrap();
    }
}

#[test]
fn guests_are_connected_again_when_their_network_is_back() {
    let world = World::new();
    let network = world.start(&nat(1));
    let (owner, mac) = (Uuid::new_v4(), [0x52, 0x54, 0, 0, 0, 1]);
    world.wait(network.connect(Connect { owner, mac, ..Connect::default() })).unwrap();
    world.host.ip("tuntap add vnet7 mode tap");
    world.host.ip("link set vnet7 master virbr0");
    world.wait(network.connected(owner, mac, "vnet7"));
    world.ask(&network, Request::Destroy).unwrap();
    let is_connected = || world.host.ip("-o link show vnet7").contains("master virbr0");
    assert!(!is_connected());
    world.ask(&network, Request::Start).unwrap();
    assert!(is_connected() && network.view().connections == 1);
}

#[test]
fn networks_marked_for_it_start_with_the_service() {
    let world = World::new();
    let network = world.define(&nat(1));
    world.define(&nat(2));
    world.ask(&network, Request::SetAutostart(true)).unwrap();
    drop(network);
    let world = world.restart();
    assert!(!world.network("net1").view().active);
    world.wait(world.networks().autostart());
    assert!(world.network("net1").view().active && !world.network("net2").view().active);
}

#[test]
fn port_groups_are_those_that_the_network_has() {
    let world = World::new();
    let groups = "<portgroup name='web'/><portgroup name='switched'><virtualport type='openvswitch'/></portgroup>";
    world.host.ip("link add br0 type bridge");
    let xml = format!("<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/>{groups}</network>");
    let network = world.start(&xml);
    let ask = |group: &str| {
        let connect =
            Connect { owner: Uuid::new_v4(), mac: [0x52, 0x54, 0, 0, 0, 1], port_group: Some(group.into()), ..Connect::default() };
        world.wait(network.connect(connect)).map_err(|error| error.kind())
    };
    assert!(ask("web").is_ok());
    assert_eq!(ask("none").unwrap_err(), ErrorKind::NotFound);
    assert_eq!(ask("switched").unwrap_err(), ErrorKind::NotSupported);
}
