//! Network interfaces: `-net`, `-nic`, `-netdev`, and the devices that use them.

use super::ReadError;
use super::back_ends::Kind;
use super::conversion::Conversion;
use super::devices::{nothing_left, rom};
use super::options::Opt;
use super::outcome::{Outcome, all_or_kept};
use super::props::{Props, spelled};
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

/// What the card does in the guest's place, and the guest in the card's: element of `<driver>`, QEMU's name, attribute.
const OFFLOADS: &[(&str, &str, &str)] = &[
    ("host", "csum", "csum"),
    ("host", "gso", "gso"),
    ("host", "host_tso4", "tso4"),
    ("host", "host_tso6", "tso6"),
    ("host", "host_ecn", "ecn"),
    ("host", "host_ufo", "ufo"),
    ("host", "mrg_rxbuf", "mrg_rxbuf"),
    ("guest", "guest_csum", "csum"),
    ("guest", "guest_tso4", "tso4"),
    ("guest", "guest_tso6", "tso6"),
    ("guest", "guest_ecn", "ecn"),
    ("guest", "guest_ufo", "ufo"),
];

/// `-net` options, which belong together by their `vlan`.
#[derive(Debug, Default)]
pub struct Legacy {
    cards: Vec<Half>,
    hosts: Vec<Half>,
    /// Forwards of `-redir`, which are of all user networks.
    forwards: Vec<Element>,
    /// Whether the board adds no card by itself.
    none: bool,
}

/// One side of a `-net` network.
#[derive(Debug)]
struct Half {
    /// Number of the option.
    option: usize,
    vlan: String,
    props: Props,
}

/// Converts options of networks.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    match option.name.as_str() {
        "net" => {
            let props = to.props(option, "type")?;
            let half = |props: Props| Half { option: to.option(), vlan: props.take("vlan").unwrap_or("0").to_owned(), props };
            let half = half(props);
            match half.props.get("type") {
                Some("none") => {
                    to.facts.networks.none = true;
                    half.props.take("type");
                    return Ok(Some(all_or_kept(&half.props)));
                }
                Some("nic") => to.facts.networks.cards.push(half),
                _ => to.facts.networks.hosts.push(half),
            }
            Ok(Some(Outcome::Done))
        }
        "redir" => match redirection(&option.value) {
            Some(forward) => {
                to.facts.networks.forwards.push(forward);
                Ok(Some(Outcome::Done))
            }
            None => Ok(Some(Outcome::Left("QEMU has it no longer; write <portForward>"))),
        },
        "nic" => {
            let props = to.props(option, "type")?;
            if props.get("type") == Some("none") {
                to.facts.networks.none = true;
                return Ok(Some(all_or_kept(&props.without("type"))));
            }
            Ok(Some(nic(to, &props)))
        }
        _ => Ok(None),
    }
}

/// `-nic`: a card and its back end in one.
fn nic(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    to.facts.networks.none = true;
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
            Ok(interface("user").children(own_network(props)?).children(forwards))
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

/// The network that the guest sees, where it is another than usual.
fn own_network(props: &Props) -> Result<Vec<Element>, String> {
    let mut ips = Vec::new();
    if let Some(net) = props.take("net") {
        let (address, prefix) = net.split_once('/').ok_or_else(|| format!("no element says net={net}"))?;
        let prefix: u8 = prefix.parse().map_err(|_| format!("no element says net={net}"))?;
        ips.push(element("ip").with("family", "ipv4").with("address", address).with("prefix", prefix));
    }
    if let Some(address) = props.take("ipv6-prefix") {
        let length = props.take("ipv6-prefixlen");
        ips.push(element("ip").with("family", "ipv6").with("address", address).maybe("prefix", length));
    }
    Ok(ips)
}

fn tap(props: &Props) -> Result<Element, String> {
    // Descriptors are those of whoever started it.
    if props.take_any(&["fd", "fds"]).is_some() {
        props.ignore(&["vhost", "vhostfd", "vhostfds", "id"]);
        return Ok(element("interface").with("type", "user"));
    }
    let mut driver = element("driver");
    if let Some(on) = props.take_on("vhost") {
        driver = driver.with("name", if on { "vhost" } else { "qemu" });
    }
    let driver = driver.maybe("queues", props.take("queues"));
    let driver = (!driver.attributes.is_empty()).then_some(driver);
    if let Some(bridge) = props.take("br") {
        let bridge = element("source").with("bridge", bridge);
        props.ignore(&["helper"]);
        return Ok(element("interface").with("type", "bridge").child(bridge).children(driver));
    }
    let mut interface = element("interface").with("type", "ethernet");
    // QEMU's own choice where nothing is said; there is no such choice for the other.
    for (key, usual) in [("script", Some("/etc/qemu-ifup")), ("downscript", None)] {
        if let Some(path) = props.take(key).or(usual).filter(|path| !matches!(*path, "no" | "")) {
            interface = interface.child(element(key).with("path", path));
        }
    }
    let target = props.take("ifname").map(|name| element("target").with("dev", name).with("managed", "no"));
    Ok(interface.children(target).children(driver))
}

/// Whether a back end was opened by whoever started QEMU.
fn is_inherited(props: &Props) -> bool {
    props.get("fd").or_else(|| props.get("fds")).is_some()
}

const INHERITED: &str = "the network was opened by whoever started QEMU, and only they know which it is; the card is on a user network: \
                         change <interface>";

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

/// `tcp:PORT:[GUEST]:PORT` of `-redir`.
fn redirection(text: &str) -> Option<Element> {
    let (protocol, rest) = text.split_once(':')?;
    let (port, guest) = rest.split_once(':')?;
    port_forward(&format!("{protocol}::{port}-{guest}"))
}

/// A card of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    let (_, word) = MODELS.iter().find(|(known, _)| *known == driver)?;
    Some(card(to, model.filter(|_| *word == "virtio").unwrap_or(word), props))
}

