//! What is told of addresses: those of the host, those given out, and routes.

use super::*;

/// A network with an address of the host, 192.168.1.1/24, and these elements in it.
fn with_dhcp(dhcp: &str) -> String {
    network(&format!("<ip address='192.168.1.1' prefix='24'><dhcp>{dhcp}</dhcp></ip>"))
}

fn told_of_dhcp(cases: &[(&str, &str)]) {
    for (dhcp, expected) in cases {
        are_told::<Network>(&[(&with_dhcp(dhcp), expected)]);
    }
}

#[test]
fn addresses_of_the_host() {
    told(&[
        ("<ip address='192.168.1.1' netmask='255.255.255.0'/>", ""),
        ("<ip address='fd00::1' prefix='64'/>", ""),
        ("<ip address='192.168.1.1'/><ip address='fd00::1'/>", ""),
        ("<ip/>", "/network/ip/@address: it is not said; write an IP address such as 192.168.122.1 or 2001:db8::1"),
        (
            "<ip address='192.168.1.1' netmask='255.0.255.0'/>",
            "/network/ip/@netmask: the bits of 255.0.255.0 have gaps; write a mask such as 255.255.255.0, or prefix='24' instead",
        ),
        ("<ip address='192.168.1.1' netmask='255.255.255.0' prefix='24'/>", "/network/ip/@netmask: keep the prefix and remove the mask"),
        ("<ip address='fd00::1' netmask='255.255.255.0'/>", "/network/ip/@netmask: is of IPv6, which has no masks; write prefix='64'"),
        ("<ip address='192.168.1.1' prefix='64'/>", "/network/ip/@prefix: has 32 bits; write how many of them are the network's"),
        ("<ip address='192.168.1.1' prefix='0'/>", "/network/ip/@prefix: takes in all addresses; write prefix='24'"),
        (
            "<ip family='ipv6' address='192.168.1.1' prefix='24'/>",
            "/network/ip/@family: it is 'ipv6', and 192.168.1.1 is an address of 'ipv4'; write family='ipv4'",
        ),
        ("<ip family='ipv4' address='fd00::1' prefix='64'/>", "/network/ip/@family: write family='ipv6'"),
        ("<ip address='192.168.1.0' prefix='24'/>", "/network/ip/@address: stands for the whole of 192.168.1.0/24; write one between"),
        ("<ip address='192.168.1.255' prefix='24'/>", "/network/ip/@address: stands for the whole of 192.168.1.0/24"),
        ("<ip address='0.0.0.0'/>", "/network/ip/@address: cannot be the address of a bridge; write a private one"),
        ("<ip address='127.0.0.1'/>", "/network/ip/@address: cannot be the address of a bridge"),
        ("<ip address='ff02::1'/>", "/network/ip/@address: cannot be the address of a bridge"),
        ("<ip address='240.0.0.1'/>", "/network/ip/@prefix: is in no class that says how large its network is; write prefix='24'"),
        ("<ip address='10.0.0.1'/><ip address='10.0.0.1'/>", "/network/ip/@address: address 10.0.0.1 is there twice; remove one"),
    ]);
}

#[test]
fn one_address_of_a_family_gives_out_addresses() {
    let ip = |address: &str, inside: &str| format!("<ip address='{address}'>{inside}</ip>");
    let two = |inside: &str| ip("10.0.0.1", inside) + &ip("192.168.1.1", inside) + &ip("fd00::1", "<dhcp/>");
    told(&[
        (&two("<dhcp/>"), "/network/ip/dhcp: one address of 'ipv4' can have <dhcp>, and here are 2; keep it at one"),
        (&(ip("fd00::1", "<dhcp/>") + &ip("fd00:1::1", "<dhcp/>")), "/network/ip/dhcp: one address of 'ipv6' can have <dhcp>"),
        (&two("<tftp root='/srv/tftp'/>"), "/network/ip/tftp: one address can have <tftp>, and here are 2; keep it at one"),
        (&ip("10.0.0.1", "<tftp root='tftp'/>"), "/network/ip/tftp/@root: 'tftp' is not an absolute path"),
        (&ip("10.0.0.1", "<tftp root='/a&#10;b'/>"), "/network/ip/tftp/@root: must be one line"),
        (&ip("fd00::1", "<tftp root='/srv/tftp'/>"), "/network/ip/tftp: files are served to IPv4 only; move <tftp>"),
    ]);
}

