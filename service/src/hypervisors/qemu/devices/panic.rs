//! `<panic>`: tells the host that the guest crashed.

use lodge_model::domain::devices::{Address, Panic, PanicModel};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a panic notifier.
///
/// # Errors
/// A model that a PC does not have.
pub fn add(draft: &mut Draft<'_>, panic: &Panic) -> Result<(), Refusal> {
    let name = alias::of(panic.alias.as_ref());
    let front_end = match panic.model.unwrap_or_default() {
        PanicModel::Isa => {
            let port = match &panic.address {
                Some(Address::Isa(address)) => address.iobase.map(|base| base.0),
                _ => None,
            };
            Props::device("pvpanic").opt("ioport", port)
        }
        PanicModel::Pvpanic => Props::device("pvpanic-pci").and(buses::pci(draft, name, panic.address.as_ref())?),
        // A feature of the processor.
        PanicModel::Hyperv => return Ok(()),
        model @ (PanicModel::Pseries | PanicModel::S390) => {
            return Err(Refusal::invalid(format!("<panic model='{model}'> is not for PCs: use model='isa' or model='pvpanic'")));
        }
    };
    draft.device("<panic>", front_end.with("id", name))
}
