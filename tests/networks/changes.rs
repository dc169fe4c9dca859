//! Changes of networks that run, as guests see them.

use lodge_service::error::{Error, ErrorKind};
use lodge_service::networks::{Connect, NetworkHandle, Request, Update};
use lodge_service::scope::Scope;
use uuid::Uuid;

use crate::client::{dhcp, eventually, reach, resolve};
use crate::world::{HOST, SERVER, World};

const XML: &str = "<network><name>net</name><forward mode='nat'/><bridge name='virbr0' stp='off'/><domain name='lab.test'/>
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.100' end='192.168.122.120'/></dhcp></ip></network>";

#[test]
fn reserved_addresses_and_names_hold_at_once() {
    let world = World::new();
    let network = world.start(XML);
    let guest = world.guest("virbr0");
    guest.ip("link set eth0 address 52:54:00:00:00:01");
    let host = "<host mac='52:54:00:00:00:01' name='web' ip='192.168.122.50'/>";
    world.update(&network, "add", "ip-dhcp-host", host, Scope::Both);
    let name = "<host ip='192.168.122.60'><hostname>sixty</hostname></host>";
    world.update(&network, "add", "dns-host", name, Scope::Live);
    assert_eq!(dhcp(&guest, "other").address.to_string(), "192.168.122.50");
    let server = "192.168.122.1".parse().unwrap();
    eventually(|| resolve(&guest, server, "sixty.lab.test") == Some("192.168.122.60".parse().unwrap()));
    assert_eq!(resolve(&guest, server, "web.lab.test"), Some("192.168.122.50".parse().unwrap()));
    let view = network.view();
    let has = |xml: &Option<std::sync::Arc<str>>, text: &str| xml.as_ref().unwrap().contains(text);
    assert!(has(&view.definition, "192.168.122.50") && !has(&view.definition, "sixty"));
    assert!(has(&view.live, "192.168.122.50") && has(&view.live, "sixty"));
    // And they are gone at once.
    world.update(&network, "delete", "dns-host", name, Scope::Live);
    eventually(|| resolve(&guest, server, "sixty.lab.test").is_none());
    world.update(&network, "delete", "ip-dhcp-host", host, Scope::Both);
    let again = world.guest("virbr0");
    again.ip("link set eth0 address 52:54:00:00:00:02");
    assert_ne!(dhcp(&again, "other").address.to_string(), "192.168.122.50");
}

#[test]
fn what_dnsmasq_reads_once_starts_it_anew() {
    let world = World::new();
    let network = world.start(XML);
    world.update(&network, "add", "ip-dhcp-range", "<range start='192.168.122.200' end='192.168.122.200'/>", Scope::Live);
    world.update(&network, "delete", "ip-dhcp-range", "<range start='192.168.122.100' end='192.168.122.120'/>", Scope::Live);
    assert_eq!(dhcp(&world.guest("virbr0"), "web").address.to_string(), "192.168.122.200");
    world.ask(&network, Request::Destroy).unwrap();
    assert_eq!(world.remains(), Vec::<String>::new());
}

#[test]
fn a_change_that_cannot_be_meant_changes_nothing() {
    let world = World::new();
    let network = world.define(XML);
    let update = |xml: &str, scope| {
        let update = Update::read("add", "ip-dhcp-host", None, xml).unwrap();
        world.ask(&network, Request::Update(Box::new(update), scope)).unwrap_err().kind()
    };
    let before = network.view();
    let host = "<host mac='52:54:00:00:00:01' ip='192.168.122.50'/>";
    assert_eq!(update(host, Scope::Live), ErrorKind::InvalidState, "it does not run");
    assert_eq!(update("<host mac='52:54:00:00:00:01' ip='10.0.0.50'/>", Scope::Config), ErrorKind::InvalidXml);
    assert_eq!(network.view(), before);
}

#[test]
fn guests_get_other_addresses_and_another_way_to_the_world_while_they_run() {
    let world = World::new();
    let network = world.start(XML);
    let guest = world.guest("virbr0");
    assert_eq!(dhcp(&guest, "web").address.to_string().split('.').nth(2), Some("122"));
    assert_eq!(reach(&guest, &world.outside, SERVER), Ok(HOST.parse().unwrap()));
    // The address of the host moves to another network, with what is given out there.
    let ip = "<ip address='192.168.150.1' prefix='24'><dhcp><range start='192.168.150.50' end='192.168.150.59'/></dhcp></ip>";
    let error = refusal(&world, &network, ("add", "ip", ip), Scope::Live);
    assert_eq!(error.kind(), ErrorKind::InvalidXml, "two servers of one family");
    world.update(&network, "modify", "ip", "<ip address='192.168.122.1' prefix='24'/>", Scope::Both);
    world.update(&network, "add", "ip", ip, Scope::Both);
    world.update(&network, "delete", "ip", "<ip address='192.168.122.1'/>", Scope::Both);
    assert!(!network.view().pending_changes);
    let addresses = world.host.ip("-o addr show virbr0");
    assert!(addresses.contains("192.168.150.1/24") && !addresses.contains("192.168.122.1"), "{addresses}");
    let moved = world.guest("virbr0");
    let at = dhcp(&moved, "web").address;
    assert!(at.to_string().starts_with("192.168.150.5"), "{at}");
    assert_eq!(reach(&moved, &world.outside, SERVER), Ok(HOST.parse().unwrap()));
    // Seen with their own addresses, then not at all.
    world.update(&network, "modify", "forward", "<forward mode='route'/>", Scope::Both);
    world.outside.ip(&format!("route add 192.168.150.0/24 via {HOST}"));
    assert_eq!(reach(&moved, &world.outside, SERVER), Ok(at));
    world.update(&network, "modify", "forward", "<forward mode='open'/>", Scope::Both);
    assert_eq!(reach(&world.outside, &moved, &at.to_string()), Ok(SERVER.parse().unwrap()));
    assert!(!world.remains().concat().contains("lodge_virbr0"), "no rules of ours in the mode open");
    world.update(&network, "delete", "forward", "<forward/>", Scope::Both);
    assert_eq!(reach(&moved, &world.outside, SERVER), Err(std::io::ErrorKind::ConnectionRefused));
    // Nothing to give out any more: no dnsmasq, and back.
    world.update(&network, "delete", "ip", "<ip address='192.168.150.1'/>", Scope::Live);
    assert!(!world.remains().concat().contains("dnsmasq.conf"), "{:?}", world.remains());
    world.update(&network, "add", "ip", ip, Scope::Live);
    assert!(dhcp(&world.guest("virbr0"), "db").address.to_string().starts_with("192.168.150.5"));
    world.ask(&network, Request::Destroy).unwrap();
    assert_eq!(world.remains(), Vec::<String>::new());
}

