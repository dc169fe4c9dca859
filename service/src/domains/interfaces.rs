//! Interfaces of guests that lead to networks, bridges and interfaces of the host: made before a guest starts, and taken away
//! when it is over. A driver sees only files.

use std::sync::Arc;

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Interface, InterfaceDriverName, InterfaceSource, InterfaceTarget};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::host::tap;
use crate::hypervisors::{Launch, Nic, Nics};
use crate::networks::{Filter, Limits, Plug, To, vlans};

/// Names on the host that the service gives by itself: one of these in a definition is of an earlier run (libvirt,
/// formatdomain, `<target>`).
const OWN_NAMES: [&str; 2] = ["vnet", "macvtap"];

impl Engine {
    /// Makes the interfaces that a guest needs, and tells the driver of them. What was made goes with the launch, and with
    /// [`Engine::unplug`].
    pub(super) async fn plug(&self, launch: &mut Launch) -> Result<()> {
        // What its last run had is gone by then.
        let last = self.unplugging().remove(&launch.uuid);
        if let Some(last) = last {
            // One that crashed has told so.
            last.await.unwrap_or_default();
        }
        let mut nics = Nics::new();
        for (place, wanted) in wanted(launch.uuid, &launch.domain, self.networks.is_session())? {
            let plugged = self.networks.plug(&wanted).await?;
            let interface = launch.domain.devices.interfaces_mut().nth(place);
            let vhost = interface.as_deref().map(|interface| vhost(interface, wanted.queues)).transpose()?.unwrap_or_default();
            if let Some(interface) = interface {
                interface.target.get_or_insert_with(InterfaceTarget::default).dev = Some(plugged.interface);
            }
            nics.insert(place, Nic { queues: plugged.queues, vhost });
        }
        launch.nics = Arc::new(nics);
        Ok(())
    }

    /// Takes away what a guest had, in a task of its own: an actor waits for no other.
    pub(super) fn unplug(&self, guest: Uuid) {
        let networks = self.networks.clone();
        let task = tokio::spawn(async move { networks.unplug(guest).await });
        let mut unplugging = self.unplugging();
        unplugging.retain(|_, task: &mut JoinHandle<()>| !task.is_finished());
        unplugging.insert(guest, task);
    }
}

/// The interfaces of a domain that are to be made, by their places among the domain's, from 0. In a user's own instance (`session`)
/// these are those on bridges only; of the others the driver says what becomes of them.
fn wanted(owner: Uuid, domain: &Domain, session: bool) -> Result<Vec<(usize, Plug)>> {
    let mut all = Vec::new();
    for (place, interface) in domain.devices.interfaces().enumerate() {
        let source = interface.source_view().map_err(|problem| Error::new(ErrorKind::InvalidXml, problem.to_string()))?;
        let to = match source {
            InterfaceSource::Network { network, port_group } => {
                To::Network { name: network.to_owned(), port_group: port_group.map(str::to_owned) }
            }
            InterfaceSource::Bridge { bridge } => To::Bridge(bridge.to_owned()),
            InterfaceSource::Direct { dev, mode } => To::Direct { dev: dev.to_owned(), mode },
            InterfaceSource::Ethernet => To::Nothing { is_there: is_there(interface) },
            _ => continue,
        };
        if !session || matches!(to, To::Bridge(_)) {
            all.push((place, plug(owner, interface, to)?));
        }
    }
    Ok(all)
}

/// Refuses what would be less than is asked for: a guest that reaches what it should not.
pub(super) fn refuse_unguarded(interface: &Interface) -> Result<()> {
    if interface.virtual_port.is_none() {
        return Ok(());
    }
    let reason = "an <interface> has <virtualport>, and this version does not know ports of other switches than the kernel's bridges: the guest \
                  would reach more than is meant; take <virtualport> out and use a bridge of the kernel, or connect the guest yourself, with a \
                  tap that ovs-vsctl add-port puts into the switch and <interface type='ethernet'> with <target dev='…' managed='no'/>";
    Err(Error::new(ErrorKind::NotSupported, reason))
}

fn plug(owner: Uuid, interface: &Interface, to: To) -> Result<Plug> {
    refuse_unguarded(interface)?;
    let mac = interface.mac_address().ok_or_else(|| Error::new(ErrorKind::Internal, "a completed interface has no Ethernet address"))?;
    let name = interface.target.as_ref().and_then(|target| target.dev.clone());
    let name = name.filter(|name| !name.is_empty() && !OWN_NAMES.iter().any(|own| name.starts_with(own)));
    let virtio = interface.model_name().starts_with("virtio");
    let queues = interface.driver.as_ref().and_then(|driver| driver.queues).unwrap_or(1);
    if queues == 0 || (queues > 1 && !virtio) {
        let reason =
            format!("{queues} queues: a card of the model virtio has 1 or more, and all others have 1; correct <driver queues='…'/>");
        return Err(Error::new(ErrorKind::InvalidXml, reason));
    }
    Ok(Plug {
        owner,
        mac: mac.0,
        to,
        name,
        queues,
        vnet_header: virtio,
        mtu: interface.mtu.as_ref().map(|mtu| mtu.size),
        limits: interface.bandwidth.as_deref().and_then(Limits::of),
        vlans: interface.vlan.as_deref().map(vlans).transpose()?.unwrap_or_default(),
        filter: interface.filter.as_deref().map(|reference| Filter::of(reference, mac)).transpose()?,
        isolated: interface.port.as_ref().and_then(|port| port.isolated).is_some_and(|isolated| isolated.0),
    })
}

fn is_there(interface: &Interface) -> bool {
    interface.target.as_ref().and_then(|target| target.managed).is_some_and(|managed| !managed.0)
}

/// Files by which the kernel itself moves the frames of a card of virtio, where it can and the definition does not say
/// otherwise.
fn vhost(interface: &Interface, queues: u32) -> Result<Vec<std::os::fd::OwnedFd>> {
    let name = interface.driver.as_ref().and_then(|driver| driver.name);
    if !interface.model_name().starts_with("virtio") || name == Some(InterfaceDriverName::Qemu) {
        return Ok(Vec::new());
    }
    match tap::open_vhost(queues) {
        Ok(Some(files)) => Ok(files),
        Ok(None) if name == Some(InterfaceDriverName::Vhost) => {
            let reason = "<driver name='vhost'/> asks for the kernel's own way, and there is no /dev/vhost-net: modprobe vhost_net, or write \
                          name='qemu'";
            Err(Error::new(ErrorKind::NotSupported, reason))
        }
        Ok(None) => Ok(Vec::new()),
        Err(error) => Err(Error::new(ErrorKind::HostFailed, format!("cannot open /dev/vhost-net: {error}"))),
    }
}
