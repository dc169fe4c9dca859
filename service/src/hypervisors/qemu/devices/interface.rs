//! `<interface>`: network interfaces. The back end is a `-netdev`.
//!
//! A session has the network of its user: QEMU's own (slirp), or passt beside QEMU. Bridges, taps and networks of the
//! host belong to whoever may administer it.

use lodge_model::domain::devices::{
    BackendType, Interface, InterfaceSource, InterfaceType, IpFamily, LinkState, PortForward, PortRange, Socket, TransportProtocol, TxMode,
};
use lodge_model::xml::{OnOff, YesNo};
use serde_json::{Value, json};

use super::hostdev;
use super::interface_by_hand::by_hand;
use super::virtio::transport;
use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::plan::Companion;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Models by their names in a definition, with QEMU's. Others are given to QEMU as they are.
const MODELS: &[(&str, &str)] = &[
    ("virtio", "virtio-net-pci"),
    ("virtio-transitional", "virtio-net-pci-transitional"),
    ("virtio-non-transitional", "virtio-net-pci-non-transitional"),
    ("", "rtl8139"),
];
/// The network that stands for the user's own in a session.
const DEFAULT_NETWORK: &str = "default";

/// Adds an interface.
///
/// # Errors
/// A connection that cannot be made here, or no place.
pub fn add(draft: &mut Draft<'_>, interface: &Interface) -> Result<(), Refusal> {
    let name = alias::of(interface.alias.as_ref());
    if interface.kind == InterfaceType::Hostdev {
        return card_of_host(draft, interface, name);
    }
    let id = format!("host{name}");
    match super::interface_tap::nic(draft, interface) {
        Some(nic) => super::interface_tap::add(draft, &id, nic),
        None => {
            let netdev = back_end(draft, interface, name)?.with("id", id.clone());
            draft.option("-netdev", netdev.render());
        }
    }
    let front_end = front_end(draft, interface, name)?.with("netdev", id).with("id", name);
    let front_end = front_end.opt("mac", interface.mac_address().map(|mac| mac.to_string()));
    draft.device("<interface>", front_end.opt("bootindex", boot_index(draft.domain, name)))?;
    if interface.link.as_ref().is_some_and(|link| link.state == LinkState::Down) {
        draft.set_up("set_link", json!({ "name": name, "up": false }));
    }
    Ok(())
}

/// A network card of the host: the guest has its device as it is.
fn card_of_host(draft: &mut Draft<'_>, interface: &Interface, name: &str) -> Result<(), Refusal> {
    hostdev::check_driver("<interface type='hostdev'>", interface.driver.as_ref().and_then(|driver| driver.name), None)?;
    let address = interface.pci_of_host()?.to_string();
    let device = hostdev::pci(draft, &address, interface.rom.as_deref())?.and(buses::pci(draft, name, interface.address.as_ref())?);
    draft.device("<interface>", device.with("id", name).opt("bootindex", boot_index(draft.domain, name)))
}

fn back_end(draft: &mut Draft<'_>, interface: &Interface, name: &str) -> Result<Props, Refusal> {
    if draft.is_by_hand()
        && let Some(netdev) = by_hand(draft, interface)?
    {
        return Ok(netdev);
    }
    match interface.source_view()? {
        InterfaceSource::User { backend: BackendType::Passt, dev } => passt(draft, interface, name, dev),
        InterfaceSource::User { backend: BackendType::Default, .. } => slirp(draft, interface),
        InterfaceSource::Network { network: DEFAULT_NETWORK, .. } if draft.input.session => {
            draft.warn(
                "<interface type='network'> with the network 'default' is given user networking: a session has no networks of the host; write type='user' to say so",
            );
            slirp(draft, interface)
        }
        InterfaceSource::Udp { remote, local } => {
            let address = |socket: Socket<'_>| {
                let host = socket.address.unwrap_or("127.0.0.1");
                json!({ "type": "inet", "host": host, "port": socket.port.to_string() })
            };
            Ok(Props::of("type", "dgram").with("remote", address(remote)).opt("local", local.map(address)))
        }
        InterfaceSource::Client(socket) | InterfaceSource::Server(socket) => {
            let server = matches!(interface.source_view()?, InterfaceSource::Server(_));
            let host = socket.address.unwrap_or(if server { "0.0.0.0" } else { "127.0.0.1" });
            let address = json!({ "type": "inet", "host": host, "port": socket.port.to_string() });
            Ok(Props::of("type", "stream").with("addr", address).with("server", server))
        }
        InterfaceSource::Mcast(socket) => {
            let host = socket.address.ok_or_else(|| Refusal::invalid("<interface type='mcast'> needs <source address='…'/>: add it"))?;
            Ok(Props::of("type", "dgram").with("remote", json!({ "type": "inet", "host": host, "port": socket.port.to_string() })))
        }
        InterfaceSource::Null => Ok(Props::of("type", "hubport").with("hubid", 0)),
        InterfaceSource::Network { network, .. } => Err(not_yet(draft, interface, &format!("the network '{network}'"))),
        InterfaceSource::Bridge { bridge } => Err(not_yet(draft, interface, &format!("the bridge '{bridge}'"))),
        InterfaceSource::Direct { dev, .. } => Err(not_yet(draft, interface, &format!("the host's interface '{dev}'"))),
        InterfaceSource::Ethernet
        | InterfaceSource::VhostUser { .. }
        | InterfaceSource::Internal { .. }
        | InterfaceSource::Hostdev { .. }
        | InterfaceSource::Vdpa { .. }
        | InterfaceSource::Vds { .. } => Err(not_yet(draft, interface, "it")),
    }
}