#[test]
fn ranges_are_in_the_network() {
    told_of_dhcp(&[
        ("", ""),
        ("<range start='192.168.1.1' end='192.168.1.254'/>", ""),
        ("<range start='192.168.1.9' end='192.168.1.9'/>", ""),
        ("<range start='192.168.1.9'/>", "/network/ip/dhcp/range/@end: it is not said; write an IP address"),
        (
            "<range start='192.168.1.9' end='192.168.1.2'/>",
            "/network/ip/dhcp/range/@end: the range ends with 192.168.1.2, which is before 192.168.1.9; exchange them",
        ),
        (
            "<range start='192.168.0.9' end='192.168.1.20'/>",
            "/network/ip/dhcp/range/@start: 192.168.0.9 is not in the network 192.168.1.0/24; write one from 192.168.1.0 to 192.168.1.255",
        ),
        (
            "<range start='192.168.2.2' end='192.168.2.9'/>",
            "/network/ip/dhcp/range/@start: is not in the network
             /network/ip/dhcp/range/@end: is not in the network",
        ),
        (
            "<range start='192.168.1.0' end='192.168.1.255'/>",
            "/network/ip/dhcp/range/@start: 192.168.1.0 stands for the whole of 192.168.1.0/24
             /network/ip/dhcp/range/@end: 192.168.1.255 stands for the whole of 192.168.1.0/24",
        ),
        ("<range start='192.168.1.2' end='fd00::9'/>", "/network/ip/dhcp/range/@end: fd00::9 is not in the network"),
    ]);
}

#[test]
fn ranges_do_not_overlap() {
    let ranges = |ranges: &[(u8, u8)]| -> String {
        ranges.iter().map(|(start, end)| format!("<range start='192.168.1.{start}' end='192.168.1.{end}'/>")).collect()
    };
    told_of_dhcp(&[
        (&ranges(&[(10, 19), (30, 39), (20, 29)]), ""),
        (
            &ranges(&[(10, 20), (20, 30)]),
            "/network/ip/dhcp/range: 192.168.1.10 to 192.168.1.20 and 192.168.1.20 to 192.168.1.30 overlap; make one range of them",
        ),
        (&ranges(&[(20, 30), (10, 20)]), "/network/ip/dhcp/range: 192.168.1.10 to 192.168.1.20 and 192.168.1.20 to"),
        (&ranges(&[(10, 10), (10, 10)]), "/network/ip/dhcp/range: overlap"),
        // The first reaches over the second to the third.
        (
            &ranges(&[(10, 50), (20, 29), (40, 60)]),
            "/network/ip/dhcp/range: 192.168.1.10 to 192.168.1.50 and 192.168.1.20 to 192.168.1.29 overlap
             /network/ip/dhcp/range: 192.168.1.10 to 192.168.1.50 and 192.168.1.40 to 192.168.1.60 overlap",
        ),
    ]);
}

#[test]
fn leases_are_as_long_as_dhcp_has_them() {
    let lease = |lease: &str| format!("<range start='192.168.1.2' end='192.168.1.9'><lease {lease}/></range>");
    told_of_dhcp(&[
        (&lease("expiry='0'"), ""),
        (&lease("expiry='2'"), ""),
        (&lease("expiry='120' unit='seconds'"), ""),
        (&lease("expiry='1'"), "/network/ip/dhcp/range/lease/@expiry: 1 minutes are less than the two minutes"),
        (&lease("expiry='119' unit='seconds'"), "/network/ip/dhcp/range/lease/@expiry: 119 seconds are less"),
        (&lease("expiry='4294967294' unit='seconds'"), ""),
        (&lease("expiry='4294967295' unit='seconds'"), "/network/ip/dhcp/range/lease/@expiry: more than DHCP can say; write less, or"),
        (&lease("expiry='18446744073709551615' unit='hours'"), "/network/ip/dhcp/range/lease/@expiry: more than DHCP can say"),
        (
            "<host mac='52:54:00:00:00:01' ip='192.168.1.2'><lease expiry='1' unit='seconds'/></host>",
            "/network/ip/dhcp/host/lease/@expiry: are less",
        ),
    ]);
}

