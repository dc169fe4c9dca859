//! `<channel>`: named connections between a program in the guest and one on the host.

use lodge_model::domain::devices::{Channel, ChannelType, ChardevSource};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses, chardev};

/// The channel that the guest agent listens on.
const AGENT: &str = "org.qemu.guest_agent.0";

/// Adds a channel.
///
/// # Errors
/// A kind of channel that cannot be, no place, or a back end that cannot be.
pub fn add(draft: &mut Draft<'_>, channel: &Channel) -> Result<(), Refusal> {
    let name = alias::of(channel.alias.as_ref());
    let target = channel.target.as_ref();
    match target.map(|target| target.kind) {
        Some(ChannelType::Virtio) => {}
        None => return Err(Refusal::invalid("<channel> needs <target type='virtio' name='…'/>: add it")),
        Some(kind) => {
            return Err(Refusal::unsupported(format!(
                "<channel> has the target '{kind}', which this version cannot do: use <target type='virtio' name='…'/>"
            )));
        }
    }
    let source = channel.source_view()?;
    let backend = chardev::add(draft, name, "channel", &source, channel.log.as_ref())?;
    let place = buses::virtio_serial(draft, name, channel.address.as_ref())?;
    let known = match source {
        ChardevSource::SpiceVmc | ChardevSource::QemuVdagent { .. } => Some("com.redhat.spice.0"),
        _ => None,
    };
    let port = target.and_then(|target| target.name.as_deref()).or(known);
    if port == Some(AGENT)
        && let Some(socket) = backend.stream.and_then(|stream| stream.socket)
    {
        draft.agent(socket);
    }
    let front_end = Props::device("virtserialport").and(place).with("chardev", backend.id).with("id", name).opt("name", port);
    draft.device("<channel>", front_end)
}