fn not_yet(draft: &Draft<'_>, interface: &Interface, what: &str) -> Refusal {
    let kind = interface.kind;
    let reason = match draft.input.session {
        true => "a session may not",
        false => "this version cannot",
    };
    Refusal::unsupported(format!("<interface type='{kind}'> asks for a connection to {what}, which {reason} make: use type='user'"))
}

/// QEMU's own network.
pub(super) fn slirp(draft: &mut Draft<'_>, interface: &Interface) -> Result<Props, Refusal> {
    let mut netdev = Props::of("type", "user");
    for ip in &interface.ips {
        let prefix = ip.prefix.map(|prefix| format!("/{prefix}")).unwrap_or_default();
        netdev = match ip.family {
            Some(IpFamily::Ipv6) => netdev.with("ipv6-prefix", ip.address.clone()).opt("ipv6-prefixlen", ip.prefix),
            _ => netdev.with("net", format!("{}{prefix}", ip.address)),
        };
    }
    let forwards = host_forwards(draft, interface)?;
    Ok(if forwards.is_empty() { netdev } else { netdev.with("hostfwd", forwards) })
}

/// One entry for each port; a definition may name ranges.
fn host_forwards(draft: &mut Draft<'_>, interface: &Interface) -> Result<Vec<Value>, Refusal> {
    let mut forwards = Vec::new();
    for forward in &interface.port_forwards {
        if forward.dev.is_some() {
            draft.warn("<portForward dev='…'> is taken from every interface of the host: only <backend type='passt'/> can choose one");
        }
        let address = forward.address.as_deref().unwrap_or_default();
        let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let protocol = forward.protocol;
        if forward.ranges.is_empty() {
            return Err(Refusal::invalid(
                "<portForward> without a <range> forwards every port, which only <backend type='passt'/> can do: add <range start='…' to='…'/>",
            ));
        }
        let excluded: Vec<_> = forward.ranges.iter().filter(|range| range.exclude == Some(YesNo(true))).map(bounds).collect();
        for range in forward.ranges.iter().filter(|range| range.exclude != Some(YesNo(true))) {
            let (start, end) = bounds(range);
            let to = range.to.unwrap_or(start);
            if end < start || u32::from(to) + u32::from(end - start) > u32::from(u16::MAX) {
                return Err(Refusal::invalid(format!(
                    "<portForward> has the range {start} to {end}, which is none: start must come before end"
                )));
            }
            let ports = (start..=end).filter(|port| !excluded.iter().any(|(first, last)| (first..=last).contains(&port)));
            for port in ports {
                forwards.push(json!({ "str": format!("{protocol}:{address}:{port}-:{}", to + (port - start)) }));
            }
        }
    }
    Ok(forwards)
}

fn bounds(range: &PortRange) -> (u16, u16) {
    (range.start, range.end.unwrap_or(range.start))
}

/// passt(1) beside QEMU.
fn passt(draft: &mut Draft<'_>, interface: &Interface, name: &str, dev: Option<&str>) -> Result<Props, Refusal> {
    let Some(program) = draft.input.programs.passt.clone() else {
        return Err(Refusal::unsupported(
            "<backend type='passt'> needs passt, which is not installed: install it (package passt on Debian), or take <backend> out",
        ));
    };
    let socket = draft.input.runtime.join(format!("{name}-passt.sock"));
    let text = |text: &str| text.to_owned();
    let mut arguments = vec![text("--foreground"), text("--one-off"), text("--socket"), socket.display().to_string()];
    if let Some(dev) = dev {
        arguments.extend([text("--interface"), text(dev)]);
    }
    for ip in &interface.ips {
        arguments.extend([text("--address"), ip.address.clone()]);
        if let (Some(prefix), None | Some(IpFamily::Ipv4)) = (ip.prefix, ip.family) {
            arguments.extend([text("--netmask"), prefix.to_string()]);
        }
    }
    if let Some(log) = interface.backend.as_ref().and_then(|backend| backend.log_file.clone()) {
        draft.log(&log);
        arguments.extend([text("--log-file"), log]);
    }
    for forward in &interface.port_forwards {
        let option = match forward.protocol {
            TransportProtocol::Tcp => "--tcp-ports",
            TransportProtocol::Udp => "--udp-ports",
        };
        arguments.extend([text(option), passt_ports(forward)]);
    }
    draft.resource(&socket, Access::ReadWrite, LabelClass::Socket);
    let address = json!({ "type": "unix", "path": socket });
    draft.companion(Companion { alias: text(name), program, arguments, socket, key: None });
    Ok(Props::of("type", "stream").with("server", false).with("addr", address))
}

