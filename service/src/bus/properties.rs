//! The properties of each interface as a table: name and value of a snapshot.
//!
//! The inventory and the change signals are made from these tables, the answers to single reads by
//! the objects; a test holds both against the contract and each other.

use std::borrow::Cow;

use lodge_dbus_interfaces::paths;

use super::published;
use super::value::Value;
use crate::domains::DomainView;
use crate::hypervisors::HypervisorView;
use crate::jobs::{Job, JobState};
use crate::networks::NetworkView;
use crate::node_devices::DeviceView;
use crate::secrets::SecretView;
use crate::storage::{StoragePoolView, VolumeView};

/// One property of a snapshot type.
pub type Property<T> = (&'static str, for<'a> fn(&'a T) -> Value<'a>);

/// The properties of `org.lodge.Lodge1.Domain`.
pub const DOMAIN: &[Property<DomainView>] = &[
    ("Name", |view| Value::from(view.name.as_str())),
    ("Uuid", |view| Value::Uuid(view.uuid)),
    ("Id", |view| Value::Number(view.id)),
    ("Hypervisor", |view| Value::from(view.hypervisor)),
    ("Type", |view| Value::from(view.facts.kind.as_str())),
    ("State", |view| Value::from(view.state.as_str())),
    ("StateReason", |view| Value::from(view.state.reason())),
    ("Title", |view| Value::from(view.facts.title.as_str())),
    ("Description", |view| Value::from(view.facts.description.as_str())),
    ("Persistent", |view| Value::Flag(view.persistent)),
    ("Autostart", |view| Value::Flag(view.autostart)),
    ("Memory", |view| Value::Large(view.facts.memory)),
    ("MaxMemory", |view| Value::Large(view.facts.max_memory)),
    ("Vcpus", |view| Value::Number(view.facts.vcpus)),
    ("MaxVcpus", |view| Value::Number(view.facts.max_vcpus)),
    ("Arch", |view| Value::from(view.facts.arch.as_str())),
    ("Machine", |view| Value::from(view.facts.machine.as_str())),
    ("SecurityLabels", |view| Value::Pairs(&view.security_labels)),
    ("Graphics", |view| Value::Displays(&view.facts.graphics)),
    ("PendingChanges", |view| Value::Flag(view.pending_changes)),
    ("Warnings", |view| Value::Texts(&view.warnings)),
];

/// The properties of `org.lodge.Lodge1.Hypervisor`, of its name and what it says.
pub const HYPERVISOR: &[Property<(&'static str, HypervisorView)>] = &[
    ("Name", |(name, _)| Value::from(*name)),
    ("Version", |(_, view)| Value::from(view.version.as_str())),
    ("Available", |(_, view)| Value::Flag(view.available)),
    ("Reason", |(_, view)| Value::from(view.reason.as_str())),
    ("Accelerators", |(_, view)| Value::Texts(&view.accelerators)),
    ("Architectures", |(_, view)| Value::Texts(&view.architectures)),
];

/// The properties of `org.lodge.Lodge1.Job`.
pub const JOB: &[Property<Job>] = &[
    ("Operation", |job| Value::from(job.operation)),
    ("State", |job| Value::from(job.state().as_str())),
    ("Message", |job| Value::Text(Cow::Owned(message(&job.state())))),
    ("Progress", |job| Value::Fraction(progress(job).unwrap_or(0.0))),
    ("ProgressValid", |job| Value::Flag(progress(job).is_some())),
    ("Bytes", |job| Value::Large(job.progress().total)),
    ("Rate", |job| Value::Large(job.progress().rate)),
    ("StartTime", |job| Value::Large(job.start_time)),
    ("ExpectedEndTime", |job| Value::Large(job.progress().expected_end)),
    ("Objects", |job| Value::Objects(vec![published::path(&job.subject)])),
    ("StartedByUid", |job| Value::Number(job.uid)),
    ("Cancelable", |job| Value::Flag(job.state() == JobState::Running)),
];

/// The properties of `org.lodge.Lodge1.Network`.
pub const NETWORK: &[Property<NetworkView>] = &[
    ("Name", |view| Value::from(view.name.as_str())),
    ("Uuid", |view| Value::Uuid(view.uuid)),
    ("Active", |view| Value::Flag(view.active)),
    ("Persistent", |view| Value::Flag(view.persistent)),
    ("Autostart", |view| Value::Flag(view.autostart)),
    ("Mode", |view| Value::from(view.facts.mode.as_str())),
    ("Bridge", |view| Value::from(view.facts.bridge.as_str())),
    ("Domain", |view| Value::from(view.facts.domain.as_str())),
    ("Addresses", |view| Value::Texts(&view.facts.addresses)),
    ("Title", |view| Value::from(view.facts.title.as_str())),
    ("Description", |view| Value::from(view.facts.description.as_str())),
    ("Connections", |view| Value::Number(view.connections)),
    ("PendingChanges", |view| Value::Flag(view.pending_changes)),
    ("Warnings", |view| Value::Texts(&view.warnings)),
];

/// The properties of `org.lodge.Lodge1.Secret`.
pub const SECRET: &[Property<SecretView>] = &[
    ("Uuid", |view| Value::Uuid(view.uuid)),
    ("Usage", |view| Value::from(view.usage.as_str())),
    ("UsageId", |view| Value::from(view.usage_id.as_str())),
    ("Description", |view| Value::from(view.description.as_str())),
    ("Ephemeral", |view| Value::Flag(view.ephemeral)),
    ("Private", |view| Value::Flag(view.private)),
    ("HasValue", |view| Value::Flag(view.has_value)),
    ("Warnings", |view| Value::Texts(&view.warnings)),
];

/// The properties of `org.lodge.Lodge1.StoragePool`.
pub const STORAGE_POOL: &[Property<StoragePoolView>] = &[
    ("Name", |view| Value::from(view.name.as_str())),
    ("Uuid", |view| Value::Uuid(view.uuid)),
    ("Type", |view| Value::from(view.kind)),
    ("Active", |view| Value::Flag(view.active)),
    ("Persistent", |view| Value::Flag(view.persistent)),
    ("Autostart", |view| Value::Flag(view.autostart)),
    ("Path", |view| Value::from(view.path.as_str())),
    ("Capacity", |view| Value::Large(view.contents.capacity)),
    ("Allocation", |view| Value::Large(view.contents.allocation)),
    ("Available", |view| Value::Large(view.contents.available)),
    ("Warnings", |view| Value::Texts(&view.warnings)),
];

/// The properties of `org.lodge.Lodge1.StorageVolume`.
pub const STORAGE_VOLUME: &[Property<VolumeView>] = &[
    ("Name", |view| Value::from(view.volume.name.as_str())),
    ("Pool", |view| Value::Object(paths::pool(&view.pool))),
    ("Key", |view| Value::from(view.volume.key.as_str())),
    ("Path", |view| Value::from(view.volume.path.as_str())),
    ("Type", |view| Value::from(view.volume.kind.as_str())),
    ("Format", |view| Value::from(view.volume.format.as_str())),
    ("Capacity", |view| Value::Large(view.volume.capacity)),
    ("Allocation", |view| Value::Large(view.volume.allocation)),
    ("Physical", |view| Value::Large(view.volume.physical)),
    ("BackingPath", |view| Value::from(view.volume.backing.as_ref().map(|backing| backing.path.as_str()).unwrap_or_default())),
    ("Encrypted", |view| Value::Flag(view.volume.encryption.is_some())),
];
/// The properties of `org.lodge.Lodge1.NodeDevice`.
pub const NODE_DEVICE: &[Property<DeviceView>] = &[
    ("Name", |view| Value::from(view.name.as_str())),
    ("Parent", |view| Value::from(view.parent.as_str())),
    ("Capabilities", |view| Value::Texts(&view.capabilities)),
    ("Path", |view| Value::from(view.path.as_str())),
    ("DeviceFiles", |view| Value::Texts(&view.files)),
    ("Driver", |view| Value::from(view.driver.as_str())),
    ("Vendor", |view| Value::from(view.vendor.as_str())),
    ("Product", |view| Value::from(view.product.as_str())),
    ("IommuGroup", |view| Value::Signed(iommu_group(view))),
    ("UsedBy", |view| Value::from(view.used_by.as_str())),
];

/// The number of a device's IOMMU group; -1 without one.
pub fn iommu_group(view: &DeviceView) -> i32 {
    view.iommu_group.and_then(|group| group.try_into().ok()).unwrap_or(-1)
}

/// Why a job failed; empty otherwise.
pub fn message(state: &JobState) -> String {
    match state {
        JobState::Failed(message) => message.clone(),
        _ => String::new(),
    }
}

/// How far a job is, from 0 to 1; `None` while that is not known.
pub fn progress(job: &Job) -> Option<f64> {
    match job.state() {
        JobState::Succeeded => Some(1.0),
        _ => job.progress().fraction(),
    }
}

/// The properties that differ between two snapshots, with their new values.
pub fn changes<'a, T>(table: &[Property<T>], old: &T, new: &'a T) -> Vec<(&'static str, Value<'a>)> {
    table
        .iter()
        .map(|(name, value)| (*name, value(old), value(new)))
        .filter(|(_, old, new)| old != new)
        .map(|(name, _, new)| (name, new))
        .collect()
}
