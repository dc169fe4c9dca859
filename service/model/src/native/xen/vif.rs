//! Network interfaces.

use super::Dialect;
use super::fields::Fields;
use super::input::Input;
use super::is_hvm;
use super::output::{Output, Record};
use crate::domain::Domain;
use crate::domain::devices::{
    BackendDomain, Bandwidth, BandwidthLimit, Interface, InterfaceIp, InterfaceSourceElement, InterfaceTarget, InterfaceType, Mac, Mtu,
    NativeMode, Script, TypeName, VirtualPort, Vlan, VlanTag,
};
use crate::native::ReadError;
use crate::xml::YesNo;

/// The bridge that Xen takes where none is named (xl-network-configuration(5)).
const DEFAULT_BRIDGE: &str = "xenbr0";

/// The script that connects to a switch of Open vSwitch.
const OPEN_VSWITCH: &str = "vif-openvswitch";

/// The model of an interface that only Xen's own drivers see.
const PARAVIRTUAL: &str = "netfront";

/// Units of a rate, in bytes or bits.
const UNITS: [(char, u64); 3] = [('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    for item in input.list("vif") {
        let mut parts = Fields::of(item, "vif")?;
        let interface = interface(&mut parts, is_hvm(domain), input)?;
        parts.finish(input);
        domain.devices.list.push(interface.into());
    }
    Ok(())
}

fn interface(parts: &mut Fields, hvm: bool, input: &mut Input) -> Result<Interface, ReadError> {
    let script = parts.take("script");
    let bridge = parts.take("bridge");
    let mut interface = Interface {
        mac: parts.word("mac")?.map(|address| Mac { address: Some(address), ..Mac::default() }),
        target: parts.take("vifname").map(|dev| InterfaceTarget { dev: Some(dev), ..InterfaceTarget::default() }),
        model: parts.take("model").map(|kind| TypeName { kind: Some(kind), ..TypeName::default() }),
        mtu: parts.number("mtu", "a number of bytes")?.map(|size| Mtu { size, ..Mtu::default() }),
        backend_domain: parts
            .take("backend")
            .filter(|name| name != "0")
            .map(|name| BackendDomain { name: Some(name), ..BackendDomain::default() }),
        ips: parts.take("ip").map(|ips| ips.split_whitespace().map(ip).collect()).unwrap_or_default(),
        ..Interface::default()
    };
    let name = script.as_deref().and_then(|path| path.rsplit('/').next());
    let bridged = matches!(name, None | Some("vif-bridge" | "vif-vnic" | OPEN_VSWITCH));
    interface.kind = if bridged || bridge.is_some() { InterfaceType::Bridge } else { InterfaceType::Ethernet };
    if name == Some(OPEN_VSWITCH) {
        interface.virtual_port = Some(Box::new(VirtualPort { kind: Some("openvswitch".into()), ..VirtualPort::default() }));
    }
    if interface.kind == InterfaceType::Bridge {
        if bridge.is_none() {
            input.warn(parts.position, format!("a vif names no bridge; Xen's default, {DEFAULT_BRIDGE}, is taken"));
        }
        connect(&mut interface, bridge.unwrap_or_else(|| DEFAULT_BRIDGE.to_owned()), parts)?;
    }
    interface.script = script.map(|path| Script { path: Some(path), ..Script::default() });
    if let Some(kind) = parts.take("type") {
        match kind.as_str() {
            "ioemu" if hvm => {}
            "ioemu" => {
                input.warn(parts.position, "'type=ioemu' of a vif means nothing to a paravirtual guest and is left out".into());
            }
            "netfront" | "vif" | "paravirtualised" => {
                if let Some(model) = interface.model.as_ref().and_then(|model| model.kind.as_deref()).filter(|model| *model != PARAVIRTUAL)
                {
                    input.warn(parts.position, format!("'model={model}' of a vif does not count beside 'type={kind}' and is left out"));
                }
                interface.model = Some(TypeName { kind: Some(PARAVIRTUAL.into()), ..TypeName::default() })
            }
            _ => return Err(parts.unexpected("type", &kind, "'ioemu', 'vif' or 'netfront'")),
        }
    }
    if let Some(text) = parts.take("rate") {
        let (average, exact) = rate(&text).ok_or_else(|| parts.unexpected("rate", &text, "a rate such as 10Mb/s or 250KB/s@20ms"))?;
        if !exact {
            input.warn(
                parts.position,
                format!("the rate '{text}' is no whole number of KB/s, which a domain has; it becomes {average}KB/s"),
            );
        }
        if text.contains('@') {
            input.warn(parts.position, format!("the interval of the rate '{text}' has no element in the domain and is left out"));
        }
        let outbound = Some(BandwidthLimit { average: Some(average), ..BandwidthLimit::default() });
        interface.bandwidth = Some(Box::new(Bandwidth { outbound, ..Bandwidth::default() }));
    }
    Ok(interface)
}

