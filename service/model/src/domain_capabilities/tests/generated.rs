//! Capabilities made up, of every shape.

use proptest::prelude::*;

use super::*;
use crate::domain::cpu::{CpuFallback, CpuFeature, CpuFeaturePolicy, CpuMode};
use crate::testing::strategies::{any_of, few, is_read_as_written, kib, maybe, text, yes_no};
use crate::units::KibSize;

fn supported() -> impl Strategy<Value = YesNo> {
    any::<bool>().prop_map(YesNo)
}

fn enums() -> impl Strategy<Value = Vec<SupportEnum>> {
    few((text(), few(text())).prop_map(|(name, values)| SupportEnum::new(&name, values)))
}

fn support() -> impl Strategy<Value = Option<Support>> {
    maybe((supported(), enums()).prop_map(|(supported, enums)| Support { supported, enums, ..Default::default() })).boxed()
}

prop_compose! {
    fn os()(supported in supported(), enums in enums(), loader in maybe((supported(), few(text()), enums()))) -> OsSupport {
        let loader = loader.map(|(supported, paths, enums)| LoaderSupport { supported, paths, enums, ..Default::default() });
        OsSupport { supported, enums, loader, ..Default::default() }
    }
}

prop_compose! {
    fn model()(
        fallback in maybe(any_of(CpuFallback::ALL)), usable in maybe(any_of(Usable::ALL)), deprecated in yes_no(),
        canonical in maybe(text()), vendor in maybe(text()), name in maybe(text()),
    ) -> CpuModelSupport {
        CpuModelSupport { fallback, usable, deprecated, canonical, vendor, name, ..Default::default() }
    }
}

fn entry() -> impl Strategy<Value = CpuModelEntry> {
    let blockers = (text(), few(text())).prop_map(|(model, names)| CpuBlockers {
        model,
        features: names.into_iter().map(|name| CpuBlocker { name, ..Default::default() }).collect(),
        ..Default::default()
    });
    prop_oneof![model().prop_map(CpuModelEntry::Model), blockers.prop_map(CpuModelEntry::Blockers)]
}

prop_compose! {
    fn mode()(
        mode in any_of(CpuMode::ALL), supported in supported(), enums in enums(), models in few(entry()), vendor in maybe(text()),
        features in few((maybe(any_of(CpuFeaturePolicy::ALL)), text())),
    ) -> CpuModeSupport {
        let feature = |(policy, name)| CpuFeature { policy, name, ..Default::default() };
        CpuModeSupport {
            mode, supported, enums, models, vendor,
            features: features.into_iter().map(feature).collect(),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn devices()(
        disk in support(), graphics in support(), video in support(), hostdev in support(), rng in support(), filesystem in support(),
        tpm in support(), redirdev in support(), channel in support(), console in support(),
    ) -> DeviceSupport {
        DeviceSupport { disk, graphics, video, hostdev, rng, filesystem, tpm, redirdev, channel, console, ..Default::default() }
    }
}

prop_compose! {
    fn sgx()(
        supported in supported(), flexible_launch in yes_no(), sgx1 in yes_no(), size in maybe(kib()),
        sections in maybe(few((any::<u32>(), kib()))),
    ) -> SgxSupport {
        let section = |(node, bytes)| SgxSection { node, bytes, ..Default::default() };
        SgxSupport {
            supported, flexible_launch, sgx1,
            section_size: size.map(|bytes| KibSize { bytes, ..Default::default() }),
            sections: sections.map(|all| SgxSections { sections: all.into_iter().map(section).collect(), ..Default::default() }),
            ..Default::default()
        }
    }
}

prop_compose! {
    fn features()(
        gic in support(), ps2 in support(), hyperv in support(), sgx in maybe(sgx()),
        sev in maybe((supported(), maybe(any::<u32>()), maybe(text()))),
    ) -> FeatureSupport {
        let sev = sev.map(|(supported, max_guests, cpu0_id)| SevSupport { supported, max_guests, cpu0_id, ..Default::default() });
        FeatureSupport { gic, ps2, hyperv, sgx, sev, ..Default::default() }
    }
}

prop_compose! {
    fn capabilities()(
        path in maybe(text()), kind in any_of(DomainType::ALL), machine in maybe(text()), arch in text(), max in maybe(any::<u32>()),
        io_threads in support(), os in maybe(os()), modes in maybe(few(mode().boxed())), memory_backing in support(),
        devices in maybe(devices().boxed()), features in maybe(features().boxed()),
    ) -> DomainCapabilities {
        DomainCapabilities {
            path, kind, machine, arch, io_threads, os, memory_backing, devices, features,
            vcpu: max.map(|max| VcpuLimit { max, ..Default::default() }),
            cpu: modes.map(|modes| CpuSupport { modes, ..Default::default() }),
            ..Default::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(capabilities in capabilities()) {
        is_read_as_written(&capabilities)?;
        // Whatever it is, it can be checked.
        let _ = capabilities.validate();
    }
}
