//! `<memballoon>`: gives memory of the guest back to the host.

use lodge_model::domain::devices::{BalloonModel, Memballoon, VirtioModel};
use serde_json::json;

use super::virtio;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a memory balloon, if there is one.
///
/// # Errors
/// A model for another hypervisor, or no place.
pub fn add(draft: &mut Draft<'_>, balloon: &Memballoon) -> Result<(), Refusal> {
    let name = alias::of(balloon.alias.as_ref());
    let model = match balloon.model {
        BalloonModel::None => return Ok(()),
        BalloonModel::Virtio => VirtioModel::Virtio,
        BalloonModel::VirtioTransitional => VirtioModel::Transitional,
        BalloonModel::VirtioNonTransitional => VirtioModel::NonTransitional,
        BalloonModel::Xen => return Err(Refusal::invalid("<memballoon model='xen'> is for Xen guests: use model='virtio'")),
    };
    let place = buses::pci(draft, name, balloon.address.as_ref())?;
    let front_end = Props::device(&virtio::name("virtio-balloon", Some(model))).with("id", name).and(place);
    let front_end = front_end.bool("deflate-on-oom", balloon.autodeflate).bool("free-page-reporting", balloon.free_page_reporting);
    draft.device("<memballoon>", front_end.and(virtio::driver(balloon.driver.as_ref())))?;
    if let Some(stats) = &balloon.stats {
        let path = format!("/machine/peripheral/{name}");
        let arguments = json!({ "path": path, "property": "guest-stats-polling-interval", "value": stats.period });
        draft.set_up("qom-set", arguments);
    }
    Ok(())
}
