//! What one kind of domain can have on a host: the `<domainCapabilities>` document (libvirt, formatdomaincaps and its
//! schema, 11.3).
//!
//! The service reports it, for one program, type, architecture and machine. What is not said in it is not said: an
//! element that is absent is neither there nor missing. Words are kept as text, since hypervisors add them.
//!
//! Invariant: reading fills in nothing.

use crate::document::{Document, Problems};
use crate::domain::DomainType;
use crate::element;
use crate::xml::YesNo;

mod cpu;
mod devices;
mod features;
mod validate;

pub use cpu::*;
pub use devices::*;
pub use features::*;

element! {
    /// What one kind of domain can have.
    pub struct DomainCapabilities {
        /// Absolute path of the program that runs them.
        leaf "path" path: Option<String>,
        /// Their type.
        required_leaf "domain" kind: DomainType,
        /// Their machine, by its full name.
        leaf "machine" machine: Option<String>,
        /// Their architecture.
        required_leaf "arch" arch: String,
        /// How many virtual processors they can have.
        child "vcpu" vcpu: Option<VcpuLimit>,
        /// I/O threads.
        child "iothreads" io_threads: Option<Support>,
        /// Firmware.
        child "os" os: Option<OsSupport>,
        /// Processors.
        child "cpu" cpu: Option<CpuSupport>,
        /// What their memory can be made of.
        child "memoryBacking" memory_backing: Option<Support>,
        /// Devices.
        child "devices" devices: Option<DeviceSupport>,
        /// Everything else.
        child "features" features: Option<FeatureSupport>,
    }
}

element! {
    /// Whether there is something, and what words its attributes can have.
    pub struct Support {
        /// Whether there is.
        required "supported" supported: YesNo,
        /// Words, attribute by attribute.
        children "enum" enums: Vec<SupportEnum>,
    }
}

element! {
    /// The words that one attribute can have.
    pub struct SupportEnum {
        /// Name of the attribute; where several are called so, with what it belongs to before it.
        required "name" name: String,
        /// The words.
        leaves "value" values: Vec<String>,
    }
}

element! {
    /// A number of virtual processors.
    pub struct VcpuLimit {
        /// The most.
        required "max" max: u32,
    }
}

element! {
    /// Firmware.
    pub struct OsSupport {
        /// Whether domains boot from it.
        required "supported" supported: YesNo,
        /// Words, attribute by attribute.
        children "enum" enums: Vec<SupportEnum>,
        /// Images of firmware.
        child "loader" loader: Option<LoaderSupport>,
    }
}

element! {
    /// Images of firmware.
    pub struct LoaderSupport {
        /// Whether they can be named.
        required "supported" supported: YesNo,
        /// Absolute paths of those that are installed.
        leaves "value" paths: Vec<String>,
        /// Words, attribute by attribute.
        children "enum" enums: Vec<SupportEnum>,
    }
}

impl Document for DomainCapabilities {
    const ROOT: &'static str = "domainCapabilities";

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl Support {
    /// There is, or there is not.
    pub fn new(supported: bool) -> Self {
        Self { supported: YesNo(supported), ..Self::default() }
    }
}

impl SupportEnum {
    /// These words.
    pub fn new(name: &str, values: Vec<String>) -> Self {
        Self { name: name.to_owned(), values, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