#[test]
fn reserved_addresses_are_in_the_network_and_for_one() {
    let mac = |number: u8, ip: &str| format!("<host mac='52:54:00:00:00:0{number}' ip='{ip}'/>");
    told_of_dhcp(&[
        (&mac(1, "192.168.1.2"), ""),
        ("<host name='a' ip='192.168.1.2'/><host mac='52:54:00:00:00:01' name='b' ip='192.168.1.3'/>", ""),
        ("<host id='01:52:54:00:00:00:01' ip='192.168.1.2'/>", ""),
        ("<host mac='52:54:00:00:00:01'/>", "/network/ip/dhcp/host/@ip: it is not said; write an IP address"),
        ("<host ip='192.168.1.2'/>", "/network/ip/dhcp/host/@mac: it is not said who gets the address; write mac='…' or name='…'"),
        (&mac(1, "192.168.2.2"), "/network/ip/dhcp/host/@ip: 192.168.2.2 is not in the network 192.168.1.0/24"),
        (&mac(1, "fd00::2"), "/network/ip/dhcp/host/@ip: fd00::2 is not in the network"),
        (&mac(1, "192.168.1.255"), "/network/ip/dhcp/host/@ip: stands for the whole of"),
        (&mac(1, "192.168.1.1"), "/network/ip/dhcp/host/@ip: the host itself has this address; write another"),
        (&(mac(1, "192.168.1.2") + &mac(2, "192.168.1.2")), "/network/ip/dhcp/host/@ip: address 192.168.1.2 is there twice; remove one"),
        (
            &(mac(1, "192.168.1.2") + &mac(1, "192.168.1.3")),
            "/network/ip/dhcp/host/@mac: MAC address 52:54:00:00:00:01 is there twice; remove one",
        ),
        (
            "<host name='Web' ip='192.168.1.2'/><host name='web' ip='192.168.1.3'/>",
            "/network/ip/dhcp/host/@name: name web is there twice; remove one",
        ),
        (
            "<host id='0a:1' ip='192.168.1.2'/><host id='0A:1' ip='192.168.1.3'/>",
            "/network/ip/dhcp/host/@id: identifier 0a:1 is there twice; remove one",
        ),
        ("<host mac='01:00:5e:00:00:01' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@mac: it is the address of a group"),
        (
            "<host mac='52:54:00:00:00:01' id='01:02' ip='192.168.1.2'/>",
            "/network/ip/dhcp/host/@id: by its MAC address or by its identifier; keep one",
        ),
        ("<host id='mine' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@id: 'mine' is no identifier; write pairs of hexadecimal digits"),
        ("<host id='01::02' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@id: is no identifier"),
        ("<host name='a b' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@name: 'a b' is no name of DNS"),
        ("<host name='3com' ip='192.168.1.2'/>", ""),
        ("<host name='12h' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@name: '12h' means something else to the DHCP server"),
        ("<host name='infinite' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@name: means something else"),
        ("<host name='ignore' ip='192.168.1.2'/>", "/network/ip/dhcp/host/@name: means something else"),
    ]);
}

