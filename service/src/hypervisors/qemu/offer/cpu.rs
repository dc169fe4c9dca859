//! Processors.

use lodge_model::domain::cpu::CpuMode;
use lodge_model::domain_capabilities::{CpuBlocker, CpuBlockers, CpuModeSupport, CpuModelEntry, CpuModelSupport, CpuSupport, Usable};
use lodge_model::xml::YesNo;

use super::trial::{Attribute, Trial};
use crate::hypervisors::qemu::capabilities::CpuModel;

/// In the order of the schema.
const MODES: [CpuMode; 4] = [CpuMode::HostPassthrough, CpuMode::Maximum, CpuMode::HostModel, CpuMode::Custom];

/// Names of QEMU for what has a mode of its own.
const MODES_OF_QEMU: [&str; 2] = ["host", "max"];

const MIGRATABLE: Attribute = Attribute {
    name: "hostPassthroughMigratable",
    words: || vec!["on", "off"],
    elements: |word| format!("<cpu mode='host-passthrough' migratable='{word}'/>"),
};

pub(super) fn support(trial: &Trial<'_>) -> CpuSupport {
    CpuSupport { modes: MODES.into_iter().map(|mode| of_mode(trial, mode)).collect(), ..CpuSupport::default() }
}

fn of_mode(trial: &Trial<'_>, mode: CpuMode) -> CpuModeSupport {
    let supported = trial.accepts(&format!("<cpu mode='{mode}'/>"));
    let mut support = CpuModeSupport { mode, supported: YesNo(supported), ..CpuModeSupport::default() };
    match mode {
        // In emulation nothing of the host is passed through.
        CpuMode::HostPassthrough if supported && trial.is_kvm() => support.enums.push(trial.words(&MIGRATABLE)),
        CpuMode::Custom => support.models = models(trial),
        _ => {}
    }
    support
}

/// The models, each with what keeps it from being used.
fn models(trial: &Trial<'_>) -> Vec<CpuModelEntry> {
    let capabilities = trial.capabilities();
    // QEMU was asked under KVM where that can be used; what emulation can do is not known then.
    let asked = trial.is_kvm() == capabilities.kvm.usable;
    let models = capabilities.cpu_models.values().filter(|model| !MODES_OF_QEMU.contains(&model.name.as_str()));
    models.flat_map(|model| entries(model, asked)).collect()
}

fn entries(model: &CpuModel, asked: bool) -> Vec<CpuModelEntry> {
    let unavailable = model.unavailable_features.as_deref().filter(|_| asked);
    let usable = match unavailable {
        None => Usable::Unknown,
        Some([]) => Usable::Yes,
        Some(_) => Usable::No,
    };
    let told = CpuModelEntry::Model(CpuModelSupport {
        usable: Some(usable),
        deprecated: Some(YesNo(model.deprecated)),
        canonical: model.alias_of.clone(),
        // QEMU does not tell.
        vendor: Some("unknown".to_owned()),
        name: Some(model.name.clone()),
        ..CpuModelSupport::default()
    });
    let features: Vec<CpuBlocker> =
        unavailable.unwrap_or_default().iter().map(|name| CpuBlocker { name: name.clone(), ..CpuBlocker::default() }).collect();
    let blockers = CpuBlockers { model: model.name.clone(), features, ..CpuBlockers::default() };
    [Some(told), (usable == Usable::No).then_some(CpuModelEntry::Blockers(blockers))].into_iter().flatten().collect()
}
