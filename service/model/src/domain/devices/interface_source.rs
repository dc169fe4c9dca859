//! What a network interface is connected to.
//!
//! [`InterfaceSourceElement`] is `<source>` as it is written, with the attributes of all types;
//! [`InterfaceSource`] is the checked union.

use super::address::PciAddress;
use super::hostdev::{HostAddress, UsbId};
use super::interface::{BackendType, Interface, InterfaceType};
use super::network_parts::{InterfaceIp, Route};
use super::parts::Reconnect;
use super::problem::{Problem, needed};
use crate::xml::{Value, YesNo};
use crate::{element, keywords};

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

element! {
    /// The source of an interface as it is written; which parts count depends on its type.
    pub struct InterfaceSourceElement {
        /// Kind of socket, of vhost-user: `unix`.
        attr "type" kind: Option<String>,
        /// Set where a host device was missing at start; reported, never configured.
        attr "missing" missing: Option<YesNo>,
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
        /// Vendor of a USB host device.
        child "vendor" vendor: Option<UsbId>,
        /// Product of a USB host device.
        child "product" product: Option<UsbId>,
        /// PCI or USB address of a host device.
        child "address" address: Option<Box<HostAddress>>,
        /// Addresses of the host's end.
        children "ip" ips: Vec<InterfaceIp>,
        /// Routes of the host's end.
        children "route" routes: Vec<Route>,
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
        address: &'a HostAddress,
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

    /// The address of the host's PCI function that it is, of the type `hostdev`.
    ///
    /// # Errors
    /// Part of it is missing.
    pub fn pci_of_host(&self) -> Result<PciAddress, Problem> {
        let address = self.source.as_ref().and_then(|source| source.address.as_deref()).and_then(HostAddress::pci);
        self.need(address, "<source> with an <address type='pci' domain='…' bus='…' slot='…' function='…'/>")
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
