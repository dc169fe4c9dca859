//! IP addresses and the networks they are in, as documents write them.
//!
//! The types are those of `core::net`: numbers, nothing that reaches a network.
//!
//! Invariants:
//! - An address is written in its one short form (RFC 5952); other forms are read.
//! - A [`Subnet`]'s prefix fits its address.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::document::Problems;
use crate::keywords;
use crate::xml::Value;

keywords! {
    /// The family of an IP address.
    pub enum IpFamily {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }
}

impl IpFamily {
    /// That of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// How many bits its addresses have.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }

    /// How many of them most networks have, to be told as an example.
    pub const fn usual_prefix(self) -> u8 {
        match self {
            Self::Ipv4 => 24,
            Self::Ipv6 => 64,
        }
    }
}

impl Value for IpAddr {
    const EXPECTED: &'static str = "an IP address such as 192.168.122.1 or 2001:db8::1";
    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl Value for Ipv4Addr {
    const EXPECTED: &'static str = "an IPv4 address such as 203.0.113.10";
    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

/// A mask of IPv4, which may be one that masks no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Netmask(pub Ipv4Addr);

impl Netmask {
    /// How many bits it keeps; `None` when they are not those in front.
    pub fn prefix(self) -> Option<u8> {
        let bits = u32::from(self.0);
        let ones = bits.leading_ones();
        (bits.count_ones() == ones).then(|| u8::try_from(ones).ok())?
    }
}

impl Value for Netmask {
    const EXPECTED: &'static str = "a netmask of IPv4 such as 255.255.255.0";
    fn parse(text: &str) -> Option<Self> {
        <Ipv4Addr as Value>::parse(text).map(Self)
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }
}

/// Length of a network's prefix in bits, up to that of the longest address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix(pub u8);

impl Value for Prefix {
    const EXPECTED: &'static str = "the bits of a network's prefix, up to 32 of IPv4 or 128 of IPv6";
    fn parse(text: &str) -> Option<Self> {
        <u8 as Value>::parse(text).filter(|bits| *bits <= IpFamily::Ipv6.bits()).map(Self)
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }
}

/// An address together with the network it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// `None` when the address has fewer bits than the prefix.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= IpFamily::of(address).bits()).then_some(Self { address, prefix })
    }

    /// The address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits in front are those of the network: up to 32 of IPv4, up to 128 of IPv6.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// The family.
    pub const fn family(self) -> IpFamily {
        IpFamily::of(self.address)
    }

    /// The network: the same with the first address.
    pub fn network(self) -> Self {
        Self { address: *self.range().start(), prefix: self.prefix }
    }

    /// All its addresses.
    pub fn range(self) -> RangeInclusive<IpAddr> {
        match self.address {
            IpAddr::V4(address) => {
                let (bits, host) = (u32::from(address), u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0));
                Ipv4Addr::from(bits & !host).into()..=Ipv4Addr::from(bits | host).into()
            }
            IpAddr::V6(address) => {
                let (bits, host) = (u128::from(address), u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0));
                Ipv6Addr::from(bits & !host).into()..=Ipv6Addr::from(bits | host).into()
            }
        }
    }

    /// Whether an address is in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        self.range().contains(&address)
    }

    /// Whether an address stands for the network as a whole: the first one and the last one of IPv4,
    /// the broadcast address (RFC 919). Networks of one or two addresses have none (RFC 3021).
    pub fn is_reserved(self, address: IpAddr) -> bool {
        let range = self.range();
        self.family() == IpFamily::Ipv4 && self.prefix < 31 && (address == *range.start() || address == *range.end())
    }
}

impl fmt::Display for Subnet {
    /// As everybody writes it: `192.168.122.1/24`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The attributes with which an element says an address and its network.
#[derive(Debug, Clone, Copy)]
pub struct WrittenSubnet {
    /// Family of the address; told by the address when left out.
    pub family: Option<IpFamily>,
    /// The address.
    pub address: Option<IpAddr>,
    /// The network's mask, of IPv4.
    pub netmask: Option<Netmask>,
    /// Length of the network's prefix, instead of a mask.
    pub prefix: Option<Prefix>,
}

impl WrittenSubnet {
    /// The subnet, or what is wrong with it. One without mask and prefix has that of its class in IPv4
    /// (RFC 791), 64 bits in IPv6.
    pub fn check(self, found: &mut Problems) -> Option<Subnet> {
        let address = found.needed("@address", self.address)?;
        let family = IpFamily::of(address);
        if let Some(said) = self.family.filter(|said| *said != family) {
            found.add("@family", format!("it is '{said}', and {address} is an address of '{family}'; write family='{family}'"));
        }
        Subnet::new(address, self.prefix(address, found)?)
    }

