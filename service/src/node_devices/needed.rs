//! What the host cannot do without: the disks that its file systems and swap are on, the graphics card of its console, and the
//! adapter that connects it.
//!
//! Facts: proc_pid_mountinfo(5), proc_swaps(5), `/proc/net/route` (the kernel's `Documentation/networking/proc_net_tcp.rst` and
//! route(8)), `boot_vga` and `slaves` in sysfs.

use std::collections::BTreeSet;

use super::view::DeviceView;
use crate::host::sysfs::{Device, Sysfs};

/// Why the host needs a device, or something on it; `None` when it does not.
pub(super) fn why(sysfs: &Sysfs, view: &DeviceView) -> Option<String> {
    let device = view.device()?;
    let is_on_it = |path: &str| path == device.path() || path.strip_prefix(device.path()).is_some_and(|rest| rest.starts_with('/'));
    if device.text("boot_vga").as_deref() == Some("1") {
        return Some("it shows the console".to_owned());
    }
    let disk = used_disks(sysfs).into_iter().find(|(path, _)| is_on_it(path));
    if let Some((path, use_of_it)) = disk {
        return Some(format!("{} on it has {use_of_it}", name_of(&path)));
    }
    let interface = connecting(sysfs).into_iter().find(|path| is_on_it(path))?;
    Some(format!("its interface {} is the one that connects the host", name_of(&interface)))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The block devices that are in use, by path, and for what. What one is made of is in use too.
fn used_disks(sysfs: &Sysfs) -> Vec<(String, String)> {
    let mut used = Vec::new();
    for (number, what) in mounted(sysfs).into_iter().chain(swaps(sysfs)) {
        let Some(device) = sysfs.linked("dev/block", &number) else { continue };
        add_with_parts(&device, &what, &mut used);
    }
    used
}

fn add_with_parts(device: &Device, what: &str, used: &mut Vec<(String, String)>) {
    if used.iter().any(|(path, _)| path == device.path()) {
        return;
    }
    used.push((device.path().to_owned(), what.to_owned()));
    for part in device.names("slaves") {
        if let Some(part) = device.linked(&format!("slaves/{part}")) {
            add_with_parts(&part, what, used);
        }
    }
}

/// Numbers of mounted block devices, and where they are mounted. A file system that has no device of its own, as btrfs, says
/// which it is on.
fn mounted(sysfs: &Sysfs) -> Vec<(String, String)> {
    let mounts = sysfs.file("/proc/self/mountinfo").unwrap_or_default();
    let mount = |line: &str| {
        let (own, source) = line.split_once(" - ")?;
        let mut own = own.split(' ').skip(2);
        let (number, place) = (own.next()?, own.nth(1)?);
        let number = if number.starts_with("0:") { number_of(sysfs, source.split(' ').nth(1)?)? } else { number.to_owned() };
        Some((number, format!("the file system at {place}")))
    };
    mounts.lines().filter_map(mount).collect()
}

fn swaps(sysfs: &Sysfs) -> Vec<(String, String)> {
    let swaps = sysfs.file("/proc/swaps").unwrap_or_default();
    let files = swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    files.filter_map(|file| Some((number_of(sysfs, file)?, "swap space".to_owned()))).collect()
}

/// The number of a block device by its file, such as `/dev/sda1`.
fn number_of(sysfs: &Sysfs, file: &str) -> Option<String> {
    let real = sysfs.place(file).canonicalize().ok()?;
    let name = real.file_name()?.to_str()?;
    sysfs.linked("class/block", name)?.text("dev")
}

/// The adapters that the host is connected by: those under the interface of the default route, or else the only one there is.
fn connecting(sysfs: &Sysfs) -> Vec<String> {
    let physical = || sysfs.listed("class/net").into_iter().filter(|device| device.has("device"));
    let mut found = BTreeSet::new();
    for interface in default_routes(sysfs) {
        add_lower(sysfs, &interface, &mut found);
    }
    let mut paths: Vec<String> = physical().filter(|device| found.contains(device.name())).map(|device| device.path().to_owned()).collect();
    if paths.is_empty() {
        paths = physical().map(|device| device.path().to_owned()).collect();
        paths.retain(|_| physical().count() == 1);
    }
    paths
}

/// Interfaces with a route to everywhere, of IPv4 and IPv6.
fn default_routes(sysfs: &Sysfs) -> BTreeSet<String> {
    let v4 = sysfs.file("/proc/net/route").unwrap_or_default();
    let v4 = v4.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        (columns.get(1) == Some(&"00000000") && columns.get(7) == Some(&"00000000")).then(|| columns[0].to_owned())
    });
    let v6 = sysfs.file("/proc/net/ipv6_route").unwrap_or_default();
    let v6 = v6.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let everywhere = columns.first()?.bytes().all(|digit| digit == b'0') && *columns.get(1)? == "00";
        columns.get(9).filter(|interface| everywhere && **interface != "lo").map(|interface| (*interface).to_owned())
    });
    v4.chain(v6).collect()
}

/// Adds an interface and those that it consists of: a bridge's ports, a bond's, what a VLAN is on.
fn add_lower(sysfs: &Sysfs, interface: &str, found: &mut BTreeSet<String>) {
    if !found.insert(interface.to_owned()) {
        return;
    }
    let Some(device) = sysfs.linked("class/net", interface) else { return };
    for name in device.names("") {
        if let Some(lower) = name.strip_prefix("lower_") {
            add_lower(sysfs, lower, found);
        }
    }
}
