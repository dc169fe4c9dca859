//! Network interfaces.
//!
//! [`InterfaceSourceElement`] is `<source>` as it is written; [`InterfaceSource`] is the checked
//! union of what an interface is connected to.

use super::address::Address;
use super::mac::MacAddress;
use super::network_parts::{Bandwidth, Coalesce, FilterReference, InterfaceIp, InterfaceRoute, PortForward, VirtualPort, Vlan};
use super::parts::{Acpi, Alias, BackendDomain, Boot, Reconnect, Rom, Teaming, TypeName};
use super::problem::{Problem, needed};
use crate::xml::{OnOff, Value, YesNo};
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
    /// How macvtap treats the frames of a guest.
    pub enum DirectMode {
        /// They go through an external bridge.
        Vepa = "vepa",
        /// Guests of one host reach each other.
        Bridge = "bridge",
        /// Guests of one host never reach each other.
        Private = "private",
        /// The guest gets the interface for itself.
        Passthrough = "passthrough",
    }
}

keywords! {
    /// Which side of a vhost-user socket the hypervisor is.
    pub enum VhostUserMode {
        /// It connects.
        Client = "client",
        /// It listens.
        Server = "server",
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
        children "route" routes: Vec<InterfaceRoute>,
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
    /// The source of an interface as it is written; which parts count depends on its type.
    pub struct InterfaceSourceElement {
        /// Kind of socket, of vhost-user: `unix`.
        attr "type" kind: Option<String>,
        /// Network of the service.
        attr "network" network: Option<String>,
        /// Its port group.
        attr "portgroup" port_group: Option<String>,
        /// Identifier of the network's port; reported, never configured.
        attr "portid" port_id: Option<String>,
        /// Bridge of the host.
        attr "bridge" bridge: Option<String>,
        /// Who maintains the bridge's table of addresses: `kernel` or `libvirt`.
        attr "macTableManager" mac_table_manager: Option<String>,
        /// Interface of the host, or path of a vDPA device.
        attr "dev" dev: Option<String>,
        /// Absolute path of a socket.
        attr "path" path: Option<String>,
        /// Mode of macvtap or of a vhost-user socket; open here, since each type has its own.
        attr "mode" mode: Option<String>,
        /// Name of an internal network.
        attr "name" name: Option<String>,
        /// IP address of a socket.
        attr "address" ip_address: Option<String>,
        /// Port of a socket.
        attr "port" port: Option<u16>,
        /// UUID of a distributed switch.
        attr "switchid" switch_id: Option<String>,
        /// Port group of a distributed switch.
        attr "portgroupid" port_group_id: Option<String>,
        /// Connection to a distributed switch.
        attr "connectionid" connection_id: Option<i64>,
        /// The other end of a UDP socket pair.
        child "local" local: Option<LocalSocket>,
        /// How a broken vhost-user connection is made again.
        child "reconnect" reconnect: Option<Reconnect>,
        /// PCI or USB address of a host device.
        child "address" address: Option<Box<Address>>,
        /// Addresses of the host's end.
        children "ip" ips: Vec<InterfaceIp>,
        /// Routes of the host's end.
        children "route" routes: Vec<InterfaceRoute>,
    }
}

element! {
    /// The local end of a UDP socket.
    pub struct LocalSocket {
        /// IP address.
        attr "address" address: Option<String>,
        /// Port.
        attr "port" port: Option<u16>,
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

/// What an interface is connected to, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum InterfaceSource<'a> {
    /// The hypervisor's own network.
    User {
        /// Who makes it.
        backend: BackendType,
        /// Interface of the host whose addresses passt takes over.
        dev: Option<&'a str>,
    },
    /// A network of the service.
    Network {
        /// Its name.
        network: &'a str,
        /// Its port group.
        port_group: Option<&'a str>,
    },
    /// A bridge of the host.
    Bridge {
        /// Its name.
        bridge: &'a str,
    },
    /// An interface of the host, through macvtap.
    Direct {
        /// Its name.
        dev: &'a str,
        /// How frames are treated.
        mode: DirectMode,
    },
    /// A tap interface that someone else connects.
    Ethernet,
    /// A vhost-user switch.
    VhostUser {
        /// Absolute path of its socket.
        path: &'a str,
        /// Which side the hypervisor is.
        mode: VhostUserMode,
    },
    /// A network of other guests.
    Internal {
        /// Its name.
        name: &'a str,
    },
    /// A multicast group.
    Mcast(Socket<'a>),
    /// A TCP server.
    Client(Socket<'a>),
    /// TCP clients.
    Server(Socket<'a>),
    /// Another UDP socket.
    Udp {
        /// The other end.
        remote: Socket<'a>,
        /// This end.
        local: Option<Socket<'a>>,
    },
    /// A PCI or USB device of the host.
    Hostdev {
        /// Its address on the host.
        address: &'a Address,
    },
    /// A vDPA device.
    Vdpa {
        /// Absolute path.
        path: &'a str,
    },
    /// Nothing.
    Null,
    /// A distributed switch.
    Vds {
        /// Its UUID.
        switch_id: &'a str,
    },
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket<'a> {
    /// IP address; the loopback or any address when left out, as the connection asks.
    pub address: Option<&'a str>,
    /// Port.
    pub port: u16,
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

    /// What it is connected to.
    ///
    /// # Errors
    /// Part of what the type asks for is missing or not a word of it.
    pub fn source_view(&self) -> Result<InterfaceSource<'_>, Problem> {
        let source = self.source.as_ref();
        let text = |pick: fn(&InterfaceSourceElement) -> Option<&String>| {
            source.and_then(pick).map(String::as_str).filter(|text| !text.is_empty())
        };
        let dev = text(|source| source.dev.as_ref());
        Ok(match self.kind {
            InterfaceType::User => {
                let backend = self.backend.as_ref().and_then(|backend| backend.kind).unwrap_or_default();
                InterfaceSource::User { backend, dev }
            }
            InterfaceType::Network => InterfaceSource::Network {
                network: self.need(text(|source| source.network.as_ref()), "<source network='…'/>")?,
                port_group: text(|source| source.port_group.as_ref()),
            },
            InterfaceType::Bridge => {
                InterfaceSource::Bridge { bridge: self.need(text(|source| source.bridge.as_ref()), "<source bridge='…'/>")? }
            }
            InterfaceType::Direct => InterfaceSource::Direct { dev: self.need(dev, "<source dev='…'/>")?, mode: self.mode()? },
            InterfaceType::Ethernet => InterfaceSource::Ethernet,
            InterfaceType::VhostUser => InterfaceSource::VhostUser {
                path: self.need(text(|source| source.path.as_ref()), "<source type='unix' path='…' mode='client'/>")?,
                mode: self.mode()?,
            },
            InterfaceType::Internal => {
                InterfaceSource::Internal { name: self.need(text(|source| source.name.as_ref()), "<source name='…'/>")? }
            }
            InterfaceType::Mcast => InterfaceSource::Mcast(self.socket()?),
            InterfaceType::Client => InterfaceSource::Client(self.socket()?),
            InterfaceType::Server => InterfaceSource::Server(self.socket()?),
            InterfaceType::Udp => {
                let local = source.and_then(|source| source.local.as_ref());
                let local = local.and_then(|local| Some(Socket { address: local.address.as_deref(), port: local.port? }));
                InterfaceSource::Udp { remote: self.socket()?, local }
            }
            InterfaceType::Hostdev => {
                let address = source.and_then(|source| source.address.as_deref());
                InterfaceSource::Hostdev { address: self.need(address, "a <source> with an <address type='pci'>")? }
            }
            InterfaceType::Vdpa => InterfaceSource::Vdpa { path: self.need(dev, "<source dev='…'/>")? },
            InterfaceType::Null => InterfaceSource::Null,
            InterfaceType::Vds => {
                InterfaceSource::Vds { switch_id: self.need(text(|source| source.switch_id.as_ref()), "<source switchid='…'/>")? }
            }
        })
    }

    fn need<T>(&self, value: Option<T>, what: &str) -> Result<T, Problem> {
        needed(value, &format!("<interface> of type '{}'", self.kind), what)
    }

    /// The source's mode as a word of the interface's type, the default when left out.
    fn mode<T: Value + Default>(&self) -> Result<T, Problem> {
        let Some(word) = self.source.as_ref().and_then(|source| source.mode.as_deref()) else { return Ok(T::default()) };
        T::parse(word).ok_or_else(|| {
            let kind = self.kind;
            Problem(format!("<interface> of type '{kind}' needs a mode that is {}; '{word}' is not", T::EXPECTED))
        })
    }

    fn socket(&self) -> Result<Socket<'_>, Problem> {
        let source = self.source.as_ref();
        let port = self.need(source.and_then(|source| source.port), "<source address='…' port='…'/>")?;
        Ok(Socket { address: source.and_then(|source| source.ip_address.as_deref()), port })
    }
}
