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
    let plain = HostBridge { name: "br0".into(), isolated_ports: false, vlans: Vec::new(), filters_vlans: false };
    assert_eq!(bridge, Plan::HostBridge(plain));
    let Plan::Direct(direct) = plan("<forward mode='vepa'><interface dev='eth0'/><interface dev='eth1'/></forward>").unwrap() else {
        panic!()
    };
    assert_eq!(direct.interfaces, ["eth0", "eth1"]);
    for not_yet in [
        "<forward mode='hostdev'><pf dev='eth0'/></forward>",
        "<forward mode='passthrough'><pf dev='eth0'/></forward>",
        "<forward mode='passthrough'><interface dev='eth0'/></forward><vlan><tag id='4'/></vlan>",
        "<forward mode='bridge'/><bridge name='br0'/><vlan><tag id='4095'/></vlan>",
        "<forward mode='bridge'/><bridge name='br0'/><virtualport type='openvswitch'/>",
    ] {
        assert_eq!(plan(not_yet).unwrap_err().kind(), ErrorKind::NotSupported, "{not_yet}");
    }
}

#[test]
fn tags_are_those_of_guests_that_say_none_and_firewalld_has_a_zone_for_each_way() {
    let Plan::HostBridge(bridge) = plan("<forward mode='bridge'/><bridge name='br0'/><vlan><tag id='42'/></vlan>").unwrap() else {
        panic!()
    };
    assert_eq!(bridge.vlans, [crate::host::netlink::VlanMember { id: 42, native: true, untagged: true }]);
    let group = "<portgroup name='a'><vlan><tag id='42'/></vlan></portgroup>";
    for (xml, zone, said, filters) in [
        ("", "lodge", false, false),
        ("<forward mode='nat'/><ip address='10.0.0.1' prefix='24'/>", "lodge", false, false),
        ("<forward mode='route'/><ip address='10.0.0.1' prefix='24'/>", "lodge-routed", false, false),
        ("<forward mode='open'/>", "lodge-routed", false, false),
        ("<bridge zone='home'/>", "home", true, false),
        (group, "lodge", false, true),
    ] {
        let Plan::OwnBridge(made) = plan(xml).unwrap() else { panic!("{xml}") };
        assert_eq!((made.zone.name.as_str(), made.zone.said, made.filters_vlans), (zone, said, filters), "{xml}");
    }
}
