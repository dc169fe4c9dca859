//! Devices as the kernel shows them (sysfs(5); the kernel's `Documentation/admin-guide/sysfs-rules.rst`), and what udev knows of
//! them beyond that.
//!
//! A device is a directory below `/sys/devices`; buses and classes list links to such directories. The path of the directory
//! below `/sys` names the device, as DEVPATH does in its events. udev's knowledge is read from its database in `/run/udev/data`,
//! which is there where udevd runs; without, sysfs is all there is.
//!
//! Invariants:
//! - What cannot be read is absent; nothing is guessed.
//! - The root directory is a parameter, so that a test has machines of its own. What is told has the usual paths.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};

/// The longest attribute that is read: sysfs has none above a page, but for what is no text.
const LONGEST: u64 = 64 << 10;

/// The devices of a machine.
#[derive(Debug, Clone)]
pub struct Sysfs {
    root: PathBuf,
    #[cfg(test)]
    kernel: Option<fn(&Path, &str, &str)>,
}

impl Sysfs {
    /// The devices of this machine.
    pub fn of_this_host() -> Self {
        Self::below("/")
    }

    /// The devices of a machine whose `/sys`, `/run` and `/proc` are below another directory.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            #[cfg(test)]
            kernel: None,
        }
    }

    /// The same with something that does as the kernel does when an attribute is written.
    #[cfg(test)]
    pub(crate) fn with_kernel(self, kernel: fn(&Path, &str, &str)) -> Self {
        Self { kernel: Some(kernel), ..self }
    }

    /// Whether these are the devices of this machine.
    pub fn is_this_host(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where something with a usual path such as `/proc/swaps` is.
    pub fn place(&self, usual: &str) -> PathBuf {
        self.root.join(usual.trim_start_matches('/'))
    }

    /// A file with a usual path; `None` where there is none.
    pub fn file(&self, usual: &str) -> Option<String> {
        text(&self.place(usual))
    }

    /// Whether a directory or file below `/sys` is there.
    pub fn has(&self, path: &str) -> bool {
        self.sys(path).exists()
    }

    /// Whether udevd runs, so that its database tells more.
    pub fn has_udev(&self) -> bool {
        self.place("/run/udev/control").exists()
    }

    /// The devices that a directory such as `bus/pci/devices` or `class/net` lists, in order of their paths.
    pub fn listed(&self, list: &str) -> Vec<Device> {
        let entries = std::fs::read_dir(self.sys(list)).into_iter().flatten().filter_map(Result::ok);
        let mut devices: Vec<_> = entries.filter_map(|entry| self.linked(list, entry.file_name().to_str()?)).collect();
        devices.sort_by(|a, b| a.path.cmp(&b.path));
        devices
    }

    /// The device at a path below `/sys`, such as `devices/pci0000:00/0000:00:1f.2`; `None` where there is none.
    pub fn device(&self, path: &str) -> Option<Device> {
        let plain = path.starts_with("devices/") && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        (plain && self.sys(path).is_dir()).then(|| Device { sysfs: self.clone(), path: path.to_owned() })
    }

    /// The device that a link such as `bus/pci/devices/0000:00:1f.2` leads to.
    pub fn linked(&self, directory: &str, name: &str) -> Option<Device> {
        let link = format!("{directory}/{name}");
        let target = std::fs::read_link(self.sys(&link)).ok()?;
        Some(Device { sysfs: self.clone(), path: joined(link.rsplit_once('/')?.0, target.to_str()?)? })
    }

    fn sys(&self, path: &str) -> PathBuf {
        self.root.join("sys").join(path)
    }

    /// Writes a file below `/sys` that is no device's, such as `bus/pci/drivers_probe`.
    ///
    /// # Errors
    /// It is not there, may not be written, or the kernel refuses what is written.
    pub fn write(&self, path: &str, value: &str) -> io::Result<()> {
        // A new file would mean that there is no such attribute.
        let written = File::options().write(true).open(self.sys(path)).and_then(|mut file| file.write_all(value.as_bytes()));
        #[cfg(test)]
        if let (Ok(()), Some(kernel)) = (&written, self.kernel) {
            kernel(&self.root, path, value);
        }
        written
    }
}

/// A device.
#[derive(Debug, Clone)]
pub struct Device {
    sysfs: Sysfs,
    path: String,
}

