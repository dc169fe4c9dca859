//! `<parallel>`: parallel ports.

use lodge_model::domain::devices::Parallel;

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, chardev};

/// Adds a parallel port.
///
/// # Errors
/// A back end that cannot be.
pub fn add(draft: &mut Draft<'_>, parallel: &Parallel) -> Result<(), Refusal> {
    let name = alias::of(parallel.alias.as_ref());
    let backend = chardev::add(draft, name, "parallel", &parallel.source_view()?, parallel.log.as_ref())?;
    let index = parallel.target.as_ref().and_then(|target| target.port);
    draft.device("<parallel>", Props::device("isa-parallel").opt("index", index).with("chardev", backend.id).with("id", name))
}
