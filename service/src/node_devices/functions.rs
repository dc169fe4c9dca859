//! Virtual functions of network cards that guests have: the card itself holds each to its guest's Ethernet address and tag, whatever
//! the guest's driver asks for (the kernel's `Documentation/PCI/pci-iov-howto.rst`; ip-link(8), `vf`).

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::view::DeviceView;
use crate::error::{Error, ErrorKind, Result};
use crate::host::netlink::{Netlink, NetlinkError, VirtualFunction};
use crate::host::sysfs::Device;

/// What a guest's function is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its Ethernet address; zeros leave it to the function.
    pub mac: [u8; 6],
    /// The tag of its frames; 0 for none.
    pub vlan: u16,
}

/// The interface of the card that a function is of, and the function's number there. `None` of what is no function of a network
/// card whose driver is the host's.
fn place(device: &Device) -> Option<(String, u32)> {
    let card = device.linked("physfn")?;
    let interface = card.names("net").into_iter().next()?;
    let count = card.number("sriov_totalvfs").unwrap_or(0);
    let number = (0..count).find(|number| card.link(&format!("virtfn{number}")).as_deref() == Some(device.name()))?;
    Some((interface, number))
}

/// What a function is held to now; `None` of what is no virtual function.
///
/// # Errors
/// `HostFailed`.
pub(super) fn now(view: &DeviceView) -> Result<Option<Function>> {
    let Some((interface, number)) = view.device().and_then(place) else { return Ok(None) };
    let found = of_kernel(async |netlink: &Netlink, card| netlink.virtual_function(card, number).await, &interface);
    let VirtualFunction { mac, vlan } = found.map_err(|error| failed(view, &error))?;
    Ok(Some(Function { mac, vlan }))
}

/// Holds a function to something. Does nothing to what is no virtual function.
///
/// # Errors
/// `HostFailed`.
pub(super) fn hold(view: &DeviceView, Function { mac, vlan }: Function) -> Result<()> {
    let Some((interface, number)) = view.device().and_then(place) else { return Ok(()) };
    let to = VirtualFunction { mac, vlan };
    let held = of_kernel(async |netlink: &Netlink, card| netlink.set_virtual_function(card, number, to).await, &interface);
    held.map_err(|error| failed(view, &error))
}

/// Asks the kernel about the interface of a card, from a thread that may block.
fn of_kernel<T>(ask: impl AsyncFnOnce(&Netlink, u32) -> Result<T, NetlinkError>, interface: &str) -> Result<T, NetlinkError> {
    Handle::current().block_on(async {
        let netlink = Netlink::open()?;
        let gone = || NetlinkError { what: format!("find {interface}"), source: std::io::ErrorKind::NotFound.into() };
        let card = netlink.link(interface).await?.ok_or_else(gone)?;
        ask(&netlink, card.index).await
    })
}

fn failed(view: &DeviceView, error: &NetlinkError) -> Error {
    Error::new(ErrorKind::HostFailed, format!("{}: {error}", view.subject()))
}