fn card(to: &mut Conversion<'_>, model: &str, props: &Props) -> Result<(), String> {
    to.facts.networks.none = true;
    let Some(id) = props.take("netdev").map(str::to_owned) else { return Err("it has no -netdev".to_owned()) };
    let back_end = &to.back_end(Kind::Netdev, &id).ok_or_else(|| format!("no -netdev has the id '{id}'"))?.props;
    back_end.ignore(&["id"]);
    let mut interface = host_side(back_end)?;
    nothing_left(back_end)?;
    let inherited = is_inherited(back_end);
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
        ("iommu_platform", "iommu"),
        ("ats", "ats"),
        ("page_per_vq", "page_per_vq"),
    ] {
        driver = driver.maybe(attribute, props.take(key));
    }
    for side in ["host", "guest"] {
        let offloads = OFFLOADS.iter().filter(|(element, ..)| *element == side);
        let offloads = offloads.fold(element(side), |offloads, (_, key, attribute)| offloads.maybe(attribute, props.take(key)));
        driver = driver.children((!offloads.attributes.is_empty()).then_some(offloads));
    }
    interface.nodes.retain(|node| !matches!(node, crate::xml::Node::Element(element) if element.name == "driver"));
    let said = !driver.attributes.is_empty() || driver.elements().next().is_some();
    interface = interface.children(said.then_some(driver));
    interface = interface.children(props.take("host_mtu").map(|mtu| element("mtu").with("size", mtu)));
    interface = interface.children(props.take("bootindex").map(|order| to.boot_order(order)));
    interface = interface.children(rom(props));
    // How many interrupts there are follows from the queues.
    props.ignore(&["mq", "vectors"]);
    nothing_left(props)?;
    to.used(Kind::Netdev, &id);
    if inherited {
        to.warn(INHERITED);
    }
    to.device(interface.children(address));
    Ok(())
}

/// Puts cards and back ends of `-net` together, and adds the card that a board has by itself.
pub fn finish(to: &mut Conversion<'_>) {
    let Legacy { cards, mut hosts, forwards, none } = std::mem::take(&mut to.facts.networks);
    let mut interfaces = Vec::new();
    for card in cards {
        let host = hosts.iter().position(|host| host.vlan == card.vlan).map(|at| hosts.remove(at));
        match joined(to, &card.props, host.as_ref().map(|host| &host.props)) {
            Ok(interface) => interfaces.push(interface),
            // Both go on together, as QEMU puts them together itself.
            Err(reason) => {
                to.keep(card.option, &reason);
                if let Some(host) = host {
                    to.keep(host.option, "it belongs to the card of the other -net");
                }
            }
        }
    }
    for host in hosts {
        let kind = host.props.get("type").unwrap_or_default().to_owned();
        to.warn_at(host.option, format!("-net {kind} is left out: there is no card for it"));
    }
    let said = none || to.has("net") || to.has("netdev") || to.has("nodefaults");
    if !said && to.is_pc() {
        let model = default_model(to);
        interfaces.push(element("interface").with("type", "user").child(element("model").with("type", model)));
        to.warn_of_all("QEMU adds a network card when none is named; it is written down. To have none, remove <interface>");
    }
    if !forwards.is_empty() {
        match interfaces.iter_mut().find(|interface| interface.attribute("type") == Some("user")) {
            Some(interface) => *interface = std::mem::take(interface).children(forwards),
            None => to.warn_of_all("-redir is left out: there is no user network of -net for it; write <portForward>"),
        }
    }
    interfaces.into_iter().for_each(|interface| to.device(interface));
}

/// A card and its back end of `-net`; without one it is on the user network.
fn joined(to: &mut Conversion<'_>, card: &Props, host: Option<&Props>) -> Result<Element, String> {
    let id = card.take("netdev").map(str::to_owned);
    let named = match &id {
        Some(id) => Some(&to.back_end(Kind::Netdev, id).ok_or_else(|| format!("no -netdev has the id '{id}'"))?.props),
        None => None,
    };
    let host = named.or(host);
    let interface = host.map_or_else(|| Ok(element("interface").with("type", "user")), host_side)?;
    let model = card_model(card.take("model").unwrap_or_else(|| default_model(to))).to_owned();
    let mac = card.take_any(&["macaddr", "mac"]).map(|mac| element("mac").with("address", mac));
    card.ignore(&["type", "name", "id", "vectors"]);
    host.into_iter().for_each(|host| host.ignore(&["name", "id"]));
    let mut left = card.left();
    left.extend(host.iter().flat_map(|host| host.left()));
    if !left.is_empty() {
        return Err(format!("no element says {}", spelled(&left).join(",")));
    }
    let inherited = host.is_some_and(is_inherited);
    if let Some(id) = id {
        to.used(Kind::Netdev, &id);
    }
    if inherited {
        to.warn_of_all(INHERITED);
    }
    Ok(interface.children(mac).child(element("model").with("type", model)))
}
