//! The generic interfaces to SCSI units, `/dev/sg0` and so on.

use lodge_model::node_device::{Capability, CapabilityType};

use super::ids::Ids;
use super::scan::{Described, special_file};
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let character = special_file(device.event().get("DEVNAME")?);
    Some(Described::of(CapabilityType::ScsiGeneric, Capability { character: Some(character), ..Capability::default() }))
}
