//! What the planner must know of the host: facts, gathered by others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::capabilities::Capabilities;
use super::choices::Choices;
use super::firmware::FirmwareDescriptor;

/// A host to plan for.
#[derive(Debug, Clone)]
pub struct Host {
    /// What QEMU can do.
    pub capabilities: Arc<Capabilities>,
    /// Firmware that is installed, as in [`PlanInput::firmware`].
    pub firmware: Vec<FirmwareDescriptor>,
    /// Programs that run beside QEMU.
    pub programs: Programs,
    /// Devices.
    pub devices: HostFacts,
}

/// What the planner must know of the host and of this run.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What QEMU can do.
    pub capabilities: &'a Capabilities,
    /// Firmware that is installed, in the order of preference: files in `/usr/share/qemu/firmware` by name, those in
    /// `/etc/qemu/firmware` instead of those of the same name.
    pub firmware: &'a [FirmwareDescriptor],
    /// Programs that run beside QEMU.
    pub programs: &'a Programs,
    /// Devices of the host.
    pub host: &'a HostFacts,
    /// Who starts QEMU and looks after it.
    pub operator: Operator,
    /// Whether this is a user's own instance.
    pub session: bool,
    /// What an administrator chose.
    pub choices: &'a Choices,
    /// A directory for this run's sockets.
    pub runtime: &'a Path,
    /// Where the guest's firmware variables live.
    pub nvram: &'a Path,
    /// Where the guest's TPM state lives.
    pub tpm: &'a Path,
    /// Ports for displays that leave the choice to the service.
    pub ports: Ports,
    /// Context id for a vsock device that leaves the choice to the service.
    pub vsock_cid: Option<u32>,
    /// Interfaces of the host that the guest gets as files, by the place of the guest's among the domain's, from 0.
    pub nics: &'a Nics,
    /// The time, in seconds since 1970 UTC.
    pub now: u64,
}

/// Interfaces that a guest gets as files: for each, how many files of its tap, and how many of the kernel's service for it.
pub type Nics = BTreeMap<usize, (usize, usize)>;

/// Who starts QEMU and looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The service: it speaks QMP, holds the guest until all is set up, reads the log, and shuts QEMU in.
    Service,
    /// A person with the printed commands, who has a terminal and no QMP.
    Person,
}

/// Free TCP ports of the host. `None` where there is none or none is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// For VNC, 5900 to 65535.
    pub vnc: Option<u16>,
    /// For VNC over WebSocket.
    pub websocket: Option<u16>,
    /// For SPICE.
    pub spice: Option<u16>,
}

/// Programs that run beside QEMU, where they are installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// Makes images.
    pub qemu_img: Option<PathBuf>,
    /// Emulates a TPM.
    pub swtpm: Option<PathBuf>,
    /// Networking without privileges.
    pub passt: Option<PathBuf>,
    /// Shares directories.
    pub virtiofsd: Option<PathBuf>,
}

/// Devices of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// `/dev/vhost-vsock` can be opened.
    pub vhost_vsock: bool,
    /// `/dev/vfio/vfio` is there.
    pub vfio: bool,
    /// The IOMMU group of each PCI and mediated device by its name in sysfs, of a domain that is to have one.
    pub iommu_groups: BTreeMap<String, String>,
    /// The special file of each SCSI unit by its name in sysfs, such as `2:0:0:0`, of a domain that is to have one.
    pub scsi_units: BTreeMap<String, PathBuf>,
}
