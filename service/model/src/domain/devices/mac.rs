//! Ethernet addresses (IEEE 802, 48 bits).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::problem::Problem;
use crate::xml::Value;

/// An Ethernet address, written as six pairs of hexadecimal digits with colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The prefix of QEMU and KVM guests.
    pub const KVM_PREFIX: [u8; 3] = [0x52, 0x54, 0x00];
    /// The prefix of Xen guests (assigned to XenSource).
    pub const XEN_PREFIX: [u8; 3] = [0x00, 0x16, 0x3e];

    /// An address of a prefix and three bytes that the caller chose, at random as a rule.
    pub const fn from_parts(prefix: [u8; 3], suffix: [u8; 3]) -> Self {
        Self([prefix[0], prefix[1], prefix[2], suffix[0], suffix[1], suffix[2]])
    }

    /// Whether it addresses a group; such an address cannot belong to an interface.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = Problem;

    /// Reads colons or dashes between the pairs; a single digit stands for itself with a zero.
    fn from_str(text: &str) -> Result<Self, Problem> {
        <Self as Value>::parse(text)
            .ok_or_else(|| Problem::new(format!("'{text}' is not an Ethernet address; write it as {}", Self::EXPECTED)))
    }
}

impl Value for MacAddress {
    const EXPECTED: &'static str = "an Ethernet address such as 52:54:00:6b:3c:58";

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.trim().split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| matches!(part.len(), 1..=2) && part.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }

    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}
