//! The addresses of a network, checked: those of the host, and those that are given out beside them.

use core::net::IpAddr;
use std::ops::RangeInclusive;

use super::{Bootp, Dhcp, DhcpHost, DhcpRange, LeaseTime, Network, NetworkIp, names, view};
use crate::addresses::{IpFamily, Subnet, WrittenSubnet};
use crate::document::{Problems, host_name_problem};
use crate::domain::devices::MacAddress;

/// An address of the host, and what it serves there.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSubnet<'a> {
    /// The address, with the network it is in.
    pub subnet: Subnet,
    /// Whether questions for the names of the network's addresses are kept from other servers.
    pub local_ptr: bool,
    /// Absolute path of the directory with files for guests that boot from the network; of one
    /// IPv4 address at most.
    pub tftp_root: Option<&'a str>,
    /// The addresses given out; of one address of a family at most.
    pub dhcp: Option<DhcpServer<'a>>,
}

/// Addresses that are given out. All are in the network of the host's address.
#[derive(Debug, Clone, PartialEq)]
pub struct DhcpServer<'a> {
    /// Those for anybody; no two overlap.
    pub ranges: Vec<AddressRange>,
    /// Those for who is known; none twice.
    pub reservations: Vec<Reservation<'a>>,
    /// What a guest boots from the network; of IPv4.
    pub bootp: Option<&'a Bootp>,
}

/// Addresses for anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRange {
    /// The addresses, all of one family.
    pub addresses: RangeInclusive<IpAddr>,
    /// How long they are lent; as long as the server likes when not said.
    pub lease: Option<LeaseTime>,
}

/// An address for someone who is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation<'a> {
    /// Who gets it.
    pub client: DhcpClient<'a>,
    /// The name that it gets.
    pub name: Option<&'a str>,
    /// The address.
    pub address: IpAddr,
    /// How long it is lent; as long as the server likes when not said.
    pub lease: Option<LeaseTime>,
}

/// By what a client of DHCP is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DhcpClient<'a> {
    /// Its Ethernet address, of IPv4.
    Mac(MacAddress),
    /// Its identifier.
    Id(&'a str),
    /// The name that it tells.
    Name(&'a str),
}

/// Shortest prefix of a network of which DHCPv6 gives out addresses (dnsmasq(8), `--dhcp-range`).
const SHORTEST_PREFIX_OF_DHCPV6: u8 = 64;

/// Checks the addresses of a network.
pub(super) fn of<'a>(network: &'a Network, found: &mut Problems) -> Vec<NetworkSubnet<'a>> {
    let mut subnets = Vec::new();
    found.each("ip", &network.ips, |found, ip| subnets.extend(subnet(ip, found)));
    found.unique("ip/@address", "address", network.ips.iter().filter_map(|ip| ip.address));
    let family = |ip: &NetworkIp| ip.address.map(IpFamily::of);
    for of in IpFamily::ALL {
        let servers = network.ips.iter().filter(|ip| ip.dhcp.is_some() && family(ip) == Some(*of)).count();
        if servers > 1 {
            found.add("ip/dhcp", format!("one address of '{of}' can have <dhcp>, and here are {servers}; keep it at one"));
        }
    }
    let servers = network.ips.iter().filter(|ip| ip.tftp.is_some()).count();
    if servers > 1 {
        found.add("ip/tftp", format!("one address can have <tftp>, and here are {servers}; keep it at one"));
    }
    subnets
}

