//! Guests' interfaces: made, connected, and handed over as files.
//!
//! A tap is there as long as the guest has its files open, so it needs no removal, whatever ends the guest. A macvtap stays:
//! it carries its owner's identity as its alias (ip-link(8)), by which it is found and removed when the guest is over.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use lodge_model::domain::devices::DirectMode;
use uuid::Uuid;

use super::filter::{self, Filter};
use super::limits::{self, Limits, Side};
use super::request::{Connect, Connection};
use super::{Networks, apparatus, vlans};
use crate::error::{Error, ErrorKind, Result};
use crate::host::bridge_helper::{self, BridgeHelperError};
use crate::host::netlink::{Link, MacVtapMode, PortFlags, VlanMember, VlanPort};
use crate::host::nftables::{self, NftablesError};
use crate::host::tap::{self, Tap, TapFiles};

/// How taps are called that have no name of their own.
const TAPS: &str = "vnet%d";
/// The same of macvtaps.
const MACVTAPS: &str = "macvtap%d";
/// The first byte of a tap's own address, the rest being the guest's: the bridge must not learn the guest's behind both.
const TAP_MAC: u8 = 0xfe;

/// A guest's interface that is to be made.
#[derive(Debug, Clone)]
pub struct Plug {
    /// The guest.
    pub owner: Uuid,
    /// The interface's Ethernet address.
    pub mac: [u8; 6],
    /// What it is connected to.
    pub to: To,
    /// Its name on the host; one is chosen when left out.
    pub name: Option<String>,
    /// Its queues, from 1.
    pub queues: u32,
    /// Whether frames carry the header of virtio.
    pub vnet_header: bool,
    /// Largest packet in bytes; that of the network when left out.
    pub mtu: Option<u32>,
    /// Whether it is kept from other isolated ports.
    pub isolated: bool,
    /// Its limits.
    pub limits: Option<Limits>,
    /// Its virtual networks; those of the network when there are none.
    pub vlans: Vec<VlanMember>,
    /// The filter of what it sends.
    pub filter: Option<Filter>,
}

/// Whose bridge it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The service's: it may tell it to keep virtual networks apart.
    Ours,
    /// Somebody else's.
    Others,
}

/// What a guest's interface is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A network.
    Network {
        /// Its name.
        name: String,
        /// Its port group.
        port_group: Option<String>,
    },
    /// A bridge of the host.
    Bridge(String),
    /// An interface of the host, through macvtap.
    Direct {
        /// Its name.
        dev: String,
        /// How frames are treated.
        mode: DirectMode,
    },
    /// Whatever somebody else connects it to.
    Nothing {
        /// Whether it is there already.
        is_there: bool,
    },
}

/// A guest's interface that was made.
#[derive(Debug)]
pub struct Plugged {
    /// Its name on the host.
    pub interface: String,
    /// A file for each queue.
    pub queues: Vec<OwnedFd>,
    /// Largest packet in bytes, where that was chosen.
    pub mtu: Option<u32>,
}

impl Networks {
    /// Makes a guest's interface and connects it. It is gone when its files are closed and the guest is unplugged.
    ///
    /// # Errors
    /// `NotFound` for a network, bridge or interface that is not there; `InvalidState` for a network that does not run;
    /// `NotSupported` in a user's own instance, but for bridges that the administrator lets users have.
    pub async fn plug(&self, plug: &Plug) -> Result<Plugged> {
        let (owner, mac) = (plug.owner, plug.mac);
        if let (true, To::Bridge(bridge)) = (self.session, &plug.to) {
            return by_helper(plug, bridge).await;
        }
        self.refuse_session()?;
        match &plug.to {
            To::Network { name, port_group } => {
                let network = self.registry.find(name)?;
                let (port_group, limits) = (port_group.clone(), plug.limits.clone());
                let (vlans, filter) = (plug.vlans.clone(), plug.filter.clone());
                let connection = network.connect(Connect { owner, mac, port_group, limits, vlans, filter }).await?;
                let plugged = match connection {
                    Connection::Bridge { bridge, isolated, fixed_addresses, mtu, limits, vlans, whose } => {
                        let flags = PortFlags { isolated: isolated || plug.isolated, fixed_addresses };
                        let plug = Plug { limits, vlans, mtu: plug.mtu.or(mtu), ..plug.clone() };
                        self.on_bridge(&plug, (&bridge, whose), flags).await?
                    }
                    Connection::Direct { dev, mode, limits } => self.direct(&Plug { limits, ..plug.clone() }, &dev, mode).await?,
                };
                network.connected(owner, mac, &plugged.interface).await;
                Ok(plugged)
            }
            To::Bridge(bridge) => {
                let flags = PortFlags { isolated: plug.isolated, fixed_addresses: false };
                self.on_bridge(plug, (bridge, Whose::Others), flags).await
            }
            To::Direct { dev, mode } => self.direct(plug, dev, *mode).await,
            To::Nothing { is_there } => self.unconnected(plug, *is_there).await,
        }
    }

