//! What the modes make of definitions.

use std::path::Path;

use lodge_model::document::Document as _;

use super::*;

fn plan(xml: &str) -> Result<Plan> {
    let (mut network, _) = Network::parse(&format!("<network><name>a</name>{xml}</network>")).unwrap();
    crate::networks::complete::complete(&mut network, &std::collections::BTreeSet::default()).unwrap();
    Plan::of(&network, &Surroundings { directory: Path::new("/d"), user: "dnsmasq" })
}

#[test]
fn a_mode_forwards_filters_and_serves_as_it_says() {
    let ips = "<ip address='10.0.0.1' prefix='24'/><ip address='fd00::1' prefix='64'/>";
    for (forward, forwards, filters) in [
        ("", false, true),
        ("<forward mode='nat'/>", true, true),
        ("<forward mode='route'/>", true, true),
        ("<forward mode='open'/>", true, false),
    ] {
        let Plan::OwnBridge(made) = plan(&format!("{forward}{ips}")).unwrap() else { panic!("{forward}") };
        assert_eq!((made.forwards, made.rules.is_some()), ((forwards, forwards), filters), "{forward}");
        assert_eq!((made.bridge.name.as_str(), made.addresses.ipv6), ("virbr0", true));
        assert!(made.dnsmasq.is_some());
    }
}

#[test]
fn a_family_without_an_address_is_neither_forwarded_nor_spoken() {
    let Plan::OwnBridge(made) = plan("<forward mode='nat'/><ip address='10.0.0.1' prefix='24'/>").unwrap() else { panic!() };
    assert_eq!((made.forwards, made.addresses.ipv6), ((true, false), false));
    // Nothing to serve without an address.
    let Plan::OwnBridge(made) = plan("").unwrap() else { panic!() };
    assert_eq!(made.dnsmasq, None);
}

#[test]
fn what_is_the_hosts_is_used_and_not_made() {
    let bridge = plan("<forward mode='bridge'/><bridge name='br0'/>").unwrap();
    assert_eq!(bridge, Plan::HostBridge(HostBridge { name: "br0".into(), isolated_ports: false }));
    let Plan::Direct(direct) = plan("<forward mode='vepa'><interface dev='eth0'/><interface dev='eth1'/></forward>").unwrap() else {
        panic!()
    };
    assert_eq!(direct.interfaces, ["eth0", "eth1"]);
    for not_yet in [
        "<forward mode='hostdev'><pf dev='eth0'/></forward>",
        "<forward mode='passthrough'><pf dev='eth0'/></forward>",
        "<forward mode='bridge'/><bridge name='br0'/><vlan><tag id='4'/></vlan>",
    ] {
        assert_eq!(plan(not_yet).unwrap_err().kind(), ErrorKind::NotSupported, "{not_yet}");
    }
}