fn subnet<'a>(ip: &'a NetworkIp, found: &mut Problems) -> Option<NetworkSubnet<'a>> {
    let NetworkIp { family, address, netmask, prefix, .. } = *ip;
    let subnet = WrittenSubnet { family, address, netmask, prefix }.check(found);
    if let Some(subnet) = subnet {
        check_own(subnet, found);
    }
    let family = address.map(IpFamily::of);
    let tftp_root = ip.tftp.as_ref().map(|tftp| tftp.root.as_str());
    if let Some(root) = tftp_root {
        if family == Some(IpFamily::Ipv6) {
            found.add("tftp", "files are served to IPv4 only; move <tftp> to an <ip> of IPv4");
        }
        found.absolute("tftp/@root", root);
        names::line(found, "tftp/@root", root);
    }
    if subnet.is_some_and(|subnet| ip.dhcp.is_some() && subnet.family() == IpFamily::Ipv6 && subnet.prefix() < SHORTEST_PREFIX_OF_DHCPV6) {
        let reason = format!(
            "DHCP of IPv6 needs {SHORTEST_PREFIX_OF_DHCPV6} bits at least; write prefix='{SHORTEST_PREFIX_OF_DHCPV6}', or remove <dhcp>"
        );
        found.add("@prefix", reason);
    }
    let dhcp = ip.dhcp.as_ref().map(|dhcp| found.inside("dhcp", |found| server(dhcp, family, subnet, found)));
    Some(NetworkSubnet { subnet: subnet?, local_ptr: ip.local_ptr.unwrap_or_default().0, tftp_root, dhcp })
}

/// Tells an address that no host can have.
fn check_own(subnet: Subnet, found: &mut Problems) {
    let address = subnet.address();
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        found.add("@address", format!("{address} cannot be the address of a bridge; write a private one, such as 192.168.122.1"));
    } else if subnet.prefix() == 0 {
        found.add("@prefix", format!("a prefix of 0 bits takes in all addresses; write prefix='{}'", subnet.family().usual_prefix()));
    } else if subnet.is_reserved(address) {
        found.add(
            "@address",
            format!("{address} stands for the whole of {}; write one between its first and last address", subnet.network()),
        );
    }
}

fn server<'a>(dhcp: &'a Dhcp, family: Option<IpFamily>, subnet: Option<Subnet>, found: &mut Problems) -> DhcpServer<'a> {
    let mut ranges = Vec::new();
    found.each("range", &dhcp.ranges, |found, written| ranges.extend(range(written, subnet, found)));
    tell_overlaps(&ranges, found);
    let mut reservations = Vec::new();
    found.each("host", &dhcp.hosts, |found, host| reservations.extend(reservation(host, family, subnet, found)));
    let hosts = || dhcp.hosts.iter();
    found.unique("host/@mac", "MAC address", hosts().filter_map(|host| host.mac));
    found.unique("host/@id", "identifier", hosts().filter_map(|host| host.id.as_deref().map(str::to_ascii_lowercase)));
    found.unique("host/@name", "name", hosts().filter_map(|host| host.name.as_deref().map(str::to_ascii_lowercase)));
    found.unique("host/@ip", "address", hosts().filter_map(|host| host.ip));
    if let Some(bootp) = &dhcp.bootp {
        found.inside("bootp", |found| check_bootp(bootp, family, found));
    }
    DhcpServer { ranges, reservations, bootp: dhcp.bootp.as_ref() }
}

fn range(range: &DhcpRange, subnet: Option<Subnet>, found: &mut Problems) -> Option<AddressRange> {
    let addresses = view::range("the range ends", range.start, range.end, found);
    for (path, address) in [("@start", range.start), ("@end", range.end)] {
        check_given_out(path, address, subnet, found);
    }
    let lease = range.lease.as_ref().and_then(|lease| found.inside("lease", |found| lease.check(found)));
    Some(AddressRange { addresses: addresses?, lease })
}

/// Tells an address that cannot be given out in the network.
fn check_given_out(path: &str, address: Option<IpAddr>, subnet: Option<Subnet>, found: &mut Problems) {
    let Some((address, subnet)) = address.zip(subnet) else { return };
    let network = subnet.network();
    if !subnet.contains(address) {
        let range = subnet.range();
        found.add(path, format!("{address} is not in the network {network}; write one from {} to {}", range.start(), range.end()));
    } else if subnet.is_reserved(address) {
        found.add(path, format!("{address} stands for the whole of {network}; write one between its first and last address"));
    }
}

