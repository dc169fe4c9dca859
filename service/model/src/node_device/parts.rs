//! The small elements of a device's capability.

use std::borrow::Cow;

use uuid::Uuid;

use crate::domain::devices::PciAddress;
use crate::xml::{Hex, Value};
use crate::{element, keywords};

element! {
    /// A product or vendor, as it is written.
    pub struct DeviceIdElement {
        /// Its number, of PCI and USB.
        attr "id" id: Option<IdNumber>,
        /// Its name.
        text "" name: Option<String>,
    }
}

/// The number of a product or vendor: four hexadecimal digits at most, behind `0x` or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct IdNumber(pub u16);

impl Value for IdNumber {
    const EXPECTED: &'static str = "up to four hexadecimal digits such as 0x10c9";

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let number = u16::from_str_radix(digits, 16).ok()?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(Self(number))
    }

    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{:#06x}", self.0))
    }
}

element! {
    /// Which device of its kind it is, as it is written.
    pub struct Subtype {
        /// Of mediated devices: identifier of a [`super::MdevType`].
        attr "id" id: Option<String>,
        /// Of others: a word.
        text "" word: Option<String>,
    }
}

element! {
    /// The hardware of the host, as its firmware tells it (SMBIOS).
    pub struct Hardware {
        /// Vendor.
        leaf "vendor" vendor: Option<String>,
        /// Version.
        leaf "version" version: Option<String>,
        /// Serial number.
        leaf "serial" serial: Option<String>,
        /// Identity.
        leaf "uuid" uuid: Option<Uuid>,
    }
}

element! {
    /// The firmware of the host.
    pub struct Firmware {
        /// Vendor.
        leaf "vendor" vendor: Option<String>,
        /// Version.
        leaf "version" version: Option<String>,
        /// Date of release, as the vendor writes it.
        leaf "release_date" release_date: Option<String>,
    }
}

element! {
    /// The devices that an IOMMU separates from others only together.
    pub struct IommuGroup {
        /// Number of the group.
        required "number" number: u32,
        /// Its PCI devices, with this one.
        children "address" addresses: Vec<PciAddress>,
    }
}

element! {
    /// The memory that is near to a device.
    pub struct NumaAffinity {
        /// Node of the host; -1 for none.
        attr "node" node: Option<i32>,
    }
}

element! {
    /// What a device says of PCI Express.
    pub struct PciExpress {
        /// Its links.
        children "link" links: Vec<PciLink>,
    }
}

keywords! {
    /// What is told of a link.
    pub enum LinkValidity {
        /// What it is capable of.
        Capability = "cap",
        /// What both ends agreed on.
        Status = "sta",
    }
}

element! {
    /// A link of PCI Express.
    pub struct PciLink {
        /// What is told of it.
        required "validity" validity: LinkValidity,
        /// Port of the other end.
        attr "port" port: Option<u32>,
        /// Transfers in a second, in 10⁹, such as `2.5`; none when there is no link.
        attr "speed" speed: Option<String>,
        /// Lanes.
        required "width" width: u32,
    }
}

keywords! {
    /// The operational state of an interface (RFC 2863).
    pub enum LinkState {
        /// Not told by the driver.
        Unknown = "unknown",
        /// A part is missing.
        NotPresent = "notpresent",
        /// It cannot be used.
        Down = "down",
        /// The interface below it is down.
        LowerLayerDown = "lowerlayerdown",
        /// It is being tested.
        Testing = "testing",
        /// It waits for something, such as authentication.
        Dormant = "dormant",
        /// It can be used.
        Up = "up",
    }
}

element! {
    /// The link of a network interface; reported.
    pub struct DeviceLink {
        /// Speed in Mbit/s.
        attr "speed" speed: Option<u32>,
        /// State.
        attr "state" state: Option<LinkState>,
    }
}

keywords! {
    /// What a node of the direct rendering manager is for.
    pub enum DrmType {
        /// Everything, the screen above all.
        Primary = "primary",
        /// The screen alone; no longer made by kernels.
        Control = "control",
        /// Rendering alone, without rights.
        Render = "render",
    }
}

element! {
    /// Address of a device of the channel subsystem.
    pub struct ChannelAddress {
        /// Channel subsystem, 0 to 0xfe.
        leaf "cssid" cssid: Option<Hex<1>>,
        /// Subchannel set, 0 to 3.
        leaf "ssid" ssid: Option<Hex<1>>,
        /// Device number, 0 to 0xffff.
        leaf "devno" devno: Option<Hex<4>>,
    }
}

element! {
    /// The devices that are used as one.
    pub struct GroupMembers {
        /// Each.
        children "ccw_device" devices: Vec<GroupMember>,
    }
}

element! {
    /// A device of a group.
    pub struct GroupMember {
        /// What it is in the group, such as `cdev0`.
        required "ref" role: String,
        /// Name of the device.
        text "" name: Option<String>,
    }
}
