//! What the DNS server of a network knows, checked.

use core::net::IpAddr;

use super::{Dns, DnsForwarder, DnsService, DnsText, names};
use crate::document::Problems;

/// What a DNS server knows besides the guests. It listens on the addresses of the host.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsServer<'a> {
    /// Whether other servers are asked for names without a dot.
    pub forward_plain_names: bool,
    /// Other servers to ask; the host's own when there is none for all names.
    pub forwarders: &'a [DnsForwarder],
    /// Records with text.
    pub texts: &'a [DnsText],
    /// Records that say who serves what.
    pub services: &'a [DnsService],
    /// Names of addresses.
    pub hosts: Vec<NamedAddress<'a>>,
}

/// Names of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedAddress<'a> {
    /// The address.
    pub address: IpAddr,
    /// Its names, one at least.
    pub names: &'a [String],
}

/// Checks the DNS server; `None` when it is switched off.
pub(super) fn of<'a>(dns: Option<&'a Dns>, found: &mut Problems) -> Option<DnsServer<'a>> {
    let Some(dns) = dns else {
        return Some(DnsServer { forward_plain_names: true, forwarders: &[], texts: &[], services: &[], hosts: Vec::new() });
    };
    let hosts = found.inside("dns", |found| check_records(dns, found));
    let server = DnsServer {
        forward_plain_names: dns.forward_plain_names.is_none_or(|forward| forward.0),
        forwarders: &dns.forwarders,
        texts: &dns.texts,
        services: &dns.services,
        hosts,
    };
    dns.enable.is_none_or(|enable| enable.0).then_some(server)
}

/// Checks the records of a DNS server, and takes the names of addresses.
fn check_records<'a>(dns: &'a Dns, found: &mut Problems) -> Vec<NamedAddress<'a>> {
    found.each("forwarder", &dns.forwarders, |found, forwarder| {
        match (&forwarder.domain, forwarder.address) {
            (None, None) => found.add("@addr", "it is not said whom to ask, or for what; write addr='…', domain='…' or both"),
            (Some(domain), _) => names::dns(found, "@domain", domain),
            (None, Some(_)) => {}
        };
    });
    found.each("txt", &dns.texts, |found, text| {
        names::dns(found, "@name", &text.name);
        names::line(found, "@value", &text.value);
    });
    found.each("srv", &dns.services, |found, service| check_service(service, found));
    let mut hosts = Vec::new();
    found.each("host", &dns.hosts, |found, host| {
        let address = found.needed("@ip", host.ip);
        if host.names.is_empty() {
            found.add("hostname", "the address has no name; write <hostname>…</hostname>");
        }
        found.each("hostname", &host.names, |found, name| names::dns(found, "", name));
        hosts.extend(address.map(|address| NamedAddress { address, names: &host.names }));
    });
    hosts
}

fn check_service(service: &DnsService, found: &mut Problems) {
    match service.service.strip_prefix('_') {
        Some(name) => found.add("@service", format!("the underscore is added by the service; write service='{name}'")),
        None => names::dns_label(found, "@service", &service.service),
    }
    if let Some(domain) = &service.domain {
        names::dns(found, "@domain", domain);
    }
    match service.target.as_deref() {
        Some("" | ".") => {}
        Some(target) => names::dns(found, "@target", target),
        None if service.port.is_some() || service.priority.is_some() || service.weight.is_some() => {
            found.add("@target", "it is not said which server has the port, priority or weight; write target='…', or leave these out");
        }
        None => {}
    }
}