/// Tells ranges of which one begins before another has ended.
fn tell_overlaps(ranges: &[AddressRange], found: &mut Problems) {
    let mut sorted: Vec<_> = ranges.iter().map(|range| (range.addresses.start(), range.addresses.end())).collect();
    sorted.sort();
    // The one of those before that reaches furthest.
    let mut furthest: Option<(&IpAddr, &IpAddr)> = None;
    for (start, end) in sorted {
        if let Some((before, last)) = furthest.filter(|(_, last)| start <= *last) {
            found.add("range", format!("{before} to {last} and {start} to {end} overlap; make one range of them, or move one"));
        }
        if furthest.is_none_or(|(_, last)| end > last) {
            furthest = Some((start, end));
        }
    }
}

fn reservation<'a>(host: &'a DhcpHost, family: Option<IpFamily>, subnet: Option<Subnet>, found: &mut Problems) -> Option<Reservation<'a>> {
    let client = client(host, family, found);
    if let Some(id) = &host.id {
        let byte = |pair: &str| matches!(pair.len(), 1..=2) && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !id.split(':').all(byte) {
            found.add(
                "@id",
                format!("'{id}' is no identifier; write pairs of hexadecimal digits with colons, such as 00:03:00:01:52:54:00:6b:3c:58"),
            );
        }
    }
    if let Some(name) = &host.name {
        names::dhcp_host(found, "@name", name);
    }
    let address = found.needed("@ip", host.ip);
    check_given_out("@ip", address, subnet, found);
    if address.is_some() && address == subnet.map(Subnet::address) {
        found.add("@ip", "the host itself has this address; write another");
    }
    let lease = host.lease.as_ref().and_then(|lease| found.inside("lease", |found| lease.check(found)));
    let client = client?;
    let name = host.name.as_deref().filter(|_| !matches!(client, DhcpClient::Name(_)));
    Some(Reservation { client, name, address: address?, lease })
}

/// By what the client is known.
fn client<'a>(host: &'a DhcpHost, family: Option<IpFamily>, found: &mut Problems) -> Option<DhcpClient<'a>> {
    let v6 = family == Some(IpFamily::Ipv6);
    match (host.mac, &host.id, &host.name) {
        (Some(_), Some(_), _) => {
            found.add("@id", "a client is known by its MAC address or by its identifier; keep one of them");
            None
        }
        (Some(mac), None, _) => {
            if v6 {
                found.add("@mac", "DHCP of IPv6 knows no MAC addresses; write id='…' with the client's DUID, or its name alone");
            } else if mac.is_multicast() {
                found.add("@mac", "it is the address of a group; write that of the guest's interface");
            }
            Some(DhcpClient::Mac(mac))
        }
        (None, Some(id), _) => Some(DhcpClient::Id(id)),
        (None, None, Some(name)) => Some(DhcpClient::Name(name)),
        (None, None, None) => {
            let (attribute, reason) = if v6 { ("@id", "write id='…' or name='…'") } else { ("@mac", "write mac='…' or name='…'") };
            found.add(attribute, format!("it is not said who gets the address; {reason}"));
            None
        }
    }
}

fn check_bootp(bootp: &Bootp, family: Option<IpFamily>, found: &mut Problems) {
    if family == Some(IpFamily::Ipv6) {
        found.add("@file", "guests boot from the network with IPv4 only; move <bootp> to the <dhcp> of IPv4");
    }
    if bootp.file.is_empty() {
        found.add("@file", "the file has no name; write it, such as pxelinux.0");
    }
    names::line(found, "@file", &bootp.file);
    if let Some(reason) = bootp.server.as_deref().and_then(host_name_problem) {
        found.add("@server", reason);
    }
}
