//! Looks at the host for what the planner must know: firmware, programs, devices, free ports.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{GraphicsType, HostdevType, InterfaceType};
use rustix::fs::Access;

use super::choices::Choices;
use super::firmware::FirmwareDescriptor;
use super::input::{HostFacts, Ports, Programs};

/// Where programs are, in the order of preference.
const PROGRAM_DIRECTORIES: [&str; 5] = ["/usr/bin", "/usr/local/bin", "/usr/libexec", "/usr/lib/qemu", "/usr/sbin"];

/// Descriptions of the firmware that is installed, in the order of preference.
///
/// Directories and order are those of QEMU's docs/interop/firmware.json: the user's own, the administrator's, the
/// distribution's; a file replaces those of the same name in the directories behind it, an empty one takes them away.
pub fn firmware(config_home: Option<&Path>) -> Vec<FirmwareDescriptor> {
    let mut directories = vec![PathBuf::from("/usr/share/qemu/firmware"), PathBuf::from("/etc/qemu/firmware")];
    directories.extend(config_home.map(|home| home.join("qemu/firmware")));
    let mut files = BTreeMap::new();
    for directory in directories {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if let (Some(name), Some("json")) = (path.file_name(), path.extension().and_then(|extension| extension.to_str())) {
                files.insert(name.to_owned(), path);
            }
        }
    }
    files.into_values().filter_map(|path| read(&path)).collect()
}

fn read(path: &Path) -> Option<FirmwareDescriptor> {
    let text = std::fs::read_to_string(path).inspect_err(|error| tracing::warn!("cannot read {}: {error}", path.display())).ok()?;
    if text.is_empty() {
        return None;
    }
    FirmwareDescriptor::parse(&text).inspect_err(|error| tracing::warn!("{} describes no firmware: {error}", path.display())).ok()
}

/// The programs that are installed.
pub fn programs() -> Programs {
    Programs { qemu_img: program("qemu-img"), swtpm: program("swtpm"), passt: program("passt"), virtiofsd: program("virtiofsd") }
}

fn program(name: &str) -> Option<PathBuf> {
    let executable = |path: &PathBuf| path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok();
    PROGRAM_DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(executable)
}

/// The devices that are there.
pub fn host(domain: &Domain) -> HostFacts {
    let usable = |path: &str| rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK).is_ok();
    let has = |kinds: &[HostdevType]| domain.devices.hostdevs().any(|hostdev| kinds.contains(&hostdev.kind));
    let has_card = domain.devices.interfaces().any(|interface| interface.kind == InterfaceType::Hostdev);
    HostFacts {
        vhost_vsock: usable("/dev/vhost-vsock"),
        // A policy may let guests use it and not the service.
        vfio: Path::new("/dev/vfio/vfio").exists(),
        scsi_units: if has(&[HostdevType::Scsi]) { scsi_units() } else { BTreeMap::new() },
        iommu_groups: if has(&[HostdevType::Pci, HostdevType::Mdev]) || has_card { iommu_groups() } else { BTreeMap::new() },
    }
}

fn iommu_groups() -> BTreeMap<String, String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let group = |path: PathBuf| Some((name(&path)?, name(&path.join("iommu_group").read_link().ok()?)?));
    ["/sys/bus/pci/devices", "/sys/bus/mdev/devices"].iter().flat_map(|place| entries(Path::new(place))).filter_map(group).collect()
}

/// Units and the generic devices on them (Linux, Documentation/ABI/testing/sysfs-class, `scsi_generic`).
fn scsi_units() -> BTreeMap<String, PathBuf> {
    let unit = |path: PathBuf| {
        let generic = entries(&path.join("scsi_generic")).next()?;
        Some((path.file_name()?.to_str()?.to_owned(), Path::new("/dev").join(generic.file_name()?)))
    };
    entries(Path::new("/sys/bus/scsi/devices")).filter_map(unit).collect()
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

/// Free ports for the displays of a domain, as far as it has such displays.
///
/// They are free now and may be taken when QEMU wants them; QEMU says so then.
pub fn ports(domain: &Domain, choices: &Choices) -> Ports {
    let has = |kind| domain.devices.graphics().any(|graphics| graphics.kind == kind);
    let mut displays = choices.display_ports.clone().filter(|port| is_free(*port));
    let vnc = has(GraphicsType::Vnc).then(|| displays.next()).flatten();
    let spice = has(GraphicsType::Spice).then(|| displays.next()).flatten();
    let websocket = domain.devices.graphics().any(|graphics| graphics.websocket == Some(-1));
    let websocket = websocket.then(|| choices.websocket_ports.clone().find(|port| is_free(*port))).flatten();
    Ports { vnc, websocket, spice }
}

/// On every address: a display may listen on any. The kernel lets a port whose last connection has just ended be
/// taken again (`SO_REUSEADDR`, which the standard library sets and QEMU too).
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
