//! Devices of the host that are given to the guest.
//!
//! [`HostdevSourceElement`] is `<source>` as it is written; [`HostdevSource`] is the checked union.

use super::address::{Address, PciAddress};
use super::disk::Sgio;
use super::interface::InterfaceDriverName;
use super::network_parts::{InterfaceIp, Route};
use super::number::Number;
use super::parts::{Acpi, Alias, Boot, Rom, Teaming};
use super::problem::{Problem, needed};
use super::storage_source::{Initiator, SourceAuth, SourceHost, StartupPolicy};
use crate::xml::{Hex, OnOff, YesNo};
use crate::{element, keywords};

keywords! {
    /// How a host device is given.
    pub enum HostdevMode {
        /// As a whole.
        Subsystem = "subsystem",
        /// By its device node, to a container.
        Capabilities = "capabilities",
    }
}

keywords! {
    /// What a host device is.
    pub enum HostdevType {
        /// A USB device.
        Usb = "usb",
        /// A PCI function.
        Pci = "pci",
        /// A SCSI unit.
        Scsi = "scsi",
        /// A SCSI host, by vhost.
        ScsiHost = "scsi_host",
        /// A mediated device.
        Mdev = "mdev",
        /// A block device, of mode capabilities.
        Storage = "storage",
        /// A character device, of mode capabilities.
        Misc = "misc",
        /// A network interface, of mode capabilities.
        Net = "net",
    }
}

keywords! {
    /// Whether a guest's reset reaches a USB device.
    pub enum GuestReset {
        /// Never.
        Off = "off",
        /// Only until the guest has configured it.
        Uninitialized = "uninitialized",
        /// Always.
        On = "on",
    }
}

