//! Changes to parts of documents.

use lodge_model::network::ForwardMode;
use lodge_model::xml::OnOff;

use super::*;

const XML: &str = "<network><name>a</name><forward/><ip address='192.168.122.1' prefix='24'><dhcp>\
                   <range start='192.168.122.2' end='192.168.122.254'/>\
                   <host mac='52:54:00:00:00:01' name='one' ip='192.168.122.11'/></dhcp></ip>\
                   <ip address='fd00::1' prefix='64'/></network>";

fn changed(command: &str, section: &str, xml: &str) -> Result<Network> {
    let (mut network, _) = Network::parse(XML).unwrap();
    Update::read(command, section, None, xml)?.apply(&mut network)?;
    Ok(network)
}

fn hosts(network: &Network) -> Vec<String> {
    network.ips[0].dhcp.as_ref().unwrap().hosts.iter().map(|host| host.ip.unwrap().to_string()).collect()
}

#[test]
fn addresses_are_reserved_changed_and_given_up() {
    let two = "<host mac='52:54:00:00:00:02' ip='192.168.122.12'/>";
    assert_eq!(hosts(&changed("add", "ip-dhcp-host", two).unwrap()), ["192.168.122.11", "192.168.122.12"]);
    assert_eq!(hosts(&changed("add-first", "ip-dhcp-host", two).unwrap()), ["192.168.122.12", "192.168.122.11"]);
    let moved = "<host mac='52:54:00:00:00:01' ip='192.168.122.13'/>";
    assert_eq!(hosts(&changed("modify", "ip-dhcp-host", moved).unwrap()), ["192.168.122.13"]);
    assert_eq!(hosts(&changed("delete", "ip-dhcp-host", "<host name='one'/>").unwrap()), Vec::<String>::new());
    let kind = |command, xml| changed(command, "ip-dhcp-host", xml).unwrap_err().kind();
    assert_eq!(kind("add", moved), ErrorKind::AlreadyExists);
    assert_eq!(kind("delete", two), ErrorKind::NotFound);
    // The whole must still be a network.
    assert_eq!(kind("add", "<host mac='52:54:00:00:00:02' ip='10.0.0.1'/>"), ErrorKind::InvalidXml);
}

#[test]
fn every_section_takes_its_element() {
    for (section, xml) in [
        ("ip", "<ip address='10.0.0.1' prefix='24'/>"),
        ("domain", "<domain name='lab.test'/>"),
        ("bridge", "<bridge name='lab0' zone='home'/>"),
        ("ip-dhcp-range", "<range start='fd00::10' end='fd00::20'/>"),
        ("dns-host", "<host ip='192.168.122.5'><hostname>five</hostname></host>"),
        ("dns-txt", "<txt name='a.b' value='c'/>"),
        ("dns-srv", "<srv service='ldap' protocol='tcp'/>"),
        ("forward-interface", "<interface dev='eth7'/>"),
        ("portgroup", "<portgroup name='web'/>"),
    ] {
        let network = changed("add", section, xml).unwrap();
        let part = xml.split(['<', ' ']).nth(1).unwrap();
        assert!(network.to_xml().contains(&format!("<{part} ")), "{section}: {}", network.to_xml());
    }
}

#[test]
fn what_is_not_one_element_of_the_section_is_refused() {
    let host = "<host mac='52:54:00:00:00:02' ip='192.168.122.12'/>";
    for xml in [
        "",
        "<range/>",
        "<host",
        &format!("{host}{host}"),
        &format!("{host}</dhcp></ip><ip><dhcp>"),
        "<host mac='52:54:00:00:00:02' odd='1'/>",
    ] {
        assert_eq!(changed("add", "ip-dhcp-host", xml).unwrap_err().kind(), ErrorKind::InvalidXml, "{xml}");
    }
    assert_eq!(changed("put", "ip-dhcp-host", host).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(changed("add", "ip-dhcp", host).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_there_is_one_of_is_added_replaced_and_removed() {
    let forward = |command, xml| changed(command, "forward", xml).map(|network| network.mode());
    assert_eq!(forward("modify", "<forward mode='route'/>").unwrap(), Some(ForwardMode::Route));
    assert_eq!(forward("delete", "<forward/>").unwrap(), None);
    assert_eq!(forward("add", "<forward mode='route'/>").unwrap_err().kind(), ErrorKind::AlreadyExists);
    let kind = |command, section, xml| changed(command, section, xml).unwrap_err().kind();
    assert_eq!(kind("modify", "domain", "<domain name='a'/>"), ErrorKind::NotFound);
    assert_eq!(kind("modify", "forward", "<forward mode='hostdev'/>"), ErrorKind::InvalidXml);
    // The host keeps an address where guests leave by way of it.
    let (mut one, _) = Network::parse("<network><name>a</name><forward/><ip address='10.0.0.1' prefix='24'/></network>").unwrap();
    let delete = Update::read("delete", "ip", None, "<ip address='10.0.0.1'/>").unwrap();
    assert_eq!(delete.apply(&mut one).unwrap_err().kind(), ErrorKind::InvalidXml);
    let ips = |network: &Network| network.ips.iter().map(|ip| ip.address.unwrap().to_string()).collect::<Vec<_>>();
    assert_eq!(ips(&changed("delete", "ip", "<ip address='fd00::1'/>").unwrap()), ["192.168.122.1"]);
}

#[test]
fn a_bridge_keeps_its_name_unless_another_is_said() {
    let (mut network, _) = Network::parse("<network><name>a</name><bridge name='virbr7' stp='on'/></network>").unwrap();
    let mut after = |command: &str, xml: &str| {
        Update::read(command, "bridge", None, xml).unwrap().apply(&mut network).unwrap();
        let bridge = network.bridge.clone().unwrap();
        (bridge.name.unwrap(), bridge.stp)
    };
    assert_eq!(after("modify", "<bridge stp='off'/>"), ("virbr7".to_owned(), Some(OnOff(false))));
    assert_eq!(after("delete", "<bridge/>"), ("virbr7".to_owned(), None));
    assert_eq!(after("modify", "<bridge name='lab0'/>"), ("lab0".to_owned(), None));
}

#[test]
fn a_network_without_a_way_to_the_world_does_not_get_one_by_the_way() {
    let (mut isolated, _) = Network::parse("<network><name>a</name></network>").unwrap();
    let update = Update::read("add", "forward-interface", None, "<interface dev='eth7'/>").unwrap();
    assert_eq!(update.apply(&mut isolated).unwrap_err().kind(), ErrorKind::NotFound);
}