/// Connects to a bridge, of Open vSwitch perhaps to virtual networks of it: `ovsbr0.10` or `ovsbr0:10:20`.
fn connect(interface: &mut Interface, bridge: String, parts: &Fields) -> Result<(), ReadError> {
    let (mut name, mut tags, mut trunk) = (bridge.as_str(), Vec::new(), false);
    if interface.virtual_port.is_some() && bridge.contains(['.', ':']) {
        let mut words = bridge.split(':');
        let first = words.next().unwrap_or_default();
        let (switch, native) = first.split_once('.').map_or((first, None), |(switch, tag)| (switch, Some(tag)));
        let trunks: Vec<&str> = words.collect();
        (name, trunk) = (switch, !trunks.is_empty());
        let tag = |text: &str, native_mode| {
            let id = text.parse().map_err(|_| parts.unexpected("bridge", &bridge, "a switch with the numbers of virtual networks"))?;
            Ok(VlanTag { id, native_mode, ..VlanTag::default() })
        };
        if let Some(native) = native {
            tags.push(tag(native, trunk.then_some(NativeMode::Untagged))?);
        }
        for text in trunks {
            tags.push(tag(text, None)?);
        }
    }
    if !tags.is_empty() {
        interface.vlan = Some(Box::new(Vlan { trunk: trunk.then_some(YesNo(true)), tags, ..Vlan::default() }));
    }
    interface.source = Some(InterfaceSourceElement { bridge: Some(name.to_owned()), ..InterfaceSourceElement::default() });
    Ok(())
}

/// An address, perhaps with the length of its network's prefix.
fn ip(text: &str) -> InterfaceIp {
    let split = text.split_once('/').and_then(|(address, prefix)| Some((address, prefix.parse().ok()?)));
    let (address, prefix) = split.map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    InterfaceIp { address: address.to_owned(), prefix, ..InterfaceIp::default() }
}

/// A rate in KiB a second, rounded up, and whether it is exact; the unit's case matters, bytes or bits.
fn rate(text: &str) -> Option<(u64, bool)> {
    let rate = text.split('@').next()?.strip_suffix("/s")?;
    let digits = rate.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = rate.split_at(digits);
    let (unit, bits) = match unit.strip_suffix('B') {
        Some(unit) => (unit, 1),
        None => (unit.strip_suffix('b')?, 8),
    };
    let scale = match unit.chars().next() {
        None => 1,
        Some(letter) => UNITS.iter().find(|(known, _)| *known == letter && unit.len() == 1)?.1,
    };
    let (amount, unit) = (number.parse::<u64>().ok()?.checked_mul(scale)?, bits * 1024);
    Some((amount.div_ceil(unit), amount % unit == 0))
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let hvm = is_hvm(domain);
    let dialect = output.dialect;
    output.records("vif", domain.devices.interfaces().map(|interface| record(interface, hvm, dialect)).collect());
}

fn record(interface: &Interface, hvm: bool, dialect: Dialect) -> Record {
    let mut record = Record::default();
    record.put("mac", interface.mac_address().map(|mac| mac.to_string()));
    let script = interface.script.as_ref().and_then(|script| script.path.clone());
    let switched = interface.virtual_port.as_ref().is_some_and(|port| port.kind.as_deref() == Some("openvswitch"));
    if interface.kind == InterfaceType::Bridge {
        let bridge = interface.source.as_ref().and_then(|source| source.bridge.as_ref());
        record.put("bridge", bridge.map(|bridge| if switched { with_tags(bridge, interface) } else { bridge.clone() }));
    }
    record.put("script", script.or_else(|| switched.then(|| OPEN_VSWITCH.to_owned())));
    record.put("vifname", interface.target.as_ref().and_then(|target| target.dev.as_ref()));
    let paravirtual = interface.model_name() == PARAVIRTUAL;
    match dialect {
        Dialect::Xl if paravirtual => record.put("type", Some("vif")),
        Dialect::Xm | Dialect::Sxpr if paravirtual => record.put("type", Some("netfront")),
        Dialect::Xm | Dialect::Sxpr if hvm => record.put("type", Some("ioemu")),
        _ => {}
    }
    record.put("model", Some(interface.model_name()).filter(|_| !paravirtual));
    let address = |ip: &InterfaceIp| ip.prefix.map_or_else(|| ip.address.clone(), |prefix| format!("{}/{prefix}", ip.address));
    record.put("ip", Some(interface.ips.iter().map(address).collect::<Vec<_>>().join(" ")));
    record.put("backend", interface.backend_domain.as_ref().and_then(|domain| domain.name.as_ref()));
    let outbound = interface.bandwidth.as_ref().and_then(|bandwidth| bandwidth.outbound.as_ref());
    record.put("rate", outbound.and_then(|limit| limit.average).map(|average| format!("{average}KB/s")));
    if dialect == Dialect::Xl {
        record.put("mtu", interface.mtu.as_ref().map(|mtu| mtu.size.to_string()));
    }
    record
}

fn with_tags(bridge: &str, interface: &Interface) -> String {
    let Some(vlan) = &interface.vlan else { return bridge.to_owned() };
    let trunk = vlan.trunk == Some(YesNo(true));
    let word = |tag: &VlanTag| if !trunk || tag.native_mode.is_some() { format!(".{}", tag.id) } else { format!(":{}", tag.id) };
    bridge.to_owned() + &vlan.tags.iter().map(word).collect::<String>()
}