/// Ports as passt has them: `ADDRESS%INTERFACE/FIRST-LAST:TO,~EXCLUDED`.
fn passt_ports(forward: &PortForward) -> String {
    let dev = forward.dev.as_deref().map(|dev| format!("%{dev}")).unwrap_or_default();
    let place = match (forward.address.as_deref(), dev.as_str()) {
        (None, "") => String::new(),
        (address, dev) => format!("{}{dev}/", address.unwrap_or_default()),
    };
    let range = |range: &PortRange| {
        let (start, end) = bounds(range);
        let ports = if start == end { start.to_string() } else { format!("{start}-{end}") };
        let to = match range.to {
            Some(to) if start == end => format!(":{to}"),
            Some(to) => format!(":{to}-{}", u32::from(to) + u32::from(end - start)),
            None => String::new(),
        };
        if range.exclude == Some(YesNo(true)) { format!("~{ports}") } else { format!("{ports}{to}") }
    };
    let ranges: Vec<_> = forward.ranges.iter().map(range).collect();
    let ranges = if ranges.is_empty() { "all".to_owned() } else { ranges.join(",") };
    format!("{place}{ranges}")
}

fn front_end(draft: &mut Draft<'_>, interface: &Interface, name: &str) -> Result<Props, Refusal> {
    let model = interface.model_name();
    let driver = MODELS.iter().find(|(word, _)| *word == model).map_or(model, |(_, driver)| *driver);
    let place = match driver {
        "usb-net" => buses::usb(draft, name, interface.address.as_ref())?,
        "ne2k_isa" => return Ok(Props::device(driver)),
        _ => buses::pci(draft, name, interface.address.as_ref())?,
    };
    let rom = interface.rom.as_deref();
    let props = Props::device(driver).and(place);
    let props = match driver.starts_with("virtio-net") {
        true => props.and(virtio_options(interface)).and(super::interface_tap::queues(draft, interface)),
        false => props,
    };
    let no_rom = rom.is_some_and(|rom| rom.enabled == Some(YesNo(false)));
    if let Some(file) = rom.and_then(|rom| rom.file.as_deref()) {
        draft.resource(file, Access::Read, LabelClass::Kernel);
    }
    let file = rom.and_then(|rom| rom.file.clone()).or(no_rom.then(String::new));
    Ok(props.opt("rombar", rom.and_then(|rom| rom.bar).map(|OnOff(on)| i32::from(on))).opt("romfile", file))
}

fn virtio_options(interface: &Interface) -> Props {
    let driver = interface.driver.as_deref();
    let props = transport!(driver).opt("host_mtu", interface.mtu.as_ref().map(|mtu| mtu.size));
    let Some(driver) = driver else { return props };
    let host = driver.host.clone().unwrap_or_default();
    let guest = driver.guest.clone().unwrap_or_default();
    let tx = driver.tx_mode.map(|mode| match mode {
        TxMode::Iothread => "bh",
        TxMode::Timer => "timer",
    });
    props
        .opt("tx", tx)
        .bool("ioeventfd", driver.ioeventfd)
        .bool("event_idx", driver.event_idx)
        .bool("rss", driver.rss)
        .bool("hash", driver.rss_hash_report)
        .opt("rx_queue_size", driver.rx_queue_size)
        .opt("tx_queue_size", driver.tx_queue_size)
        .bool("csum", host.csum)
        .bool("gso", host.gso)
        .bool("host_tso4", host.tso4)
        .bool("host_tso6", host.tso6)
        .bool("host_ecn", host.ecn)
        .bool("host_ufo", host.ufo)
        .bool("mrg_rxbuf", host.mrg_rxbuf)
        .bool("guest_csum", guest.csum)
        .bool("guest_tso4", guest.tso4)
        .bool("guest_tso6", guest.tso6)
        .bool("guest_ecn", guest.ecn)
        .bool("guest_ufo", guest.ufo)
}
