//! SCSI units.

use lodge_model::node_device::{Capability, CapabilityType, Subtype};

use super::ids::Ids;
use super::scan::Described;
use crate::host::sysfs::Device;

/// Types of units by their number (SCSI Primary Commands, peripheral device type).
const TYPES: [&str; 15] = [
    "disk",
    "tape",
    "printer",
    "processor",
    "worm",
    "cdrom",
    "scanner",
    "mod",
    "changer",
    "communication",
    "",
    "",
    "raid",
    "enclosure",
    "rbc",
];

pub(super) fn describe(device: &Device, _: &mut Ids) -> Option<Described> {
    let mut parts = device.name().split(':').map(|part| part.parse::<u64>().ok());
    let (host, bus, target, lun) = (parts.next()??, parts.next()??, parts.next()??, parts.next()??);
    let word = device.number::<usize>("type").and_then(|number| TYPES.get(number)).filter(|word| !word.is_empty());
    Some(Described::of(
        CapabilityType::Scsi,
        Capability {
            host: Some(host.try_into().ok()?),
            bus: Some(bus.to_string()),
            target: Some(target.to_string()),
            lun: Some(lun),
            subtype: word.map(|word| Subtype { word: Some((*word).to_owned()), ..Subtype::default() }),
            ..Capability::default()
        },
    ))
}
