//! SCSI targets, and the ports of Fibre Channel that they are reached by (`/sys/class/fc_remote_ports`).

use lodge_model::node_device::{Capability, CapabilityType, NestedCapability, NestedType};

use super::ids::Ids;
use super::scan::Described;
use super::scsi_host::world_wide_name;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    device.name().strip_prefix("target").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(Described::of(
        CapabilityType::ScsiTarget,
        Capability {
            target: Some(device.name().to_owned()),
            capabilities: remote_port(device).into_iter().collect(),
            ..Capability::default()
        },
    ))
}

fn remote_port(device: &Device) -> Option<NestedCapability> {
    let above = device.ancestors().find_map(|path| device.sysfs().device(path).filter(|above| above.name().starts_with("rport-")))?;
    let name = device.sysfs().linked("class/fc_remote_ports", above.name())?.text("port_name")?;
    Some(NestedCapability {
        kind: Some(NestedType::FcRemotePort.to_string()),
        remote_port: Some(above.name().to_owned()),
        wwpn: Some(world_wide_name(&name)?),
        ..NestedCapability::default()
    })
}