#[test]
fn dhcp_of_ipv6_is_different() {
    let dhcp = |prefix: u8, dhcp: &str| network(&format!("<ip address='fd00::1' prefix='{prefix}'><dhcp>{dhcp}</dhcp></ip>"));
    are_told::<Network>(&[
        (&dhcp(64, "<range start='fd00::100' end='fd00::1ff'/><host name='a' ip='fd00::2'/>"), ""),
        (&dhcp(64, "<range start='fd00::' end='fd00::ffff:ffff:ffff:ffff'/>"), ""),
        (&dhcp(80, "<range start='fd00::100' end='fd00::1ff'/>"), ""),
        (&dhcp(48, ""), "/network/ip/@prefix: DHCP of IPv6 needs 64 bits at least; write prefix='64', or remove <dhcp>"),
        (
            &dhcp(64, "<range start='fd00:1::1' end='fd00:1::9'/>"),
            "/network/ip/dhcp/range/@start: not in\n/network/ip/dhcp/range/@end: not in",
        ),
        (&dhcp(64, "<host mac='52:54:00:00:00:01' ip='fd00::2'/>"), "/network/ip/dhcp/host/@mac: knows no MAC addresses; write id='…'"),
        (&dhcp(64, "<host ip='fd00::2'/>"), "/network/ip/dhcp/host/@id: who gets the address; write id='…' or name='…'"),
        (&dhcp(64, "<bootp file='a'/>"), "/network/ip/dhcp/bootp/@file: with IPv4 only; move <bootp>"),
    ]);
}

#[test]
fn what_is_booted_is_named() {
    told_of_dhcp(&[
        ("<bootp file='pxelinux.0'/>", ""),
        ("<bootp file='a b.efi' server='boot.example.com'/>", ""),
        ("<bootp file=''/>", "/network/ip/dhcp/bootp/@file: the file has no name; write it"),
        (
            "<bootp file='a&#10;b' server='x y'/>",
            "/network/ip/dhcp/bootp/@file: must be one line\n/network/ip/dhcp/bootp/@server: write that alone",
        ),
    ]);
}

#[test]
fn routes_lead_to_a_neighbour() {
    let route =
        |route: &str| network(&format!("<ip address='192.168.1.1' prefix='24'/><ip address='fd00::1' prefix='64'/><route {route}/>"));
    are_told::<Network>(&[
        (&route("address='10.0.0.0' prefix='8' gateway='192.168.1.2'"), ""),
        (&route("address='10.1.2.3' netmask='255.0.0.0' gateway='192.168.1.2' metric='1'"), ""),
        (&route("address='0.0.0.0' gateway='192.168.1.2'"), ""),
        (&route("address='::' prefix='0' gateway='fd00::2'"), ""),
        (&route(""), "/network/route/@address: it is not said\n/network/route/@gateway: it is not said"),
        (
            &route("address='10.0.0.0' prefix='8' gateway='192.168.2.2'"),
            "/network/route/@gateway: no <ip> of this network has 192.168.2.2 in its subnet, so that the host cannot reach it; write",
        ),
        (
            &route("address='fd01::' prefix='64' gateway='fd00:0:0:1::2'"),
            "/network/route/@gateway: no <ip> of this network has fd00:0:0:1::2",
        ),
        (&route("address='10.0.0.0' prefix='8' gateway='192.168.1.1'"), "/network/route/@gateway: 192.168.1.1 is the host itself"),
        (
            &route("address='10.0.0.0' prefix='8' gateway='fd00::2'"),
            "/network/route/@gateway: the way to 10.0.0.0/8 cannot lead to fd00::2; write an address of 'ipv4'",
        ),
        (&route("family='ipv6' address='10.0.0.0' prefix='8' gateway='192.168.1.2'"), "/network/route/@family: write family='ipv4'"),
        (&route("address='10.0.0.0' netmask='255.0.0.255' gateway='192.168.1.2'"), "/network/route/@netmask: have gaps"),
        (&route("address='10.0.0.0' prefix='8' gateway='192.168.1.2' metric='0'"), "/network/route/@metric: begins with 1"),
        (&network("<route address='10.0.0.0' gateway='192.168.1.2'/>"), "/network/route/@gateway: no <ip> of this network"),
        // What is missing is told once.
        (&network("<ip/><route address='10.0.0.0' gateway='192.168.1.2'/>"), "/network/ip/@address: it is not said"),
    ]);
}
