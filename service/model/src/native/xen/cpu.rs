//! Virtual processors: how many, where they run, their share, and what the guest sees of them.

use super::Dialect;
use super::input::Input;
use super::kind;
use super::output::Output;
use super::value::{Item, Value};
use crate::domain::Domain;
use crate::domain::cpu::{Cpu, CpuFeature, CpuFeaturePolicy, CpuMode, Vcpus};
use crate::domain::cpuset::CpuSet;
use crate::domain::numa::Placement;
use crate::domain::os::OsKind;
use crate::domain::resources::{CpuTune, VcpuPin};
use crate::native::ReadError;
use crate::xml::Value as Word;

/// Most processors counted in all ranges of all settings together; each pin names a set of them.
const MAX_PINNED: u64 = 1 << 20;

/// Most virtual processors of Xen.
const MAX_VCPUS: u32 = 8192;

/// The period against which a cap is said, in microseconds: one percent of it is a thousand.
const CAP_PERIOD: u64 = 100_000;

/// The flags of hardware virtualization, Intel's and AMD's.
const VIRTUALIZATION: [&str; 2] = ["vmx", "svm"];

/// What cpuid settings say of a feature.
const POLICIES: [(&str, CpuFeaturePolicy); 3] =
    [("1", CpuFeaturePolicy::Force), ("0", CpuFeaturePolicy::Disable), ("x", CpuFeaturePolicy::Optional)];

/// Names in cpuid settings that take a number, so that a 1 is no switch (xl.cfg(5)).
const NUMBERS: [&str; 12] = [
    "apicidsize",
    "brandid",
    "clflush",
    "family",
    "localapicid",
    "maxhvleaf",
    "maxleaf",
    "model",
    "nc",
    "proccount",
    "procpkg",
    "stepping",
];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    count(input, domain)?;
    pinning(input, domain)?;
    if let Some(weight) = input.number("cpu_weight", "a weight from 1 to 65535")? {
        tune(domain).shares = Some(weight);
    }
    // To xl it is `cap`, to xm and xend `cpu_cap`.
    input.overrule("cap", &["cpu_cap"]);
    let cap: Option<u32> = input.number("cpu_cap", "a number of percent")?;
    if let Some(cap) = input.number("cap", "a number of percent")?.or(cap).filter(|cap| *cap > 0) {
        tune(domain).global_period = Some(CAP_PERIOD);
        tune(domain).global_quota = Some(i64::from(cap) * 1000);
    }
    if kind(domain) != OsKind::Linux {
        input.overrule("nested", &["nestedhvm"]);
        if let Some(nested) = input.switch("nested")?.or(input.switch("nestedhvm")?) {
            set_nested(domain, nested);
        }
    }
    cpuid(input, domain)
}

fn tune(domain: &mut Domain) -> &mut CpuTune {
    domain.cpu_tune.get_or_insert_default()
}

fn count(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let expected = "a number of processors from 1 to 8192";
    let position = input.position("vcpus");
    let mut take = |key| {
        let Some(item) = input.take(key) else { return Ok(None) };
        let count: u32 = item.number(key, expected)?;
        if (1..=MAX_VCPUS).contains(&count) { Ok(Some(count)) } else { Err(item.unexpected(key, expected)) }
    };
    let (vcpus, max) = (take("vcpus")?, take("maxvcpus")?);
    if let (Some(vcpus), Some(max), Some(position)) = (vcpus, max, position)
        && vcpus > max
    {
        return Err(ReadError {
            position,
            reason: format!("expected at most the {max} processors of 'maxvcpus' for 'vcpus', found {vcpus}"),
        });
    }
    if vcpus.is_some() && max.is_some() {
        input.leave_out("vcpu_avail", "does not count beside 'vcpus' and 'maxvcpus'");
    }
    let available = input.take("vcpu_avail").map(|item| Ok((item.number::<i64>("vcpu_avail", "a mask of processors")?, item.position)));
    let count = max.or(vcpus).unwrap_or(1);
    let mut current = vcpus.filter(|vcpus| *vcpus < count);
    if let Some((mask, position)) = available.transpose()? {
        let plugged = mask.trailing_ones();
        if plugged != mask.count_ones() || plugged == 0 {
            input.warn(
                position,
                "'vcpu_avail' names processors that are not the first ones, which a domain does not tell apart; it is left out".into(),
            );
        } else {
            current = Some(plugged).filter(|plugged| *plugged < count);
        }
    }
    domain.vcpu = Some(Vcpus { current, ..Vcpus::new(count) });
    Ok(())
}

