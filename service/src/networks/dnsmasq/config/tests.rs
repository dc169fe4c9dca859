//! Definitions with what dnsmasq is told for them.

use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::network::{Network, NetworkView};

use super::*;

fn files_of(xml: &str) -> Result<Files> {
    let (network, _) = Network::parse(&format!("<network><name>a</name>{xml}</network>")).unwrap();
    let view = network.view().unwrap();
    let (bridge, isolated) = match &view {
        NetworkView::Isolated(own) => (own, true),
        NetworkView::Open(own) => (own, false),
        NetworkView::Nat { bridge, .. } | NetworkView::Route { bridge, .. } => (bridge, false),
        _ => panic!("no bridge of its own"),
    };
    let input = Input { network: &network, bridge, interface: "virbr0", isolated, directory: Path::new("/d"), user: "dnsmasq" };
    files(&input)
}

/// The lines that are not those of every network.
fn own_lines(xml: &str) -> Vec<String> {
    let general = files_of("<dns enable='yes'/>").unwrap().config;
    let lines = files_of(xml).unwrap().config;
    lines.lines().filter(|line| !general.lines().any(|other| other == *line)).map(str::to_owned).collect()
}

#[test]
fn the_default_network_gives_out_addresses_and_names() {
    let xml = "<forward mode='nat'/><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>\
               <range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>";
    let files = files_of(xml).unwrap();
    let expected = "strict-order\nuser=dnsmasq\npid-file=/d/pid\nbind-dynamic\nexcept-interface=lo\ninterface=virbr0\n\
                    dhcp-leasefile=/d/leases\ndhcp-hostsfile=/d/hosts\naddn-hosts=/d/names\ndhcp-no-override\ndhcp-authoritative\n\
                    dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0\ndhcp-lease-max=1253\n";
    assert_eq!((files.config.as_str(), files.hosts.as_str(), files.names.as_str()), (expected, "", ""));
}

#[test]
fn each_part_of_a_definition_has_its_lines() {
    let v4 = |inside: &str| format!("<forward/><ip address='10.0.0.1' prefix='8'>{inside}</ip>");
    let cases: &[(&str, String, &[&str])] = &[
        ("a time", v4("<dhcp><range start='10.0.0.2' end='10.0.0.3'><lease expiry='1' unit='hours'/></range></dhcp>"), &[
            "dhcp-range=10.0.0.2,10.0.0.3,255.0.0.0,3600",
            "dhcp-lease-max=1002",
        ]),
        ("known ones only", v4("<dhcp><host mac='52:54:00:00:00:01' ip='10.0.0.9'/></dhcp>"), &["dhcp-range=10.0.0.0,static,255.0.0.0"]),
        ("files", v4("<tftp root='/srv/a b'/><dhcp><range start='10.0.0.2' end='10.0.0.3'/><bootp file='x,y' server='10.0.0.5'/></dhcp>"), &[
            "enable-tftp",
            "tftp-root=\"/srv/a b\"",
            "dhcp-range=10.0.0.2,10.0.0.3,255.0.0.0",
            "dhcp-lease-max=1002",
            "dhcp-boot=\"x,y\",,10.0.0.5",
        ]),
        ("IPv6 by advertisements", "<forward/><ip address='fd00::1' prefix='64'/>".into(), &["dhcp-range=fd00::,ra-only", "enable-ra"]),
        (
            "IPv6 by DHCP",
            "<forward/><ip address='fd00::1' prefix='64'><dhcp><range start='fd00::10' end='fd00::20'/></dhcp></ip>".into(),
            &["dhcp-range=fd00::10,fd00::20,64", "enable-ra"],
        ),
        ("a domain", "<domain name='x.y' localOnly='yes'/>".into(), &["local=/x.y/", "domain=x.y", "expand-hosts"]),
        ("plain names stay", "<dns forwardPlainNames='no'/>".into(), &["domain-needed", "local=//"]),
        ("no names", "<dns enable='no'/>".into(), &["port=0"]),
        (
            "others to ask",
            format!("{}<dns><forwarder domain='a.b' addr='10.0.0.7'/><forwarder domain='c.d'/><forwarder addr='fd00::7'/></dns>", v4("")),
            &["server=/a.b/10.0.0.7", "server=/c.d/#", "server=fd00::7"],
        ),
        ("a text", "<dns><txt name='a.b' value='one,two \"x\" #3'/></dns>".into(), &["txt-record=a.b,one,\"two \\\"x\\\" #3\""]),
        (
            "services",
            "<domain name='x.y'/><dns><srv service='a' protocol='tcp' target='t.x' port='5' weight='2'/><srv service='b' protocol='udp' \
             domain='z'/></dns>"
                .into(),
            &["domain=x.y", "expand-hosts", "srv-host=_a._tcp.x.y,t.x,5,0,2", "srv-host=_b._udp.z"],
        ),
        ("its own addresses", "<ip address='10.0.0.1' prefix='8' localPtr='yes'/>".into(), &["rev-server=10.0.0.0/8"]),
        ("isolated", "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.3'/></dhcp></ip><ip address='fd00::1' prefix='64'/>".into(), &[
            "dhcp-range=10.0.0.2,10.0.0.3,255.0.0.0",
            "dhcp-lease-max=1002",
            "dhcp-option=3",
            "dhcp-range=fd00::,ra-only",
            "ra-param=virbr0,0,0",
            "enable-ra",
        ]),
        ("a size", format!("<mtu size='1400'/>{}", v4("")), &["dhcp-option=option:mtu,1400"]),
    ];
    for (what, xml, lines) in cases {
        assert_eq!(own_lines(xml), *lines, "{what}");
    }
    // The host's servers are not asked where there is no way out, or where others are named for all names.
    for (xml, asks) in [("", false), (v4("").as_str(), true), (cases[8].1.as_str(), false)] {
        assert_eq!(!files_of(xml).unwrap().config.contains("no-resolv"), asks, "{xml}");
    }
}

