//! An address of the host in a network, and what it serves there: `<ip>`.

use core::net::IpAddr;

use super::Dhcp;
use crate::addresses::{IpFamily, Netmask, Prefix};
use crate::element;
use crate::xml::YesNo;

element! {
    /// An address of the host: for guests their router.
    pub struct NetworkIp {
        /// Family of the address; told by the address when left out.
        attr "family" family: Option<IpFamily>,
        /// The address.
        attr "address" address: Option<IpAddr>,
        /// The network's mask, of IPv4.
        attr "netmask" netmask: Option<Netmask>,
        /// Length of the network's prefix, instead of a mask.
        attr "prefix" prefix: Option<Prefix>,
        /// Whether questions for the names of the network's addresses are kept from other servers.
        attr "localPtr" local_ptr: Option<YesNo>,
        /// Files for guests that boot from the network, of one IPv4 address.
        child "tftp" tftp: Option<Tftp>,
        /// Addresses that are given out, of one IPv4 and one IPv6 address.
        child "dhcp" dhcp: Option<Dhcp>,
    }
}

element! {
    /// Files for guests that boot from the network.
    pub struct Tftp {
        /// Absolute path of their directory.
        required "root" root: String,
    }
}
