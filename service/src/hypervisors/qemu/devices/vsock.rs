//! `<vsock>`: sockets between guest and host (vsock(7)).

use lodge_model::domain::devices::{Vsock, VsockCid};

use super::virtio;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a vsock device.
///
/// # Errors
/// The host has no such sockets, no context id is free, or no place.
pub fn add(draft: &mut Draft<'_>, vsock: &Vsock) -> Result<(), Refusal> {
    let name = alias::of(vsock.alias.as_ref());
    let cid = match vsock.cid_view()? {
        VsockCid::Fixed(cid) => cid,
        VsockCid::Auto => draft.input.vsock_cid.ok_or_else(|| {
            Refusal::unsupported("<vsock> finds no free context id: stop another guest, or set <cid auto='no' address='…'/>")
        })?,
    };
    if !draft.input.host.vhost_vsock {
        return Err(Refusal::unsupported(
            "<vsock> needs /dev/vhost-vsock, which cannot be opened: load the module vhost_vsock and join the group kvm, or take <vsock> out",
        ));
    }
    draft.resource("/dev/vhost-vsock", Access::ReadWrite, LabelClass::Device);
    let place = buses::pci(draft, name, vsock.address.as_ref())?;
    let front_end = Props::device(&virtio::name("vhost-vsock", vsock.model)).with("id", name).with("guest-cid", cid);
    draft.device("<vsock>", front_end.and(virtio::driver(vsock.driver.as_ref())).and(place))
}
