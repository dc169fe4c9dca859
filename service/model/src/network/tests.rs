//! Networks: fixtures, errors with their place, and what is told.

mod addressing;
mod forwarding;
mod generated;
mod views;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Network>("network", 28);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Network>("network");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Network>("network");
}

#[test]
fn every_mode_has_a_fixture() {
    let networks: Vec<Network> = fixtures::files("network").iter().map(|file| Network::parse(&fixtures::text(file)).unwrap().0).collect();
    let modes: Vec<_> = networks.iter().map(|network| network.forward.as_ref().map(|forward| forward.mode)).collect();
    for mode in ForwardMode::ALL {
        assert!(modes.contains(&Some(Some(*mode))), "no fixture of the mode {mode}");
    }
    assert!(modes.contains(&Some(None)) && modes.contains(&None), "no fixture that leaves the mode or <forward> out");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<network/>", "/network, line 1, column 1: expected the element <name> (text)"),
        ("<pool/>", "/pool, line 1, column 1: expected <network>, found <pool>"),
        (
            "<network><name>a</name>\n<forward mode='tunnel'/></network>",
            "/network/forward/@mode, line 2, column 10: expected one of 'nat', 'route', 'open', 'bridge', ",
        ),
        (
            "<network><name>a</name><ip address='192.168.1'/></network>",
            "/network/ip/@address, line 1, column 28: expected an IP address such as 192.168.122.1 or 2001:db8::1, found '192.168.1'",
        ),
        (
            "<network><name>a</name><ip address='::1' prefix='129'/></network>",
            "/network/ip/@prefix, line 1, column 42: expected the bits of a network's prefix, up to 32 of IPv4 or 128 of IPv6, found '129'",
        ),
        (
            "<network><name>a</name><ip/><ip netmask='24'/></network>",
            "/network/ip[2]/@netmask, line 1, column 33: expected a netmask of IPv4 such as 255.255.255.0, found '24'",
        ),
        (
            "<network><name>a</name><mac address='52:54:00'/></network>",
            "/network/mac/@address, line 1, column 29: expected an Ethernet address such as 52:54:00:6b:3c:58, found '52:54:00'",
        ),
        (
            "<network><name>a</name><bridge delay='-1'/></network>",
            "/network/bridge/@delay, line 1, column 32: expected a number from 0 to 4294967295, found '-1'",
        ),
        (
            "<network><name>a</name><forward><nat><address start='::1' end='::2'/></nat></forward></network>",
            "/network/forward/nat/address/@start, line 1, column 47: expected an IPv4 address such as 203.0.113.10, found '::1'",
        ),
        (
            "<network><name>a</name><forward><nat><port start='1' end='65536'/></nat></forward></network>",
            "/network/forward/nat/port/@end, line 1, column 54: expected a number from 0 to 65535, found '65536'",
        ),
        (
            "<network><name>a</name><forward><address type='usb'/></forward></network>",
            "/network/forward/address, line 1, column 33: expected an address of the type 'pci', found 'usb'",
        ),
        (
            "<network><name>a</name><ip><dhcp><range><lease expiry='1' unit='days'/></range></dhcp></ip></network>",
            "/network/ip/dhcp/range/lease/@unit, line 1, column 59: expected one of 'minutes', 'seconds', 'hours', found 'days'",
        ),
        (
            "<network><name>a</name><dns><srv service='ldap' protocol='sctp'/></dns></network>",
            "/network/dns/srv/@protocol, line 1, column 49: expected one of 'tcp', 'udp', found 'sctp'",
        ),
        (
            "<network xmlns:dnsmasq='urn:other'><name>a</name></network>",
            "/network/@xmlns:dnsmasq, line 1, column 10: expected http://libvirt.org/schemas/network/dnsmasq/1.0",
        ),
    ] {
        let error = Network::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn what_is_written_has_one_form() {
    for (old, new) in [
        ("<uuid>3e3fce454f534fa7bb3211f34168b82b</uuid>", "<uuid>3e3fce45-4f53-4fa7-bb32-11f34168b82b</uuid>"),
        ("<mac address='52-54-0-AB-CD-EF'/>", "<mac address='52:54:00:ab:cd:ef'/>"),
        ("<ip address='2001:DB8:0:0::0001' prefix='0x40'/>", "<ip address='2001:db8::1' prefix='64'/>"),
        ("<forward><address type='pci' bus='4' function='1'/></forward>", "<address type='pci' bus='0x04' function='0x1'/>"),
    ] {
        let (network, warnings) = Network::parse(&format!("<network><name>a</name>{old}</network>")).unwrap();
        assert_eq!(warnings, vec![], "{old}");
        assert!(network.to_xml().contains(new), "{old} became {}", network.to_xml());
    }
}

/// An isolated network named `a` with these elements.
fn network(elements: &str) -> String {
    format!("<network><name>a</name>{elements}</network>")
}

/// Checks what is told of networks with these elements.
fn told(cases: &[(&str, &str)]) {
    for (elements, expected) in cases {
        are_told::<Network>(&[(&network(elements), expected)]);
    }
}

#[test]
fn names_and_titles() {
    are_told::<Network>(&[
        ("<network><name/></network>", "/network/name: give the network a name"),
        ("<network><name>a/b</name></network>", "/network/name: '/'"),
        ("<network><name>a b</name></network>", ""),
        ("<network><name>a</name><title>one\ntwo</title></network>", "/network/title: put the rest into <description>"),
    ]);
}

#[test]
fn bridges_have_names_of_interfaces() {
    told(&[
        ("<bridge/>", ""),
        ("<bridge name='virbr0123456789'/>", ""),
        ("<bridge name='virbr%d'/>", ""),
        (
            "<bridge name='virbr01234567890'/>",
            "/network/bridge/@name: 'virbr01234567890' cannot be the name of an interface; write one such as eth0, of up to 15 bytes",
        ),
        ("<bridge name='übergangsbrücke'/>", "/network/bridge/@name: of up to 15 bytes"),
        ("<bridge name=''/>", "/network/bridge/@name: '' cannot be the name"),
        ("<bridge name='my bridge'/>", "/network/bridge/@name: 'my bridge' cannot be the name"),
        ("<bridge name='my&#9;bridge'/>", "/network/bridge/@name: holds the character '\\t', and must be one line"),
        ("<bridge name='a/b'/>", "/network/bridge/@name: 'a/b' cannot be the name"),
        ("<bridge name='a:b'/>", "/network/bridge/@name: 'a:b' cannot be the name"),
        ("<bridge name='..'/>", "/network/bridge/@name: '..' cannot be the name"),
        ("<bridge zone='my zone'/>", "/network/bridge/@zone: 'my zone' is no zone of firewalld; write one that"),
        ("<bridge delay='30'/>", ""),
        ("<bridge delay='31'/>", "/network/bridge/@delay: cannot wait 31 seconds in the spanning tree; write 30 at most"),
        ("<bridge delay='31' stp='off'/>", ""),
        ("<mac/>", "/network/mac/@address: write an Ethernet address such as"),
        ("<mac address='01:00:5e:00:00:01'/>", "/network/mac/@address: write one whose first pair of digits is even"),
    ]);
}

#[test]
fn packets_have_a_size_that_works() {
    told(&[
        ("<mtu size='68'/>", ""),
        ("<mtu size='65535'/>", ""),
        ("<mtu size='67'/>", "/network/mtu/@size: cannot have 67 bytes; write a number from 68 to 65535"),
        ("<mtu size='65536'/>", "/network/mtu/@size: cannot have 65536 bytes"),
        ("<mtu size='1279'/><ip address='10.0.0.1'/>", ""),
        ("<mtu size='1279'/><ip address='fd00::1'/>", "/network/mtu/@size: IPv6 needs packets of 1280 bytes, and this is 1279"),
        ("<mtu size='1280'/><ip address='fd00::1'/>", ""),
    ]);
}

#[test]
fn names_of_dns() {
    let long = "x".repeat(63);
    told(&[
        ("<domain name='example.com.'/>", ""),
        ("<domain name='büro_2.example'/><dns><txt name='_dmarc.example' value=''/></dns>", ""),
        (&format!("<domain name='{long}.example'/>"), ""),
        (&format!("<domain name='{long}x.example'/>"), "/network/domain/@name: is no name of DNS; write letters, digits and -"),
        ("<domain name=''/>", "/network/domain/@name: '' is no name of DNS"),
        ("<domain name='.example'/>", "/network/domain/@name: '.example' is no name of DNS"),
        ("<domain name='a b'/>", "/network/domain/@name: 'a b' is no name of DNS"),
        ("<domain name='a&#10;port=53'/>", "/network/domain/@name: holds the character '\\n', and must be one line"),
    ]);
}

#[test]
fn records_of_dns() {
    told(&[
        ("<dns><forwarder/></dns>", "/network/dns/forwarder/@addr: write addr='…', domain='…' or both"),
        ("<dns><forwarder addr='::1'/><forwarder domain='a/b'/></dns>", "/network/dns/forwarder[2]/@domain: 'a/b' is no name of DNS"),
        ("<dns><txt name='a,b' value=''/></dns>", "/network/dns/txt/@name: 'a,b' is no name of DNS"),
        ("<dns><txt name='a b' value='a&#10;b'/></dns>", "/network/dns/txt/@name: no name\n/network/dns/txt/@value: must be one line"),
        ("<dns><host ip='::1'/></dns>", "/network/dns/host/hostname: write <hostname>"),
        (
            "<dns><host><hostname>a b</hostname><hostname>b</hostname></host></dns>",
            "/network/dns/host/@ip: write an IP address such as
             /network/dns/host/hostname[1]: 'a b' is no name of DNS",
        ),
        ("<dns><srv service='_ldap' protocol='tcp'/></dns>", "/network/dns/srv/@service: write service='ldap'"),
        ("<dns><srv service='a.b' protocol='tcp'/></dns>", "/network/dns/srv/@service: 'a.b' is no part of a name of DNS"),
        ("<dns><srv service='' protocol='tcp'/></dns>", "/network/dns/srv/@service: '' is no part"),
        (
            "<dns><srv service='a' protocol='tcp' domain='-,-' target='x y' port='0'/></dns>",
            "/network/dns/srv/@domain: '-,-' is no name of DNS
             /network/dns/srv/@target: 'x y' is no name of DNS",
        ),
        ("<dns><srv service='a' protocol='udp' target='.' weight='1'/></dns>", ""),
        ("<dns><srv service='a' protocol='udp' weight='1'/></dns>", "/network/dns/srv/@target: write target='…', or leave these out"),
        // Switched off, it is still read by whoever switches it on again.
        ("<dns enable='no'><forwarder/></dns>", "/network/dns/forwarder/@addr: write addr"),
    ]);
}

#[test]
fn port_groups_are_told_apart() {
    told(&[
        ("<portgroup name='a' default='yes'/><portgroup name='b' default='no'/><portgroup name='c'/>", ""),
        ("<portgroup name=''/>", "/network/portgroup/@name: has no name by which interfaces can ask"),
        ("<portgroup name='a'/><portgroup name='a'/>", "/network/portgroup/@name: port group a is there twice; remove one"),
        (
            "<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>",
            "/network/portgroup/@default: and here are a, b; keep one",
        ),
        (
            "<portgroup name='a'/><portgroup name='b'><bandwidth><outbound/></bandwidth></portgroup>",
            "/network/portgroup[2]/bandwidth/outbound/@average: write average='1000', in KiB a second",
        ),
    ]);
}

#[test]
fn limits_say_something() {
    told(&[
        ("<bandwidth/>", ""),
        ("<bandwidth><inbound average='1' peak='2' burst='3'/></bandwidth>", ""),
        ("<bandwidth><inbound average='1' peak='0' burst='0'/></bandwidth>", ""),
        ("<bandwidth><inbound/></bandwidth>", "/network/bandwidth/inbound/@average: write average='1000'"),
        ("<bandwidth><inbound average='0'/></bandwidth>", "/network/bandwidth/inbound/@average: write average='1000'"),
        ("<bandwidth><outbound peak='5'/></bandwidth>", "/network/bandwidth/outbound/@average: write average='1000'"),
        ("<bandwidth><inbound floor='1'/></bandwidth>", "/network/bandwidth/inbound/@floor: is said by the interface of a guest"),
        (
            "<bandwidth><inbound floor='1' peak='1'/><outbound average='1' floor='1'/></bandwidth>",
            "/network/bandwidth/inbound/@average: write average='1000'
             /network/bandwidth/outbound/@floor: only what flows to a guest can be guaranteed
             /network/bandwidth/inbound/@floor: remove it",
        ),
    ]);
}

#[test]
fn options_are_lines() {
    let options = |options: &str| format!("<dnsmasq:options>{options}</dnsmasq:options>");
    told(&[
        (&options(""), ""),
        (&options("<dnsmasq:option value='dhcp-option=3'/>"), ""),
        (
            &options("<dnsmasq:option value='a'/><dnsmasq:option value=' '/>"),
            "/network/dnsmasq:options/dnsmasq:option[2]/@value: such as value='domain-needed'",
        ),
        (
            &options("<dnsmasq:option value='a&#10;conf-script=/bin/sh'/>"),
            "/network/dnsmasq:options/dnsmasq:option/@value: holds the character '\\n', and must be one line",
        ),
    ]);
}
