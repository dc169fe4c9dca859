//! The guests of one architecture.

use lodge_model::capabilities::{FeatureToggle, Guest, GuestArch, GuestDomain, GuestFeatures, GuestMachine, GuestOs};
use lodge_model::domain::DomainType;
use lodge_model::xml::{OnOff, YesNo};

use crate::hypervisors::qemu::capabilities::{Arch, Capabilities, Machine};
use crate::hypervisors::qemu::validate;

/// The guests of an architecture that a QEMU runs, with the machines that this version knows how to use.
pub fn guest(arch: Arch, capabilities: &Capabilities) -> Guest {
    let types = [Some(DomainType::Qemu), capabilities.kvm.usable.then_some(DomainType::Kvm)];
    let machines = capabilities.machines.values().filter(|machine| validate::knows_machine(&machine.name));
    let arch = GuestArch {
        name: arch.name().to_owned(),
        word_bits: arch.word_bits(),
        emulator: capabilities.emulator.to_str().map(str::to_owned),
        machines: machines.flat_map(names).collect(),
        domains: types.into_iter().flatten().map(|kind| GuestDomain { kind, ..GuestDomain::default() }).collect(),
        ..GuestArch::default()
    };
    let features = GuestFeatures {
        // A guest has ACPI when its definition says so, and always an APIC.
        acpi: Some(FeatureToggle::new(OnOff(false), YesNo(true))),
        apic: Some(FeatureToggle::new(OnOff(true), YesNo(false))),
        cpu_selection: true,
        device_boot: true,
        disk_snapshot: Some(FeatureToggle::new(OnOff(false), YesNo(false))),
        ..GuestFeatures::default()
    };
    Guest { os: GuestOs::Hvm, arch: Some(arch), features: Some(features), ..Guest::default() }
}

/// A machine by its own name, then by the one that stands for it.
fn names(machine: &Machine) -> impl Iterator<Item = GuestMachine> {
    let own = GuestMachine {
        max_cpus: Some(machine.cpu_max),
        deprecated: machine.deprecated.then_some(YesNo(true)),
        name: Some(machine.name.clone()),
        ..GuestMachine::default()
    };
    let alias = machine.alias.clone().map(|alias| GuestMachine { canonical: own.name.clone(), name: Some(alias), ..own.clone() });
    [Some(own), alias].into_iter().flatten()
}
