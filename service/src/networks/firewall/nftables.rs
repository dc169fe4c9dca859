//! The rules of a network, as a table of nftables of its own.
//!
//! One table for each network, of the family `inet`: making it, making it anew and taking it away are one transaction each,
//! with nothing to look for and nothing shared between networks. That the tables are separate costs no meaning: a packet
//! that one table accepts still goes through all others, and one that any of them refuses is refused. So a packet from one
//! network to another needs the leave of both.
//!
//! Pure: the commands are data, carried out by [`crate::host::nftables`].

use std::net::IpAddr;

use lodge_model::addresses::{IpFamily, Subnet};
use lodge_model::network::NatView;
use serde_json::{Value, json};

/// What the rules are made from.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    /// The bridge's name.
    pub bridge: &'a str,
    /// The addresses of guests.
    pub networks: Vec<Subnet>,
    /// What guests may.
    pub way: Way<'a>,
}

/// How far guests get.
#[derive(Debug, Clone)]
pub enum Way<'a> {
    /// To the host and to each other.
    Isolated,
    /// Everywhere, by routing.
    Route {
        /// By this interface only.
        dev: Option<&'a str>,
    },
    /// Everywhere, behind addresses of the host.
    Nat {
        /// By this interface only.
        dev: Option<&'a str>,
        /// Behind which.
        nat: NatView,
    },
}

/// The family of our tables: rules for both families of addresses stand in one.
pub const FAMILY: &str = "inet";

/// Groups of all hosts on a link, and the broadcast address: never translated (RFC 5771, RFC 4291, RFC 919).
const ON_THE_LINK: [(&str, &str, u8); 3] = [("ip", "224.0.0.0", 24), ("ip", "255.255.255.255", 32), ("ip6", "ff02::", 16)];

/// The name of a bridge's table.
pub fn table_of(bridge: &str) -> String {
    identifier("lodge_", bridge)
}

/// A name for nft of that of an interface. Other characters than letters and digits stand as `_` with their number: nft takes no
/// others, and two interfaces never have one name.
pub fn identifier(prefix: &str, interface: &str) -> String {
    let mut name = prefix.to_owned();
    for byte in interface.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("_{byte:02x}")),
        }
    }
    name
}

/// The commands that make a network's table, whatever was in it before.
pub fn make(rules: &Rules<'_>) -> Vec<Value> {
    let table = table_of(rules.bridge);
    let mut commands = remove(&table);
    commands.push(json!({ "add": { "table": { "family": FAMILY, "name": table } } }));
    let draft = &mut Draft { table, commands };
    draft.chain("forward", "filter", "forward", 0);
    forward(draft, rules);
    if let Way::Nat { dev, nat } = &rules.way {
        draft.chain("postrouting", "nat", "postrouting", 100);
        for network in rules.networks.iter().filter(|network| is_translated(**network, nat)) {
            translate(draft, *network, *dev, nat);
        }
    }
    std::mem::take(&mut draft.commands)
}

/// The commands that take a table away, also where it is not there.
pub fn remove(table: &str) -> Vec<Value> {
    let table = json!({ "table": { "family": FAMILY, "name": table } });
    vec![json!({ "add": table }), json!({ "delete": table })]
}

fn forward(draft: &mut Draft, rules: &Rules<'_>) {
    let Rules { bridge, networks, way } = rules;
    // Among guests, where the kernel shows frames on bridges to the filter of IP (br_netfilter).
    draft.rule("forward", [interface("iifname", bridge), interface("oifname", bridge), verdict("accept")]);
    let dev = match way {
        Way::Isolated => None,
        Way::Route { dev } | Way::Nat { dev, .. } => *dev,
    };
    for network in networks.iter().filter(|_| !matches!(way, Way::Isolated)) {
        let answers_only = matches!(way, Way::Nat { nat, .. } if is_translated(*network, nat));
        let answers = answers_only.then(|| {
            json!({ "match": {
            "op": "in", "left": { "ct": { "key": "state" } }, "right": ["established", "related"],
        } })
        });
        let from = dev.map(|dev| interface("iifname", dev));
        let to = dev.map(|dev| interface("oifname", dev));
        let there = [Some(interface("oifname", bridge)), from, Some(address("daddr", *network)), answers, Some(verdict("accept"))];
        draft.rule("forward", there.into_iter().flatten());
        let back = [Some(interface("iifname", bridge)), to, Some(address("saddr", *network)), Some(verdict("accept"))];
        draft.rule("forward", back.into_iter().flatten());
    }
    for side in ["oifname", "iifname"] {
        draft.rule("forward", [interface(side, bridge), json!({ "reject": { "type": "icmpx", "expr": "port-unreachable" } })]);
    }
}

