//! What dnsmasq is told: its configuration and the two files beside it, as text.
//!
//! Pure, and the only place that knows dnsmasq's words (dnsmasq(8), 2.90). What may change while it runs stands in the
//! two files, which it reads again at SIGHUP; the configuration it reads once.
//!
//! Invariants:
//! - No text of a definition ends a line or an argument: what could is quoted. Control characters have been refused
//!   before (`lodge_model::network`).
//! - It listens on the network's bridge only, and takes nothing from `/etc/dnsmasq.conf`.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use lodge_model::addresses::{IpFamily, Subnet};
use lodge_model::network::{
    AddressRange, Bootp, DhcpClient, DhcpServer, DnsServer, DnsService, LeaseTime, Network, NetworkSubnet, OwnBridge, Reservation,
};

use crate::error::{Error, ErrorKind, Result};

/// What the configuration is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The definition.
    pub network: &'a Network,
    /// The same, checked.
    pub bridge: &'a OwnBridge<'a>,
    /// The bridge's name.
    pub interface: &'a str,
    /// Whether guests reach no further than to the host.
    pub isolated: bool,
    /// The directory for all its files.
    pub directory: &'a Path,
    /// The user it becomes.
    pub user: &'a str,
}

/// The files, by their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Its configuration.
    pub config: String,
    /// Addresses for those who are known.
    pub hosts: String,
    /// Names of addresses, in the form of hosts(5).
    pub names: String,
}

/// Names of the files in their directory.
pub const CONFIG: &str = "dnsmasq.conf";
/// See [`Files::hosts`].
pub const HOSTS: &str = "hosts";
/// See [`Files::names`].
pub const NAMES: &str = "names";
/// What is lent at the moment.
pub const LEASES: &str = "leases";
/// The number of the process; there when it listens.
pub const PID: &str = "pid";

/// Options of dnsmasq that run programs, choose whom it is, or name files that only root may read or write: who defines a
/// network is not therefore root.
const FORBIDDEN: &[&str] = &[
    "add-cpe-id",
    "addn-hosts",
    "conf-dir",
    "conf-file",
    "conf-script",
    "dhcp-hostsdir",
    "dhcp-hostsfile",
    "dhcp-leasefile",
    "dhcp-luascript",
    "dhcp-optsdir",
    "dhcp-optsfile",
    "dhcp-script",
    "dhcp-scriptuser",
    "dumpfile",
    "dumpmask",
    "enable-dbus",
    "enable-ubus",
    "group",
    "hostsdir",
    "keep-in-foreground",
    "leasefile-ro",
    "log-facility",
    "no-daemon",
    "pid-file",
    "resolv-file",
    "script-arp",
    "script-on-renewal",
    "servers-file",
    "tftp-unique-root",
    "user",
];

/// How many addresses dnsmasq lends unless it is told otherwise.
const USUAL_LEASES: u64 = 1000;

/// Whether a network needs dnsmasq at all.
pub fn is_needed(bridge: &OwnBridge<'_>) -> bool {
    let serves = |subnet: &NetworkSubnet<'_>| subnet.dhcp.is_some() || subnet.tftp_root.is_some() || is_advertised(subnet);
    bridge.subnets.iter().any(serves) || (bridge.dns.is_some() && !bridge.subnets.is_empty())
}

/// The files for a network.
///
/// # Errors
/// `NotSupported` for an option of dnsmasq that nobody may give.
pub fn files(input: &Input<'_>) -> Result<Files> {
    let mut lines = Lines::default();
    general(&mut lines, input);
    dns(&mut lines, input);
    for subnet in &input.bridge.subnets {
        addresses(&mut lines, subnet, input);
    }
    if input.bridge.subnets.iter().any(is_advertised) {
        lines.flag("enable-ra");
    }
    own_options(&mut lines, input.network)?;
    let (hosts, names) = live_files(input.bridge);
    Ok(Files { config: lines.0, hosts, names })
}

/// The two files that may change while it runs.
pub fn live_files(bridge: &OwnBridge<'_>) -> (String, String) {
    let servers = bridge.subnets.iter().filter_map(|subnet| subnet.dhcp.as_ref());
    let hosts = servers.flat_map(|server| &server.reservations).map(reservation).collect();
    let mut names = String::new();
    for host in bridge.dns.iter().flat_map(|dns| &dns.hosts) {
        let all = host.names.join("\t");
        // Writing to a string cannot fail.
        _ = writeln!(names, "{}\t{all}", host.address);
    }
    (hosts, names)
}

