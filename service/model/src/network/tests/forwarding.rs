//! What is told of modes: what each needs, and what it cannot have.

use super::*;

const IP: &str = "<ip address='192.168.1.1' prefix='24'/>";

/// Checks what is told of networks whose `<forward>` has these attributes and elements.
fn told_of_forward(mode: &str, other: &str, cases: &[(&str, &str)]) {
    for (inside, expected) in cases {
        told(&[(&format!("<forward mode='{mode}'>{inside}</forward>{other}"), expected)]);
    }
}

#[test]
fn guests_leave_by_way_of_the_host() {
    let missing = "/network/ip: which has no address here; write <ip address='192.168.122.1' prefix='24'/>";
    told(&[
        ("<forward/>", missing),
        ("<forward mode='nat'/>", missing),
        ("<forward mode='route'/>", missing),
        ("<forward mode='open'/>", ""),
        ("<forward mode='none'/>", ""),
        ("", ""),
        (&format!("<forward/>{IP}"), ""),
    ]);
}

#[test]
fn traffic_leaves_by_one_interface() {
    for mode in ["nat", "route"] {
        told_of_forward(
            mode,
            IP,
            &[
                ("<interface dev='eth0'/>", ""),
                (
                    "<interface dev='eth0'/><interface dev='eth1'/>",
                    "/network/forward/interface: by one interface, and here are 2: eth0, eth1; keep one",
                ),
                (
                    "<interface dev='eth0'/><interface dev='eth0'/>",
                    "/network/forward/interface/@dev: interface eth0 is there twice; remove one
                     /network/forward/interface: and here are 2",
                ),
                (
                    "<interface dev='eth 0'/>",
                    "/network/forward/interface/@dev: 'eth 0' cannot be the name of an interface; write one such as eth0",
                ),
            ],
        );
    }
    told(&[
        (&format!("<forward dev='eth0'><interface dev='eth0'/></forward>{IP}"), ""),
        (&format!("<forward dev='eth0'><interface dev='eth1'/></forward>{IP}"), "/network/forward/interface: eth0, eth1; keep one"),
        (&format!("<forward dev=''/>{IP}"), "/network/forward/@dev: '' cannot be the name of an interface"),
        (
            "<forward mode='open' dev='eth0'/>",
            "/network/forward/@dev: for networks that use interfaces of the host (the modes 'nat', 'route', 'bridge',",
        ),
    ]);
}

#[test]
fn translated_addresses_and_ports_are_ranges() {
    told_of_forward(
        "nat",
        IP,
        &[
            ("<nat/>", ""),
            ("<nat ipv6='yes'/>", ""),
            ("<nat><address start='1.2.3.4' end='1.2.3.4'/><port start='1' end='65535'/></nat>", ""),
            ("<nat><address start='1.2.3.4'/></nat>", "/network/forward/nat/address/@end: it is not said; write an IPv4 address"),
            (
                "<nat><address start='1.2.3.4' end='1.2.3.3'/></nat>",
                "/network/forward/nat/address/@end: the addresses end with 1.2.3.3, which is before 1.2.3.4; exchange them",
            ),
            ("<nat><port start='9' end='8'/></nat>", "/network/forward/nat/port/@end: the ports end with 8, which is before 9; exchange"),
            ("<nat><port start='0' end='8'/></nat>", "/network/forward/nat/port/@start: there is no port 0"),
        ],
    );
    for mode in ["route", "open"] {
        let told = format!("/network/forward/nat: it is for the mode 'nat', and this is a network of the mode '{mode}'; remove it");
        told_of_forward(mode, IP, &[("<nat/>", &told)]);
    }
}

#[test]
fn bridges_of_the_host_are_named() {
    told(&[
        ("<forward mode='bridge'/><bridge name='br0'/>", ""),
        ("<forward mode='bridge'/>", "/network/bridge/@name: write <bridge name='br0'/>, or <interface dev='eth0'/> into <forward>"),
        ("<forward mode='bridge'/><bridge/>", "/network/bridge/@name: write <bridge name='br0'/>"),
        ("<forward mode='bridge'/><bridge name='a/b'/>", "/network/bridge/@name: 'a/b' cannot be the name of an interface"),
        (
            "<forward mode='bridge'><interface dev='eth0'/></forward><bridge name='br0'/>",
            "/network/forward/interface: and this is a network on a bridge of the host; remove it",
        ),
        (
            "<forward mode='bridge'/><bridge name='br0' stp='on' delay='0' zone='a' macTableManager='kernel'/>",
            "/network/bridge/@zone: and this is a network on a bridge of the host; remove it
             /network/bridge/@stp: for networks whose bridge the service makes (isolated ones and the modes 'nat', 'route' and 'open')
             /network/bridge/@delay: remove it",
        ),
    ]);
}