    /// Takes away what a guest had, and gives its places free.
    pub async fn unplug(&self, owner: Uuid) {
        for network in self.registry.all() {
            network.disconnect(owner).await;
        }
        match self.host.netlink.links().await {
            Ok(links) => {
                for link in links.iter().filter(|link| link.alias == alias(owner)) {
                    if let Err(error) = self.host.netlink.remove_link(link.index).await {
                        tracing::warn!("the interface {} of a guest that is over stays behind: {error}", link.name);
                    }
                }
            }
            Err(error) => tracing::warn!("interfaces of a guest that is over may stay behind: {error}"),
        }
        if !self.session
            && let Err(error) = self.sweep_tables().await
        {
            tracing::warn!("rules for interfaces that are gone stay behind: {error}");
        }
    }

    /// Removes limits and filters of interfaces that are gone.
    async fn sweep_tables(&self) -> Result<()> {
        let tables = match nftables::tables(limits::FAMILY).await {
            Ok(tables) => tables,
            Err(NftablesError::Missing) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let links = self.host.netlink.links().await?;
        let of_link = |link: &Link| [limits::table_of(&link.name), filter::table_of(&link.name)];
        let there: BTreeSet<String> = links.iter().flat_map(of_link).collect();
        let is_ours = |table: &&String| table.starts_with(limits::PREFIX) || table.starts_with(filter::PREFIX);
        for table in tables.iter().filter(|table| is_ours(table) && !there.contains(*table)) {
            nftables::apply(&limits::remove(table)).await?;
        }
        Ok(())
    }

    async fn on_bridge(&self, plug: &Plug, (bridge, whose): (&str, Whose), flags: PortFlags) -> Result<Plugged> {
        let netlink = &self.host.netlink;
        let found = netlink.link(bridge).await?.filter(Link::is_bridge);
        let Some(found) = found else {
            let reason = format!("there is no bridge {bridge} on this host; make it, as with: ip link add {bridge} type bridge");
            return Err(Error::new(ErrorKind::NotFound, reason));
        };
        if !plug.vlans.is_empty() {
            apparatus::require_filtering(&self.host, &found, whose).await?;
        }
        let TapFiles { name, queues } = self.make(plug, false).await?;
        let index = self.index_of(&name).await?;
        let [_, rest @ ..] = plug.mac;
        let [a, b, c, d, e] = rest;
        netlink.set_mac(index, [TAP_MAC, a, b, c, d, e]).await?;
        // Of the bridge's size, else the bridge would take the tap's.
        netlink.set_mtu(index, plug.mtu.unwrap_or(found.mtu)).await?;
        netlink.connect(index, found.index).await?;
        if !plug.vlans.is_empty() {
            netlink.set_vlans(index, VlanPort::Port, &plug.vlans).await?;
        }
        if flags != PortFlags::default() {
            netlink.set_port(index, flags).await?;
        }
        if flags.fixed_addresses {
            netlink.pin_mac(index, plug.mac).await?;
        }
        guard(plug, &name, Side::Host).await?;
        netlink.switch(index, true).await?;
        Ok(Plugged { interface: name, queues, mtu: plug.mtu })
    }

    async fn direct(&self, plug: &Plug, dev: &str, mode: DirectMode) -> Result<Plugged> {
        if !plug.vlans.is_empty() {
            return Err(vlans::refuse_elsewhere("an interface of the host"));
        }
        let netlink = &self.host.netlink;
        let Some(lower) = netlink.link(dev).await? else {
            let reason = format!("this host has no interface {dev}; correct <source dev='…'/>, ip link tells those that it has");
            return Err(Error::new(ErrorKind::NotFound, reason));
        };
        let mode = match mode {
            DirectMode::Vepa => MacVtapMode::Vepa,
            DirectMode::Bridge => MacVtapMode::Bridge,
            DirectMode::Private => MacVtapMode::Private,
            DirectMode::Passthrough => MacVtapMode::Passthrough,
        };
        let name = plug.name.clone().unwrap_or_else(|| MACVTAPS.to_owned());
        let made = netlink.add_macvtap(&name, &lower, mode, plug.mac, &alias(plug.owner)).await?;
        let opened = async {
            if let Some(mtu) = plug.mtu {
                netlink.set_mtu(made.index, mtu).await?;
            }
            guard(plug, &made.name, Side::Guest).await?;
            netlink.switch(made.index, true).await?;
            let (index, queues, header) = (made.index, plug.queues, plug.vnet_header);
            blocking(move || tap::open_macvtap(index, queues, header)).await.map_err(|error| failed("open", &made.name, &error))
        };
        match opened.await {
            Ok(queues) => Ok(Plugged { interface: made.name, queues, mtu: plug.mtu }),
            Err(error) => {
                if let Err(undo) = netlink.remove_link(made.index).await {
                    tracing::warn!("the interface {} stays behind: {undo}", made.name);
                }
                Err(error)
            }
        }
    }

    async fn unconnected(&self, plug: &Plug, is_there: bool) -> Result<Plugged> {
        if !plug.vlans.is_empty() {
            return Err(vlans::refuse_elsewhere("whatever somebody else connects its interface to"));
        }
        let TapFiles { name, queues } = self.make(plug, is_there).await?;
        if !is_there {
            let index = self.index_of(&name).await?;
            let [_, a, b, c, d, e] = plug.mac;
            self.host.netlink.set_mac(index, [TAP_MAC, a, b, c, d, e]).await?;
            if let Some(mtu) = plug.mtu {
                self.host.netlink.set_mtu(index, mtu).await?;
            }
            guard(plug, &name, Side::Host).await?;
            self.host.netlink.switch(index, true).await?;
        } else {
            guard(plug, &name, Side::Host).await?;
        }
        Ok(Plugged { interface: name, queues, mtu: plug.mtu })
    }

    async fn make(&self, plug: &Plug, is_there: bool) -> Result<TapFiles> {
        let name = plug.name.clone().unwrap_or_else(|| TAPS.to_owned());
        let (queues, vnet_header, wanted) = (plug.queues, plug.vnet_header, name.clone());
        let made = blocking(move || {
            let tap = Tap { name: &wanted, queues, vnet_header };
            if is_there { tap::join(&tap) } else { tap::make(&tap) }
        });
        made.await.map_err(|error| failed(if is_there { "open" } else { "make" }, &name, &error))
    }

    async fn index_of(&self, name: &str) -> Result<u32> {
        let gone = || Error::new(ErrorKind::HostFailed, format!("the interface {name} is gone as soon as it was made"));
        Ok(self.host.netlink.link(name).await?.ok_or_else(gone)?.index)
    }
}

/// Limits an interface and filters what the guest sends, before it is on.
async fn guard(plug: &Plug, interface: &str, side: Side) -> Result<()> {
    if let Some(wanted) = &plug.limits {
        nftables::apply(&limits::make(interface, wanted, side)).await?;
    }
    if let Some(filter) = &plug.filter {
        nftables::apply(&filter::make(interface, filter, side)).await?;
    }
    Ok(())
}

/// An interface on a bridge that the administrator lets users have.
async fn by_helper(plug: &Plug, bridge: &str) -> Result<Plugged> {
    if plug.limits.is_some() || !plug.vlans.is_empty() || plug.filter.is_some() {
        let reason = "an interface of a user's own guest on a bridge can have neither limits nor virtual networks nor filters, which take rights \
                      that a user has not; take <bandwidth>, <vlan> and <filterref> out, or define the guest in the system's service";
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    if plug.queues > 1 {
        let reason = "an interface of a user's own guest on a bridge has one queue; take queues out of <driver>";
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    let made = bridge_helper::tap(bridge, plug.vnet_header).await.map_err(|error| {
        let kind = match error {
            BridgeHelperError::Missing => ErrorKind::NotSupported,
            _ => ErrorKind::NotAuthorized,
        };
        let step =
            format!("the administrator allows it with the line 'allow {bridge}' in /etc/qemu/bridge.conf, and chmod u+s of the helper");
        Error::new(kind, format!("cannot connect a guest to the bridge {bridge}: {error}; {step}"))
    })?;
    let interface = tap::name_of(&made).map_err(|error| failed("open", bridge, &error))?;
    Ok(Plugged { interface, queues: vec![made], mtu: None })
}

/// What a macvtap carries.
fn alias(owner: Uuid) -> String {
    format!("lodge guest {owner}")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn failed(verb: &str, name: &str, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::ResourceBusy { ErrorKind::InUse } else { ErrorKind::HostFailed };
    let step = match error.kind() {
        io::ErrorKind::NotFound => format!("; this needs {}: modprobe tun", tap::DEVICE),
        io::ErrorKind::ResourceBusy => "; another interface has that name, or its files are open elsewhere".to_owned(),
        _ => String::new(),
    };
    Error::new(kind, format!("cannot {verb} the interface {name} for a guest: {error}{step}"))
}
