//! What the driver offers, as documents: the guests that it can run, and what one kind of domain can have.
//!
//! Nothing of it is a table that somebody has to keep up to date: each word is tried ([`trial`]). A smallest domain with
//! the word is completed and planned as for a start; the word is offered when that is not refused and this QEMU has all
//! that its command line names. What is offered is therefore what can be started on this host, with this QEMU.
//!
//! Invariants:
//! - Pure: nothing is read, stored or started.
//! - What a plan pays no attention to is not offered, since trying tells nothing about it.

mod cpu;
mod devices;
mod features;
mod guest;
mod os;
mod trial;

use lodge_model::domain::DomainType;
use lodge_model::domain::memory::MemorySourceType;
use lodge_model::domain_capabilities::{DomainCapabilities, Support, VcpuLimit};

use super::input::Host;
use crate::error::Result;
use trial::{Attribute, Trial};

pub use guest::guest;
pub use trial::Kind;

const MEMORY_BACKING: &[Attribute] = &[Attribute {
    name: "sourceType",
    words: trial::words!(MemorySourceType),
    elements: |word| format!("<memoryBacking><source type='{word}'/></memoryBacking>"),
}];

/// What domains of a kind can have. Without a machine, the one that a domain gets which names none.
///
/// # Errors
/// `NotSupported` when there can be no such domain here, with the reason.
pub fn domain_capabilities(kind: &Kind, host: &Host) -> Result<DomainCapabilities> {
    let trial = Trial::new(kind, host)?;
    let machine = trial.machine();
    Ok(DomainCapabilities {
        path: host.capabilities.emulator.to_str().map(str::to_owned),
        kind: kind.domain_type,
        machine: Some(machine.name.clone()),
        arch: kind.arch.name().to_owned(),
        vcpu: Some(VcpuLimit { max: host.capabilities.max_vcpus(machine, kind.domain_type), ..VcpuLimit::default() }),
        io_threads: Some(Support::new(trial.accepts("<iothreads>1</iothreads>"))),
        os: Some(os::support(&trial)),
        cpu: Some(cpu::support(&trial)),
        memory_backing: Some(trial.support(MEMORY_BACKING)),
        devices: Some(devices::support(&trial)),
        features: Some(features::support(&trial)),
        ..DomainCapabilities::default()
    })
}

/// The type of domains that say none: the fastest that there is.
pub fn default_type(host: &Host) -> DomainType {
    if host.capabilities.kvm.usable { DomainType::Kvm } else { DomainType::Qemu }
}

#[cfg(test)]
mod tests;
