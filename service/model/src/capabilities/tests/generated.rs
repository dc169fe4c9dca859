//! Capabilities made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::domain::DomainType;
use crate::domain::cpu::CpuTopology;
use crate::domain::numa::{Distance, Distances};
use crate::domain::resources::CacheType;
use crate::testing::strategies::{any_of, cpus, few, is_read_as_written, kib, maybe, text, uuid, yes_no};
use crate::units::KibSize;
use crate::xml::OnOff;

prop_compose! {
    fn cpu()(
        arch in text(), old in maybe(any::<(bool, bool, bool, bool)>()), model in maybe(text()), vendor in maybe(text()),
        microcode in maybe(any::<u32>()), signature in maybe(any::<(u32, u32, u32)>()), counter in maybe((text(), any::<u64>(), any::<bool>())),
        counts in maybe(any::<(u32, u32, u32)>()), features in few(text()), pages in few(kib()),
    ) -> HostCpu {
        let signature = signature.map(|(family, model, stepping)| CpuSignature { family, model, stepping, ..Default::default() });
        let counter = counter
            .map(|(name, frequency, scaling)| TimeCounter { name, frequency, scaling: YesNo(scaling), ..Default::default() });
        HostCpu {
            arch, model, vendor, signature, counter,
            old_features: old.map(|(pae, nonpae, vmx, svm)| HostCpuFlags { pae, nonpae, vmx, svm, ..Default::default() }),
            microcode: microcode.map(|version| Microcode { version, ..Default::default() }),
            topology: counts.map(|(sockets, cores, threads)| CpuTopology { sockets, cores, threads, ..Default::default() }),
            features: features.into_iter().map(|name| HostCpuFeature { name, ..Default::default() }).collect(),
            pages: pages.into_iter().map(|bytes| PageSize { bytes, ..Default::default() }).collect(),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn cell()(
        id: u32, memory in maybe(kib()), pages in few((kib(), maybe(any::<u64>()))), distances in maybe(few(any::<(u32, u32)>())),
        cpus in maybe((any::<u32>(), few((any::<u32>(), maybe(any::<u32>()), maybe(any::<u32>()), maybe(cpus()))))),
    ) -> HostCell {
        let pool = |(bytes, count)| PagePool { bytes, count, ..Default::default() };
        let distance = |(id, value)| Distance { id, value, ..Default::default() };
        let cpu = |(id, socket, core, siblings)| CellCpu { id, socket, core, siblings, ..Default::default() };
        HostCell {
            id,
            memory: memory.map(|bytes| KibSize { bytes, ..Default::default() }),
            pages: pages.into_iter().map(pool).collect(),
            distances: distances.map(|all| Distances { siblings: all.into_iter().map(distance).collect(), ..Default::default() }),
            cpus: cpus.map(|(count, cpus)| CellCpus { count, cpus: cpus.into_iter().map(cpu).collect(), ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn bank()(
        id: u32, level: u32, kind in any_of(CacheType::ALL), bytes in kib(), cpus in cpus(),
        controls in few((any::<u64>(), maybe(any::<u64>()), text(), any_of(CacheType::ALL), any::<u32>())),
    ) -> CacheBank {
        let control = |(granularity, minimum, unit, kind, max_allocations)| {
            CacheControl { granularity, minimum, unit, kind, max_allocations, ..Default::default() }
        };
        CacheBank { id, level, kind, bytes, cpus, controls: controls.into_iter().map(control).collect(), ..Default::default() }
    }
}

fn monitor() -> impl Strategy<Value = Option<ResourceMonitor>> {
    maybe((maybe(any::<u32>()), maybe(any::<u32>()), any::<u32>(), few(text())).prop_map(
        |(level, reuse_threshold, max_monitors, names)| {
            let features = names.into_iter().map(|name| MonitorFeature { name, ..Default::default() }).collect();
            ResourceMonitor { level, reuse_threshold, max_monitors, features, ..Default::default() }
        },
    ))
}

fn bandwidth_node() -> impl Strategy<Value = BandwidthNode> {
    (any::<u32>(), cpus(), few((any::<u32>(), maybe(any::<u32>()), any::<u32>()))).prop_map(|(id, cpus, controls)| {
        let control =
            |(granularity, minimum, max_allocations)| BandwidthControl { granularity, minimum, max_allocations, ..Default::default() };
        BandwidthNode { id, cpus, controls: controls.into_iter().map(control).collect(), ..Default::default() }
    })
}

prop_compose! {
    fn security_model()(model in text(), doi in text(), labels in few((text(), maybe(text())))) -> SecurityModel {
        let label = |(kind, label)| BaseLabel { kind, label, ..Default::default() };
        SecurityModel { model, doi, base_labels: labels.into_iter().map(label).collect(), ..Default::default() }
    }
}

prop_compose! {
    fn host()(
        uuid in uuid(), cpu in maybe(cpu().boxed()), sleep in maybe(any::<(bool, bool, bool)>()), iommu in maybe(yes_no()),
        migration in maybe((any::<bool>(), maybe(few(text())))), cells in maybe(maybe((any::<u32>(), few(cell().boxed())))),
        cache in maybe((few(bank().boxed()), monitor())), bandwidth in maybe((few(bandwidth_node().boxed()), monitor())),
        security_models in few(security_model()),
    ) -> Host {
        let over = |transports| MigrationTransports { transports, ..Default::default() };
        let all = |(count, cells)| HostCells { count, cells, ..Default::default() };
        Host {
            uuid, cpu, security_models,
            power_management: sleep.map(|(to_memory, to_disk, hybrid)| SleepStates { to_memory, to_disk, hybrid, ..Default::default() }),
            iommu: iommu.map(|support| IommuSupport { support, ..Default::default() }),
            migration: migration
                .map(|(live, transports)| MigrationFeatures { live, transports: transports.map(over), ..Default::default() }),
            topology: cells.map(|cells| Topology { cells: cells.map(all), ..Default::default() }),
            cache: cache.map(|(banks, monitor)| HostCaches { banks, monitor, ..Default::default() }),
            memory_bandwidth: bandwidth.map(|(nodes, monitor)| MemoryBandwidth { nodes, monitor, ..Default::default() }),
            ..Default::default()
        }
    }
}

fn machines() -> impl Strategy<Value = Vec<GuestMachine>> {
    let machine = (maybe(text()), maybe(any::<u32>()), yes_no(), maybe(text()));
    few(machine.prop_map(|(canonical, max_cpus, deprecated, name)| GuestMachine {
        canonical,
        max_cpus,
        deprecated,
        name,
        ..Default::default()
    }))
}

prop_compose! {
    fn arch()(
        name in text(), word_bits: u32, emulator in maybe(text()), loader in maybe(text()), machines in machines(),
        domains in few((any_of(DomainType::ALL), maybe(text()), machines())),
    ) -> GuestArch {
        let domain = |(kind, emulator, machines)| GuestDomain { kind, emulator, machines, ..Default::default() };
        let domains = domains.into_iter().map(domain).collect();
        GuestArch { name, word_bits, emulator, loader, machines, domains, ..Default::default() }
    }
}

prop_compose! {
    fn features()(flags: (bool, bool, bool, bool, bool, bool), acpi in maybe(any::<(bool, bool)>()), hap in maybe(any::<(bool, bool)>())) -> GuestFeatures {
        let (pae, nonpae, ia64_big_endian, cpu_selection, device_boot, external_snapshot) = flags;
        let toggle = |(default, toggle)| FeatureToggle::new(OnOff(default), YesNo(toggle));
        let (acpi, hap) = (acpi.map(toggle), hap.map(toggle));
        GuestFeatures { pae, nonpae, ia64_big_endian, cpu_selection, device_boot, external_snapshot, acpi, hap, ..Default::default() }
    }
}

prop_compose! {
    fn guest()(os in any_of(GuestOs::ALL), arch in maybe(arch()), features in maybe(features())) -> Guest {
        Guest { os, arch, features, ..Default::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(host in host(), guests in few(guest().boxed())) {
        let capabilities = Capabilities { host, guests, ..Default::default() };
        is_read_as_written(&capabilities)?;
        // Whatever it is, it can be checked.
        let _ = capabilities.validate();
    }
}
