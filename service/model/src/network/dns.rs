//! The DNS server of a network: `<domain>` and `<dns>`.

use core::net::IpAddr;

use crate::domain::devices::TransportProtocol;
use crate::element;
use crate::xml::YesNo;

element! {
    /// The name that the guests' names end with.
    pub struct DnsDomain {
        /// The name.
        required "name" name: String,
        /// Whether questions for names below it are kept from other servers.
        attr "localOnly" local_only: Option<YesNo>,
        /// Whether the host asks this network's server for names below it.
        attr "register" register: Option<YesNo>,
    }
}

element! {
    /// The DNS server.
    pub struct Dns {
        /// Whether there is one; there is when left out.
        attr "enable" enable: Option<YesNo>,
        /// Whether other servers are asked for names without a dot; they are when left out.
        attr "forwardPlainNames" forward_plain_names: Option<YesNo>,
        /// Other servers to ask.
        children "forwarder" forwarders: Vec<DnsForwarder>,
        /// Records with text.
        children "txt" texts: Vec<DnsText>,
        /// Records that say who serves what.
        children "srv" services: Vec<DnsService>,
        /// Names of addresses.
        children "host" hosts: Vec<DnsHost>,
    }
}

impl Dns {
    /// Whether it says more than that there is a server.
    pub fn has_records(&self) -> bool {
        !self.forwarders.is_empty() || !self.texts.is_empty() || !self.services.is_empty() || !self.hosts.is_empty()
    }
}

element! {
    /// Another server to ask.
    pub struct DnsForwarder {
        /// For names below this one; for all when left out.
        attr "domain" domain: Option<String>,
        /// Its address; the host's own servers when left out.
        attr "addr" address: Option<IpAddr>,
    }
}

element! {
    /// A record with text.
    pub struct DnsText {
        /// Its name.
        required "name" name: String,
        /// Its text; commas divide it into several.
        required "value" value: String,
    }
}

element! {
    /// A record that says who serves what (RFC 2782).
    pub struct DnsService {
        /// The service, without the underscore that stands before it in DNS, such as `ldap`.
        required "service" service: String,
        /// The protocol.
        required "protocol" protocol: TransportProtocol,
        /// The name it is for; that of the network when left out.
        attr "domain" domain: Option<String>,
        /// Name of the server; `.` or nothing says that there is none.
        attr "target" target: Option<String>,
        /// Its port; 1 when left out.
        attr "port" port: Option<u16>,
        /// The smallest is tried first; 0 when left out.
        attr "priority" priority: Option<u16>,
        /// Share among servers of the same priority; 0 when left out.
        attr "weight" weight: Option<u16>,
    }
}

element! {
    /// Names of an address.
    pub struct DnsHost {
        /// The address.
        attr "ip" ip: Option<IpAddr>,
        /// The names; the first is told to those who ask for the address.
        leaves "hostname" names: Vec<String>,
    }
}