impl Device {
    /// Its path below `/sys`, which begins with `devices/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its name among its siblings, the last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The paths of the directories above it, the nearest first. Most are devices too.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.path.match_indices('/').map(|(at, _)| &self.path[..at]).collect::<Vec<_>>().into_iter().rev()
    }

    /// The machine that it is of.
    pub fn sysfs(&self) -> &Sysfs {
        &self.sysfs
    }

    /// An attribute without the white space around it; `None` when it is not there, cannot be read or is empty.
    pub fn text(&self, attribute: &str) -> Option<String> {
        text(&self.file(attribute)).filter(|text| !text.is_empty())
    }

    /// An attribute that is a decimal number.
    pub fn number<T: std::str::FromStr>(&self, attribute: &str) -> Option<T> {
        self.text(attribute)?.parse().ok()
    }

    /// An attribute that is a hexadecimal number, behind `0x` or not.
    pub fn hex(&self, attribute: &str) -> Option<u32> {
        let text = self.text(attribute)?;
        u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).ok()
    }

    /// An attribute that is no text, as far as it can be read.
    pub fn bytes(&self, attribute: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Devices give what they have, and an error behind it.
        let _ = File::open(self.file(attribute)).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
        bytes
    }

    /// Whether it has an attribute, link or directory.
    pub fn has(&self, attribute: &str) -> bool {
        self.file(attribute).symlink_metadata().is_ok()
    }

    /// The name of what a link such as `driver` leads to.
    pub fn link(&self, name: &str) -> Option<String> {
        let target = std::fs::read_link(self.file(name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// The device that a link such as `physfn` leads to.
    pub fn linked(&self, name: &str) -> Option<Self> {
        self.sysfs.linked(&self.path, name)
    }

    /// The names in a directory of it, in order; empty where there is none.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.file(directory)).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// What its events say of it, such as DEVTYPE and DEVNAME.
    pub fn event(&self) -> BTreeMap<String, String> {
        let text = text(&self.file("uevent")).unwrap_or_default();
        text.lines().filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// What udev knows of a device with a special file: its properties, and the links to the file below `/dev`.
    pub fn known_to_udev(&self) -> Known {
        let letter = if self.link("subsystem").as_deref() == Some("block") { 'b' } else { 'c' };
        let entry = self.text("dev").and_then(|number| self.sysfs.file(&format!("/run/udev/data/{letter}{number}")));
        let mut known = Known::default();
        for line in entry.as_deref().unwrap_or_default().lines() {
            match line.split_once(':') {
                Some(("E", property)) => known.properties.extend(property.split_once('=').map(|(key, value)| (key.into(), value.into()))),
                Some(("S", link)) => known.links.push(format!("/dev/{link}")),
                _ => {}
            }
        }
        known.links.sort();
        known
    }

    /// Writes an attribute.
    ///
    /// # Errors
    /// As [`Sysfs::write`].
    pub fn write(&self, attribute: &str, value: &str) -> io::Result<()> {
        self.sysfs.write(&format!("{}/{attribute}", self.path), value)
    }

    /// Writes an attribute that somebody else names; its path leads nowhere but to a file of the device.
    ///
    /// # Errors
    /// As [`Sysfs::write`], and a link on the way, or a path that leads out of the device.
    pub fn write_named(&self, attribute: &str, value: &str) -> io::Result<()> {
        let directory = File::open(self.file(""))?;
        let (flags, inside) = (OFlags::WRONLY | OFlags::CLOEXEC, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS);
        File::from(rustix::fs::openat2(directory, attribute, flags, Mode::empty(), inside)?).write_all(value.as_bytes())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.sysfs.sys(&self.path).join(name)
    }
}

/// What udev knows of a device.
#[derive(Debug, Default)]
pub struct Known {
    properties: BTreeMap<String, String>,
    /// Links to its special file, in order.
    pub links: Vec<String>,
}

impl Known {
    /// A property such as ID_SERIAL.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    // Texts of devices are in no encoding in particular.
    Some(String::from_utf8_lossy(&bytes).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
}

/// Where a relative link in a directory leads; only what it leads to below `/sys/devices` is a device.
fn joined(directory: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    (parts.first() == Some(&"devices")).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_to_devices() {
        assert_eq!(joined("bus/pci/devices", "../../../devices/pci0000:00/a").as_deref(), Some("devices/pci0000:00/a"));
        assert_eq!(joined("devices/a/b", "../c").as_deref(), Some("devices/a/c"));
        assert_eq!(joined("class/net", "../../../../devices/a"), None);
        assert_eq!(joined("devices/a", "../../bus/pci/drivers/x"), None);
    }

    #[test]
    fn an_attribute_that_somebody_names_is_one_of_the_device() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("sys/devices/a");
        std::fs::create_dir_all(directory.join("sub")).unwrap();
        for file in ["sub/attr", "../outside"] {
            std::fs::write(directory.join(file), "").unwrap();
        }
        symlink("../outside", directory.join("link")).unwrap();
        let device = Sysfs::below(root.path()).device("devices/a").unwrap();
        device.write_named("sub/attr", "1").unwrap();
        assert_eq!(device.text("sub/attr").as_deref(), Some("1"));
        for name in ["link", "../outside", "/etc/passwd", "absent", "sub/../../outside"] {
            assert!(device.write_named(name, "1").is_err(), "{name}");
        }
        assert!(Sysfs::below(root.path()).device("devices/../devices/a").is_none());
    }

    #[test]
    fn this_machine_has_its_loopback_interface() {
        let found = Sysfs::of_this_host().listed("class/net");
        let device = found.iter().find(|device| device.name() == "lo").unwrap();
        assert_eq!(device.path(), "devices/virtual/net/lo");
        assert_eq!(device.text("address").as_deref(), Some("00:00:00:00:00:00"));
        assert_eq!(device.event()["INTERFACE"], "lo");
        assert_eq!(device.ancestors().collect::<Vec<_>>(), ["devices/virtual/net", "devices/virtual", "devices"]);
    }
}
