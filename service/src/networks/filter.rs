//! Filters of what guests send (libvirt, formatnwfilter, "Pre-existing network filters"): those against guests that pretend to be
//! somebody else, by their names there.
//!
//! Rules at the guest's interface itself, in a table of nftables for each, as limits have. An address that the definition does not say
//! is the first that the guest uses (`CTRL_IP_LEARNING` `any`): the set of its addresses has room for one. Pure.
//!
//! Invariants: a filter that is not known, or a variable of it, is refused: the guest could more than is meant.

use std::net::Ipv4Addr;

use lodge_model::domain::devices::{FilterReference, MacAddress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::firewall::nftables::identifier;
use super::limits::{FAMILY, Side};
use crate::error::{Error, ErrorKind, Result};

/// What the names of the tables begin with.
pub const PREFIX: &str = "lodge_filter_";
/// The chain of a table. Before those of limits: what is refused does not count.
const CHAIN: (&str, i32) = ("from_guest", -10);
/// The set with the guest's addresses.
const OWN: &str = "own";
/// Announces a guest that has moved to its switches (RFC 903; QEMU sends it).
const RARP: u16 = 0x8035;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// The Ethernet address of frames.
    Mac,
    /// The Ethernet address that ARP tells.
    ArpMac,
    /// The address that ARP tells.
    ArpAddress,
    /// The address that packets of IPv4 come from.
    Address,
    /// Whether it is anything but IPv4 and ARP.
    Protocol,
}

/// The filters, by name.
const FILTERS: &[(&str, &[Check])] = &[
    ("no-mac-spoofing", &[Check::Mac]),
    ("no-arp-mac-spoofing", &[Check::ArpMac]),
    ("no-arp-ip-spoofing", &[Check::ArpAddress]),
    ("no-arp-spoofing", &[Check::ArpMac, Check::ArpAddress]),
    ("no-ip-spoofing", &[Check::Address]),
    ("clean-traffic", &[Check::Mac, Check::Protocol, Check::ArpMac, Check::ArpAddress, Check::Address]),
];

/// A filter of what one interface sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    checks: Vec<Check>,
    mac: String,
    /// The guest's addresses; the first that it uses when there are none.
    addresses: Vec<Ipv4Addr>,
}

impl Filter {
    /// The filter that a definition names.
    ///
    /// # Errors
    /// `NotSupported` for another filter, `InvalidXml` for variables that it does not have or that are no addresses.
    pub fn of(reference: &FilterReference, mac: MacAddress) -> Result<Self> {
        let name = &reference.filter;
        let Some((_, checks)) = FILTERS.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = FILTERS.iter().map(|(known, _)| *known).collect();
            let reason = format!(
                "this version does not have the filter '{name}' that an <interface> asks for, and the guest would reach more than is meant: \
                 write one of {}, or take <filterref> out",
                known.join(", ")
            );
            return Err(Error::new(ErrorKind::NotSupported, reason));
        };
        let invalid = |reason: String| Error::new(ErrorKind::InvalidXml, format!("the filter '{name}' of an <interface> {reason}"));
        let (mut addresses, mut learns) = (Vec::new(), true);
        for parameter in &reference.parameters {
            let value = parameter.value.as_str();
            match parameter.name.as_str() {
                "IP" => addresses
                    .push(value.parse().map_err(|_| invalid(format!("has the IP '{value}', which is no address of IPv4; correct it")))?),
                "MAC" if value.parse() == Ok(mac) => {}
                "MAC" => return Err(invalid(format!("has another MAC than the interface, which is {mac}; take that <parameter> out"))),
                "CTRL_IP_LEARNING" if value == "any" => {}
                "CTRL_IP_LEARNING" if value == "none" => learns = false,
                "CTRL_IP_LEARNING" => {
                    return Err(invalid(format!(
                        "is to learn the address by '{value}'; write any or none, or its address as the parameter IP"
                    )));
                }
                other => {
                    return Err(invalid(format!("has no variable {other}, but IP, MAC and CTRL_IP_LEARNING; take that <parameter> out")));
                }
            }
        }
        let looks_at_addresses = checks.iter().any(|check| matches!(check, Check::Address | Check::ArpAddress));
        if looks_at_addresses && !learns && addresses.is_empty() {
            return Err(invalid("may not learn the guest's address and is told none; write <parameter name='IP' value='…'/>".to_owned()));
        }
        Ok(Self { checks: checks.to_vec(), mac: mac.to_string(), addresses })
    }

    fn has(&self, check: Check) -> bool {
        self.checks.contains(&check)
    }
}

/// The name of an interface's table.
pub fn table_of(interface: &str) -> String {
    identifier(PREFIX, interface)
}

/// The commands that filter an interface, whatever filter it had.
pub fn make(interface: &str, filter: &Filter, side: Side) -> Vec<Value> {
    let table = table_of(interface);
    let mut commands = super::limits::remove(&table);
    commands.push(json!({ "add": { "table": { "family": FAMILY, "name": table } } }));
    let (chain, priority) = CHAIN;
    let (hook, _) = side.hooks();
    commands.push(json!({ "add": { "chain": {
        "family": FAMILY, "table": table, "name": chain, "type": "filter", "hook": hook, "dev": interface, "prio": priority,
        "policy": "accept",
    } } }));
    // To be added to by rules: nft 1.0 knows the flag `dynamic` in its own language only, and sets it with this one. Nothing runs out.
    let mut set = json!({ "family": FAMILY, "table": table, "name": OWN, "type": "ipv4_addr", "size": 1, "flags": ["timeout"] });
    if !filter.addresses.is_empty() {
        set = json!({ "family": FAMILY, "table": table, "name": OWN, "type": "ipv4_addr", "elem": filter.addresses });
    }
    commands.push(json!({ "add": { "set": set } }));
    let rule = |expr: Vec<Value>| json!({ "add": { "rule": { "family": FAMILY, "table": table, "chain": chain, "expr": expr } } });
    commands.extend(rules(filter).into_iter().map(rule));
    commands
}