#[test]
fn what_takes_a_new_start_is_refused_live_and_stored_for_then() {
    let world = World::new();
    let network = world.start(XML);
    let renamed = ("modify", "bridge", "<bridge name='lab0' stp='off'/>");
    let error = refusal(&world, &network, renamed, Scope::Both);
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    assert!(error.to_string().contains("has to be stopped and started"), "{error}");
    assert!(!network.view().pending_changes);
    world.update(&network, renamed.0, renamed.1, renamed.2, Scope::Config);
    assert!(network.view().pending_changes);
    world.ask(&network, Request::Destroy).unwrap();
    world.ask(&network, Request::Start).unwrap();
    assert!(world.host.ip("-o link").contains("lab0"));
    // Times of the bridge change at once.
    world.update(&network, "modify", "bridge", "<bridge stp='on' delay='2'/>", Scope::Both);
    assert!(world.host.ip("-d -o link show lab0").contains("stp_state 1"));
    assert_eq!(network.view().facts.bridge, "lab0");
    // The bridge of another network is that one's.
    world.define("<network><name>other</name><bridge name='lab1'/></network>");
    let taken = refusal(&world, &network, ("modify", "bridge", "<bridge name='lab1'/>"), Scope::Config);
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
}

#[test]
fn a_change_that_the_host_refuses_changes_neither_what_runs_nor_what_is_stored() {
    let world = World::new();
    let network = world.start(XML);
    let before = (network.view(), world.remains(), world.host.ip("-o addr show virbr0"));
    let change = |xml: &str| refusal(&world, &network, ("add", "ip", xml), Scope::Both);
    let error = change(&format!("<ip address='{HOST}' prefix='24'/>"));
    assert!(error.kind() == ErrorKind::InUse && error.to_string().contains("by up0"), "{error}");
    // What fails late is taken back: somebody has the port of dnsmasq on the new address.
    world.host.enter(|| std::fs::write("/proc/sys/net/ipv6/ip_nonlocal_bind", "1").unwrap());
    let taken = world.host.enter(|| std::net::UdpSocket::bind("[fd07::1]:53").unwrap());
    let error = change("<ip address='fd07::1' prefix='64'/>");
    assert!(error.to_string().contains("dnsmasq ended at once"), "{error}");
    drop(taken);
    assert_eq!((network.view(), world.host.ip("-o addr show virbr0")), (before.0, before.2));
    assert_eq!(world.remains().len(), before.1.len());
    assert!(dhcp(&world.guest("virbr0"), "web").address.to_string().starts_with("192.168.122.1"));
}

#[test]
fn interfaces_of_the_host_come_and_go_but_for_those_that_guests_have() {
    let world = World::new();
    world.host.ip("link add spare0 type bridge");
    let network = world.start("<network><name>lan</name><forward mode='bridge'><interface dev='up0'/></forward></network>");
    let connect = Connect { owner: Uuid::new_v4(), mac: [0x52, 0x54, 0, 0, 0, 1], ..Connect::default() };
    world.wait(network.connect(connect)).unwrap();
    world.update(&network, "add", "forward-interface", "<interface dev='spare0'/>", Scope::Both);
    let missing = refusal(&world, &network, ("add", "forward-interface", "<interface dev='none0'/>"), Scope::Both);
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    let used = refusal(&world, &network, ("delete", "forward-interface", "<interface dev='up0'/>"), Scope::Both);
    assert!(used.kind() == ErrorKind::InUse && used.to_string().contains("up0"), "{used}");
    world.update(&network, "delete", "forward-interface", "<interface dev='spare0'/>", Scope::Both);
    let live = network.view().live.clone().unwrap();
    assert!(live.contains("up0") && !live.contains("none0") && !live.contains("spare0"), "{live}");
}

/// Why a change is not made.
fn refusal(world: &World, network: &NetworkHandle, (command, section, xml): (&str, &str, &str), scope: Scope) -> Error {
    let update = Update::read(command, section, None, xml).unwrap_or_else(|error| panic!("{error}"));
    world.ask(network, Request::Update(Box::new(update), scope)).unwrap_err()
}
