//! The guest's network interfaces, as its agent tells them (QEMU Guest Agent Protocol Reference, guest-network-get-interfaces).
//!
//! Pure. An untrusted guest wrote it: what is not understood is passed over, all is bounded, and no text has a control character.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use crate::hypervisors::GuestInterface;

/// The question.
pub const QUESTION: &str = "guest-network-get-interfaces";

/// Interfaces of a guest at most, and addresses of each.
const MOST_INTERFACES: usize = 1024;
/// See [`MOST_INTERFACES`].
const MOST_ADDRESSES: usize = 64;
/// Characters of a name at most. Those of Windows are sentences.
const LONGEST_NAME: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    name: String,
    hardware_address: Option<String>,
    #[serde(default)]
    ip_addresses: Vec<ToldAddress>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ToldAddress {
    ip_address: String,
    #[serde(default)]
    prefix: u8,
}

/// Reads the answer.
pub fn read(answer: Value) -> Vec<GuestInterface> {
    let Value::Array(all) = answer else { return Vec::new() };
    let told = all.into_iter().take(MOST_INTERFACES).filter_map(|one| serde_json::from_value::<Told>(one).ok());
    told.map(interface).collect()
}

fn interface(told: Told) -> GuestInterface {
    let addresses = told.ip_addresses.iter().take(MOST_ADDRESSES).filter_map(address);
    GuestInterface {
        name: told.name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
        mac: told.hardware_address.and_then(|mac| mac.parse().ok()),
        addresses: addresses.collect(),
    }
}

/// An address. Windows tells behind a percent sign which link it is of.
fn address(told: &ToldAddress) -> Option<(IpAddr, u8)> {
    let text = told.ip_address.split_once('%').map_or(told.ip_address.as_str(), |(address, _)| address);
    let address: IpAddr = text.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    Some((address, told.prefix.min(longest)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_agent_tells_is_read() {
        let answer = json!([
            { "name": "lo", "ip-addresses": [{ "ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8 }] },
            { "name": "eth0", "hardware-address": "52:54:00:00:00:01", "statistics": { "rx-bytes": 1 }, "ip-addresses": [
                { "ip-address": "192.168.122.50", "ip-address-type": "ipv4", "prefix": 24 },
                { "ip-address": "fe80::1%5", "ip-address-type": "ipv6", "prefix": 64 },
            ] },
            { "name": "down0", "hardware-address": "52:54:00:00:00:02" },
        ]);
        let read = read(answer);
        let names: Vec<&str> = read.iter().map(|interface| interface.name.as_str()).collect();
        assert_eq!(names, ["lo", "eth0", "down0"]);
        assert_eq!(read[1].addresses, [("192.168.122.50".parse().unwrap(), 24), ("fe80::1".parse().unwrap(), 64)]);
        assert_eq!((read[0].mac, read[1].mac.map(|mac| mac.to_string())), (None, Some("52:54:00:00:00:01".to_owned())));
    }

    #[test]
    fn what_a_guest_makes_up_is_bounded_and_passed_over() {
        for nonsense in [json!(null), json!({}), json!([1, null, "a", {}, { "name": 7 }, { "name": "a", "ip-addresses": 1 }])] {
            assert_eq!(read(nonsense), []);
        }
        let one = json!({ "ip-address": "10.0.0.1", "prefix": 200 });
        let long = json!([{ "name": "a\u{1b}[2J\n".repeat(1000), "hardware-address": "x", "ip-addresses": vec![one; 1000] }]);
        let told = read(long);
        assert_eq!((told[0].name.len(), told[0].mac, told[0].addresses.len()), (LONGEST_NAME, None, MOST_ADDRESSES));
        assert!(!told[0].name.contains(char::is_control) && told[0].addresses[0].1 == 32);
        let many = json!(vec![json!({ "name": "a" }); 5000]);
        assert_eq!(read(many).len(), MOST_INTERFACES);
        let bad = json!([{ "name": "a", "ip-addresses": [{ "ip-address": "nowhere" }, { "ip-address": "10.0.0.1" }] }]);
        assert_eq!(read(bad)[0].addresses, [("10.0.0.1".parse().unwrap(), 0)]);
    }
}
