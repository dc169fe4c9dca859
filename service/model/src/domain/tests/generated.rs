//! Documents made up: of every shape, with what nobody knows put in, and with bytes of no sense.

use proptest::prelude::*;

use super::*;
use crate::testing::strategies::{any_of, maybe, on_off, text, uuid, yes_no};
use clock::{Adjustment, Timer};
use cpu::{CpuFeature, CpuMode, CpuModel, CpuTopology, Vcpus};
use cpuset::CpuSet;
use features::{Apic, Feature, HyperV, Smm, Spinlocks, Tseg};
use memory::{CurrentMemory, HugePage, HugePages, MaxMemory, MemoryBacking};
use os::{Boot, BootDevice, Loader, OsKind, OsType};

fn kib() -> impl Strategy<Value = u64> {
    (0..u64::MAX / 1024).prop_map(|kib| kib * 1024)
}

fn cpus() -> impl Strategy<Value = CpuSet> {
    proptest::collection::btree_set(0..=CpuSet::MAX, 1..20).prop_map(CpuSet::from_iter)
}

fn feature() -> impl Strategy<Value = Option<Feature>> {
    maybe(on_off().prop_map(|state| Feature { state, ..Default::default() }))
}

prop_compose! {
    fn features()(
        acpi in any::<bool>(), pae in any::<bool>(), eoi in maybe(on_off()), vmport in feature(), relaxed in feature(),
        spinlocks in maybe((on_off(), maybe(any::<u32>()))), hyperv in any::<bool>(), smm in maybe((on_off(), maybe(kib()))),
    ) -> Features {
        let spinlocks = spinlocks.map(|(state, retries)| Spinlocks { state, retries, ..Default::default() });
        Features {
            acpi, pae, vmport,
            apic: eoi.map(|eoi| Apic { eoi, ..Default::default() }),
            hyperv: hyperv.then(|| HyperV { relaxed, spinlocks, ..Default::default() }),
            smm: smm.map(|(state, tseg)| {
                let tseg = tseg.map(|bytes| Tseg { bytes, ..Default::default() });
                Smm { state, tseg, ..Default::default() }
            }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn clock()(
        offset in maybe(any_of(clock::ClockOffset::ALL)),
        adjustment in maybe(prop_oneof![Just(Adjustment::Reset), any::<i64>().prop_map(Adjustment::Seconds)]),
        time_zone in maybe(text()), start in maybe(any::<u64>()),
        timers in proptest::collection::vec((any_of(clock::TimerName::ALL), yes_no(), maybe(any_of(clock::TickPolicy::ALL))), 0..4),
    ) -> Clock {
        let timer = |(name, present, tick_policy)| Timer { name, present, tick_policy, ..Default::default() };
        Clock { offset, adjustment, time_zone, start, timers: timers.into_iter().map(timer).collect(), ..Default::default() }
    }
}

prop_compose! {
    fn os()(
        kind in maybe(any_of(OsKind::ALL)), machine in maybe(text()), loader in maybe(text()), cmdline in maybe(text()),
        init_args in proptest::collection::vec(text(), 0..3), boot in proptest::collection::vec(any_of(BootDevice::ALL), 0..4),
    ) -> Os {
        Os {
            os_type: Some(OsType { kind, machine, ..Default::default() }),
            loader: loader.map(|path| Loader { path: Some(path), ..Default::default() }),
            boot: boot.into_iter().map(|dev| Boot { dev, ..Default::default() }).collect(),
            cmdline, init_args,
            ..Default::default()
        }
    }
}

prop_compose! {
    fn cpu()(
        mode in maybe(any_of(CpuMode::ALL)), model in maybe(text()), counts in maybe((1..9_u32, maybe(1..9_u32), 1..9_u32)),
        features in proptest::collection::vec((text(), maybe(any_of(cpu::CpuFeaturePolicy::ALL))), 0..4),
        cells in proptest::collection::vec((maybe(cpus()), kib()), 0..3),
    ) -> Cpu {
        let cell = |(cpus, memory)| numa::NumaCell { cpus, memory, ..Default::default() };
        let feature = |(name, policy)| CpuFeature { name, policy, ..Default::default() };
        Cpu {
            mode,
            model: model.map(|name| CpuModel { name: Some(name), ..Default::default() }),
            topology: counts.map(|(sockets, dies, cores)| CpuTopology { sockets, dies, cores, threads: 1, ..Default::default() }),
            features: features.into_iter().map(feature).collect(),
            numa: (!cells.is_empty()).then(|| numa::NumaTopology { cells: cells.into_iter().map(cell).collect(), ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn memory_part()(
        memory in maybe((kib(), on_off())), current in maybe(kib()), max in maybe((kib(), maybe(any::<u32>()))),
        backing in maybe((any::<bool>(), proptest::collection::vec((kib(), maybe(cpus())), 0..3))),
    ) -> Domain {
        let page = |(size, nodes)| HugePage { size, nodes, ..Default::default() };
        Domain {
            memory: memory.map(|(bytes, dump_core)| Memory { bytes, dump_core, ..Default::default() }),
            current_memory: current.map(CurrentMemory::new),
            max_memory: max.map(|(bytes, slots)| MaxMemory { bytes, slots, ..Default::default() }),
            memory_backing: backing.map(|(locked, pages)| MemoryBacking {
                locked,
                huge_pages: (!pages.is_empty()).then(|| HugePages { pages: pages.into_iter().map(page).collect(), ..Default::default() }),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn domain()(
        part in memory_part(), kind in any_of(DomainType::ALL), name in text(), uuid in uuid(),
        title in maybe(text()), metadata in maybe("(<m:a xmlns:m='u' b=\"[a-z]*\"/>|[ \n]|<!-- [a-z]* -->){0,4}"),
        vcpu in maybe((maybe(any::<u32>()), maybe(cpus()), any::<u32>())), os in os(), features in features(), cpu in maybe(cpu()),
        clock in maybe(clock()), on_crash in maybe(any_of(LifecycleAction::ALL)), args in proptest::collection::vec(text(), 0..3),
    ) -> Domain {
        let arg = |value| qemu::Arg { value, ..Default::default() };
        Domain {
            kind, name, uuid, title, os, features, cpu, clock, on_crash,
            metadata: metadata.map(RawXml),
            vcpu: vcpu.map(|(current, cpus, count)| Vcpus { current, cpus, count: Some(count), ..Default::default() }),
            qemu_command_line: (!args.is_empty())
                .then(|| qemu::CommandLine { args: args.into_iter().map(arg).collect(), ..Default::default() }),
            ..part
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(domain in domain()) {
        let written = domain.to_xml();
        let (again, warnings) = Domain::parse(&written).map_err(|error| TestCaseError::fail(format!("{error} in {written}")))?;
        prop_assert_eq!(warnings, vec![]);
        prop_assert_eq!(again, domain);
    }
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Domain>("domain");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Domain>("domain");
}
