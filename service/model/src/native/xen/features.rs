//! What the machine can do: its features, its states of sleep, and its limits.

use super::input::Input;
use super::output::Output;
use super::value::Value;
use super::{Dialect, kind};
use crate::domain::Domain;
use crate::domain::devices::{Controller, ControllerType};
use crate::domain::features::{Apic, Feature, Features, HyperV, SyntheticTimers, TlbFlush, Xen, XenPassthrough, XenPassthroughMode};
use crate::domain::lifecycle::{PowerManagement, Sleep};
use crate::domain::os::OsKind;
use crate::native::ReadError;
use crate::xml::{OnOff, YesNo};

/// Groups of Hyper-V's enlightenments that have an element. `base` is the element `<viridian>`.
const GROUPS: [&str; 6] = ["freq", "apic_assist", "hcall_remote_tlb_flush", "hcall_ipi", "stimer", "synic"];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let hvm = kind(domain) == OsKind::Hvm;
    if kind(domain) != OsKind::Linux {
        // xl gives them to the guest unless told otherwise, xm and xend do not.
        let default = hvm && input.dialect == Dialect::Xl;
        let features = &mut domain.features;
        let mut platform = |key| {
            let Some(item) = input.take(key) else { return Ok(default) };
            let on = item.switch(key)?;
            if !on && !hvm {
                // A domain of such a guest is silent of it, and then Xen decides.
                input.warn(item.position, format!("'{key}' cannot be 0 in a domain of this kind of guest and is left out"));
            }
            Ok(on)
        };
        features.acpi = platform("acpi")?;
        features.apic = platform("apic")?.then(Apic::default);
        features.pae = platform("pae")?;
        features.hap = input.switch("hap")?.map(Feature::new);
        viridian(input, features)?;
    }
    if hvm {
        sleep(input, domain)?;
    }
    let e820_host = input.switch("e820_host")?.map(Feature::new);
    let passthrough = passthrough(input)?;
    if e820_host.is_some() || passthrough.is_some() {
        domain.features.xen = Some(Xen { e820_host, passthrough, ..Xen::default() });
    }
    let max_grant_frames = input.number("max_grant_frames", "a number of frames")?;
    let max_event_channels = input.number("max_event_channels", "a number of channels")?;
    if max_grant_frames.is_some() || max_event_channels.is_some() {
        let bus = Controller { kind: ControllerType::Xenbus, max_grant_frames, max_event_channels, ..Controller::default() };
        domain.devices.list.push(bus.into());
    }
    Ok(())
}

/// A boolean, or a list of groups of which some have elements.
fn viridian(input: &mut Input, features: &mut Features) -> Result<(), ReadError> {
    let Some(item) = input.take("viridian") else { return Ok(()) };
    if !matches!(item.value, Value::List(_)) {
        features.viridian = item.switch("viridian")?;
        return Ok(());
    }
    let position = item.position;
    let (mut base, mut defaults) = (false, false);
    for item in item.into_list() {
        let word = item.text("viridian")?;
        (base, defaults) = (base || word == "base", defaults || word == "defaults");
        let (name, on) = word.strip_prefix('!').map_or((word.as_str(), true), |name| (name, false));
        if matches!(name, "base" | "defaults") && on {
            features.viridian = true;
        } else if GROUPS.contains(&name) {
            set_group(features.hyperv.get_or_insert_default(), name, on);
        } else {
            input.warn(item.position, format!("'{word}' of 'viridian' has no element in the domain and is left out"));
        }
    }
    // The element means Xen's default groups where it is alone, and the group `base` beside others.
    match (defaults, features.hyperv.is_some()) {
        (true, true) => {
            input.warn(position, "'defaults' of 'viridian' becomes 'base', since other groups are named beside it".into());
        }
        (false, false) if base => {
            input.warn(position, "'base' of 'viridian' becomes 'defaults', since no group is left beside it".into());
        }
        _ => {}
    }
    Ok(())
}

fn set_group(hyperv: &mut HyperV, name: &str, on: bool) {
    let (feature, state) = (Some(Feature::new(on)), Some(OnOff(on)));
    match name {
        "freq" => hyperv.frequencies = feature,
        "apic_assist" => hyperv.vapic = feature,
        "hcall_remote_tlb_flush" => hyperv.tlbflush = Some(TlbFlush { state, ..TlbFlush::default() }),
        "hcall_ipi" => hyperv.ipi = feature,
        "stimer" => hyperv.stimer = Some(SyntheticTimers { state, ..SyntheticTimers::default() }),
        _ => hyperv.synic = feature,
    }
}

