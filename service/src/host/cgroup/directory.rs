//! A control group of our own, for hosts without systemd: a directory in the hierarchy of the `devices` controller
//! (cgroup v1), or in the unified one with a program that judges every opened device (cgroup v2).
//!
//! Only devices are limited here. With systemd, groups belong to it (its documentation, CONTROL_GROUP_INTERFACE), and
//! nothing is made here.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::{DeviceRule, bpf};

/// The directory of our groups below a hierarchy.
const OURS: &str = "lodge";

/// A hierarchy that can limit devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hierarchy {
    /// cgroup v1 with the `devices` controller, mounted there.
    Devices(PathBuf),
    /// cgroup v2, mounted there.
    Unified(PathBuf),
}

impl Hierarchy {
    /// The hierarchy to use: the v1 controller where it is mounted, else the unified one.
    ///
    /// # Errors
    /// `/proc/self/mounts` cannot be read.
    pub fn find() -> io::Result<Option<Self>> {
        Ok(Self::of_mounts(&std::fs::read_to_string("/proc/self/mounts")?))
    }

    /// The same, by the text of `/proc/self/mounts` (proc(5)).
    fn of_mounts(text: &str) -> Option<Self> {
        let mut unified = None;
        for line in text.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(place), Some(kind), Some(options)) = (fields.next(), fields.next(), fields.next()) else { continue };
            match kind {
                "cgroup" if options.split(',').any(|option| option == "devices") => return Some(Self::Devices(place.into())),
                "cgroup2" => unified = Some(Self::Unified(place.into())),
                _ => {}
            }
        }
        unified
    }

    /// The directory of a group.
    fn directory(&self, group: &str) -> PathBuf {
        match self {
            Self::Devices(root) | Self::Unified(root) => root.join(OURS).join(group),
        }
    }

    /// Makes a group whose processes may open these devices only. One of the same name without processes is replaced.
    ///
    /// # Errors
    /// The kernel refuses; nothing is left behind.
    pub fn make(&self, group: &str, devices: &BTreeSet<DeviceRule>) -> io::Result<Group> {
        let group = Group { directory: self.directory(group) };
        group.remove()?;
        std::fs::create_dir_all(&group.directory)?;
        let limited = match self {
            Self::Devices(_) => allow_only(&group.directory, devices),
            Self::Unified(_) => bpf::allow_only(&group.directory, devices),
        };
        match limited {
            Ok(()) => Ok(group),
            Err(error) => {
                group.remove().ok();
                Err(error)
            }
        }
    }

    /// Removes a group if it is there.
    ///
    /// # Errors
    /// It has processes.
    pub fn remove(&self, group: &str) -> io::Result<()> {
        Group { directory: self.directory(group) }.remove()
    }
}

/// A group of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    directory: PathBuf,
}

impl Group {
    /// Moves a process into the group, with all of its threads.
    ///
    /// # Errors
    /// The process is gone, or the kernel refuses.
    pub fn admit(&self, pid: i32) -> io::Result<()> {
        std::fs::write(self.directory.join("cgroup.procs"), pid.to_string())
    }

    fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The v1 controller: nothing, then one by one (cgroup-v1/devices). Each line is a write of its own.
fn allow_only(directory: &Path, devices: &BTreeSet<DeviceRule>) -> io::Result<()> {
    std::fs::write(directory.join("devices.deny"), "a")?;
    devices.iter().try_for_each(|rule| std::fs::write(directory.join("devices.allow"), rule.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::{Exit, ProcessSpec, hold};

    #[test]
    fn the_devices_controller_is_preferred() {
        let unified = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
        let devices = "cgroup /sys/fs/cgroup/devices cgroup rw,relatime,devices 0 0\n";
        let other = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n";
        let v1 = Hierarchy::Devices("/sys/fs/cgroup/devices".into());
        let v2 = Hierarchy::Unified("/sys/fs/cgroup/unified".into());
        for (text, expected) in [
            ([other, unified, devices].concat(), Some(v1.clone())),
            ([devices, unified].concat(), Some(v1)),
            ([other, unified].concat(), Some(v2)),
            (other.to_owned(), None),
            ("broken\n\n".to_owned(), None),
        ] {
            assert_eq!(Hierarchy::of_mounts(&text), expected, "{text}");
        }
    }

    /// Opens a device in a process of a group of its own; answers whether it could.
    async fn opens(hierarchy: &Hierarchy, devices: &BTreeSet<DeviceRule>, device: &str) -> bool {
        let group = hierarchy.make("test-of-devices", devices).unwrap_or_else(|error| panic!("{hierarchy:?}: {error}; this needs root"));
        let held = hold(ProcessSpec::new("/bin/sh").arguments(["-c", ": <\"$1\"", "sh", device])).await.unwrap();
        group.admit(held.process().pid()).unwrap();
        let exit = held.release().await.unwrap().exited().await;
        hierarchy.remove("test-of-devices").unwrap();
        exit == Exit::Code(0)
    }

    #[tokio::test]
    async fn both_hierarchies_limit_devices() {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let of_kind = |kind: &str| mounts.lines().filter(|line| line.contains(kind)).find_map(Hierarchy::of_mounts);
        let hierarchies: Vec<_> = [of_kind(",devices "), of_kind(" cgroup2 ")].into_iter().flatten().collect();
        assert!(!hierarchies.is_empty(), "no cgroup is mounted that can limit devices:\n{mounts}");
        let null = DeviceRule::of_node(Path::new("/dev/null"), true).unwrap().unwrap();
        let zero = DeviceRule::of_node(Path::new("/dev/zero"), false).unwrap().unwrap();
        let devices = [null, zero].into_iter().collect();
        for hierarchy in &hierarchies {
            assert!(opens(hierarchy, &devices, "/dev/zero").await, "{hierarchy:?}");
            assert!(!opens(hierarchy, &devices, "/dev/full").await, "{hierarchy:?}");
        }
    }
}
