//! Network interfaces.
//!
//! What an interface is connected to stands in [`interface_source`](super::interface_source); here
//! is the card that the guest sees and how the hypervisor treats it.

use super::address::Address;
use super::interface_source::InterfaceSourceElement;
use super::mac::MacAddress;
use super::network_parts::{Bandwidth, Coalesce, FilterReference, InterfaceIp, PortForward, Route, VirtualPort, Vlan};
use super::parts::{Acpi, Alias, BackendDomain, Boot, Rom, Teaming, TypeName};
use crate::xml::{OnOff, YesNo};
use crate::{element, keywords};

keywords! {
    /// What an interface is connected to.
    pub enum InterfaceType {
        /// The hypervisor's own network, without any privilege.
        User = "user",
        /// A network of the service.
        Network = "network",
        /// A bridge of the host.
        Bridge = "bridge",
        /// An interface of the host, through macvtap.
        Direct = "direct",
        /// A tap interface that someone else connects.
        Ethernet = "ethernet",
        /// A vhost-user switch.
        VhostUser = "vhostuser",
        /// A network of other guests, by name.
        Internal = "internal",
        /// A multicast group.
        Mcast = "mcast",
        /// A TCP server.
        Client = "client",
        /// TCP clients.
        Server = "server",
        /// Another UDP socket.
        Udp = "udp",
        /// A PCI function of the host, given to the guest.
        Hostdev = "hostdev",
        /// A vDPA device of the host.
        Vdpa = "vdpa",
        /// Nothing.
        Null = "null",
        /// A distributed switch of VMware.
        Vds = "vds",
    }
}

keywords! {
    /// How an address came to be.
    pub enum MacType {
        /// By the service.
        Generated = "generated",
        /// By a person.
        Static = "static",
    }
}

keywords! {
    /// Who makes the network of an interface of type user.
    pub enum BackendType {
        /// The hypervisor.
        Default = "default",
        /// The program passt.
        Passt = "passt",
    }
}

keywords! {
    /// Who moves the frames between guest and host.
    pub enum InterfaceDriverName {
        /// The hypervisor.
        Qemu = "qemu",
        /// The kernel.
        Vhost = "vhost",
        /// VFIO, of a host device.
        Vfio = "vfio",
        /// KVM's old assignment, of a host device.
        Kvm = "kvm",
        /// Xen, of a host device.
        Xen = "xen",
    }
}

keywords! {
    /// How the hypervisor sends.
    pub enum TxMode {
        /// In the thread of input and output.
        Iothread = "iothread",
        /// After a timer.
        Timer = "timer",
    }
}

keywords! {
    /// Whether the cable is plugged in.
    pub enum LinkState {
        /// It is.
        Up = "up",
        /// It is not.
        Down = "down",
    }
}

keywords! {
    /// The part of an interface in a pair that survives migration.
    pub enum TeamingType {
        /// It stays.
        Persistent = "persistent",
        /// It is unplugged for a migration.
        Transient = "transient",
    }
}

