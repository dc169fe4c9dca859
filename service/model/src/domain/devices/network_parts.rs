//! The parts of a network interface that speak of addresses, switches and throughput.

use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// A transport protocol.
    pub enum TransportProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
    }
}

keywords! {
    /// The family of an IP address.
    pub enum IpFamily {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }
}

keywords! {
    /// How the frames of a trunk's native network are marked.
    pub enum NativeMode {
        /// With its tag.
        Tagged = "tagged",
        /// Without a tag.
        Untagged = "untagged",
    }
}

element! {
    /// An address of an interface.
    pub struct InterfaceIp {
        /// The address; text, checked where it is used.
        required "address" address: String,
        /// Its family; told by the address when left out.
        attr "family" family: Option<IpFamily>,
        /// Length of the network's prefix, 0 to 128.
        attr "prefix" prefix: Option<u8>,
        /// The other end of a point-to-point connection.
        attr "peer" peer: Option<String>,
    }
}

element! {
    /// A route.
    pub struct InterfaceRoute {
        /// Family of the addresses; told by them when left out.
        attr "family" family: Option<IpFamily>,
        /// The network.
        attr "address" address: Option<String>,
        /// Its mask, of IPv4.
        attr "netmask" netmask: Option<String>,
        /// Length of its prefix, 0 to 128.
        attr "prefix" prefix: Option<u8>,
        /// The way there.
        attr "gateway" gateway: Option<String>,
        /// Its weight; the smallest wins.
        attr "metric" metric: Option<u32>,
    }
}

element! {
    /// Ports of the host that reach the guest.
    pub struct PortForward {
        /// The protocol.
        required "proto" protocol: TransportProtocol,
        /// Address of the host; any when left out.
        attr "address" address: Option<String>,
        /// Interface of the host; any when left out.
        attr "dev" dev: Option<String>,
        /// The ports; all when there are none.
        children "range" ranges: Vec<PortRange>,
    }
}

element! {
    /// Ports of the host and of the guest.
    pub struct PortRange {
        /// First port of the host.
        required "start" start: u16,
        /// Last port of the host; the first when left out.
        attr "end" end: Option<u16>,
        /// First port of the guest; that of the host when left out.
        attr "to" to: Option<u16>,
        /// Whether these ports are left out.
        attr "exclude" exclude: Option<YesNo>,
    }
}

element! {
    /// Names a filter of frames.
    pub struct FilterReference {
        /// The filter.
        required "filter" filter: String,
        /// Values of its variables.
        children "parameter" parameters: Vec<FilterParameter>,
    }
}

element! {
    /// A value of a filter's variable; several of a name are a list.
    pub struct FilterParameter {
        /// The variable.
        required "name" name: String,
        /// The value.
        required "value" value: String,
    }
}

element! {
    /// Limits of an interface's throughput.
    pub struct Bandwidth {
        /// Class on the network's bridge; reported, never configured.
        attr "classID" class_id: Option<u32>,
        /// To the guest.
        child "inbound" inbound: Option<BandwidthLimit>,
        /// From the guest.
        child "outbound" outbound: Option<BandwidthLimit>,
    }
}

element! {
    /// Limits in one direction.
    pub struct BandwidthLimit {
        /// Average in KiB a second.
        attr "average" average: Option<u64>,
        /// Most in KiB a second.
        attr "peak" peak: Option<u64>,
        /// Least that is always there, in KiB a second; of inbound only.
        attr "floor" floor: Option<u64>,
        /// KiB that may be sent at once at the peak.
        attr "burst" burst: Option<u64>,
    }
}

element! {
    /// Parameters for a switch.
    pub struct VirtualPort {
        /// Kind of switch: `openvswitch`, `802.1Qbg`, `802.1Qbh`, `midonet`; open, as switches are.
        attr "type" kind: Option<String>,
        /// The parameters.
        child "parameters" parameters: Option<VirtualPortParameters>,
    }
}

element! {
    /// Parameters for a switch; each kind has its own, kept as they are written.
    pub struct VirtualPortParameters {
        /// VSI manager, of 802.1Qbg.
        attr "managerid" manager_id: Option<String>,
        /// VSI type, of 802.1Qbg.
        attr "typeid" type_id: Option<String>,
        /// Version of the VSI type, of 802.1Qbg.
        attr "typeidversion" type_id_version: Option<String>,
        /// VSI instance, of 802.1Qbg.
        attr "instanceid" instance_id: Option<String>,
        /// Port profile.
        attr "profileid" profile_id: Option<String>,
        /// Identifier of the interface on the switch.
        attr "interfaceid" interface_id: Option<String>,
    }
}

element! {
    /// Virtual networks (IEEE 802.1Q).
    pub struct Vlan {
        /// Whether the interface is a trunk.
        attr "trunk" trunk: Option<YesNo>,
        /// The networks.
        children "tag" tags: Vec<VlanTag>,
    }
}

element! {
    /// A virtual network.
    pub struct VlanTag {
        /// Its number, 0 to 4095.
        required "id" id: u16,
        /// How its frames are marked, of the native network of a trunk.
        attr "nativeMode" native_mode: Option<NativeMode>,
    }
}

element! {
    /// Interrupt coalescing.
    pub struct Coalesce {
        /// Of what is received.
        child "rx" rx: Option<CoalesceRx>,
    }
}

element! {
    /// Interrupt coalescing of what is received.
    pub struct CoalesceRx {
        /// How many frames.
        child "frames" frames: Option<CoalesceFrames>,
    }
}

element! {
    /// How many frames one interrupt stands for.
    pub struct CoalesceFrames {
        /// At most.
        attr "max" max: Option<u32>,
    }
}
