//! What views give a driver, and what they say is wrong.

use super::*;
use crate::domain::devices::{DirectMode, VirtualPortType};

fn parse(elements: &str) -> Network {
    Network::parse(&network(elements)).unwrap().0
}

fn range(start: &str, end: &str) -> std::ops::RangeInclusive<core::net::IpAddr> {
    start.parse().unwrap()..=end.parse().unwrap()
}

#[test]
fn views_fill_in_what_holds_when_nothing_is_written() {
    let isolated = parse("");
    let bridge = OwnBridge {
        name: None,
        stp: true,
        delay: 0,
        mac_table_manager: MacTableManager::Kernel,
        zone: None,
        mtu: None,
        mac: None,
        ipv6_among_guests: false,
        subnets: vec![],
        routes: vec![],
        domain: None,
        dns: Some(DnsServer { forward_plain_names: true, forwarders: &[], texts: &[], services: &[], hosts: vec![] }),
    };
    assert_eq!(isolated.view(), Ok(NetworkView::Isolated(bridge)));
    let nat = parse("<forward/><ip address='10.0.0.1'/>");
    let Ok(NetworkView::Nat { bridge, dev, nat }) = nat.view() else { panic!("{:?}", nat.view()) };
    assert_eq!((dev, nat), (None, NatView { ipv6: false, addresses: None, ports: 1024..=65535 }));
    let subnet = &bridge.subnets[0];
    assert_eq!((subnet.subnet.to_string().as_str(), subnet.local_ptr, &subnet.dhcp), ("10.0.0.1/8", false, &None));
    let hostdev = parse("<forward mode='hostdev'><pf dev='eth1'/></forward>");
    let expected = NetworkView::Hostdev { pool: Pool::FunctionsOf("eth1"), managed: false, driver: None, switch: None };
    assert_eq!(hostdev.view(), Ok(expected));
}

#[test]
fn addresses_are_numbers_in_their_networks() {
    let text = "<forward dev='eth0'/>
        <ip address='192.168.1.1' netmask='255.255.255.0'>
          <tftp root='/srv/tftp'/>
          <dhcp>
            <range start='192.168.1.10' end='192.168.1.19'/>
            <range start='192.168.1.20' end='192.168.1.29'><lease expiry='2' unit='hours'/></range>
            <host mac='52:54:00:00:00:01' name='a' ip='192.168.1.2'><lease expiry='0'/></host>
            <host name='b' ip='192.168.1.3'/>
            <host id='01:02' name='c' ip='192.168.1.4'/>
            <bootp file='pxelinux.0'/>
          </dhcp>
        </ip>
        <route address='10.1.2.3' prefix='8' gateway='192.168.1.2'/>";
    let network = parse(text);
    let Ok(NetworkView::Nat { bridge, dev: Some("eth0"), .. }) = network.view() else { panic!("{:?}", network.view()) };
    let [subnet] = bridge.subnets.as_slice() else { panic!("{:?}", bridge.subnets) };
    assert_eq!(subnet.subnet.network().to_string(), "192.168.1.0/24");
    assert_eq!(subnet.tftp_root, Some("/srv/tftp"));
    let dhcp = subnet.dhcp.as_ref().unwrap();
    let ranges = [
        AddressRange { addresses: range("192.168.1.10", "192.168.1.19"), lease: None },
        AddressRange { addresses: range("192.168.1.20", "192.168.1.29"), lease: Some(LeaseTime::Seconds(7200)) },
    ];
    assert_eq!(dhcp.ranges, ranges);
    let mac = DhcpClient::Mac(MacAddress([0x52, 0x54, 0, 0, 0, 1]));
    let found: Vec<_> = dhcp.reservations.iter().map(|one| (one.client, one.name, one.address.to_string(), one.lease)).collect();
    let expected = [
        (mac, Some("a"), "192.168.1.2".to_owned(), Some(LeaseTime::Forever)),
        (DhcpClient::Name("b"), None, "192.168.1.3".to_owned(), None),
        (DhcpClient::Id("01:02"), Some("c"), "192.168.1.4".to_owned(), None),
    ];
    assert_eq!(found, expected);
    assert_eq!(dhcp.bootp.map(|bootp| bootp.file.as_str()), Some("pxelinux.0"));
    let [route] = bridge.routes.as_slice() else { panic!("{:?}", bridge.routes) };
    assert_eq!((route.network.to_string(), route.gateway.to_string(), route.metric), ("10.0.0.0/8".into(), "192.168.1.2".into(), 1));
}

