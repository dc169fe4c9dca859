//! Changes of networks that run, as guests see them.

use lodge_service::error::ErrorKind;
use lodge_service::networks::{Request, Update};
use lodge_service::scope::Scope;

use crate::client::{dhcp, eventually, resolve};
use crate::world::World;

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
