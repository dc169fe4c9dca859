//! The parts of a network interface that speak of addresses, switches and throughput.

use core::net::IpAddr;

use uuid::Uuid;

use crate::addresses::{IpFamily, Netmask, Prefix};
use crate::document::Problems;
use crate::xml::{Value, YesNo};
use crate::{element, keywords};

/// The largest number of a virtual network (IEEE 802.1Q: 12 bits).
const MAX_VLAN: u16 = 4095;
/// Longest name of a port profile (libvirt, networkcommon.rng).
const MAX_PROFILE_BYTES: usize = 39;

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
    /// A route, of an interface or of a virtual network.
    pub struct Route {
        /// Family of the addresses; told by them when left out.
        attr "family" family: Option<IpFamily>,
        /// The network; an address in it will do.
        attr "address" address: Option<IpAddr>,
        /// Its mask, of IPv4.
        attr "netmask" netmask: Option<Netmask>,
        /// Length of its prefix, instead of a mask.
        attr "prefix" prefix: Option<Prefix>,
        /// The way there.
        attr "gateway" gateway: Option<IpAddr>,
        /// Its weight, from 1; the smallest wins.
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

keywords! {
    /// A kind of switch.
    pub enum VirtualPortType {
        /// Open vSwitch.
        OpenVSwitch = "openvswitch",
        /// A switch of hardware to which guests are told one by one: VEPA (IEEE 802.1Qbg).
        Qbg = "802.1Qbg",
        /// A switch of hardware with a profile for each guest: VN-Link (IEEE 802.1Qbh).
        Qbh = "802.1Qbh",
        /// MidoNet.
        MidoNet = "midonet",
    }
}

element! {
    /// Parameters for a switch.
    pub struct VirtualPort {
        /// Kind of switch, one of [`VirtualPortType`]; open, as switches are.
        attr "type" kind: Option<String>,
        /// The parameters.
        child "parameters" parameters: Option<VirtualPortParameters>,
    }
}

element! {
    /// Parameters for a switch; each kind has its own, kept as they are written.
    pub struct VirtualPortParameters {
        /// VSI manager, of 802.1Qbg: 0 to 255.
        attr "managerid" manager_id: Option<String>,
        /// VSI type, of 802.1Qbg: 0 to 0xffffff.
        attr "typeid" type_id: Option<String>,
        /// Version of the VSI type, of 802.1Qbg: 0 to 255.
        attr "typeidversion" type_id_version: Option<String>,
        /// VSI instance, of 802.1Qbg: a UUID.
        attr "instanceid" instance_id: Option<String>,
        /// Port profile, up to 39 bytes.
        attr "profileid" profile_id: Option<String>,
        /// Identifier of the interface on the switch: a UUID.
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

impl Bandwidth {
    /// Tells limits that say nothing, and one that its direction cannot have.
    pub fn check(&self, found: &mut Problems) {
        let said = |rate: Option<u64>| rate.is_some_and(|rate| rate > 0);
        for (direction, limit) in [("inbound", &self.inbound), ("outbound", &self.outbound)] {
            let Some(limit) = limit else { continue };
            let only_floor = said(limit.floor) && !said(limit.peak) && !said(limit.burst);
            if !said(limit.average) && !only_floor {
                found.add(format!("{direction}/@average"), "it is not said how much may flow; write average='1000', in KiB a second");
            }
        }
        if self.outbound.as_ref().is_some_and(|limit| limit.floor.is_some()) {
            found.add("outbound/@floor", "only what flows to a guest can be guaranteed; remove it, or write it into <inbound>");
        }
    }
}

impl Vlan {
    /// Whether frames keep their tags on the way to the guest.
    pub fn is_trunk(&self) -> bool {
        self.trunk.is_some_and(|trunk| trunk.0) || self.tags.len() > 1
    }

    /// Tells what is wrong with its tags.
    pub fn check(&self, found: &mut Problems) {
        if self.tags.is_empty() {
            found.add("tag", "no network is named; write <tag id='42'/>");
        }
        found.each("tag", &self.tags, |found, tag| {
            if tag.id > MAX_VLAN {
                found.add("@id", format!("there is no network {}; write a number from 0 to {MAX_VLAN}", tag.id));
            }
        });
        found.unique("tag/@id", "network", self.tags.iter().map(|tag| tag.id));
        if self.tags.len() > 1 && self.trunk.is_some_and(|trunk| !trunk.0) {
            found.add("@trunk", "several networks make a trunk; write trunk='yes', or keep one <tag>");
        }
        if self.tags.iter().filter(|tag| tag.native_mode.is_some()).count() > 1 {
            found.add("tag/@nativeMode", "one network of a trunk can be the native one; keep nativeMode at that one");
        }
    }
}

impl VirtualPort {
    /// Its kind of switch, if it says one that is known; tells what is wrong with it.
    pub fn check(&self, found: &mut Problems) -> Option<VirtualPortType> {
        let kind = self.kind.as_deref().and_then(|kind| found.word("@type", kind));
        if let Some(parameters) = &self.parameters {
            found.inside("parameters", |found| parameters.check(found));
        }
        kind
    }
}

impl VirtualPortParameters {
    fn check(&self, found: &mut Problems) {
        let numbers = [
            ("@managerid", &self.manager_id, 0xff),
            ("@typeid", &self.type_id, 0xff_ffff),
            ("@typeidversion", &self.type_id_version, 0xff),
        ];
        for (path, number, largest) in numbers {
            let Some(number) = number else { continue };
            if <u32 as Value>::parse(number).is_none_or(|number| number > largest) {
                found.add(path, format!("'{number}' is no number from 0 to {largest}; write one"));
            }
        }
        for (path, uuid) in [("@instanceid", &self.instance_id), ("@interfaceid", &self.interface_id)] {
            if let Some(uuid) = uuid {
                found.word::<Uuid>(path, uuid);
            }
        }
        if let Some(profile) = self.profile_id.as_ref().filter(|profile| profile.len() > MAX_PROFILE_BYTES) {
            found.add("@profileid", format!("the name has {} bytes and may have {MAX_PROFILE_BYTES}; shorten it", profile.len()));
        }
    }
}
