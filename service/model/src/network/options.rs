//! Options handed on to dnsmasq, in a namespace of their own.
//!
//! Which options there are depends on the host's dnsmasq; they are kept as they are written.

use crate::element;
use crate::xml::Namespace;

/// The namespace. Documents choose the prefix; `dnsmasq` is written.
pub const DNSMASQ_NAMESPACE: Namespace = Namespace { prefix: "dnsmasq", uri: "http://libvirt.org/schemas/network/dnsmasq/1.0" };

element! {
    /// Lines for the configuration of dnsmasq.
    pub struct DnsmasqOptions {
        /// One each.
        children "dnsmasq:option" options: Vec<DnsmasqOption>,
    }
}

element! {
    /// A line for the configuration of dnsmasq.
    pub struct DnsmasqOption {
        /// The line, such as `cname=www.example.com,web.example.com`.
        required "value" value: String,
    }
}
