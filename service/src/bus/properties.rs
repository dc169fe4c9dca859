//! The properties of each interface as a table: name and value of a snapshot.
//!
//! The inventory and the change signals are made from these tables, the answers to single reads by
//! the objects; a test holds both against the contract and each other.

use lodge_dbus_interfaces::paths;
use zbus::{ObjectPath, Variant};

use super::convert;
use crate::domains::{DomainView, Job, JobState};

/// One property of a snapshot type.
pub type Property<T> = (&'static str, for<'a> fn(&'a T) -> Variant<'a>);

/// The properties of `org.lodge.Lodge1.Domain`.
pub const DOMAIN: &[Property<DomainView>] = &[
    ("Name", |view| Variant::from(view.name.as_str())),
    ("Uuid", |view| Variant::from(view.uuid.to_string())),
    ("Id", |view| Variant::from(view.id)),
    ("Hypervisor", |view| Variant::from(view.hypervisor)),
    ("Type", |view| Variant::from(view.facts.kind.as_str())),
    ("State", |view| Variant::from(view.state.as_str())),
    ("StateReason", |view| Variant::from(view.state.reason())),
    ("Title", |view| Variant::from(view.facts.title.as_str())),
    ("Description", |view| Variant::from(view.facts.description.as_str())),
    ("Persistent", |view| Variant::from(view.persistent)),
    ("Autostart", |view| Variant::from(view.autostart)),
    ("Memory", |view| Variant::from(view.facts.memory)),
    ("MaxMemory", |view| Variant::from(view.facts.max_memory)),
    ("Vcpus", |view| Variant::from(view.facts.vcpus)),
    ("MaxVcpus", |view| Variant::from(view.facts.max_vcpus)),
    ("Arch", |view| Variant::from(view.facts.arch.as_str())),
    ("Machine", |view| Variant::from(view.facts.machine.as_str())),
    ("SecurityLabels", |view| Variant::from(view.security_labels.clone())),
    ("Graphics", |view| convert::graphics_variant(&view.facts.graphics)),
    ("PendingChanges", |view| Variant::from(view.pending_changes)),
    ("Warnings", |view| Variant::from(view.warnings.clone())),
];

/// The properties of `org.lodge.Lodge1.Job`.
pub const JOB: &[Property<Job>] = &[
    ("Operation", |job| Variant::from(job.operation)),
    ("State", |job| Variant::from(job.state().as_str().to_owned())),
    ("Message", |job| Variant::from(message(&job.state()))),
    ("Progress", |job| Variant::from(progress(&job.state()))),
    ("ProgressValid", |job| Variant::from(job.state() == JobState::Succeeded)),
    ("Bytes", |_| Variant::from(0u64)),
    ("Rate", |_| Variant::from(0u64)),
    ("StartTime", |job| Variant::from(job.start_time)),
    ("ExpectedEndTime", |_| Variant::from(0u64)),
    ("Objects", |job| Variant::from(vec![ObjectPath::from(paths::domain(&job.domain))])),
    ("StartedByUid", |job| Variant::from(job.uid)),
    ("Cancelable", |job| Variant::from(job.state() == JobState::Running)),
];

/// Why a job failed; empty otherwise.
pub fn message(state: &JobState) -> String {
    match state {
        JobState::Failed(message) => message.clone(),
        _ => String::new(),
    }
}

/// How far a job is, from 0 to 1.
pub fn progress(state: &JobState) -> f64 {
    if *state == JobState::Succeeded { 1.0 } else { 0.0 }
}

/// The properties that differ between two snapshots, with their new values.
pub fn changes<'a, T>(table: &[Property<T>], old: &T, new: &'a T) -> Vec<(&'static str, Variant<'a>)> {
    table
        .iter()
        .map(|(name, value)| (*name, value(old), value(new)))
        .filter(|(_, old, new)| old != new)
        .map(|(name, _, new)| (name, new))
        .collect()
}