#[test]
fn what_the_service_serves_is_for_its_own_bridges() {
    let served = "<mtu size='1500'/><mac address='52:54:00:00:00:01'/><domain name='a'/><dns><forwarder addr='::1'/></dns>
                  <ip address='10.0.0.1'/><route address='10.1.0.0' gateway='10.0.0.2'/>";
    let says_nothing = "<dns enable='no'/><dnsmasq:options><dnsmasq:option value='cache-size=0'/></dnsmasq:options>";
    for (forward, kind) in [
        ("<forward mode='bridge'/><bridge name='br0'/>", "a network on a bridge of the host"),
        ("<forward mode='bridge' dev='eth0'/>", "a network on interfaces of the host"),
        ("<forward mode='passthrough' dev='eth0'/>", "a network of the mode 'passthrough'"),
        ("<forward mode='hostdev'><pf dev='eth0'/></forward>", "a network of the mode 'hostdev'"),
    ] {
        let expected: Vec<String> = ["mtu", "mac", "domain", "dns", "ip", "route"]
            .iter()
            .map(|part| format!("/network/{part}: (isolated ones and the modes 'nat', 'route' and 'open'), and this is {kind}; remove it"))
            .collect();
        told(&[(&format!("{forward}{served}"), &expected.join("\n")), (&format!("{forward}{says_nothing}"), "")]);
    }
}

#[test]
fn interfaces_of_the_host_are_listed() {
    for mode in ["private", "vepa", "passthrough"] {
        told_of_forward(
            mode,
            "",
            &[
                ("", "/network/forward/interface: no interface of the host is named; write <interface dev='eth1'/> for each, or <pf"),
                ("<interface dev='eth0'/><interface dev='eth1'/>", ""),
                ("<pf dev='eth0'/>", ""),
                ("<pf dev='eth0'/><interface dev='eth0v1' connections='1'/>", ""),
                ("<pf dev=''/>", "/network/forward/pf/@dev: '' cannot be the name"),
                ("<interface dev='a'/><interface dev='a'/>", "/network/forward/interface/@dev: interface a is there twice"),
                (
                    "<address type='pci' slot='1'/>",
                    "/network/forward/address: it is for the mode 'hostdev'
                     /network/forward/interface: no interface of the host is named",
                ),
                ("<driver name='vfio'/><pf dev='a'/>", ""),
            ],
        );
        let bridge = format!("<forward mode='{mode}' dev='eth0'/><bridge name='virbr0'/>");
        told(&[(&bridge, "/network/bridge/@name: it is for networks with a bridge, and this is")]);
    }
}

#[test]
fn functions_of_the_host_are_listed() {
    told_of_forward(
        "hostdev",
        "",
        &[
            (
                "",
                "/network/forward/pf: no function of the host is named; write <pf dev='eth1'/> for those of an interface, or <address type='pci'",
            ),
            ("<pf dev='eth0'/>", ""),
            ("<address type='pci' bus='4' function='1'/>", ""),
            ("<pf dev='eth0'/><address type='pci' bus='4' function='1' connections='1'/>", ""),
            ("<address type='pci'/>", "/network/forward/address: it is not said which function; write domain='0x0000' bus="),
            (
                "<address type='pci' bus='4' slot='0x20' function='8'/><address type='pci' bus='4'/>",
                "/network/forward/address[1]/@slot: 0x20 is too much; write a number from 0 to 0x1f
                 /network/forward/address[1]/@function: 0x8 is too much",
            ),
            (
                "<address type='pci' bus='4'/><address type='pci' domain='0' bus='0x04' slot='0'/>",
                "/network/forward/address: function 0000:04:00.0 is there twice; remove one",
            ),
            (
                "<interface dev='eth0'/>",
                "/network/forward/interface: for networks that use interfaces of the host
                 /network/forward/pf: no function of the host is named",
            ),
        ],
    );
    told(&[
        ("<forward mode='hostdev' managed='yes'><pf dev='a'/></forward>", ""),
        ("<forward mode='vepa' managed='yes'><pf dev='a'/></forward>", ""),
    ]);
}

