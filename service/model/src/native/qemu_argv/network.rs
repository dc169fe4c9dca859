//! Network interfaces: `-net`, `-nic`, `-netdev`, and the devices that use them.

use super::ReadError;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element};
use crate::xml::Element;

/// Network cards: driver, model.
const MODELS: &[(&str, &str)] = &[
    ("e1000", "e1000"),
    ("e1000-82540em", "e1000"),
    ("e1000-82544gc", "e1000-82544gc"),
    ("e1000-82545em", "e1000-82545em"),
    ("e1000e", "e1000e"),
    ("igb", "igb"),
    ("rtl8139", "rtl8139"),
    ("ne2k_pci", "ne2k_pci"),
    ("pcnet", "pcnet"),
    ("i82551", "i82551"),
    ("i82557b", "i82557b"),
    ("i82559er", "i82559er"),
    ("vmxnet3", "vmxnet3"),
    ("usb-net", "usb-net"),
    ("virtio", "virtio"),
    ("virtio-net", "virtio"),
    ("virtio-net-pci", "virtio"),
];

/// `-net` options, which belong together by their `vlan`.
#[derive(Debug, Default)]
pub struct Legacy {
    cards: Vec<(String, Props)>,
    hosts: Vec<(String, Props)>,
    none: bool,
}

/// Converts options of networks.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    match option.name.as_str() {
        "net" => {
            let props = to.props(option, "type")?;
            let vlan = props.take("vlan").unwrap_or("0").to_owned();
            match props.take("type") {
                Some("none") => to.networks.none = true,
                Some("nic") => to.networks.cards.push((vlan, props)),
                _ => {
                    // The type is for the back end to read.
                    let host = to.props(option, "type")?;
                    host.ignore(&["vlan"]);
                    to.networks.hosts.push((vlan, host));
                }
            }
            Ok(Some(Outcome::Done))
        }
        "nic" => {
            let props = to.props(option, "type")?;
            if props.get("type") == Some("none") {
                to.networks.none = true;
                return Ok(Some(Outcome::Done));
            }
            Ok(Some(nic(to, &props)))
        }
        _ => Ok(None),
    }
}

/// `-nic`: a card and its back end in one.
fn nic(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    to.networks.none = true;
    let model = props.take("model").map(str::to_owned);
    let mac = props.take("mac").map(str::to_owned);
    props.ignore(&["id"]);
    let Ok(interface) = host_side(props) else { return Outcome::Kept("its back end is of a kind that no element says".to_owned()) };
    let left = props.left();
    if !left.is_empty() {
        return Outcome::Kept(format!("no element says {}", spelled(&left).join(",")));
    }
    let model = card_model(model.as_deref().unwrap_or_else(|| default_model(to)));
    let interface = interface.children(mac.map(|mac| element("mac").with("address", mac)));
    to.device(interface.child(element("model").with("type", model)));
    Outcome::Done
}

fn card_model(driver: &str) -> &str {
    MODELS.iter().find(|(known, _)| *known == driver).map_or(driver, |(_, model)| model)
}

/// The card that a board has when none is named (QEMU's `default_nic`).
fn default_model(to: &Conversion<'_>) -> &'static str {
    match (to.is_pc(), to.is_q35()) {
        (true, true) => "e1000e",
        (true, false) => "e1000",
        _ => "virtio",
    }
}

/// `<interface>` with what a back end says.
fn host_side(props: &Props) -> Result<Element, String> {
    let interface = |kind: &str| element("interface").with("type", kind);
    match props.take("type").unwrap_or("user") {
        "user" => {
            let forwards = props.take_list("hostfwd");
            let forward = |text: &str| port_forward(text).ok_or_else(|| format!("no element says hostfwd={text}"));
            let forwards = forwards.into_iter().map(forward).collect::<Result<Vec<_>, _>>()?;
            Ok(interface("user").children(forwards))
        }
        "passt" => Ok(interface("user").child(element("backend").with("type", "passt"))),
        "bridge" => {
            props.ignore(&["helper"]);
            Ok(interface("bridge").child(element("source").with("bridge", props.take("br").unwrap_or("br0"))))
        }
        "tap" => tap(props),
        "vhost-user" | "vhost-vdpa" | "l2tpv3" | "vde" | "netmap" | "socket" | "stream" | "dgram" => {
            Err("its back end is of a kind that is kept".to_owned())
        }
        other => Err(format!("no element says the back end '{other}'")),
    }
}

fn tap(props: &Props) -> Result<Element, String> {
    if props.get("fd").or_else(|| props.get("fds")).is_some() {
        return Err("it has a descriptor of whoever started it".to_owned());
    }
    let vhost = props.take("vhost").and_then(is_on).map(|on| element("driver").with("name", if on { "vhost" } else { "qemu" }));
    if let Some(bridge) = props.take("br") {
        let bridge = element("source").with("bridge", bridge);
        props.ignore(&["helper"]);
        return Ok(element("interface").with("type", "bridge").child(bridge).children(vhost));
    }
    let mut interface = element("interface").with("type", "ethernet");
    match props.take("script") {
        Some("no" | "") | None => {}
        Some(script) => interface = interface.child(element("script").with("path", script)),
    }
    match props.take("downscript") {
        Some("no" | "") | None => {}
        Some(script) => interface = interface.child(element("downscript").with("path", script)),
    }
    let target = props.take("ifname").map(|name| element("target").with("dev", name).with("managed", "no"));
    Ok(interface.children(target).children(vhost))
}

/// `tcp:ADDRESS:PORT-GUEST:PORT` of `hostfwd`.
fn port_forward(text: &str) -> Option<Element> {
    let (protocol, rest) = text.split_once(':')?;
    let protocol = match protocol {
        "" | "tcp" => "tcp",
        "udp" => "udp",
        _ => return None,
    };
    let (host, guest) = rest.split_once('-')?;
    let (address, port) = host.rsplit_once(':')?;
    // There is one guest, and its address cannot be said.
    let (guest_address, guest_port) = guest.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let guest_port: u16 = guest_port.parse().ok()?;
    if !guest_address.is_empty() && guest_address != "10.0.2.15" {
        return None;
    }
    let range = element("range").with("start", port).maybe("to", (guest_port != port).then_some(guest_port));
    let forward = element("portForward").with("proto", protocol);
    Some(forward.maybe("address", Some(address).filter(|address| !address.is_empty())).child(range))
}

/// A card of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    let (_, word) = MODELS.iter().find(|(known, _)| *known == driver)?;
    Some(card(to, model.filter(|_| *word == "virtio").unwrap_or(word), props))
}

