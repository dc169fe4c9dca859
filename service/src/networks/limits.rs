//! Limits of what flows through an interface of the host (libvirt, formatdomain, `<bandwidth>`): rules at the interface itself,
//! in a table of nftables for each.
//!
//! What is too much is dropped, which lets the senders slow down. The kernel keeps a table whose interface is gone, so these are
//! swept.

use lodge_model::domain::devices::{Bandwidth, BandwidthLimit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::firewall::nftables::identifier;

/// The family of tables at interfaces.
pub const FAMILY: &str = "netdev";
/// What the names of the tables begin with.
pub const PREFIX: &str = "lodge_if_";
/// Least that may come at once, in KiB: what the kernel hands on as one piece has up to 64, and would never pass otherwise.
const LEAST_BURST: u64 = 128;

/// Limits of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// To guests.
    pub to_guests: Option<Rate>,
    /// From guests.
    pub from_guests: Option<Rate>,
}

/// A limit in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// In KiB a second.
    pub average: u64,
    /// Most at any time, in KiB a second.
    pub peak: Option<u64>,
    /// What may come at once, in KiB; the kernel adds what the average allows in a second.
    pub burst: u64,
}

impl Limits {
    /// Those of a document, if there are any.
    pub fn of(bandwidth: &Bandwidth) -> Option<Self> {
        let limits = Self { to_guests: rate(bandwidth.inbound.as_ref()), from_guests: rate(bandwidth.outbound.as_ref()) };
        Some(limits).filter(|limits| *limits != Self::default())
    }
}

/// On which side of a guest's cable its interface on the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The host's, as a tap is, and the bridge itself: what comes in is from guests.
    Host,
    /// The guest's, as a macvtap is: what goes out is from the guest.
    Guest,
}

impl Side {
    /// Where what guests send goes through the interface, and what they get.
    pub const fn hooks(self) -> (&'static str, &'static str) {
        match self {
            Self::Host => ("ingress", "egress"),
            Self::Guest => ("egress", "ingress"),
        }
    }
}

fn rate(limit: Option<&BandwidthLimit>) -> Option<Rate> {
    let limit = limit?;
    let average = limit.average.filter(|average| *average > 0)?;
    let burst = limit.burst.unwrap_or_default().max(LEAST_BURST);
    Some(Rate { average, peak: limit.peak.filter(|peak| *peak > 0), burst })
}

/// The name of an interface's table.
pub fn table_of(interface: &str) -> String {
    identifier(PREFIX, interface)
}

/// The commands that limit an interface, whatever limits it had.
pub fn make(interface: &str, limits: &Limits, side: Side) -> Vec<Value> {
    let table = table_of(interface);
    let mut commands = remove(&table);
    commands.push(json!({ "add": { "table": { "family": FAMILY, "name": table } } }));
    let (from_guests, to_guests) = side.hooks();
    for (chain, hook, rate) in [("to_guests", to_guests, limits.to_guests), ("from_guests", from_guests, limits.from_guests)] {
        let Some(Rate { average, peak, burst }) = rate else { continue };
        commands.push(json!({ "add": { "chain": {
            "family": FAMILY, "table": table, "name": chain, "type": "filter", "hook": hook, "dev": interface, "prio": 0,
            "policy": "accept",
        } } }));
        for (rate, burst) in [Some((average, burst)), peak.map(|peak| (peak, LEAST_BURST))].into_iter().flatten() {
            let limit = json!({ "limit": {
                "rate": rate, "rate_unit": "kbytes", "per": "second", "burst": burst, "burst_unit": "kbytes", "inv": true,
            } });
            commands.push(json!({ "add": { "rule": {
                "family": FAMILY, "table": table, "chain": chain, "expr": [limit, { "drop": null }],
            } } }));
        }
    }
    commands
}

/// The commands that take a table away, also where it is not there.
pub fn remove(table: &str) -> Vec<Value> {
    let table = json!({ "table": { "family": FAMILY, "name": table } });
    vec![json!({ "add": table }), json!({ "delete": table })]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_with_what_is_left_open() {
        let limit = |average, peak, burst| Some(BandwidthLimit { average, peak, burst, ..BandwidthLimit::default() });
        let of = |inbound, outbound| Limits::of(&Bandwidth { inbound, outbound, ..Bandwidth::default() });
        let to_guests = Some(Rate { average: 1000, peak: Some(5000), burst: 128 });
        assert_eq!(of(limit(Some(1000), Some(5000), None), None), Some(Limits { to_guests, from_guests: None }));
        let from_guests = Some(Rate { average: 10, peak: None, burst: 128 });
        assert_eq!(of(None, limit(Some(10), None, Some(5))), Some(Limits { to_guests: None, from_guests }));
        assert_eq!(of(limit(None, None, None), None), None);
    }
}