fn rules(filter: &Filter) -> Vec<Vec<Value>> {
    let mut rules = Vec::new();
    if filter.has(Check::Mac) {
        rules.push(vec![matches("!=", payload("ether", "saddr"), json!(filter.mac)), drop()]);
    }
    if filter.has(Check::Protocol) {
        rules.push(vec![matches("==", payload("ether", "type"), json!(RARP)), accept()]);
        rules.push(vec![matches("!=", protocol(), json!({ "set": ["ip", "arp"] })), drop()]);
    }
    if filter.has(Check::ArpMac) {
        rules.push(vec![matches("!=", payload("arp", "saddr ether"), json!(filter.mac)), drop()]);
    }
    if filter.has(Check::ArpAddress) {
        // Whether somebody has the address that is to be used (RFC 5227).
        rules.push(vec![matches("==", payload("arp", "saddr ip"), json!("0.0.0.0")), accept()]);
        rules.extend(own_addresses(filter, "arp", &payload("arp", "saddr ip")));
    }
    if filter.has(Check::Address) {
        let none = matches("==", payload("ip", "saddr"), json!("0.0.0.0"));
        let ports = [("sport", 68), ("dport", 67)].map(|(field, port)| matches("==", payload("udp", field), json!(port)));
        rules.push([none].into_iter().chain(ports).chain([accept()]).collect());
        rules.extend(own_addresses(filter, "ip", &payload("ip", "saddr")));
    }
    rules
}

/// Lets only the guest's own addresses through, or the first that it uses.
fn own_addresses(filter: &Filter, name: &str, address: &Value) -> Vec<Vec<Value>> {
    let set = format!("@{OWN}");
    let mut rules = vec![vec![matches("==", address.clone(), json!(set)), accept()]];
    if filter.addresses.is_empty() {
        // Of a set that is full a rule goes no further.
        rules.push(vec![json!({ "set": { "op": "add", "elem": address, "set": set } }), accept()]);
    }
    rules.push(vec![matches("==", protocol(), json!(name)), drop()]);
    rules
}

fn matches(op: &str, left: Value, right: Value) -> Value {
    json!({ "match": { "op": op, "left": left, "right": right } })
}

fn payload(protocol: &str, field: &str) -> Value {
    json!({ "payload": { "protocol": protocol, "field": field } })
}

fn protocol() -> Value {
    json!({ "meta": { "key": "protocol" } })
}

fn drop() -> Value {
    json!({ "drop": null })
}

fn accept() -> Value {
    json!({ "accept": null })
}

#[cfg(test)]
mod tests {
    use lodge_model::domain::devices::FilterParameter;

    use super::*;

    fn of(name: &str, parameters: &[(&str, &str)]) -> Result<Filter> {
        let parameter =
            |(name, value): &(&str, &str)| FilterParameter { name: (*name).into(), value: (*value).into(), ..FilterParameter::default() };
        let parameters = parameters.iter().map(parameter).collect();
        let reference = FilterReference { filter: name.into(), parameters, ..FilterReference::default() };
        Filter::of(&reference, "52:54:00:00:00:01".parse().unwrap())
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (name, parameters, kind) in [
            ("allow-arp", &[][..], ErrorKind::NotSupported),
            ("clean-traffic", &[("IP", "fd00::1")][..], ErrorKind::InvalidXml),
            ("clean-traffic", &[("IPV6", "fd00::1")], ErrorKind::InvalidXml),
            ("clean-traffic", &[("MAC", "52:54:00:00:00:02")], ErrorKind::InvalidXml),
            ("clean-traffic", &[("CTRL_IP_LEARNING", "dhcp")], ErrorKind::InvalidXml),
            ("no-ip-spoofing", &[("CTRL_IP_LEARNING", "none")], ErrorKind::InvalidXml),
        ] {
            assert_eq!(of(name, parameters).unwrap_err().kind(), kind, "{name} {parameters:?}");
        }
        assert!(of("no-mac-spoofing", &[("CTRL_IP_LEARNING", "none"), ("MAC", "52:54:00:00:00:01")]).is_ok());
    }

    #[test]
    fn an_address_that_is_not_said_is_learned_and_one_that_is_said_is_not() {
        let text = |filter: &Filter| serde_json::to_string(&make("vnet0", filter, Side::Host)).unwrap();
        let learning = text(&of("no-ip-spoofing", &[]).unwrap());
        assert!(learning.contains("\"size\":1") && learning.contains("\"op\":\"add\""), "{learning}");
        let told = text(&of("no-ip-spoofing", &[("IP", "10.0.0.1"), ("IP", "10.0.0.2")]).unwrap());
        assert!(told.contains("[\"10.0.0.1\",\"10.0.0.2\"]") && !told.contains("\"op\":\"add\""), "{told}");
    }
}
