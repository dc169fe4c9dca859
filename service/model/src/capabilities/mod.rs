//! What a host is and which guests it can run: the `<capabilities>` document (libvirt, formatcaps and its schema, 11.3).
//!
//! The service reports it and nobody writes it; what it holds of the host comes from the kernel, what of guests from the
//! hypervisors. What one kind of domain can have is [`crate::domain_capabilities`].
//!
//! Invariants:
//! - Reading fills in nothing: what is absent was not found out.
//! - Sizes are bytes.

use uuid::Uuid;

use crate::document::{Document, Problems};
use crate::element;
use crate::xml::YesNo;

mod cache;
mod cpu;
mod guest;
mod topology;
mod validate;

pub use cache::*;
pub use cpu::*;
pub use guest::*;
pub use topology::*;

element! {
    /// A host and its guests.
    pub struct Capabilities {
        /// The host.
        section "host" host: Host,
        /// The guests it can run, one for each kind and architecture.
        children "guest" guests: Vec<Guest>,
    }
}

element! {
    /// A host.
    pub struct Host {
        /// Identity of the machine, as its firmware tells it.
        leaf "uuid" uuid: Option<Uuid>,
        /// Its processors.
        child "cpu" cpu: Option<HostCpu>,
        /// How it can sleep.
        child "power_management" power_management: Option<SleepStates>,
        /// Whether devices can be given to guests for themselves.
        child "iommu" iommu: Option<IommuSupport>,
        /// How running guests can move to another host.
        child "migration_features" migration: Option<MigrationFeatures>,
        /// Where processors and memory are.
        child "topology" topology: Option<Topology>,
        /// Caches that processors share.
        child "cache" cache: Option<HostCaches>,
        /// Limits of memory bandwidth.
        child "memory_bandwidth" memory_bandwidth: Option<MemoryBandwidth>,
        /// Security models that confine guests.
        children "secmodel" security_models: Vec<SecurityModel>,
    }
}

element! {
    /// How a host can sleep. An empty one says that it cannot.
    pub struct SleepStates {
        /// To memory (S3).
        flag "suspend_mem" to_memory: bool,
        /// To disk (S4).
        flag "suspend_disk" to_disk: bool,
        /// To both at once.
        flag "suspend_hybrid" hybrid: bool,
    }
}

element! {
    /// Whether a host has an IOMMU that is turned on.
    pub struct IommuSupport {
        /// Whether it has.
        attr "support" support: Option<YesNo>,
    }
}

element! {
    /// How running guests can move to another host.
    pub struct MigrationFeatures {
        /// Whether they run meanwhile.
        flag "live" live: bool,
        /// What they can move over.
        child "uri_transports" transports: Option<MigrationTransports>,
    }
}

element! {
    /// What guests can move over.
    pub struct MigrationTransports {
        /// Schemes of addresses: `tcp`, `rdma`, …; open, as hypervisors are.
        leaves "uri_transport" transports: Vec<String>,
    }
}

element! {
    /// A security model that confines guests.
    pub struct SecurityModel {
        /// Its name, as in a domain's `<seclabel model='…'>`: `dac`, `selinux`, `apparmor`.
        required_leaf "model" model: String,
        /// Its domain of interpretation, a number or an empty text.
        required_leaf "doi" doi: String,
        /// Labels that guests get when their definitions say none.
        children "baselabel" base_labels: Vec<BaseLabel>,
    }
}

element! {
    /// The label that guests of a type get.
    pub struct BaseLabel {
        /// Type of the domains: `kvm`, `qemu`, …
        required "type" kind: String,
        /// The label.
        text "" label: Option<String>,
    }
}

impl Document for Capabilities {
    const ROOT: &'static str = "capabilities";

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

#[cfg(test)]
mod tests;