element! {
    /// A network interface: `<interface>`.
    pub struct Interface {
        /// What it is connected to.
        required "type" kind: InterfaceType,
        /// Whether the service takes a host device from the host and gives it back.
        attr "managed" managed: Option<YesNo>,
        /// Whether the guest may choose what it receives.
        attr "trustGuestRxFilters" trust_guest_rx_filters: Option<YesNo>,
        /// Its Ethernet address; chosen by the service when left out.
        child "mac" mac: Option<Mac>,
        /// What it is connected to.
        child "source" source: Option<InterfaceSourceElement>,
        /// Parameters for a switch.
        child "virtualport" virtual_port: Option<Box<VirtualPort>>,
        /// Script that is run when the tap interface is made.
        child "script" script: Option<Script>,
        /// Script that is run when the tap interface is taken away.
        child "downscript" down_script: Option<Script>,
        /// The Xen domain that serves it.
        child "backenddomain" backend_domain: Option<BackendDomain>,
        /// The interface on the host.
        child "target" target: Option<InterfaceTarget>,
        /// The name in a container.
        child "guest" guest: Option<GuestName>,
        /// The card that the guest sees: `virtio`, `e1000e`, …; open, as hypervisors add cards.
        child "model" model: Option<TypeName>,
        /// How the hypervisor treats it.
        child "driver" driver: Option<Box<InterfaceDriver>>,
        /// Who makes its network.
        child "backend" backend: Option<Box<InterfaceBackend>>,
        /// Filter of its frames.
        child "filterref" filter: Option<Box<FilterReference>>,
        /// Buffers of the tap interface.
        child "tune" tune: Option<Tune>,
        /// Whether the cable is plugged in.
        child "link" link: Option<Link>,
        /// Largest packet.
        child "mtu" mtu: Option<Mtu>,
        /// Interrupt coalescing.
        child "coalesce" coalesce: Option<Box<Coalesce>>,
        /// Addresses of the guest's end.
        children "ip" ips: Vec<InterfaceIp>,
        /// Routes of the guest's end.
        children "route" routes: Vec<Route>,
        /// Ports of the host that reach the guest.
        children "portForward" port_forwards: Vec<PortForward>,
        /// Limits of its throughput.
        child "bandwidth" bandwidth: Option<Box<Bandwidth>>,
        /// Virtual networks.
        child "vlan" vlan: Option<Box<Vlan>>,
        /// Its port on a bridge.
        child "port" port: Option<BridgePort>,
        /// The pair it belongs to.
        child "teaming" teaming: Option<Box<Teaming>>,
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
    /// The Ethernet address of an interface.
    pub struct Mac {
        /// The address.
        attr "address" address: Option<MacAddress>,
        /// How it came to be.
        attr "type" kind: Option<MacType>,
        /// Whether a VMware host checks it.
        attr "check" check: Option<YesNo>,
        /// The address that the guest set; reported, never configured.
        attr "currentAddress" current_address: Option<MacAddress>,
    }
}

element! {
    /// A script.
    pub struct Script {
        /// Its path; names without a slash are looked up where the hypervisor keeps scripts.
        attr "path" path: Option<String>,
    }
}

element! {
    /// The interface on the host.
    pub struct InterfaceTarget {
        /// Its name; chosen at start when left out or one of the service's own prefixes.
        attr "dev" dev: Option<String>,
        /// Whether the service makes and removes it, of type ethernet.
        attr "managed" managed: Option<YesNo>,
    }
}

element! {
    /// The name of an interface in a container.
    pub struct GuestName {
        /// The name wanted.
        attr "dev" dev: Option<String>,
        /// The name it got; reported, never configured.
        attr "actual" actual: Option<String>,
    }
}

element! {
    /// How the hypervisor treats an interface.
    pub struct InterfaceDriver {
        /// Who moves the frames.
        attr "name" name: Option<InterfaceDriverName>,
        /// VFIO driver of the kernel, of a host device.
        attr "model" model: Option<String>,
        /// How the hypervisor sends.
        attr "txmode" tx_mode: Option<TxMode>,
        /// Whether input and output are handled outside the guest's processor.
        attr "ioeventfd" ioeventfd: Option<OnOff>,
        /// Whether interrupts are saved with an index.
        attr "event_idx" event_idx: Option<OnOff>,
        /// Queues, from 1.
        attr "queues" queues: Option<u32>,
        /// Entries of each receive queue.
        attr "rx_queue_size" rx_queue_size: Option<u32>,
        /// Entries of each send queue.
        attr "tx_queue_size" tx_queue_size: Option<u32>,
        /// Receive side scaling.
        attr "rss" rss: Option<OnOff>,
        /// Whether the guest is told the hash of a packet.
        attr "rss_hash_report" rss_hash_report: Option<OnOff>,
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
        /// What the host leaves undone.
        child "host" host: Option<Offloads>,
        /// What the guest leaves undone.
        child "guest" guest: Option<Offloads>,
    }
}

element! {
    /// Work on packets that one side leaves to the other.
    pub struct Offloads {
        /// Checksums.
        attr "csum" csum: Option<OnOff>,
        /// Segmentation in general.
        attr "gso" gso: Option<OnOff>,
        /// TCP segmentation over IPv4.
        attr "tso4" tso4: Option<OnOff>,
        /// TCP segmentation over IPv6.
        attr "tso6" tso6: Option<OnOff>,
        /// Congestion notification in segments.
        attr "ecn" ecn: Option<OnOff>,
        /// UDP fragmentation.
        attr "ufo" ufo: Option<OnOff>,
        /// Merged receive buffers.
        attr "mrg_rxbuf" mrg_rxbuf: Option<OnOff>,
    }
}

element! {
    /// Who makes the network of an interface.
    pub struct InterfaceBackend {
        /// Who, of type user.
        attr "type" kind: Option<BackendType>,
        /// Absolute path of passt's log.
        attr "logFile" log_file: Option<String>,
        /// Absolute path of the tap device; `/dev/net/tun` when left out.
        attr "tap" tap: Option<String>,
        /// Absolute path of the vhost device; `/dev/vhost-net` when left out.
        attr "vhost" vhost: Option<String>,
    }
}

element! {
    /// Buffers of the tap interface.
    pub struct Tune {
        /// Send buffer in bytes; 0 is no limit.
        leaf "sndbuf" sndbuf: Option<u64>,
    }
}

element! {
    /// Whether the cable is plugged in.
    pub struct Link {
        /// The state.
        required "state" state: LinkState,
    }
}

element! {
    /// The largest packet.
    pub struct Mtu {
        /// In bytes.
        required "size" size: u32,
    }
}

element! {
    /// The port of an interface on a bridge.
    pub struct BridgePort {
        /// Whether it is kept from other isolated ports.
        attr "isolated" isolated: Option<YesNo>,
    }
}

impl Interface {
    /// Its Ethernet address, if it has one.
    pub fn mac_address(&self) -> Option<MacAddress> {
        self.mac.as_ref().and_then(|mac| mac.address)
    }

    /// The card that the guest sees, or nothing.
    pub fn model_name(&self) -> &str {
        self.model.as_ref().and_then(|model| model.kind.as_deref()).unwrap_or_default()
    }
}
