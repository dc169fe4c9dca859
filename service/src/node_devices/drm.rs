//! Nodes of the direct rendering manager, which are the special files of graphics cards: `/sys/class/drm`.

use lodge_model::node_device::{Capability, CapabilityType, DrmType, Subtype};

use super::ids::Ids;
use super::scan::Described;
use crate::host::sysfs::Device;

/// What nodes are called, before their number.
const TYPES: [(&str, DrmType); 3] = [("renderD", DrmType::Render), ("controlD", DrmType::Control), ("card", DrmType::Primary)];

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    // Connectors are listed too, such as card0-HDMI-A-1.
    let is_numbered = |prefix| device.name().strip_prefix(prefix).is_some_and(|number| number.parse::<u32>().is_ok());
    let (_, kind) = TYPES.iter().find(|(prefix, _)| is_numbered(*prefix))?;
    let subtype = Subtype { word: Some(kind.to_string()), ..Subtype::default() };
    Some(Described::of(CapabilityType::Drm, Capability { subtype: Some(subtype), ..Capability::default() }))
}