    fn prefix(self, address: IpAddr, found: &mut Problems) -> Option<u8> {
        let family = IpFamily::of(address);
        match (self.netmask, self.prefix) {
            (Some(_), Some(_)) => {
                found.add("@netmask", "the size of the network is said by a mask and by a prefix; keep the prefix and remove the mask");
                Self { netmask: None, ..self }.prefix(address, found)
            }
            (Some(_), None) if address.is_ipv6() => {
                found.add("@netmask", format!("{address} is of IPv6, which has no masks; write prefix='64' instead"));
                None
            }
            (Some(mask), None) => {
                if mask.prefix().is_none() {
                    let reason = format!("the bits of {} have gaps; write a mask such as 255.255.255.0, or prefix='24' instead", mask.0);
                    found.add("@netmask", reason);
                }
                mask.prefix()
            }
            (None, Some(Prefix(prefix))) if prefix > family.bits() => {
                let (bits, usual) = (family.bits(), family.usual_prefix());
                found.add(
                    "@prefix",
                    format!("{address} has {bits} bits; write how many of them are the network's, such as prefix='{usual}'"),
                );
                None
            }
            (None, Some(Prefix(prefix))) => Some(prefix),
            (None, None) => {
                let natural = natural_prefix(address);
                if natural.is_none() {
                    found.add("@prefix", format!("{address} is in no class that says how large its network is; write prefix='24'"));
                }
                natural
            }
        }
    }
}

/// The prefix that an address has when none is said.
fn natural_prefix(address: IpAddr) -> Option<u8> {
    match address {
        address if address.is_unspecified() => Some(0),
        IpAddr::V6(_) => Some(64),
        IpAddr::V4(address) => match address.octets()[0] {
            0..=127 => Some(8),
            128..=191 => Some(16),
            192..=223 => Some(24),
            224.. => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        let (address, prefix) = text.split_once('/').unwrap();
        Subnet::new(address.parse().unwrap(), prefix.parse().unwrap()).unwrap()
    }

    #[test]
    fn addresses_have_one_form() {
        for (text, expected) in [
            ("192.168.122.1", Some("192.168.122.1")),
            (" 10.0.0.1\n", Some("10.0.0.1")),
            ("2001:0DB8:0:0:0:0:0:1", Some("2001:db8::1")),
            ("::FFFF:192.0.2.1", Some("::ffff:192.0.2.1")),
            ("192.168.122", None),
            // Elsewhere it is octal; nobody knows what is meant.
            ("192.168.122.010", None),
            ("192.168.122.256", None),
            ("192.168.122.1/24", None),
            ("fe80::1%eth0", None),
            ("example.com", None),
            ("", None),
        ] {
            let read = <IpAddr as Value>::parse(text);
            assert_eq!(read.as_ref().map(Value::format).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn masks_keep_the_bits_in_front() {
        for (mask, prefix) in [
            ("255.255.255.0", Some(24)),
            ("255.255.240.0", Some(20)),
            ("255.255.255.255", Some(32)),
            ("128.0.0.0", Some(1)),
            ("0.0.0.0", Some(0)),
            ("255.0.255.0", None),
            ("0.0.0.255", None),
            ("255.255.255.1", None),
        ] {
            assert_eq!(Netmask(mask.parse().unwrap()).prefix(), prefix, "{mask}");
        }
    }

    #[test]
    fn subnets_are_from_their_first_to_their_last_address() {
        for (text, first, last) in [
            ("192.168.122.1/24", "192.168.122.0", "192.168.122.255"),
            ("10.1.2.3/8", "10.0.0.0", "10.255.255.255"),
            ("192.0.2.77/31", "192.0.2.76", "192.0.2.77"),
            ("192.0.2.77/32", "192.0.2.77", "192.0.2.77"),
            ("192.0.2.77/0", "0.0.0.0", "255.255.255.255"),
            ("2001:db8:1::5/48", "2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::5/128", "2001:db8::5", "2001:db8::5"),
            ("2001:db8::5/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let subnet = subnet(text);
            let (first, last): (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
            assert_eq!(subnet.range(), first..=last, "{text}");
            assert_eq!(subnet.network().to_string(), format!("{first}/{}", subnet.prefix()));
            assert!(subnet.contains(first) && subnet.contains(last) && subnet.contains(subnet.address()));
            assert_eq!(subnet.to_string(), text);
        }
        assert!(!subnet("192.168.122.1/24").contains("192.168.123.0".parse().unwrap()));
        assert!(!subnet("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(!subnet("::/0").contains("10.0.0.1".parse().unwrap()));
        assert_eq!(Subnet::new("10.0.0.1".parse().unwrap(), 33), None);
    }

    #[test]
    fn first_and_last_address_of_ipv4_stand_for_the_network() {
        for (text, address, reserved) in [
            ("192.168.122.1/24", "192.168.122.0", true),
            ("192.168.122.1/24", "192.168.122.255", true),
            ("192.168.122.1/24", "192.168.122.254", false),
            ("192.168.122.1/30", "192.168.122.3", true),
            ("192.168.122.1/31", "192.168.122.0", false),
            ("192.168.122.1/32", "192.168.122.1", false),
            ("2001:db8::1/64", "2001:db8::", false),
            ("2001:db8::1/64", "2001:db8::ffff:ffff:ffff:ffff", false),
        ] {
            assert_eq!(subnet(text).is_reserved(address.parse().unwrap()), reserved, "{address} in {text}");
        }
    }
}
