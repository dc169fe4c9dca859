//! `<rng>`: random number generators.

use lodge_model::domain::devices::{Rng, RngSource};

use super::virtio;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses, chardev};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a random number generator.
///
/// # Errors
/// No back end, one that cannot be, or no place.
pub fn add(draft: &mut Draft<'_>, rng: &Rng) -> Result<(), Refusal> {
    let name = alias::of(rng.alias.as_ref());
    let id = format!("obj{name}");
    match rng.backend_view()? {
        RngSource::Random { path } => {
            draft.resource(path, Access::Read, LabelClass::Device);
            draft.object(Props::object("rng-random", &id).with("filename", path));
        }
        RngSource::Egd(source) => {
            let log = rng.backend.as_ref().and_then(|backend| backend.log.as_ref());
            let backend = chardev::add(draft, name, "rng", &source, log)?;
            draft.object(Props::object("rng-egd", &id).with("chardev", backend.id));
        }
        RngSource::Builtin => draft.object(Props::object("rng-builtin", &id)),
    }
    let place = buses::pci(draft, name, rng.address.as_ref())?;
    let rate = rng.rate.as_ref();
    let front_end = Props::device(&virtio::name("virtio-rng", rng.model)).with("rng", id).with("id", name);
    let front_end = front_end.opt("max-bytes", rate.map(|rate| rate.bytes)).opt("period", rate.map(|rate| rate.period.unwrap_or(1000)));
    draft.device("<rng>", front_end.and(virtio::driver(rng.driver.as_ref())).and(place))
}
