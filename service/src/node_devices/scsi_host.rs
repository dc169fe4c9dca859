//! SCSI hosts, that is adapters, and what they are besides: adapters of Fibre Channel (`/sys/class/fc_host`), which virtual
//! ones can be made on (NPIV).

use lodge_model::node_device::{Capability, CapabilityType, NestedCapability, NestedType};

use super::ids::Ids;
use super::scan::Described;
use crate::host::sysfs::Device;

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let host = device.name().strip_prefix("host")?.parse().ok()?;
    let attribute = |name: &str| format!("scsi_host/{}/{name}", device.name());
    Some(Described::of(
        CapabilityType::ScsiHost,
        Capability {
            host: Some(host),
            unique_id: device.number(&attribute("unique_id")),
            capabilities: [fc_host(device), vport_ops(device)].into_iter().flatten().collect(),
            ..Capability::default()
        },
    ))
}

fn fc_host(device: &Device) -> Option<NestedCapability> {
    let name = |what: &str| world_wide_name(&device.text(&format!("fc_host/{}/{what}", device.name()))?);
    Some(NestedCapability {
        kind: Some(NestedType::FcHost.to_string()),
        wwnn: Some(name("node_name")?),
        wwpn: Some(name("port_name")?),
        fabric_wwn: name("fabric_name"),
        ..NestedCapability::default()
    })
}

fn vport_ops(device: &Device) -> Option<NestedCapability> {
    let place = ["fc_host", "scsi_host"].map(|class| format!("{class}/{}", device.name()));
    let place = place.iter().find(|place| device.has(&format!("{place}/vport_create")))?;
    Some(NestedCapability {
        kind: Some(NestedType::VportOps.to_string()),
        max_vports: device.number(&format!("{place}/max_npiv_vports")),
        vports: device.number(&format!("{place}/npiv_vports_inuse")),
        ..NestedCapability::default()
    })
}

/// The sixteen digits of a name that the kernel writes behind `0x`.
pub(super) fn world_wide_name(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    (digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then(|| digits.to_ascii_lowercase())
}