element! {
    /// A host device: `<hostdev>`.
    pub struct Hostdev {
        /// How it is given; as a whole when left out.
        attr "mode" mode: Option<HostdevMode>,
        /// What it is.
        required "type" kind: HostdevType,
        /// Whether the service takes it from the host and gives it back.
        attr "managed" managed: Option<YesNo>,
        /// Whether SCSI commands are filtered.
        attr "sgio" sgio: Option<Sgio>,
        /// Whether the hypervisor keeps the capability for raw SCSI commands.
        attr "rawio" rawio: Option<YesNo>,
        /// Interface of a mediated device (`vfio-pci`, …) or virtio revision of a SCSI host; open,
        /// as each type has its own.
        attr "model" model: Option<String>,
        /// Whether the device's own screen is shown.
        attr "display" display: Option<OnOff>,
        /// Whether a framebuffer in memory shows the boot.
        attr "ramfb" ramfb: Option<OnOff>,
        /// The device.
        child "source" source: Option<HostdevSourceElement>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<HostdevDriver>,
        /// Addresses of an interface, of mode capabilities.
        children "ip" ips: Vec<InterfaceIp>,
        /// Routes of an interface, of mode capabilities.
        children "route" routes: Vec<Route>,
        /// The pair it belongs to.
        child "teaming" teaming: Option<Box<Teaming>>,
        /// Whether the guest cannot write to a SCSI unit.
        flag "readonly" readonly: bool,
        /// Whether several guests may use a SCSI unit at once.
        flag "shareable" shareable: bool,
        /// Its option ROM.
        child "rom" rom: Option<Box<Rom>>,
        /// Place in the boot order.
        child "boot" boot: Option<Boot>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the hypervisor treats a host device.
    pub struct HostdevDriver {
        /// Who gives it to the guest.
        attr "name" name: Option<InterfaceDriverName>,
        /// VFIO driver of the kernel; the best one when left out.
        attr "model" model: Option<String>,
        /// Whether it is opened by IOMMUFD.
        attr "iommufd" iommufd: Option<YesNo>,
    }
}

element! {
    /// The host's device as it is written; which parts count depends on its type.
    pub struct HostdevSourceElement {
        /// What happens when it is missing at start.
        attr "startupPolicy" startup_policy: Option<StartupPolicy>,
        /// Whether a guest's reset reaches it.
        attr "guestReset" guest_reset: Option<GuestReset>,
        /// Whether writes to a PCI device's configuration are filtered, of Xen.
        attr "writeFiltering" write_filtering: Option<YesNo>,
        /// Set where the device was missing at start; reported, never configured.
        attr "missing" missing: Option<YesNo>,
        /// `iscsi` of a SCSI unit, `vhost` of a SCSI host.
        attr "protocol" protocol: Option<String>,
        /// iSCSI name of the unit.
        attr "name" name: Option<String>,
        /// World-wide port name of a SCSI host: `naa.` and 16 hexadecimal digits.
        attr "wwpn" wwpn: Option<String>,
        /// Vendor of a USB device.
        child "vendor" vendor: Option<UsbId>,
        /// Product of a USB device.
        child "product" product: Option<UsbId>,
        /// SCSI host of a unit.
        child "adapter" adapter: Option<Adapter>,
        /// Servers of an iSCSI unit.
        children "host" hosts: Vec<SourceHost>,
        /// Credentials of an iSCSI unit.
        child "auth" auth: Option<Box<SourceAuth>>,
        /// This side of an iSCSI connection.
        child "initiator" initiator: Option<Box<Initiator>>,
        /// Where the device is on the host.
        child "address" address: Option<HostAddress>,
        /// Absolute path of a block device, of mode capabilities.
        leaf "block" block: Option<String>,
        /// Absolute path of a character device, of mode capabilities.
        leaf "char" character: Option<String>,
        /// Name of an interface, of mode capabilities.
        leaf "interface" interface: Option<String>,
    }
}

element! {
    /// A vendor or product of USB.
    pub struct UsbId {
        /// Its number, 0 to 0xffff.
        required "id" id: Hex<4>,
    }
}

element! {
    /// A SCSI host.
    pub struct Adapter {
        /// Name such as `scsi_host0`.
        required "name" name: String,
    }
}

element! {
    /// Where a device is on the host; which parts count depends on the device's type.
    pub struct HostAddress {
        /// Type of the address; said by the device's type, tolerated here.
        attr "type" kind: Option<String>,
        /// Domain (segment) of PCI, 0 to 0xffff.
        attr "domain" domain: Option<Number>,
        /// Bus of PCI, USB or SCSI.
        attr "bus" bus: Option<Number>,
        /// Slot of PCI, 0 to 0x1f.
        attr "slot" slot: Option<Number>,
        /// Function of PCI, 0 to 7.
        attr "function" function: Option<Number>,
        /// Whether the slot holds more functions.
        attr "multifunction" multifunction: Option<OnOff>,
        /// Device on the USB bus; it changes when the device is plugged again.
        attr "device" device: Option<Number>,
        /// Port of the USB bus such as `1.2`.
        attr "port" port: Option<String>,
        /// Target of SCSI.
        attr "target" target: Option<Number>,
        /// Unit of SCSI.
        attr "unit" unit: Option<u64>,
        /// UUID of a mediated device.
        attr "uuid" uuid: Option<uuid::Uuid>,
    }
}

/// A host device, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum HostdevSource<'a> {
    /// A USB device; at least one of the pairs is there.
    Usb {
        /// Vendor and product.
        ids: Option<(u32, u32)>,
        /// Bus and device.
        place: Option<(u32, u32)>,
        /// Bus and port.
        port: Option<(u32, &'a str)>,
    },
    /// A PCI function.
    Pci {
        /// Its address on the host.
        address: PciAddress,
    },
    /// A SCSI unit of a host.
    Scsi {
        /// Name of the host.
        adapter: &'a str,
        /// Bus.
        bus: u32,
        /// Target.
        target: u32,
        /// Unit.
        unit: u64,
    },
    /// An iSCSI unit.
    Iscsi {
        /// Its name.
        name: &'a str,
        /// Servers.
        hosts: &'a [SourceHost],
    },
    /// A SCSI host, by vhost.
    ScsiHost {
        /// World-wide port name.
        wwpn: &'a str,
    },
    /// A mediated device.
    Mdev {
        /// Its UUID.
        uuid: uuid::Uuid,
    },
    /// A block device for a container.
    Storage {
        /// Absolute path.
        path: &'a str,
    },
    /// A character device for a container.
    Misc {
        /// Absolute path.
        path: &'a str,
    },
    /// A network interface for a container.
    Net {
        /// Its name.
        interface: &'a str,
    },
}

impl Hostdev {
    /// The host's device.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn source_view(&self) -> Result<HostdevSource<'_>, Problem> {
        let source = self.need(self.source.as_ref(), "a <source>")?;
        let address = source.address.as_ref();
        Ok(match self.kind {
            HostdevType::Usb => self.usb(source)?,
            HostdevType::Pci => {
                let address = address.and_then(HostAddress::pci);
                HostdevSource::Pci {
                    address: self.need(address, "<source> with an <address domain='…' bus='…' slot='…' function='…'/>")?
                }
            }
            HostdevType::Scsi if source.protocol.as_deref() == Some("iscsi") => HostdevSource::Iscsi {
                name: self.need(source.name.as_deref(), "<source protocol='iscsi' name='…'>")?,
                hosts: &source.hosts,
            },
            HostdevType::Scsi => {
                let address = address.and_then(|address| Some((address.bus?.value, address.target?.value, address.unit?)));
                let (bus, target, unit) = self.need(address, "<source> with an <address bus='…' target='…' unit='…'/>")?;
                let adapter = source.adapter.as_ref().map(|adapter| adapter.name.as_str());
                HostdevSource::Scsi { adapter: self.need(adapter, "<source> with an <adapter name='…'/>")?, bus, target, unit }
            }
            HostdevType::ScsiHost => {
                HostdevSource::ScsiHost { wwpn: self.need(source.wwpn.as_deref(), "<source protocol='vhost' wwpn='…'/>")? }
            }
            HostdevType::Mdev => {
                let uuid = address.and_then(|address| address.uuid);
                HostdevSource::Mdev { uuid: self.need(uuid, "<source> with an <address uuid='…'/>")? }
            }
            HostdevType::Storage => HostdevSource::Storage { path: self.need(source.block.as_deref(), "<source> with a <block>")? },
            HostdevType::Misc => HostdevSource::Misc { path: self.need(source.character.as_deref(), "<source> with a <char>")? },
            HostdevType::Net => HostdevSource::Net { interface: self.need(source.interface.as_deref(), "<source> with an <interface>")? },
        })
    }

    fn usb<'a>(&self, source: &'a HostdevSourceElement) -> Result<HostdevSource<'a>, Problem> {
        let ids = source.vendor.as_ref().zip(source.product.as_ref()).map(|(vendor, product)| (vendor.id.0, product.id.0));
        let address = source.address.as_ref();
        let bus = address.and_then(|address| address.bus).map(|bus| bus.value);
        let place = bus.zip(address.and_then(|address| address.device).map(|device| device.value));
        let port = bus.zip(address.and_then(|address| address.port.as_deref()));
        if ids.is_none() && place.is_none() && port.is_none() {
            let need = "<source> with <vendor id='…'/> and <product id='…'/>, or with an <address bus='…' device='…'/>";
            return self.need(None, need);
        }
        Ok(HostdevSource::Usb { ids, place, port })
    }

    fn need<T>(&self, value: Option<T>, what: &str) -> Result<T, Problem> {
        needed(value, &format!("<hostdev> of type '{}'", self.kind), what)
    }
}

impl HostAddress {
    /// The address of a PCI function; a domain that is left out is 0.
    pub(super) fn pci(&self) -> Option<PciAddress> {
        let domain = self.domain.unwrap_or_default().value;
        Some(PciAddress::new(domain, self.bus?.value, self.slot?.value, self.function?.value))
    }
}