fn general(lines: &mut Lines, input: &Input<'_>) {
    let path = |name: &str| quoted(&input.directory.join(name).to_string_lossy());
    lines.flag("strict-order");
    lines.option("user", input.user);
    lines.option("pid-file", path(PID));
    // Of the bridge alone, also where the bridge has no address yet or gets another.
    lines.flag("bind-dynamic");
    lines.option("except-interface", "lo");
    lines.option("interface", input.interface);
    lines.option("dhcp-leasefile", path(LEASES));
    lines.option("dhcp-hostsfile", path(HOSTS));
    lines.option("addn-hosts", path(NAMES));
    // Options 66 and 67 of DHCP are left alone by old clients otherwise.
    lines.flag("dhcp-no-override");
    lines.flag("dhcp-authoritative");
    if let Some(mtu) = input.bridge.mtu {
        lines.option("dhcp-option", format!("option:mtu,{mtu}"));
    }
}

fn dns(lines: &mut Lines, input: &Input<'_>) {
    let OwnBridge { domain, dns, .. } = input.bridge;
    if let Some(domain) = domain {
        if domain.local_only.is_some_and(|only| only.0) {
            lines.option("local", format!("/{}/", domain.name));
        }
        lines.option("domain", &domain.name);
        lines.flag("expand-hosts");
    }
    let Some(dns) = dns else { return lines.option("port", "0") };
    if !dns.forward_plain_names {
        lines.flag("domain-needed");
        if domain.is_none() {
            lines.option("local", "//");
        }
    }
    forwarders(lines, dns, input.isolated);
    for text in dns.texts {
        let pieces: Vec<String> = text.value.split(',').map(quoted).collect();
        lines.option("txt-record", format!("{},{}", text.name, pieces.join(",")));
    }
    for service in dns.services {
        lines.option("srv-host", service_record(service, domain.map(|domain| domain.name.as_str())));
    }
    for subnet in input.bridge.subnets.iter().filter(|subnet| subnet.local_ptr) {
        lines.option("rev-server", format!("{}/{}", subnet.subnet.network().address(), subnet.subnet.prefix()));
    }
}

fn forwarders(lines: &mut Lines, dns: &DnsServer<'_>, isolated: bool) {
    for forwarder in dns.forwarders {
        let server = match (&forwarder.domain, forwarder.address) {
            (Some(domain), Some(address)) => format!("/{domain}/{address}"),
            // As the host's own servers are asked.
            (Some(domain), None) => format!("/{domain}/#"),
            (None, Some(address)) => address.to_string(),
            (None, None) => continue,
        };
        lines.option("server", server);
    }
    // Without a way out there is nobody else to ask, and nobody who should learn what guests look for.
    if isolated || dns.forwarders.iter().any(|forwarder| forwarder.domain.is_none()) {
        lines.flag("no-resolv");
    }
}

fn service_record(service: &DnsService, domain: Option<&str>) -> String {
    let mut record = format!("_{}._{}", service.service, service.protocol);
    if let Some(domain) = service.domain.as_deref().or(domain) {
        _ = write!(record, ".{domain}");
    }
    if let Some(target) = service.target.as_deref().filter(|target| !matches!(*target, "" | ".")) {
        let port = service.port.unwrap_or(1);
        let (priority, weight) = (service.priority.unwrap_or_default(), service.weight.unwrap_or_default());
        _ = write!(record, ",{target},{port},{priority},{weight}");
    }
    record
}

fn addresses(lines: &mut Lines, subnet: &NetworkSubnet<'_>, input: &Input<'_>) {
    if let Some(root) = subnet.tftp_root {
        lines.flag("enable-tftp");
        lines.option("tftp-root", quoted(root));
    }
    let v6 = subnet.subnet.family() == IpFamily::Ipv6;
    match &subnet.dhcp {
        Some(server) => dhcp(lines, server, subnet.subnet),
        // Routers' advertisements alone: guests make their own addresses.
        None if v6 => lines.option("dhcp-range", format!("{},ra-only", subnet.subnet.network().address())),
        None => {}
    }
    if input.isolated {
        match v6 {
            // An isolated network has no router. An advertisement with no lifetime says so.
            true => lines.option("ra-param", format!("{},0,0", input.interface)),
            false if subnet.dhcp.is_some() => lines.option("dhcp-option", "3"),
            false => {}
        }
    }
}

