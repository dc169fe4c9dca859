//! An interface whose cable is a tap of the host: made and connected by others, and handed over as files.

use lodge_model::domain::devices::Interface;

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
    let place = draft.domain.devices.interfaces().nth(interface);
    let floor = |interface: &Interface| interface.bandwidth.as_ref()?.inbound.as_ref()?.floor;
    if place.and_then(floor).is_some() {
        draft.warn("the floor in <bandwidth> of an <interface> has no effect in this version: nothing is set aside for the guest");
    }
    draft.option_with("-netdev", parts, "\"}");
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