fn pinning(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let Some(item) = input.take("cpus") else { return Ok(()) };
    let mut budget = MAX_PINNED;
    if !matches!(item.value, Value::List(_)) {
        if let Some(cpus) = processors(&item, input, &mut budget)? {
            domain.vcpu.get_or_insert_with(|| Vcpus::new(1)).cpus = Some(cpus);
        }
        return Ok(());
    }
    let position = item.position;
    for (vcpu, item) in (0..).zip(item.into_list()) {
        if vcpu >= domain.max_vcpus() {
            let reason =
                format!("'cpus' pins more processors than the {} that the domain has; the others are left out", domain.max_vcpus());
            input.warn(position, reason);
            break;
        }
        if let Some(cpus) = processors(&item, input, &mut budget)? {
            tune(domain).vcpu_pins.push(VcpuPin { vcpu, cpus, ..VcpuPin::default() });
        }
    }
    Ok(())
}

/// A set of host processors; none when all are meant or the set cannot be said without the host.
fn processors(item: &Item, input: &mut Input, budget: &mut u64) -> Result<Option<CpuSet>, ReadError> {
    let text = item.text("cpus")?;
    if matches!(text.trim(), "" | "all") {
        return Ok(None);
    }
    if text.contains("node") || text.contains("all") {
        input.warn(item.position, format!("'cpus' names '{text}', which depends on the host's processors, and is left out"));
        return Ok(None);
    }
    let length = |part: &str| {
        let (first, last) = part.split_once('-')?;
        Some(u64::from(last.trim().parse::<u16>().ok()?.saturating_sub(first.trim().parse().ok()?)))
    };
    let named: u64 = text.split(',').map(|part| length(part).unwrap_or(0) + 1).sum();
    *budget =
        budget.checked_sub(named).ok_or_else(|| item.error(format!("the sets of 'cpus' name more than {MAX_PINNED} processors in all")))?;
    CpuSet::parse(&text).map(Some).ok_or_else(|| item.unexpected("cpus", CpuSet::EXPECTED))
}

/// Whether the guest may run guests of its own: it gets the host's processor, with or without the flags
/// of hardware virtualization.
fn set_nested(domain: &mut Domain, nested: bool) {
    let features = if nested { Vec::new() } else { VIRTUALIZATION.map(|name| feature(name, CpuFeaturePolicy::Disable)).to_vec() };
    domain.cpu = Some(Cpu { mode: Some(CpuMode::HostPassthrough), features, ..Cpu::default() });
}

fn feature(name: &str, policy: CpuFeaturePolicy) -> CpuFeature {
    CpuFeature { name: name.to_owned(), policy: Some(policy), ..CpuFeature::default() }
}

