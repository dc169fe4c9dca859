//! Addresses that are given out: `<dhcp>`.

use core::net::IpAddr;

use crate::document::Problems;
use crate::domain::devices::MacAddress;
use crate::{element, keywords};

element! {
    /// Addresses that are given out. Of IPv6 these are DHCPv6's.
    pub struct Dhcp {
        /// Addresses for anybody.
        children "range" ranges: Vec<DhcpRange>,
        /// Addresses for those who are known.
        children "host" hosts: Vec<DhcpHost>,
        /// What a guest boots from the network, of IPv4.
        child "bootp" bootp: Option<Bootp>,
    }
}

element! {
    /// Addresses from the first to the last.
    pub struct DhcpRange {
        /// First.
        attr "start" start: Option<IpAddr>,
        /// Last.
        attr "end" end: Option<IpAddr>,
        /// How long they are lent.
        child "lease" lease: Option<Lease>,
    }
}

element! {
    /// An address for someone who is known: by one of MAC address, identifier and name.
    pub struct DhcpHost {
        /// Ethernet address, of IPv4.
        attr "mac" mac: Option<MacAddress>,
        /// Identifier of the client: pairs of hexadecimal digits with colons (the DUID of DHCPv6).
        attr "id" id: Option<String>,
        /// Name that it gets; or by which it is known, where neither of the other two is there.
        attr "name" name: Option<String>,
        /// The address.
        attr "ip" ip: Option<IpAddr>,
        /// How long it is lent.
        child "lease" lease: Option<Lease>,
    }
}

keywords! {
    /// A unit of time.
    pub enum LeaseUnit {
        /// Minutes.
        Minutes = "minutes",
        /// Seconds.
        Seconds = "seconds",
        /// Hours.
        Hours = "hours",
    }
}

impl LeaseUnit {
    /// How many seconds it has.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3600,
        }
    }
}

element! {
    /// How long an address is lent.
    pub struct Lease {
        /// For how many units; 0 is without end.
        required "expiry" expiry: u64,
        /// The unit; minutes when left out.
        attr "unit" unit: Option<LeaseUnit>,
    }
}

/// How long an address is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseTime {
    /// Without end.
    Forever,
    /// For so many seconds: two minutes at least.
    Seconds(u32),
}

/// The shortest that dnsmasq lends an address, in seconds.
const SHORTEST_LEASE: u32 = 120;
/// The longest that DHCP can say in seconds; the number after it is without end (RFC 2131, 3.3).
const LONGEST_LEASE: u32 = u32::MAX - 1;

impl Lease {
    /// The time, or what is wrong with it.
    pub fn check(&self, found: &mut Problems) -> Option<LeaseTime> {
        if self.expiry == 0 {
            return Some(LeaseTime::Forever);
        }
        let unit = self.unit.unwrap_or_default();
        let seconds = self.expiry.checked_mul(unit.seconds()).and_then(|seconds| u32::try_from(seconds).ok());
        match seconds.filter(|seconds| *seconds <= LONGEST_LEASE) {
            None => {
                found.add("@expiry", format!("{} {unit} are more than DHCP can say; write less, or expiry='0' for no end", self.expiry));
                None
            }
            Some(..SHORTEST_LEASE) => {
                found.add(
                    "@expiry",
                    format!("{} {unit} are less than the two minutes that an address is lent at least; write more", self.expiry),
                );
                None
            }
            Some(seconds) => Some(LeaseTime::Seconds(seconds)),
        }
    }
}

element! {
    /// What a guest boots from the network.
    pub struct Bootp {
        /// The file.
        required "file" file: String,
        /// Name or address of the TFTP server that has it; the host when left out.
        attr "server" server: Option<String>,
    }
}