#[test]
fn what_may_change_while_it_runs_stands_in_files_of_its_own() {
    let xml = "<ip address='10.0.0.1' prefix='8'><dhcp><host mac='52:54:00:00:00:01' name='one' ip='10.0.0.9'/>\
               <host name='two' ip='10.0.0.10'><lease expiry='0'/></host></dhcp></ip>\
               <ip address='fd00::1' prefix='64'><dhcp><host id='00:03:00:01' name='three' ip='fd00::9'/></dhcp></ip>\
               <dns><host ip='10.0.0.5'><hostname>five</hostname><hostname>fünf</hostname></host></dns>";
    let files = files_of(xml).unwrap();
    assert_eq!(files.hosts, "52:54:00:00:00:01,10.0.0.9,one\ntwo,10.0.0.10,infinite\nid:00:03:00:01,[fd00::9],three\n");
    assert_eq!(files.names, "10.0.0.5\tfive\tfünf\n");
}

#[test]
fn options_that_would_make_somebody_root_are_refused() {
    let options = |option: &str| {
        files_of(&format!(
            "<dnsmasq:options xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><dnsmasq:option value='{option}'/></dnsmasq:options>"
        ))
    };
    assert!(options("cname=a,b").unwrap().config.ends_with("\ncname=a,b\n"));
    for option in ["dhcp-script=/tmp/x", "conf-file=/etc/shadow", "user=root", " log-facility=/etc/cron.d/x", "dhcp-luascript = /x"] {
        assert_eq!(options(option).unwrap_err().kind(), ErrorKind::NotSupported, "{option}");
    }
}

/// The program itself takes all that is written.
#[test]
fn dnsmasq_takes_every_line() {
    let xml = "<forward/><mtu size='1400'/><domain name='x.y' localOnly='yes'/><dns forwardPlainNames='no'>\
               <forwarder domain='a.b' addr='10.0.0.7'/><forwarder domain='c.d'/><txt name='a.b' value='one,two \"x\" #3'/>\
               <srv service='a' protocol='tcp' target='t.x' port='5'/></dns>\
               <ip address='10.0.0.1' prefix='8' localPtr='yes'><tftp root='/'/><dhcp><range start='10.0.0.2' end='10.0.0.3'/>\
               <bootp file='x,y' server='10.0.0.5'/></dhcp></ip>\
               <ip address='fd00::1' prefix='64'><dhcp><range start='fd00::10' end='fd00::20'><lease expiry='5'/></range></dhcp></ip>";
    let program = crate::networks::dnsmasq::require_program().expect("dnsmasq is missing: install the package dnsmasq-base");
    let file = tempfile::NamedTempFile::new().unwrap();
    for config in [
        files_of(xml).unwrap().config,
        files_of("<ip address='10.0.0.1' prefix='8'><dhcp><host name='a' ip='10.0.0.9'/></dhcp></ip>").unwrap().config,
    ] {
        std::fs::write(file.path(), &config).unwrap();
        #[allow(clippy::disallowed_methods, reason = "a test asks the program")]
        let output =
            std::process::Command::new(&program).arg("--test").arg(format!("--conf-file={}", file.path().display())).output().unwrap();
        assert!(output.status.success(), "{}\n{config}", String::from_utf8_lossy(&output.stderr));
    }
}
