//! Which parts a network can have: a table of them, by what the network is made of.

use std::fmt;

use super::{Bridge, Dns, Forward, ForwardMode, Network};
use crate::document::Problems;
use crate::domain::devices::VirtualPortType;

/// What a network is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Isolated,
    Nat,
    Route,
    Open,
    /// A bridge of the host.
    HostBridge,
    /// Interfaces of the host that guests share, through macvtap.
    Shared,
    /// Interfaces of the host, one for each guest, through macvtap.
    Passthrough,
    Hostdev,
}

use Kind::{HostBridge, Hostdev, Isolated, Nat, Open, Passthrough, Route, Shared};

impl Kind {
    pub(super) fn of(network: &Network) -> Self {
        match network.mode() {
            None | Some(ForwardMode::None) => Isolated,
            Some(ForwardMode::Nat) => Nat,
            Some(ForwardMode::Route) => Route,
            Some(ForwardMode::Open) => Open,
            Some(ForwardMode::Bridge) if names_bridge(network) || !names_interfaces(network) => HostBridge,
            Some(ForwardMode::Bridge | ForwardMode::Private | ForwardMode::Vepa) => Shared,
            Some(ForwardMode::Passthrough) => Passthrough,
            Some(ForwardMode::Hostdev) => Hostdev,
        }
    }

    /// The switches that can be behind such a network.
    pub(super) const fn switches(self) -> &'static [VirtualPortType] {
        match self {
            Isolated | Nat | Route | Open => &[],
            HostBridge => &[VirtualPortType::OpenVSwitch, VirtualPortType::MidoNet],
            Shared | Passthrough => &[VirtualPortType::Qbg, VirtualPortType::Qbh],
            Hostdev => &[VirtualPortType::Qbh],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isolated => "an isolated network",
            Nat => "a network of the mode 'nat'",
            Route => "a network of the mode 'route'",
            Open => "a network of the mode 'open'",
            HostBridge => "a network on a bridge of the host",
            Shared => "a network on interfaces of the host",
            Passthrough => "a network of the mode 'passthrough'",
            Hostdev => "a network of the mode 'hostdev'",
        })
    }
}

fn names_bridge(network: &Network) -> bool {
    network.bridge.as_ref().is_some_and(|bridge| bridge.name.is_some())
}

fn names_interfaces(network: &Network) -> bool {
    network.forward.as_ref().is_some_and(|forward| {
        forward.dev.is_some() || forward.physical_function.is_some() || !forward.interfaces.is_empty() || !forward.addresses.is_empty()
    })
}

/// The kinds of networks that can have a part.
pub(super) struct Only {
    kinds: &'static [Kind],
    /// What they are, to complete "it is for …".
    words: &'static str,
}

impl Only {
    /// Tells a part that is there though a network of this kind cannot have it.
    pub(super) fn check(&self, kind: Kind, path: &str, there: bool, found: &mut Problems) {
        if there && !self.kinds.contains(&kind) {
            found.add(path, format!("it is for {}, and this is {kind}; remove it", self.words));
        }
    }
}

const OWN_BRIDGE: Only = Only {
    kinds: &[Isolated, Nat, Route, Open],
    words: "networks whose bridge the service makes (isolated ones and the modes 'nat', 'route' and 'open')",
};
const BRIDGE: Only = Only { kinds: &[Isolated, Nat, Route, Open, HostBridge], words: "networks with a bridge" };
const NAT: Only = Only { kinds: &[Nat], words: "the mode 'nat'" };
const INTERFACES: Only = Only {
    kinds: &[Nat, Route, Shared, Passthrough],
    words: "networks that use interfaces of the host (the modes 'nat', 'route', 'bridge', 'private', 'vepa' and 'passthrough')",
};
const FUNCTIONS: Only = Only {
    kinds: &[Shared, Passthrough, Hostdev],
    words: "networks on interfaces of the host (the modes 'bridge', 'private', 'vepa', 'passthrough' and 'hostdev')",
};
const HOSTDEV: Only = Only { kinds: &[Hostdev], words: "the mode 'hostdev'" };
/// Limits of single interfaces.
pub(super) const INTERFACE_LIMITS: Only = Only {
    kinds: &[Isolated, Nat, Route, Open, HostBridge, Shared, Passthrough],
    words: "all modes but 'hostdev', where the host does not see what flows",
};
/// Virtual networks of IEEE 802.1Q (of bridges of the kernel: libvirt 11.0, which has them on the host's bridges only).
pub(super) const TAGS: Only = Only {
    kinds: &[Isolated, Nat, Route, Open, HostBridge, Passthrough, Hostdev],
    words: "networks with a bridge and the modes 'passthrough' and 'hostdev'",
};
/// Parameters for switches.
pub(super) const SWITCHES: Only =
    Only { kinds: &[HostBridge, Shared, Passthrough, Hostdev], words: "networks on bridges, interfaces and functions of the host" };

/// Tells the parts that a network of this kind cannot have. Those that only say nothing there are let be.
pub(super) fn check(network: &Network, kind: Kind, found: &mut Problems) {
    let (no_forward, no_bridge) = (Forward::default(), Bridge::default());
    let forward = network.forward.as_ref().unwrap_or(&no_forward);
    let bridge = network.bridge.as_ref().unwrap_or(&no_bridge);
    let parts = [
        ("forward/@dev", INTERFACES, forward.dev.is_some()),
        ("forward/nat", NAT, forward.nat.is_some()),
        ("forward/pf", FUNCTIONS, forward.physical_function.is_some()),
        ("forward/interface", INTERFACES, !forward.interfaces.is_empty()),
        ("forward/address", HOSTDEV, !forward.addresses.is_empty()),
        ("bridge/@name", BRIDGE, bridge.name.is_some()),
        ("bridge/@zone", OWN_BRIDGE, bridge.zone.is_some()),
        ("bridge/@stp", OWN_BRIDGE, bridge.stp.is_some()),
        ("bridge/@delay", OWN_BRIDGE, bridge.delay.is_some()),
        ("bridge/@macTableManager", BRIDGE, bridge.mac_table_manager.is_some()),
        ("mtu", OWN_BRIDGE, network.mtu.is_some()),
        ("mac", OWN_BRIDGE, network.mac.is_some()),
        ("domain", OWN_BRIDGE, network.domain.is_some()),
        ("dns", OWN_BRIDGE, network.dns.as_ref().is_some_and(Dns::has_records)),
        ("vlan", TAGS, network.vlan.is_some()),
        ("bandwidth", BRIDGE, network.bandwidth.is_some()),
        ("port/@isolated", BRIDGE, network.isolates_ports()),
        ("ip", OWN_BRIDGE, !network.ips.is_empty()),
        ("route", OWN_BRIDGE, !network.routes.is_empty()),
        ("virtualport", SWITCHES, network.virtual_port.is_some()),
    ];
    for (path, only, there) in parts {
        only.check(kind, path, there, found);
    }
}