/// Whether a group is on, where the domain says.
fn group(hyperv: &HyperV, name: &str) -> Option<bool> {
    let is_on = |feature: &Option<Feature>| feature.as_ref().map(Feature::is_on);
    let state = |state: Option<OnOff>| state.is_none_or(|state| state.0);
    match name {
        "freq" => is_on(&hyperv.frequencies),
        "apic_assist" => is_on(&hyperv.vapic),
        "hcall_remote_tlb_flush" => hyperv.tlbflush.as_ref().map(|flush| state(flush.state)),
        "hcall_ipi" => is_on(&hyperv.ipi),
        "stimer" => hyperv.stimer.as_ref().map(|timers| state(timers.state)),
        _ => is_on(&hyperv.synic),
    }
}

fn sleep(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let mut take = |key| Ok(input.switch(key)?.map(|on| Sleep { enabled: Some(YesNo(on)), ..Sleep::default() }));
    let (suspend_to_mem, suspend_to_disk) = (take("acpi_s3")?, take("acpi_s4")?);
    if suspend_to_mem.is_some() || suspend_to_disk.is_some() {
        domain.pm = Some(PowerManagement { suspend_to_mem, suspend_to_disk, ..PowerManagement::default() });
    }
    Ok(())
}

fn passthrough(input: &mut Input) -> Result<Option<XenPassthrough>, ReadError> {
    let Some(item) = input.take("passthrough") else { return Ok(None) };
    let (on, mode) = match item.text("passthrough")?.as_str() {
        "default" => return Ok(None),
        "disabled" => (false, None),
        "enabled" => (true, None),
        "sync_pt" => (true, Some(XenPassthroughMode::SyncPt)),
        "share_pt" => (true, Some(XenPassthroughMode::SharePt)),
        _ => return Err(item.unexpected("passthrough", "'disabled', 'enabled', 'sync_pt', 'share_pt' or 'default'")),
    };
    Ok(Some(XenPassthrough { state: Some(OnOff(on)), mode, ..XenPassthrough::default() }))
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let (features, xl) = (&domain.features, output.dialect == Dialect::Xl);
    let hvm = kind(domain) == OsKind::Hvm;
    if kind(domain) != OsKind::Linux {
        output.switch("pae", Some(features.pae).filter(|on| hvm || *on));
        output.switch("acpi", Some(features.acpi).filter(|on| hvm || *on));
        output.switch("apic", Some(features.apic.is_some()).filter(|on| hvm || *on));
        output.switch("hap", features.hap.as_ref().map(Feature::is_on));
        write_viridian(features, output);
    }
    if !xl {
        return;
    }
    if hvm {
        let pm = domain.pm.as_ref();
        let enabled = |sleep: &Sleep| sleep.enabled.is_none_or(|enabled| enabled.0);
        output.switch("acpi_s3", pm.and_then(|pm| pm.suspend_to_mem.as_ref()).map(enabled));
        output.switch("acpi_s4", pm.and_then(|pm| pm.suspend_to_disk.as_ref()).map(enabled));
    }
    let xen = features.xen.as_ref();
    output.switch("e820_host", xen.and_then(|xen| xen.e820_host.as_ref()).map(Feature::is_on));
    let passthrough = xen.and_then(|xen| xen.passthrough.as_ref());
    output.text(
        "passthrough",
        passthrough.map(|passthrough| match (passthrough.state, passthrough.mode) {
            (Some(OnOff(false)), _) => "disabled",
            (_, None) => "enabled",
            (_, Some(mode)) => mode.as_str(),
        }),
    );
    let bus = domain.devices.controllers().find(|controller| controller.kind == ControllerType::Xenbus);
    output.number("max_grant_frames", bus.and_then(|bus| bus.max_grant_frames));
    output.number("max_event_channels", bus.and_then(|bus| bus.max_event_channels));
}

fn write_viridian(features: &Features, output: &mut Output) {
    let groups = features.hyperv.as_ref().filter(|_| output.dialect == Dialect::Xl);
    let said = groups.into_iter().flat_map(|hyperv| GROUPS.into_iter().filter_map(|name| Some((name, group(hyperv, name)?))));
    let mut words: Vec<String> = said.map(|(name, on)| if on { name.to_owned() } else { format!("!{name}") }).collect();
    if words.is_empty() {
        output.switch("viridian", Some(true).filter(|_| features.viridian));
        return;
    }
    if features.viridian {
        words.insert(0, "base".to_owned());
    }
    output.texts("viridian", words);
}
