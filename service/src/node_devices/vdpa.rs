//! Network devices whose data path is that of virtio: `/sys/bus/vdpa/devices`.

use lodge_model::node_device::{Capability, CapabilityType};

use super::ids::Ids;
use super::scan::{Described, special_file};
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let node = device.names("").into_iter().find(|name| name.starts_with("vhost-vdpa-"))?;
    Some(Described::of(CapabilityType::Vdpa, Capability { character_device: Some(special_file(&node)), ..Capability::default() }))
}
