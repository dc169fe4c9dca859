//! Where a device sits on its guest's buses: `<address type='…'>`.
//!
//! Every attribute is optional: `<address type='pci'/>` asks for an address of that type, which the
//! service then chooses. Numbers of PCI, CCW and ISA addresses are written in hexadecimal, the
//! others in decimal.

use std::fmt;

use crate::document::Problems;
use crate::xml::{Hex, OnOff};
use crate::{element, tagged};

tagged! {
    /// The place of a device.
    pub enum Address by "type" {
        /// A function of a PCI device.
        Pci(PciAddress) = "pci",
        /// A unit on a disk controller.
        Drive(DriveAddress) = "drive",
        /// A port on a USB bus.
        Usb(UsbAddress) = "usb",
        /// A port of a virtio-serial controller.
        VirtioSerial(VirtioSerialAddress) = "virtio-serial",
        /// A slot of a smart card controller.
        Ccid(CcidAddress) = "ccid",
        /// An ISA port.
        Isa(IsaAddress) = "isa",
        /// A virtio device on the memory bus.
        VirtioMmio(PlainAddress) = "virtio-mmio",
        /// A device on the virtual bus of a POWER machine.
        SpaprVio(SpaprVioAddress) = "spapr-vio",
        /// A device of the channel subsystem of an S/390 machine.
        Ccw(CcwAddress) = "ccw",
        /// A memory slot.
        Dimm(DimmAddress) = "dimm",
        /// A host device that is kept from the host but not given to the guest.
        Unassigned(PlainAddress) = "unassigned",
        /// A device that the hypervisor's own bus numbers.
        Xenbus(PlainAddress) = "xenbus",
    }
}

element! {
    /// A PCI address, of the guest or of the host.
    pub struct PciAddress {
        /// Domain (segment), 0 to 0xffff.
        attr "domain" domain: Option<Hex<4>>,
        /// Bus, 0 to 0xff.
        attr "bus" bus: Option<Hex<2>>,
        /// Slot (device), 0 to 0x1f.
        attr "slot" slot: Option<Hex<2>>,
        /// Function, 0 to 7.
        attr "function" function: Option<Hex<1>>,
        /// Whether the slot holds more functions; set on function 0.
        attr "multifunction" multifunction: Option<OnOff>,
        /// The identifiers of an S/390 guest.
        child "zpci" zpci: Option<ZpciAddress>,
    }
}

element! {
    /// The identifiers of a PCI function on S/390.
    pub struct ZpciAddress {
        /// User-defined identifier, 1 to 0xffff.
        attr "uid" uid: Option<Hex<4>>,
        /// Function identifier.
        attr "fid" fid: Option<Hex<8>>,
    }
}

element! {
    /// A unit on an IDE, SATA, SCSI or floppy controller.
    pub struct DriveAddress {
        /// Index of the controller.
        attr "controller" controller: Option<u32>,
        /// Bus of the controller.
        attr "bus" bus: Option<u32>,
        /// Target on the bus.
        attr "target" target: Option<u32>,
        /// Unit of the target.
        attr "unit" unit: Option<u32>,
    }
}

element! {
    /// A port on a USB bus.
    pub struct UsbAddress {
        /// Index of the USB controller.
        attr "bus" bus: Option<u32>,
        /// Port, with dots for hubs such as `1.2`.
        attr "port" port: Option<String>,
    }
}

element! {
    /// A port of a virtio-serial controller.
    pub struct VirtioSerialAddress {
        /// Index of the controller.
        attr "controller" controller: Option<u32>,
        /// Bus of the controller, always 0.
        attr "bus" bus: Option<u32>,
        /// Port, from 1; port 0 is the controller's console.
        attr "port" port: Option<u32>,
    }
}

element! {
    /// A slot of a smart card controller.
    pub struct CcidAddress {
        /// Index of the controller.
        attr "controller" controller: Option<u32>,
        /// Slot of the controller.
        attr "slot" slot: Option<u32>,
    }
}

element! {
    /// An ISA port.
    pub struct IsaAddress {
        /// First input/output port.
        attr "iobase" iobase: Option<Hex<1>>,
        /// Interrupt.
        attr "irq" irq: Option<Hex<1>>,
    }
}

element! {
    /// A register of the virtual bus of a POWER machine.
    pub struct SpaprVioAddress {
        /// Register.
        attr "reg" reg: Option<Hex<8>>,
    }
}

element! {
    /// A device of the channel subsystem.
    pub struct CcwAddress {
        /// Channel subsystem; 0xfe is the virtual one.
        attr "cssid" cssid: Option<Hex<1>>,
        /// Subchannel set, 0 to 3.
        attr "ssid" ssid: Option<Hex<1>>,
        /// Device number.
        attr "devno" devno: Option<Hex<4>>,
    }
}

element! {
    /// A memory slot.
    pub struct DimmAddress {
        /// Slot.
        attr "slot" slot: Option<u32>,
        /// Guest physical address, in hexadecimal; kept as text because it has 64 bits.
        attr "base" base: Option<String>,
    }
}

element! {
    /// An address that says nothing but its type.
    pub struct PlainAddress {
    }
}

impl PciAddress {
    /// The last bus of a domain.
    pub const MAX_BUS: u32 = 0xff;
    /// The last slot of a bus.
    pub const MAX_SLOT: u32 = 0x1f;
    /// The last function of a slot.
    pub const MAX_FUNCTION: u32 = 7;

    /// An address on which a device of one function sits.
    pub fn new(domain: u32, bus: u32, slot: u32, function: u32) -> Self {
        Self { domain: Some(Hex(domain)), bus: Some(Hex(bus)), slot: Some(Hex(slot)), function: Some(Hex(function)), ..Self::default() }
    }

    /// Whether it only asks for some PCI address.
    pub fn is_unset(&self) -> bool {
        self.domain.is_none() && self.bus.is_none() && self.slot.is_none() && self.function.is_none()
    }

    /// Tells numbers that no function has. Of domains there are more than 16 bits have: devices behind
    /// Intel's VMD are in them.
    pub fn check(&self, found: &mut Problems) {
        let (_, bus, slot, function) = self.parts();
        for (part, number, most) in
            [("bus", bus, Self::MAX_BUS), ("slot", slot, Self::MAX_SLOT), ("function", function, Self::MAX_FUNCTION)]
        {
            if number > most {
                found.add(format_args!("@{part}"), format!("{number:#x} is too much; write a number from 0 to {most:#x}"));
            }
        }
    }

    /// Domain, bus, slot and function, with 0 for what is left out.
    pub fn parts(&self) -> (u32, u32, u32, u32) {
        let Self { domain, bus, slot, function, .. } = self;
        (domain.unwrap_or_default().0, bus.unwrap_or_default().0, slot.unwrap_or_default().0, function.unwrap_or_default().0)
    }
}

impl fmt::Display for PciAddress {
    /// As in sysfs: `0000:00:02.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (domain, bus, slot, function) = self.parts();
        write!(f, "{domain:04x}:{bus:02x}:{slot:02x}.{function:x}")
    }
}