/// `cpuid = "host,tm=0,sse3=0"`. The bits of registers, xend's form, have no place in a domain.
fn cpuid(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let Some(item) = input.take("cpuid") else { return Ok(()) };
    let Value::Text(text) = &item.value else {
        input.warn(item.position, "'cpuid' sets bits of registers, which has no element in the domain, and is left out".into());
        return Ok(());
    };
    let mut parts = text.split(',').map(str::trim);
    if parts.next() != Some("host") {
        input
            .warn(item.position, "'cpuid' does not begin with 'host'; its registers have no element in the domain and are left out".into());
        return Ok(());
    }
    if domain.cpu.is_none() {
        // What nothing is said of is off; paravirtual guests have no such setting.
        set_nested(domain, kind(domain) == OsKind::Linux);
    }
    let cpu = domain.cpu.get_or_insert_default();
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let policy = match value {
            "k" | "s" => Some(CpuFeaturePolicy::Optional),
            _ => POLICIES.iter().find(|(word, _)| *word == value).map(|(_, policy)| *policy),
        };
        match policy.filter(|_| !NUMBERS.contains(&name)) {
            Some(policy) => {
                if matches!(value, "k" | "s") {
                    input.warn(item.position, format!("'{part}' of 'cpuid' has no word in a domain and becomes '{name}=x'"));
                }
                cpu.features.retain(|feature| feature.name != name);
                cpu.features.push(feature(name, policy));
            }
            None => input.warn(item.position, format!("'{part}' of 'cpuid' has no element in the domain and is left out")),
        }
    }
    Ok(())
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let (max, current) = (domain.max_vcpus(), domain.current_vcpus());
    if output.dialect == Dialect::Xl {
        output.number("vcpus", Some(current));
        output.number("maxvcpus", Some(max).filter(|max| *max != current));
    } else {
        output.number("vcpus", Some(max));
        output.number("vcpu_avail", 1_i64.checked_shl(current).filter(|_| current < max && current < 63).map(|bit| bit - 1));
    }
    write_pinning(domain, output);
    let tune = domain.cpu_tune.as_ref();
    output.number("cpu_weight", tune.and_then(|tune| tune.shares));
    let cap = tune.and_then(|tune| tune.global_quota.zip(tune.global_period)).and_then(|(quota, period)| {
        let percent = quota.checked_mul(100)?.checked_div(i64::try_from(period).ok()?)?;
        Some(percent).filter(|percent| *percent > 0)
    });
    output.number(if output.dialect == Dialect::Xl { "cap" } else { "cpu_cap" }, cap);
    write_features(domain, output);
}

fn write_pinning(domain: &Domain, output: &mut Output) {
    let pins = domain.cpu_tune.iter().flat_map(|tune| &tune.vcpu_pins);
    let placed = domain.vcpu.as_ref().filter(|vcpu| vcpu.placement != Some(Placement::Auto));
    let all = placed.and_then(|vcpu| vcpu.cpus.as_ref()).map(ToString::to_string);
    let last = pins.clone().map(|pin| pin.vcpu).filter(|vcpu| *vcpu < MAX_VCPUS).max();
    let Some(last) = last else {
        output.text("cpus", all);
        return;
    };
    let mut sets = vec![all.unwrap_or_else(|| "all".to_owned()); last as usize + 1];
    for pin in pins {
        if let Some(set) = sets.get_mut(pin.vcpu as usize) {
            *set = pin.cpus.to_string();
        }
    }
    output.texts("cpus", sets);
}

fn write_features(domain: &Domain, output: &mut Output) {
    let Some(cpu) = domain.cpu.as_ref().filter(|cpu| cpu.mode == Some(CpuMode::HostPassthrough)) else { return };
    let off = |feature: &&CpuFeature| matches!(feature.policy, Some(CpuFeaturePolicy::Disable | CpuFeaturePolicy::Forbid));
    let is_virtualization = |feature: &&CpuFeature| VIRTUALIZATION.contains(&feature.name.as_str());
    let hidden = cpu.features.iter().filter(off).filter(is_virtualization).count();
    let paravirtual = kind(domain) == OsKind::Linux;
    output.switch("nestedhvm", Some(hidden == 0).filter(|_| !paravirtual));
    if output.dialect != Dialect::Xl {
        return;
    }
    let mut parts = vec!["host".to_owned()];
    // Both flags hidden are what nestedhvm says already.
    for feature in cpu.features.iter().filter(|feature| paravirtual || hidden < 2 || !is_virtualization(feature)) {
        let word = match feature.policy.unwrap_or_default() {
            CpuFeaturePolicy::Force | CpuFeaturePolicy::Require => "1",
            CpuFeaturePolicy::Optional => "x",
            CpuFeaturePolicy::Disable | CpuFeaturePolicy::Forbid => "0",
        };
        parts.push(format!("{}={word}", feature.name));
    }
    output.text("cpuid", Some(parts.join(",")).filter(|_| parts.len() > 1 || paravirtual));
}
