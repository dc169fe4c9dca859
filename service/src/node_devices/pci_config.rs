//! The configuration space of a PCI function: what kind of header it has, and its links of PCI Express (PCI Express Base
//! Specification 4.0, 7.5; `linux/pci_regs.h`).
//!
//! Invariant: others than root read the first 64 bytes only, so what lies behind them is told to root alone.

use lodge_model::node_device::{LinkValidity, PciLink};

use crate::host::sysfs::Device;

const STATUS: usize = 0x06;
const HAS_CAPABILITIES: u16 = 1 << 4;
const HEADER_TYPE: usize = 0x0e;
const FIRST_CAPABILITY: usize = 0x34;
/// The identifier of the capability of PCI Express, and its registers.
const EXPRESS: u8 = 0x10;
const EXPRESS_FLAGS: usize = 0x02;
const LINK_CAPABILITIES: usize = 0x0c;
const LINK_STATUS: usize = 0x12;
/// Types of ports that are within the root complex and have no link.
const INTEGRATED: [u16; 2] = [0x9, 0xa];
/// Transfers in a second, in 10⁹, by their number.
const SPEEDS: [&str; 7] = ["", "2.5", "5", "8", "16", "32", "64"];

/// What a header is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Device,
    PciBridge,
    CardbusBridge,
}

/// A configuration space, as far as it could be read.
pub(super) struct Config(Vec<u8>);

impl Config {
    pub fn read(device: &Device) -> Self {
        Self(device.bytes("config"))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn word(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte(at)?, self.byte(at + 1)?]))
    }

    pub fn header(&self) -> Header {
        match self.byte(HEADER_TYPE).map(|kind| kind & 0x7f) {
            Some(1) => Header::PciBridge,
            Some(2) => Header::CardbusBridge,
            _ => Header::Device,
        }
    }

    /// Where the registers of a capability begin.
    fn capability(&self, id: u8) -> Option<usize> {
        /// More than fit; a device may make a circle of them.
        const MOST: usize = 48;
        if self.word(STATUS)? & HAS_CAPABILITIES == 0 {
            return None;
        }
        let mut at = usize::from(self.byte(FIRST_CAPABILITY)? & !3);
        for _ in 0..MOST {
            if at == 0 {
                return None;
            }
            if self.byte(at)? == id {
                return Some(at);
            }
            at = usize::from(self.byte(at + 1)? & !3);
        }
        None
    }

    /// The links of a device of PCI Express, none of one that is integrated; `None` of other devices.
    pub fn express_links(&self) -> Option<Vec<PciLink>> {
        let at = self.capability(EXPRESS)?;
        if INTEGRATED.contains(&(self.word(at + EXPRESS_FLAGS)? >> 4 & 0xf)) {
            return Some(Vec::new());
        }
        let capable = self.word(at + LINK_CAPABILITIES)?;
        let port = u32::from(self.byte(at + LINK_CAPABILITIES + 3)?);
        let status = self.word(at + LINK_STATUS)?;
        Some(vec![link(LinkValidity::Capability, Some(port), capable), link(LinkValidity::Status, None, status)])
    }
}

fn link(validity: LinkValidity, port: Option<u32>, register: u16) -> PciLink {
    let speed = SPEEDS.get(usize::from(register & 0xf)).copied().filter(|speed| !speed.is_empty());
    let width = u32::from(register >> 4 & 0x3f);
    PciLink { validity, port, speed: speed.map(str::to_owned), width, ..PciLink::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(bytes: &[(usize, u8)]) -> Config {
        let mut config = vec![0; 256];
        for (at, byte) in bytes {
            config[*at] = *byte;
        }
        Config(config)
    }

    #[test]
    fn links_are_read_from_the_capability() {
        let found = config(&[
            (0x06, 0x10),
            (0x34, 0x40),
            (0x40, 0x01),
            (0x41, 0x60),
            (0x60, 0x10),
            (0x6c, 0x43),
            (0x6d, 0x01),
            (0x6f, 7),
            (0x72, 0x11),
        ]);
        let links = found.express_links().unwrap();
        let told: Vec<_> = links.iter().map(|link| (link.validity, link.port, link.speed.as_deref(), link.width)).collect();
        assert_eq!(told, [(LinkValidity::Capability, Some(7), Some("8"), 20), (LinkValidity::Status, None, Some("2.5"), 1)]);
    }

    #[test]
    fn what_is_no_link_is_none() {
        // No capabilities, a circle of them, and a device within the root complex.
        assert!(config(&[(0x34, 0x40), (0x40, 0x10)]).express_links().is_none());
        assert!(config(&[(0x06, 0x10), (0x34, 0x40), (0x41, 0x40)]).express_links().is_none());
        assert_eq!(config(&[(0x06, 0x10), (0x34, 0x40), (0x40, 0x10), (0x42, 0x92)]).express_links(), Some(Vec::new()));
        assert!(Config(vec![0xff; 64]).express_links().is_none());
    }

    #[test]
    fn headers_tell_bridges() {
        let header = |kind| config(&[(0x0e, kind)]).header();
        assert_eq!([0, 0x81, 2].map(header), [Header::Device, Header::PciBridge, Header::CardbusBridge]);
    }
}