fn translate(draft: &mut Draft, network: Subnet, dev: Option<&str>, nat: &NatView) {
    let source = || address("saddr", network);
    for (protocol, group, prefix) in ON_THE_LINK.iter().filter(|(protocol, ..)| *protocol == protocol_of(network)) {
        let group = matches_address(protocol, "daddr", "==", group, *prefix);
        draft.rule("postrouting", [source(), group, verdict("return")]);
    }
    let leaves = matches_address(protocol_of(network), "daddr", "!=", &network.network().address().to_string(), network.prefix());
    for transport in [Some("tcp"), Some("udp"), None] {
        let kind = transport.map(|name| json!({ "match": { "op": "==", "left": { "meta": { "key": "l4proto" } }, "right": name } }));
        let out = dev.map(|dev| interface("oifname", dev));
        let hidden = behind(network, nat, transport.is_some());
        draft.rule("postrouting", [Some(source()), Some(leaves.clone()), out, kind, Some(hidden)].into_iter().flatten());
    }
}

/// The statement that translates: with ports only where the transport has some.
fn behind(network: Subnet, nat: &NatView, with_ports: bool) -> Value {
    let ports = with_ports.then(|| json!({ "range": [nat.ports.start(), nat.ports.end()] }));
    let addresses = nat.addresses.as_ref().filter(|_| network.family() == IpFamily::Ipv4);
    match (addresses, ports) {
        (None, None) => json!({ "masquerade": null }),
        (None, Some(ports)) => json!({ "masquerade": { "port": ports } }),
        (Some(addresses), ports) => {
            let (start, end) = (addresses.start().to_string(), addresses.end().to_string());
            let range = if start == end { json!(start) } else { json!({ "range": [start, end] }) };
            let mut snat = json!({ "family": "ip", "addr": range });
            if let Some(ports) = ports {
                snat["port"] = ports;
            }
            json!({ "snat": snat })
        }
    }
}

fn is_translated(network: Subnet, nat: &NatView) -> bool {
    network.family() == IpFamily::Ipv4 || nat.ipv6
}

fn protocol_of(network: Subnet) -> &'static str {
    match network.address() {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    }
}

fn interface(side: &str, name: &str) -> Value {
    json!({ "match": { "op": "==", "left": { "meta": { "key": side } }, "right": name } })
}

fn address(field: &str, network: Subnet) -> Value {
    matches_address(protocol_of(network), field, "==", &network.network().address().to_string(), network.prefix())
}

fn matches_address(protocol: &str, field: &str, op: &str, address: &str, prefix: u8) -> Value {
    let left = json!({ "payload": { "protocol": protocol, "field": field } });
    json!({ "match": { "op": op, "left": left, "right": { "prefix": { "addr": address, "len": prefix } } } })
}

fn verdict(name: &str) -> Value {
    json!({ name: null })
}

/// Commands in the making.
struct Draft {
    table: String,
    commands: Vec<Value>,
}

impl Draft {
    fn chain(&mut self, name: &str, kind: &str, hook: &str, priority: i32) {
        self.commands.push(json!({ "add": { "chain": {
            "family": FAMILY, "table": self.table, "name": name, "type": kind, "hook": hook, "prio": priority, "policy": "accept",
        } } }));
    }

    fn rule(&mut self, chain: &str, statements: impl IntoIterator<Item = Value>) {
        let statements: Vec<Value> = statements.into_iter().collect();
        self.commands.push(json!({ "add": { "rule": { "family": FAMILY, "table": self.table, "chain": chain, "expr": statements } } }));
    }
}

#[cfg(test)]
mod tests;
