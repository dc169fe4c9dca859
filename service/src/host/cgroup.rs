//! Control groups: what a group of processes may use, and groups that are made without systemd.
//!
//! [`Limits`] is plain data with the units of the kernel's documentation (cgroup-v2, admin-guide). [`super::systemd`] turns
//! it into the properties of a scope; where no systemd is on the bus, [`directory`] makes a group of its own in the
//! kernel's hierarchies.

mod bpf;
pub mod directory;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Whether a device node is a character or a block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// A character device.
    Character,
    /// A block device.
    Block,
}

/// Device nodes that may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceRule {
    /// Their kind.
    pub kind: DeviceKind,
    /// Their major number.
    pub major: u32,
    /// Their minor number; all of the major when `None`.
    pub minor: Option<u32>,
    /// Whether they may be written, not only read.
    pub write: bool,
}

impl DeviceRule {
    /// The rule for the node at a path, which is followed. `None` when there is nothing or no device there.
    ///
    /// # Errors
    /// The path cannot be looked at for another reason than that.
    pub fn of_node(path: &Path, write: bool) -> io::Result<Option<Self>> {
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error),
        };
        let kind = match metadata.file_type() {
            kind if kind.is_char_device() => DeviceKind::Character,
            kind if kind.is_block_device() => DeviceKind::Block,
            _ => return Ok(None),
        };
        let number = metadata.rdev();
        Ok(Some(Self { kind, major: rustix::fs::major(number), minor: Some(rustix::fs::minor(number)), write }))
    }

    /// Every device of a driver that `/proc/devices` names, such as the terminals of `pts`.
    ///
    /// # Errors
    /// `/proc/devices` cannot be read.
    pub fn of_driver(kind: DeviceKind, driver: &str, write: bool) -> io::Result<Vec<Self>> {
        let text = std::fs::read_to_string("/proc/devices")?;
        Ok(majors(&text, kind, driver).map(|major| Self { kind, major, minor: None, write }).collect())
    }

    /// The letters of what may be done.
    pub fn access(&self) -> &'static str {
        if self.write { "rw" } else { "r" }
    }
}

/// As the devices controller reads it (cgroup-v1/devices): `c 1:3 rw`.
impl fmt::Display for DeviceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            DeviceKind::Character => 'c',
            DeviceKind::Block => 'b',
        };
        write!(f, "{kind} {}:", self.major)?;
        match self.minor {
            Some(minor) => write!(f, "{minor}")?,
            None => write!(f, "*")?,
        }
        write!(f, " {}", self.access())
    }
}

/// `/proc/devices` has two parts, each a line with the major number and the driver's name (proc(5)).
fn majors<'a>(text: &'a str, kind: DeviceKind, driver: &'a str) -> impl Iterator<Item = u32> + 'a {
    let part = match kind {
        DeviceKind::Character => "Character devices:",
        DeviceKind::Block => "Block devices:",
    };
    let lines = text.lines().skip_while(move |line| *line != part).skip(1).take_while(|line| !line.is_empty());
    lines.filter_map(move |line| {
        let (major, name) = line.trim().split_once(' ')?;
        (name == driver).then(|| major.parse().ok())?
    })
}

/// A limit for one block device of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLimit {
    /// The device node, or a file on the device.
    pub path: PathBuf,
    /// The limit.
    pub amount: u64,
}

/// What a group of processes may use; `None` and empty lists mean no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The only device nodes that may be opened.
    pub devices: Option<BTreeSet<DeviceRule>>,
    /// Most memory, in bytes: more is refused.
    pub memory_max: Option<u64>,
    /// Memory in bytes above which it is reclaimed first.
    pub memory_high: Option<u64>,
    /// Most swap, in bytes.
    pub swap_max: Option<u64>,
    /// Share of processor time among groups, 1 to 10000; 100 is the default.
    pub cpu_weight: Option<u64>,
    /// Most processor time, in microseconds of each second of the clock.
    pub cpu_quota: Option<u64>,
    /// How often the quota is counted, in microseconds.
    pub cpu_period: Option<u64>,
    /// The host processors to run on.
    pub cpus: BTreeSet<u32>,
    /// Share of block I/O among groups, 1 to 10000; 100 is the default.
    pub io_weight: Option<u64>,
    /// The same on single devices.
    pub io_device_weights: Vec<DeviceLimit>,
    /// Most bytes read in a second.
    pub io_read_bytes: Vec<DeviceLimit>,
    /// Most bytes written in a second.
    pub io_write_bytes: Vec<DeviceLimit>,
    /// Most reads in a second.
    pub io_read_operations: Vec<DeviceLimit>,
    /// Most writes in a second.
    pub io_write_operations: Vec<DeviceLimit>,
}

impl Limits {
    /// Whether anything but devices and processors is limited.
    pub fn has_amounts(&self) -> bool {
        *self != Self { devices: self.devices.clone(), cpus: self.cpus.clone(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_tell_their_numbers() {
        let null = DeviceRule { kind: DeviceKind::Character, major: 1, minor: Some(3), write: true };
        assert_eq!(DeviceRule::of_node(Path::new("/dev/null"), true).unwrap(), Some(null));
        assert_eq!(null.to_string(), "c 1:3 rw");
        assert_eq!(DeviceRule { minor: None, write: false, ..null }.to_string(), "c 1:* r");
        for no_device in ["/dev", "/nonexistent/null", "/dev/null/null"] {
            assert_eq!(DeviceRule::of_node(Path::new(no_device), true).unwrap(), None, "{no_device}");
        }
    }

    #[test]
    fn drivers_tell_their_majors() {
        let text = "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n137 pts\n\nBlock devices:\n  7 loop\n136 pts\n";
        assert_eq!(majors(text, DeviceKind::Character, "pts").collect::<Vec<_>>(), [136, 137]);
        assert_eq!(majors(text, DeviceKind::Block, "loop").collect::<Vec<_>>(), [7]);
        assert_eq!(majors(text, DeviceKind::Block, "mem").next(), None);
        assert!(!DeviceRule::of_driver(DeviceKind::Character, "pts", true).unwrap().is_empty());
    }

    #[test]
    fn devices_and_processors_are_no_amounts() {
        let devices = Limits { devices: Some(BTreeSet::new()), ..Limits::default() };
        assert!(!devices.has_amounts());
        assert!(!Limits { cpus: [0].into_iter().collect(), ..devices.clone() }.has_amounts());
        assert!(Limits { cpu_weight: Some(1), ..devices }.has_amounts());
    }
}