fn card(to: &mut Conversion<'_>, model: &str, props: &Props) -> Result<(), String> {
    to.networks.none = true;
    let Some(id) = props.take("netdev").map(str::to_owned) else { return Err("it has no -netdev".to_owned()) };
    let back_end = &to.back_end(&id).ok_or_else(|| format!("no -netdev has the id '{id}'"))?.props;
    back_end.ignore(&["id"]);
    let mut interface = host_side(back_end)?;
    nothing_left(back_end)?;
    let address = if model == "usb-net" { to.buses.usb(props)? } else { to.buses.pci(props)? };
    if let Some(mac) = props.take("mac") {
        interface = interface.child(element("mac").with("address", mac));
    }
    interface = interface.child(element("model").with("type", model));
    let mut driver = interface.element("driver").cloned().unwrap_or_else(|| element("driver"));
    for (key, attribute) in [
        ("rx_queue_size", "rx_queue_size"),
        ("tx_queue_size", "tx_queue_size"),
        ("ioeventfd", "ioeventfd"),
        ("event_idx", "event_idx"),
        ("packed", "packed"),
        ("rss", "rss"),
    ] {
        driver = driver.maybe(attribute, props.take(key));
    }
    interface.nodes.retain(|node| !matches!(node, crate::xml::Node::Element(element) if element.name == "driver"));
    interface = interface.children((!driver.attributes.is_empty()).then_some(driver));
    interface = interface.children(props.take("host_mtu").map(|mtu| element("mtu").with("size", mtu)));
    interface = interface.children(props.take("bootindex").map(|order| to.boot_order(order)));
    let rom = element("rom").maybe("bar", props.take("rombar").map(|bar| if matches!(bar, "1" | "on") { "on" } else { "off" }));
    let rom = rom.maybe("file", props.take("romfile").filter(|file| !file.is_empty()));
    interface = interface.children((!rom.attributes.is_empty()).then_some(rom));
    props.ignore(&["mq", "vectors", "disable-legacy", "disable-modern"]);
    nothing_left(props)?;
    to.used(&id);
    to.device(interface.children(address));
    Ok(())
}

/// Puts cards and back ends of `-net` together, and adds the card that a board has by itself.
pub fn finish(to: &mut Conversion<'_>) {
    let Legacy { cards, mut hosts, none } = std::mem::take(&mut to.networks);
    if cards.is_empty() && hosts.is_empty() {
        if !none && to.is_pc() && !to.has("nodefaults") {
            let model = default_model(to);
            to.device(element("interface").with("type", "user").child(element("model").with("type", model)));
            to.warn_of_all("QEMU adds a network card when none is named; it is written down. To have none, remove <interface>");
        }
        return;
    }
    for (vlan, card) in cards {
        let host = hosts.iter().position(|(other, _)| *other == vlan).map(|at| hosts.remove(at).1);
        let interface = match host.as_ref().map(host_side) {
            Some(Ok(interface)) => interface,
            None => element("interface").with("type", "user"),
            Some(Err(reason)) => {
                to.warn_of_all(&format!(
                    "the back end of a -net nic is left out ({reason}); the card is on a user network: change <interface>"
                ));
                element("interface").with("type", "user")
            }
        };
        let model = card_model(card.take("model").unwrap_or_else(|| default_model(to))).to_owned();
        let mac = card.take_any(&["macaddr", "mac"]).map(|mac| element("mac").with("address", mac));
        card.ignore(&["name", "id", "netdev"]);
        for (key, value) in card.left() {
            to.warn_of_all(&format!("{key}={value} of -net nic is left out: no element says this"));
        }
        for (key, value) in host.iter().flat_map(Props::left) {
            to.warn_of_all(&format!("{key}={value} of -net is left out: no element says this"));
        }
        to.device(interface.children(mac).child(element("model").with("type", model)));
    }
    for (_, host) in hosts {
        to.warn_of_all(&format!("-net {} is left out: there is no card for it", host.get("type").unwrap_or_default()));
    }
}
