//! What a network's DHCP server has lent: the file that dnsmasq keeps, read.
//!
//! A line is `EXPIRY MAC ADDRESS NAME CLIENT-ID`; behind the line `duid …` come those of IPv6, with the identity of the
//! association in place of the Ethernet address. `*` is nothing; an expiry of 0 is without end. What is not understood is
//! passed over: the file is another program's.

use std::net::IpAddr;

use lodge_model::domain::devices::MacAddress;

/// An address that is lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// When it ends, in seconds since 1970 UTC; 0 is never.
    pub expiry: u64,
    /// Ethernet address of who has it; of IPv4 only.
    pub mac: Option<MacAddress>,
    /// The address.
    pub address: IpAddr,
    /// The name that who has it told or was given.
    pub name: Option<String>,
    /// Identifier of the client; of IPv6 its DUID.
    pub client_id: Option<String>,
}

/// The leases in a file of dnsmasq.
pub fn read(text: &str) -> Vec<Lease> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Lease> {
    let mut fields = line.split_ascii_whitespace();
    let expiry = fields.next()?.parse().ok()?;
    let (client, address, name) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
    let some = |text: &str| (text != "*").then(|| text.to_owned());
    // An Ethernet address may carry its hardware type in front.
    let mac = client.rsplit('-').next().and_then(|mac| mac.parse().ok()).filter(|_| client.contains(':'));
    Some(Lease { expiry, mac, address, name: some(name), client_id: fields.next().and_then(some) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_of_both_families_are_read_and_the_rest_is_passed_over() {
        let text = "1732881600 52:54:00:6b:3c:58 192.168.122.57 web 01:52:54:00:6b:3c:58\n\
                    0 06-52:54:00:aa:bb:cc 192.168.122.58 * *\n\
                    nonsense\n\
                    duid 00:01:00:01:2c:3d\n\
                    1732881600 12345678 fd00:1::57 web 00:03:00:01:52:54:00:6b:3c:58\n";
        let mac = |text: &str| Some(text.parse().unwrap());
        let expected = [
            Lease {
                expiry: 1_732_881_600,
                mac: mac("52:54:00:6b:3c:58"),
                address: "192.168.122.57".parse().unwrap(),
                name: Some("web".into()),
                client_id: Some("01:52:54:00:6b:3c:58".into()),
            },
            Lease { expiry: 0, mac: mac("52:54:00:aa:bb:cc"), address: "192.168.122.58".parse().unwrap(), name: None, client_id: None },
            Lease {
                expiry: 1_732_881_600,
                mac: None,
                address: "fd00:1::57".parse().unwrap(),
                name: Some("web".into()),
                client_id: Some("00:03:00:01:52:54:00:6b:3c:58".into()),
            },
        ];
        assert_eq!(read(text), expected);
    }
}
