//! From sysfs to documents: which devices there are, how each is called, and what it is on.
//!
//! Names are libvirt's: subsystem and name in sysfs, with what tells the device from a later one in the same place, and `_` for
//! every character that is no letter or digit. A device is on the nearest directory above its own that is a listed device,
//! else on the one named `computer`.

use std::collections::{BTreeMap, HashMap};

use lodge_model::node_device::{Capability, CapabilityType, DeviceDriver, DeviceFile, DeviceFileType, DeviceParent, NodeDevice};

use super::ids::Ids;
use super::{computer, drm, mdev, net, pci, scsi, scsi_generic, scsi_host, scsi_target, storage, usb, usb_device, vdpa};
use crate::host::sysfs::{Device, Sysfs};

/// What a device is, and what its name ends with.
pub(super) struct Described {
    pub capability: Capability,
    pub suffix: Option<String>,
}

impl Described {
    pub fn of(kind: CapabilityType, capability: Capability) -> Self {
        Self { capability: Capability { kind: Some(kind.to_string()), ..capability }, suffix: None }
    }

    pub fn named(self, suffix: Option<String>) -> Self {
        Self { suffix, ..self }
    }
}

/// Describes a device, if it is of that kind.
type Describe = fn(&Device, &mut Ids) -> Option<Described>;

/// A list of devices: subsystem, place below `/sys`, and the kinds in it.
pub(super) type List = (&'static str, &'static str, &'static [Describe]);

/// The lists. A device that stands in none is none of ours.
const LISTS: &[List] = &[
    ("pci", "bus/pci/devices", &[pci::describe]),
    ("usb", "bus/usb/devices", &[usb_device::describe, usb::describe]),
    ("scsi", "bus/scsi/devices", &[scsi::describe, scsi_target::describe, scsi_host::describe]),
    ("scsi_generic", "class/scsi_generic", &[scsi_generic::describe]),
    ("block", "class/block", &[storage::describe]),
    ("net", "class/net", &[net::describe]),
    ("drm", "class/drm", &[drm::describe]),
    ("mdev", "bus/mdev/devices", &[mdev::describe]),
    ("vdpa", "bus/vdpa/devices", &[vdpa::describe]),
];

/// The subsystems whose news matter.
pub(super) const SUBSYSTEMS: &[&str] = &["pci", "usb", "scsi", "scsi_generic", "block", "net", "drm", "mdev", "vdpa"];

/// A device that was found, and where, so that it can be looked at again.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub document: NodeDevice,
    /// None of the host as a whole.
    pub listed: Option<(&'static List, Device)>,
}

/// Looks for all devices; by name.
pub(super) fn all(sysfs: &Sysfs, ids: &mut Ids) -> BTreeMap<String, Found> {
    let listed = LISTS.iter().flat_map(|list| sysfs.listed(list.1).into_iter().map(move |device| (list, device)));
    let described: Vec<_> = listed.filter_map(|(list, device)| Some((describe(list, &device, ids)?, list, device))).collect();
    let names: HashMap<&str, &str> = described.iter().map(|((name, _), _, device)| (device.path(), name.as_str())).collect();
    let mut found = BTreeMap::new();
    for ((name, capability), list, device) in &described {
        let parent = device.ancestors().find_map(|path| names.get(path)).copied().unwrap_or(computer::NAME);
        let document = document(name.clone(), parent, device, capability.clone());
        found.insert(name.clone(), Found { document, listed: Some((*list, device.clone())) });
    }
    found.insert(computer::NAME.to_owned(), Found { document: computer::document(sysfs), listed: None });
    found
}

/// Looks at one device again; `None` when it is no longer what it was.
pub(super) fn again(sysfs: &Sysfs, known: &Found, ids: &mut Ids) -> Option<NodeDevice> {
    let Some((list, device)) = &known.listed else { return Some(computer::document(sysfs)) };
    let (name, capability) = describe(list, device, ids)?;
    let parent = known.document.parent.as_ref()?.name.as_deref()?;
    (known.document.name.as_deref() == Some(&name)).then(|| document(name, parent, device, capability))
}

/// What a device in a list is called, and what it is.
fn describe((subsystem, _, kinds): &List, device: &Device, ids: &mut Ids) -> Option<(String, Capability)> {
    let found = kinds.iter().find_map(|describe| describe(device, ids))?;
    Some((name(subsystem, device, found.suffix.as_deref()), found.capability))
}

fn name(subsystem: &str, device: &Device, suffix: Option<&str>) -> String {
    let parts = [subsystem, "_", device.name()].into_iter().chain(suffix.into_iter().flat_map(|suffix| ["_", suffix]));
    parts.flat_map(str::chars).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn document(name: String, parent: &str, device: &Device, capability: Capability) -> NodeDevice {
    NodeDevice {
        name: Some(name),
        path: Some(format!("/sys/{}", device.path())),
        files: files(device),
        parent: Some(DeviceParent { name: Some(parent.to_owned()), ..DeviceParent::default() }),
        driver: device.link("driver").map(|name| DeviceDriver { name: Some(name), ..DeviceDriver::default() }),
        capabilities: vec![capability],
        ..NodeDevice::default()
    }
}

fn files(device: &Device) -> Vec<DeviceFile> {
    let Some(name) = device.event().remove("DEVNAME") else { return Vec::new() };
    let file = |kind, path| DeviceFile { kind, path: Some(path), ..DeviceFile::default() };
    let links = device.known_to_udev().links.into_iter().map(|link| file(DeviceFileType::Link, link));
    std::iter::once(file(DeviceFileType::Dev, special_file(&name))).chain(links).collect()
}

/// The special file of a device, by what its events call it.
pub(super) fn special_file(name: &str) -> String {
    format!("/dev/{name}")
}
