//! How guests reach the rest of the world: `<forward>`, with the parts of all modes.

use core::net::Ipv4Addr;

use crate::domain::devices::{HostdevDriver, PciAddress};
use crate::xml::{Content, Reader, Writer, XmlError, YesNo};
use crate::{element, keywords};

keywords! {
    /// A way to the rest of the world.
    pub enum ForwardMode {
        /// Routed by the host, behind its own address.
        Nat = "nat",
        /// Routed by the host.
        Route = "route",
        /// Routed by the host, with no firewall rule of the service.
        Open = "open",
        /// By a bridge of the host, or by an interface of the host through macvtap.
        Bridge = "bridge",
        /// Through macvtap: guests of one host never reach each other.
        Private = "private",
        /// Through macvtap: guests of one host reach each other by way of a switch outside.
        Vepa = "vepa",
        /// Through macvtap: each guest has an interface of the host for itself.
        Passthrough = "passthrough",
        /// Each guest has a PCI function of the host for itself.
        Hostdev = "hostdev",
        /// There is none, as without `<forward>`. No schema has it; many people write it.
        None = "none",
    }
}

element! {
    /// How guests reach the rest of the world; which parts count depends on the mode.
    pub struct Forward {
        /// The way; `nat` when left out.
        attr "mode" mode: Option<ForwardMode>,
        /// Interface of the host by which traffic leaves; any when left out.
        attr "dev" dev: Option<String>,
        /// Whether the service takes functions from the host and gives them back, of the mode `hostdev`.
        /// Elsewhere it says nothing.
        attr "managed" managed: Option<YesNo>,
        /// How functions are given, of the mode `hostdev`. Elsewhere it says nothing.
        child "driver" driver: Option<HostdevDriver>,
        /// Behind which addresses guests are hidden, of the mode `nat`.
        child "nat" nat: Option<Nat>,
        /// The interface whose virtual functions are what guests get.
        child "pf" physical_function: Option<PhysicalFunction>,
        /// Interfaces of the host.
        children "interface" interfaces: Vec<ForwardInterface>,
        /// PCI functions of the host.
        children "address" addresses: Vec<ForwardAddress>,
    }
}

element! {
    /// Behind which addresses guests are hidden.
    pub struct Nat {
        /// Whether IPv6 is translated too; it is routed when left out.
        attr "ipv6" ipv6: Option<YesNo>,
        /// The addresses; that of the interface by which traffic leaves when left out.
        child "address" address: Option<NatAddresses>,
        /// The ports; 1024 to 65535 when left out.
        child "port" port: Option<NatPorts>,
    }
}

element! {
    /// Addresses of IPv4.
    pub struct NatAddresses {
        /// First.
        attr "start" start: Option<Ipv4Addr>,
        /// Last.
        attr "end" end: Option<Ipv4Addr>,
    }
}

element! {
    /// Ports of TCP and UDP.
    pub struct NatPorts {
        /// First, from 1.
        attr "start" start: Option<u16>,
        /// Last.
        attr "end" end: Option<u16>,
    }
}

element! {
    /// An interface with virtual functions (SR-IOV).
    pub struct PhysicalFunction {
        /// Its name.
        required "dev" dev: String,
    }
}

element! {
    /// An interface of the host.
    pub struct ForwardInterface {
        /// Its name.
        required "dev" dev: String,
        /// Interfaces of guests that use it; reported, never configured.
        attr "connections" connections: Option<u32>,
    }
}

/// A PCI function of the host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForwardAddress {
    /// Its address.
    pub pci: PciAddress,
    /// Interfaces of guests that use it; reported, never configured.
    pub connections: Option<u32>,
}

// By hand, because the address is in the same element as the number.
impl Content for ForwardAddress {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
        let kind: String = reader.required("type")?;
        if kind.trim() != PCI {
            return Err(reader.error(format!("expected an address of the type '{PCI}', found '{kind}'")));
        }
        Ok(Self { connections: reader.attr("connections")?, pci: PciAddress::read(reader)? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.required("type", &PCI.to_owned());
        self.pci.write(writer);
        writer.attr("connections", &self.connections);
    }
}

const PCI: &str = "pci";
