//! Controllers: the buses that other devices sit on.

use super::address::Address;
use super::disk::IothreadMap;
use super::parts::{Acpi, Alias, KibSize};
use crate::xml::{Hex, OnOff};
use crate::{element, keywords};

keywords! {
    /// The bus that a controller makes.
    pub enum ControllerType {
        /// Parallel ATA.
        Ide = "ide",
        /// Floppy.
        Fdc = "fdc",
        /// SCSI.
        Scsi = "scsi",
        /// Serial ATA.
        Sata = "sata",
        /// Ports for consoles and channels.
        VirtioSerial = "virtio-serial",
        /// Smart cards.
        Ccid = "ccid",
        /// USB.
        Usb = "usb",
        /// PCI and PCI Express.
        Pci = "pci",
        /// Xen's paravirtual bus.
        Xenbus = "xenbus",
        /// ISA.
        Isa = "isa",
        /// NVM Express.
        Nvme = "nvme",
    }
}

element! {
    /// A controller: `<controller>`.
    pub struct Controller {
        /// The bus it makes.
        required "type" kind: ControllerType,
        /// Number among the controllers of its type, from 0; chosen by the service when left out.
        attr "index" index: Option<u32>,
        /// Model such as `qemu-xhci` or `pcie-root-port`; open, as each type has its own and
        /// hypervisors add to them.
        attr "model" model: Option<String>,
        /// Ports of a USB or virtio-serial controller.
        attr "ports" ports: Option<u32>,
        /// Interrupt vectors of a virtio-serial controller; 0 turns them off.
        attr "vectors" vectors: Option<u32>,
        /// Most pages that a Xen guest may grant.
        attr "maxGrantFrames" max_grant_frames: Option<u32>,
        /// Most event channels of a Xen guest.
        attr "maxEventChannels" max_event_channels: Option<u32>,
        /// Serial number of an NVMe controller.
        leaf "serial" serial: Option<String>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<ControllerDriver>,
        /// The USB 2 controller whose companion it is.
        child "master" master: Option<Master>,
        /// The hypervisor's device, of a PCI controller.
        child "model" device_model: Option<ControllerModel>,
        /// How the guest sees a PCI controller.
        child "target" target: Option<ControllerTarget>,
        /// Size of the 64-bit PCI hole of a root bus; KiB when the unit is left out.
        child "pcihole64" pci_hole_64: Option<KibSize>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// How the hypervisor treats a controller.
    pub struct ControllerDriver {
        /// Queues of a virtio-scsi controller.
        attr "queues" queues: Option<u32>,
        /// Most commands that wait for a unit.
        attr "cmd_per_lun" cmd_per_lun: Option<u32>,
        /// Most data of a command, in sectors of 512 bytes.
        attr "max_sectors" max_sectors: Option<u32>,
        /// Whether input and output are handled outside the guest's processor.
        attr "ioeventfd" ioeventfd: Option<OnOff>,
        /// The I/O thread that serves it, from 1.
        attr "iothread" iothread: Option<u32>,
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
        /// Several I/O threads that serve it.
        child "iothreads" iothreads: Option<Box<IothreadMap>>,
    }
}

element! {
    /// The place of a companion controller on its USB 2 controller.
    pub struct Master {
        /// First port, from 0.
        attr "startport" start_port: Option<u32>,
    }
}

element! {
    /// The hypervisor's device for a PCI controller.
    pub struct ControllerModel {
        /// Name such as `pcie-root-port`; open, as hypervisors are.
        attr "name" name: Option<String>,
    }
}

element! {
    /// How the guest sees a PCI controller.
    pub struct ControllerTarget {
        /// Chassis number of a PCI bridge, 0 to 255.
        attr "chassisNr" chassis_number: Option<u32>,
        /// Chassis of a PCI Express port, 0 to 255.
        attr "chassis" chassis: Option<u32>,
        /// Port of the chassis, 0 to 255.
        attr "port" port: Option<Hex<1>>,
        /// Bus number of an expander bus, 1 to 254.
        attr "busNr" bus_number: Option<u32>,
        /// Index of a host bridge of a POWER machine.
        attr "index" index: Option<u32>,
        /// Whether devices can be plugged while the guest runs.
        attr "hotplug" hotplug: Option<OnOff>,
        /// Least memory that the firmware keeps free for it, in KiB.
        attr "memReserve" memory_reserve: Option<u64>,
        /// NUMA node of the guest.
        leaf "node" node: Option<u32>,
    }
}

impl Controller {
    /// The controller's number; 0 when left out.
    pub fn index(&self) -> u32 {
        self.index.unwrap_or(0)
    }
}
