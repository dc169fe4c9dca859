//! The devices that a guest may open: those of every guest, and its own.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::host::cgroup::{DeviceKind, DeviceRule};
use crate::hypervisors::resources::{Access, HostResource};

/// Device nodes that every guest may open when the settings name none. What is not there is left out.
pub const DEFAULT_DEVICES: [&str; 10] = [
    "/dev/null",
    "/dev/full",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/kvm",
    "/dev/rtc",
    "/dev/hpet",
    "/dev/net/tun",
];

/// The driver of pseudo terminals: which of them a guest gets is known only when it has them.
const TERMINALS: &str = "pts";

/// What a guest may open.
///
/// # Errors
/// `HostFailed` when a node cannot be looked at.
pub fn of(nodes: &[PathBuf], resources: &[HostResource]) -> Result<BTreeSet<DeviceRule>> {
    let terminals = DeviceRule::of_driver(DeviceKind::Character, TERMINALS, true);
    let mut rules: BTreeSet<DeviceRule> = terminals.map_err(|error| failed(Path::new("/proc/devices"), error))?.into_iter().collect();
    let of_every_guest = nodes.iter().map(|node| (node.as_path(), true));
    let own = resources.iter().map(|resource| (resource.path.as_path(), resource.access == Access::ReadWrite));
    for (path, write) in of_every_guest.chain(own) {
        rules.extend(DeviceRule::of_node(path, write).map_err(|error| failed(path, error))?);
    }
    Ok(rules)
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::HostFailed, format!("cannot tell which device {} is", path.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hypervisors::resources::LabelClass;

    #[test]
    fn a_guest_opens_the_devices_of_all_and_its_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let resource = |path: &Path, access| HostResource::new(path, access, LabelClass::Image);
        let resources = [
            resource(file.path(), Access::ReadWrite),
            resource(Path::new("/dev/zero"), Access::Read),
            resource(Path::new("/nonexistent"), Access::Read),
        ];
        let rules = of(&["/dev/null".into(), "/dev/nonexistent".into()], &resources).unwrap();
        let shown: Vec<String> = rules.iter().filter(|rule| rule.minor.is_some()).map(ToString::to_string).collect();
        assert_eq!(shown, ["c 1:3 rw", "c 1:5 r"]);
        assert!(rules.iter().any(|rule| rule.to_string() == "c 136:* rw"), "{rules:?}");
    }
}