#[test]
fn tags_are_for_networks_that_have_them() {
    let tags = |forward: &str, tags: &str| format!("{forward}<vlan>{tags}</vlan>");
    let bridge = "<forward mode='bridge'/><bridge name='br0'/>";
    let passthrough = "<forward mode='passthrough' dev='eth0'/>";
    told(&[
        (&tags(bridge, "<tag id='1'/><tag id='4095' nativeMode='tagged'/>"), ""),
        (&tags(bridge, ""), "/network/vlan/tag: no network is named; write <tag id='42'/>"),
        (&tags(bridge, "<tag id='4096'/>"), "/network/vlan/tag/@id: there is no network 4096; write a number from 0 to 4095"),
        (&tags(bridge, "<tag id='7'/><tag id='7'/>"), "/network/vlan/tag/@id: network 7 is there twice"),
        (&tags(bridge, "<tag id='7'/><tag id='8'/>").replace("<vlan", "<vlan trunk='no'"), "/network/vlan/@trunk: write trunk='yes'"),
        (
            &tags(bridge, "<tag id='7' nativeMode='tagged'/><tag id='8' nativeMode='tagged'/>"),
            "/network/vlan/tag/@nativeMode: one network of a trunk can be the native one",
        ),
        (&tags(passthrough, "<tag id='7'/>"), ""),
        (&tags(passthrough, "<tag id='7'/><tag id='8'/>"), "/network/vlan/tag: has one tag; keep one <tag>, and leave trunk out"),
        (&tags(passthrough, "<tag id='7'/>").replace("<vlan", "<vlan trunk='yes'"), "/network/vlan/tag: has one tag"),
        (&tags("", "<tag id='7'/>"), ""),
        ("<portgroup name='a'><vlan><tag id='7'/></vlan></portgroup>", ""),
        (
            "<forward mode='vepa' dev='eth0'/><portgroup name='a'><vlan><tag id='7'/></vlan></portgroup>",
            "/network/portgroup/vlan: it is for networks with a bridge and the modes 'passthrough' and 'hostdev'",
        ),
        (&tags("<forward mode='vepa' dev='eth0'/>", "<tag id='7'/>"), "/network/vlan: and this is a network on interfaces of the host"),
    ]);
}

#[test]
fn limits_and_isolation_are_for_networks_that_have_them() {
    let group = "<portgroup name='a'><bandwidth><inbound average='1'/></bandwidth></portgroup>";
    let all = "<bandwidth><inbound average='1'/></bandwidth><port isolated='yes'/>";
    told(&[
        (&format!("{all}{group}"), ""),
        (&format!("<forward mode='bridge'/><bridge name='br0'/>{all}{group}"), ""),
        (
            &format!("<forward mode='private' dev='eth0'/>{all}{group}"),
            "/network/bandwidth: it is for networks with a bridge
             /network/port/@isolated: it is for networks with a bridge",
        ),
        (
            &format!("<forward mode='hostdev'><pf dev='a'/></forward>{group}"),
            "/network/portgroup/bandwidth: it is for all modes but 'hostdev', where the host does not see what flows",
        ),
        ("<forward mode='private' dev='eth0'/><port isolated='no'/>", ""),
        (
            "<forward mode='bridge'/><bridge name='br0'/><virtualport type='openvswitch'/><port isolated='yes'/>",
            "/network/port/@isolated: only ports of bridges of the kernel can be isolated, and this one is of 'openvswitch'",
        ),
    ]);
}

#[test]
fn switches_suit_the_mode() {
    let port = |forward: &str, kind: &str| format!("{forward}<virtualport type='{kind}'/>");
    let bridge = "<forward mode='bridge'/><bridge name='br0'/>";
    let private = "<forward mode='private' dev='eth0'/>";
    let hostdev = "<forward mode='hostdev'><pf dev='a'/></forward>";
    told(&[
        (&port(bridge, "openvswitch"), ""),
        (&port(bridge, "midonet"), ""),
        (
            &port(bridge, "802.1Qbh"),
            "/network/virtualport/@type: there is no '802.1Qbh' behind a network on a bridge of the host; write 'openvswitch' or 'midonet'",
        ),
        (&port(bridge, "cisco"), "/network/virtualport/@type: 'cisco' is not known here; write one of 'openvswitch', '802.1Qbg', "),
        (&port(private, "802.1Qbg"), ""),
        (&port(private, "802.1Qbh"), ""),
        (&port(private, "openvswitch"), "/network/virtualport/@type: write '802.1Qbg' or '802.1Qbh', or remove the element"),
        (&port(hostdev, "802.1Qbh"), ""),
        (&port(hostdev, "802.1Qbg"), "/network/virtualport/@type: behind a network of the mode 'hostdev'; write '802.1Qbh'"),
        (&port("", "openvswitch"), "/network/virtualport: it is for networks on bridges, interfaces and functions of the host"),
        (
            &format!("{private}<portgroup name='a'><virtualport type='midonet'/></portgroup>"),
            "/network/portgroup/virtualport/@type: there is no 'midonet' behind a network on interfaces of the host",
        ),
        (&format!("{bridge}<virtualport/>"), ""),
    ]);
    let parameters = |parameters: &str| format!("{private}<virtualport><parameters {parameters}/></virtualport>");
    told(&[
        (&parameters("managerid='0xff' typeid='16777215' typeidversion='0'"), ""),
        (
            &parameters("managerid='256' typeid='0x1000000' typeidversion='-1'"),
            "/network/virtualport/parameters/@managerid: '256' is no number from 0 to 255
             /network/virtualport/parameters/@typeid: from 0 to 16777215
             /network/virtualport/parameters/@typeidversion: '-1' is no number",
        ),
        (&parameters("instanceid='x'"), "/network/virtualport/parameters/@instanceid: write a UUID such as"),
        (
            &parameters(&format!("profileid='{}'", "x".repeat(40))),
            "/network/virtualport/parameters/@profileid: has 40 bytes and may have 39",
        ),
    ]);
}
