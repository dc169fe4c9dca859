//! `<watchdog>`: devices that act when the guest no longer answers. What they do is in `-action`.

use lodge_model::domain::devices::Watchdog;

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a watchdog.
///
/// # Errors
/// A model that a PC does not have, or no place.
pub fn add(draft: &mut Draft<'_>, watchdog: &Watchdog) -> Result<(), Refusal> {
    let name = alias::of(watchdog.alias.as_ref());
    let front_end = match watchdog.model.as_str() {
        "i6300esb" => Props::device("i6300esb").and(buses::pci(draft, name, watchdog.address.as_ref())?),
        "ib700" => Props::device("ib700"),
        // Part of a q35; it resets only if it is let.
        "itco" if draft.is_q35() => {
            draft.option("-global", "ICH9-LPC.noreboot=off");
            return Ok(());
        }
        "itco" => return Err(Refusal::invalid("<watchdog model='itco'> is part of q35 machines only: use model='i6300esb'")),
        other => {
            return Err(Refusal::invalid(format!(
                "<watchdog> has the model '{other}', which a PC cannot have: use i6300esb, ib700 or itco"
            )));
        }
    };
    draft.device("<watchdog>", front_end.with("id", name))
}