fn dhcp(lines: &mut Lines, server: &DhcpServer<'_>, subnet: Subnet) {
    let size = match subnet.family() {
        IpFamily::Ipv4 => netmask(subnet.prefix()).to_string(),
        IpFamily::Ipv6 => subnet.prefix().to_string(),
    };
    for AddressRange { addresses, lease } in &server.ranges {
        let lease = lease.map(|lease| format!(",{}", lease_time(lease))).unwrap_or_default();
        lines.option("dhcp-range", format!("{},{},{size}{lease}", addresses.start(), addresses.end()));
    }
    if server.ranges.is_empty() {
        // Those who are known only.
        lines.option("dhcp-range", format!("{},static,{size}", subnet.network().address()));
    }
    let lent = server.ranges.iter().fold(0, |sum: u64, range| sum.saturating_add(count(range)));
    if subnet.family() == IpFamily::Ipv4 && lent > 0 {
        // As many as there are addresses, and those that were lent before the ranges were changed: they count until they are over.
        let known = u64::try_from(server.reservations.len()).unwrap_or(u64::MAX);
        lines.option("dhcp-lease-max", lent.saturating_add(known).saturating_add(USUAL_LEASES).to_string());
    }
    if let Some(Bootp { file, server, .. }) = server.bootp {
        let server = server.as_deref().map(|server| match server.parse::<IpAddr>() {
            Ok(address) => format!(",,{address}"),
            Err(_) => format!(",,{}", quoted(server)),
        });
        lines.option("dhcp-boot", format!("{}{}", quoted(file), server.unwrap_or_default()));
    }
}

fn count(range: &AddressRange) -> u64 {
    match (range.addresses.start(), range.addresses.end()) {
        (IpAddr::V4(start), IpAddr::V4(end)) => u64::from(u32::from(*end)) - u64::from(u32::from(*start)) + 1,
        (IpAddr::V6(start), IpAddr::V6(end)) => u64::try_from(u128::from(*end) - u128::from(*start)).unwrap_or(u64::MAX).saturating_add(1),
        _ => 0,
    }
}

fn netmask(prefix: u8) -> std::net::Ipv4Addr {
    let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    (!host).into()
}

fn own_options(lines: &mut Lines, network: &Network) -> Result<()> {
    for option in network.dnsmasq_options.iter().flat_map(|options| &options.options) {
        let line = option.value.trim();
        let name = line.split(['=', ' ', '\t']).next().unwrap_or_default();
        if FORBIDDEN.contains(&name) {
            let reason = format!(
                "the option '{name}' of dnsmasq is for the administrator of the host: it runs programs, changes whose they are or names \
                 files of the host; take it out of <dnsmasq:options>"
            );
            return Err(Error::new(ErrorKind::NotSupported, reason));
        }
        lines.0.push_str(line);
        lines.0.push('\n');
    }
    Ok(())
}

/// A line of [`Files::hosts`], in the form of `--dhcp-host`.
fn reservation(reservation: &Reservation<'_>) -> String {
    let Reservation { client, name, address, lease } = reservation;
    let client = match client {
        DhcpClient::Mac(mac) => mac.to_string(),
        DhcpClient::Id(id) => format!("id:{id}"),
        DhcpClient::Name(name) => (*name).to_owned(),
    };
    let address = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let name = name.map(|name| format!(",{name}")).unwrap_or_default();
    let lease = lease.map(|lease| format!(",{}", lease_time(lease))).unwrap_or_default();
    format!("{client},{address}{name}{lease}\n")
}

fn lease_time(lease: LeaseTime) -> String {
    match lease {
        LeaseTime::Forever => "infinite".to_owned(),
        LeaseTime::Seconds(seconds) => seconds.to_string(),
    }
}

/// Whether routers' advertisements tell guests of a network.
fn is_advertised(subnet: &NetworkSubnet<'_>) -> bool {
    subnet.subnet.family() == IpFamily::Ipv6
}

/// A text as one argument, also where blanks, commas, quotes or a `#` are in it.
fn quoted(text: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | ',' | '#');
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Lines of the configuration.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn flag(&mut self, name: &str) {
        self.0.push_str(name);
        self.0.push('\n');
    }

    fn option(&mut self, name: &str, value: impl AsRef<str>) {
        self.flag(&format!("{name}={}", value.as_ref()));
    }
}

#[cfg(test)]
mod tests;
