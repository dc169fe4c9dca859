//! An interface whose cable is a tap of the host: made and connected by others, and handed over as files.

use lodge_model::domain::devices::{Interface, InterfaceBackend};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::plan::Slot;
use crate::hypervisors::qemu::props::Props;

/// A tap that a guest gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nic {
    /// The interface's place among the domain's, from 0.
    interface: usize,
    /// Files of the tap.
    queues: usize,
    /// Files of the kernel's service for it.
    vhost: usize,
}

/// The tap of an interface, if it has one.
pub(super) fn nic(draft: &Draft<'_>, interface: &Interface) -> Option<Nic> {
    let place = draft.domain.devices.interfaces().position(|other| std::ptr::eq(other, interface))?;
    draft.input.nics.get(&place).map(|(queues, vhost)| Nic { interface: place, queues: *queues, vhost: *vhost })
}

/// Adds the back end.
pub(super) fn add(draft: &mut Draft<'_>, id: &str, nic: Nic) {
    let Nic { interface, queues, vhost } = nic;
    let (fd, vhostfd) = if queues > 1 { ("fds", "vhostfds") } else { ("fd", "vhostfd") };
    let first = format!("{{\"type\":\"tap\",\"id\":\"{id}\",\"{fd}\":\"");
    let mut parts = numbers(first, queues, |queue| Slot::Tap { interface, queue });
    if vhost > 0 {
        parts.extend(numbers(format!("\",\"vhost\":true,\"{vhostfd}\":\""), vhost, |queue| Slot::Vhost { interface, queue }));
    }
    if let Some(interface) = draft.domain.devices.interfaces().nth(interface) {
        without_effect(draft, interface);
    }
    draft.option_with("-netdev", parts, "\"}");
}

/// Tells what of an interface is kept and does nothing.
fn without_effect(draft: &mut Draft<'_>, interface: &Interface) {
    let floor = || interface.bandwidth.as_ref()?.inbound.as_ref()?.floor;
    let backend = |has: fn(&InterfaceBackend) -> bool| interface.backend.as_deref().is_some_and(has);
    let parts = [
        ("the floor in <bandwidth>", floor().is_some(), "nothing is set aside for the guest"),
        ("<tune>", interface.tune.is_some(), "the kernel chooses how much waits to be sent"),
        ("<coalesce>", interface.coalesce.is_some(), "the guest is told of frames as they come"),
        ("<script>", interface.script.is_some() || interface.down_script.is_some(), "no program is run when the guest starts or ends"),
        ("<teaming>", interface.teaming.is_some(), "the guest is not told that the interface is half of a pair"),
        ("tap of <backend>", backend(|backend| backend.tap.is_some()), "/dev/net/tun is used"),
        ("vhost of <backend>", backend(|backend| backend.vhost.is_some()), "/dev/vhost-net is used"),
        (
            "trustGuestRxFilters",
            interface.trust_guest_rx_filters.is_some_and(|trusted| trusted.0),
            "a guest behind macvtap that takes another Ethernet address is not heard",
        ),
    ];
    for (part, _, effect) in parts.into_iter().filter(|(_, there, _)| *there) {
        draft.warn(format!("{part} of an <interface> has no effect in this version: {effect}"));
    }
}

/// Descriptors with colons between them.
fn numbers(before: String, count: usize, slot: impl Fn(usize) -> Slot) -> Vec<(String, Slot)> {
    (0..count).map(|queue| (if queue == 0 { before.clone() } else { ":".to_owned() }, slot(queue))).collect()
}

/// What a card of virtio has to know of several queues: an interrupt for each direction of each, one for the control queue and
/// one for changes of the configuration.
pub(super) fn queues(draft: &Draft<'_>, interface: &Interface) -> Props {
    match nic(draft, interface) {
        Some(Nic { queues, .. }) if queues > 1 => Props::empty().with("mq", true).with("vectors", 2 * queues + 2),
        _ => Props::empty(),
    }
}