#[test]
fn a_dns_server_can_be_switched_off() {
    let dns = |dns: &str| {
        let network = parse(dns);
        let Ok(NetworkView::Isolated(bridge)) = network.view() else { panic!("{:?}", network.view()) };
        bridge.dns.map(|dns| (dns.forward_plain_names, dns.hosts.len()))
    };
    assert_eq!(dns("<dns/>"), Some((true, 0)));
    assert_eq!(dns("<dns enable='yes' forwardPlainNames='no'><host ip='::1'><hostname>a</hostname></host></dns>"), Some((false, 1)));
    assert_eq!(dns("<dns enable='no'><host ip='::1'><hostname>a</hostname></host></dns>"), None);
}

#[test]
fn what_there_is_of_the_host_is_taken() {
    for (text, expected) in [
        ("<forward mode='bridge'/><bridge name='br0'/>", "Bridge { name: \"br0\", switch: None, mac_table_manager: Kernel }"),
        (
            "<forward mode='bridge'/><bridge name='br0' macTableManager='libvirt'/><virtualport type='openvswitch'/>",
            "Bridge { name: \"br0\", switch: Some(OpenVSwitch), mac_table_manager: Libvirt }",
        ),
        ("<forward mode='bridge' dev='a'/>", "Direct { mode: Bridge, pool: Listed([\"a\"]), switch: None }"),
        (
            "<forward mode='vepa' dev='b'><interface dev='a'/><interface dev='b'/></forward>",
            "Direct { mode: Vepa, pool: Listed([\"a\", \"b\"]), switch: None }",
        ),
        (
            "<forward mode='private' dev='b'><interface dev='a'/></forward>",
            "Direct { mode: Private, pool: Listed([\"b\", \"a\"]), switch: None }",
        ),
        (
            "<forward mode='passthrough'><pf dev='a'/><interface dev='av0'/></forward>",
            "Direct { mode: Passthrough, pool: FunctionsOf(\"a\"), switch: None }",
        ),
    ] {
        assert_eq!(format!("{:?}", parse(text).view().unwrap()), expected, "{text}");
    }
    let network = parse("<forward mode='private' dev='a'/><virtualport type='802.1Qbh'/>");
    let pool = Pool::Listed(vec!["a"]);
    assert_eq!(network.view(), Ok(NetworkView::Direct { mode: DirectMode::Private, pool, switch: Some(VirtualPortType::Qbh) }));
    let network = parse("<forward mode='hostdev' managed='yes'><driver name='vfio'/><address type='pci' bus='4'/></forward>");
    let Ok(NetworkView::Hostdev { pool: Pool::Listed(functions), managed: true, driver: Some(_), switch: None }) = network.view() else {
        panic!("{:?}", network.view())
    };
    assert_eq!(functions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0000:04:00.0"]);
}

#[test]
fn views_tell_what_the_check_tells_of_them() {
    let paths = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    let network = Network::parse("<network><name/><forward mode='vepa'/><mtu size='1500'/></network>").unwrap().0;
    assert_eq!(paths(network.view().unwrap_err()), ["/network/forward/interface"]);
    assert_eq!(paths(network.validate().unwrap_err()), ["/network/name", "/network/mtu", "/network/forward/interface"]);
}

#[test]
fn every_valid_network_has_a_view() {
    for file in fixtures::files("network") {
        let (network, _) = Network::parse(&fixtures::text(&file)).unwrap();
        assert!(network.view().is_ok(), "{}: {:?}", file.display(), network.view());
    }
}
