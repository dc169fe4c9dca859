//! `<hub>`: USB hubs.

use lodge_model::domain::devices::Hub;

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a hub.
///
/// # Errors
/// No place.
pub fn add(draft: &mut Draft<'_>, hub: &Hub) -> Result<(), Refusal> {
    let name = alias::of(hub.alias.as_ref());
    let place = buses::usb(draft, name, hub.address.as_ref())?;
    draft.device("<hub>", Props::device("usb-hub").with("id", name).and(place))
}
