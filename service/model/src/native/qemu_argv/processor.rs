//! `-smp` and `-cpu`.

use super::ReadError;
use super::conversion::Conversion;
use super::hyperv;
use super::options::{Opt, bad};
use super::outcome::{Outcome, partly};
use super::props::is_on;
use super::tree::{Build, element, on_off, yes_no};

/// What options say of processors together.
#[derive(Debug, Default)]
pub struct Facts {
    vcpus: Option<u32>,
    max_vcpus: Option<u32>,
    topology: Vec<(&'static str, u32)>,
}

/// Converts options of processors.
///
/// # Errors
/// A number is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "smp" => processors(to, option)?,
        "cpu" => processor(to, &option.value),
        _ => return Ok(None),
    }))
}

fn processors(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "cpus")?;
    let number = |key: &str| match props.take(key) {
        None => Ok(None),
        Some(text) => text.parse::<u32>().map(Some).map_err(|_| bad(option, "a number of processors", text)),
    };
    let (cpus, max) = (number("cpus")?, number("maxcpus")?);
    for part in ["sockets", "dies", "clusters", "cores", "threads"] {
        to.processor.topology.extend(number(part)?.map(|count| (part, count)));
    }
    let product = to.processor.topology.iter().try_fold(1_u32, |product, (_, count)| product.checked_mul(*count));
    let product = product.ok_or_else(|| bad(option, "fewer processors", &option.value))?;
    let whole = if to.processor.topology.is_empty() { 1 } else { product.max(1) };
    to.processor.max_vcpus = max.or(cpus.map(|cpus| cpus.max(whole.min(cpus)))).or(Some(whole));
    to.processor.vcpus = cpus.or(to.processor.max_vcpus);
    Ok(partly(&props))
}

fn processor(to: &mut Conversion<'_>, value: &str) -> Outcome {
    let mut words = value.split(',');
    let model = words.next().unwrap_or_default();
    let mut cpu = match model {
        "host" => element("cpu").with("mode", "host-passthrough"),
        "max" => element("cpu").with("mode", "maximum"),
        _ => element("cpu").with("mode", "custom").with("match", "exact").child(element("model").with("fallback", "forbid").content(model)),
    };
    let mut left = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let (name, on) = match word.split_once('=') {
            Some((name, value)) => (name, is_on(value).ok_or(value)),
            None if word.starts_with('+') => (&word[1..], Ok(true)),
            None if word.starts_with('-') => (&word[1..], Ok(false)),
            None => (word, Ok(true)),
        };
        let plain = name.replace('_', "-");
        match (plain.strip_prefix("hv-"), on) {
            (Some(enlightenment), on) => {
                if !hyperv::add(to, enlightenment, on) {
                    left.push(word.to_owned());
                }
            }
            (None, Ok(on)) if plain == "kvm" => of_kvm(to, "hidden", !on),
            (None, Ok(on)) if plain == "kvm-hint-dedicated" => of_kvm(to, "hint-dedicated", on),
            (None, Ok(on)) if plain == "kvm-poll-control" => of_kvm(to, "poll-control", on),
            (None, Err(hertz)) if plain == "tsc-frequency" => to.clock.add(element("timer").with("name", "tsc").with("frequency", hertz)),
            (None, Err(vendor)) if plain == "vendor" => cpu = cpu.leaf("vendor", vendor),
            (None, Ok(on)) if plain == "kvmclock" => to.clock.add(element("timer").with("name", "kvmclock").with("present", yes_no(on))),
            (None, Ok(true)) if plain == "migratable" || plain == "check" => {}
            (None, Ok(on)) => cpu = cpu.child(element("feature").with("policy", if on { "require" } else { "disable" }).with("name", name)),
            (None, Err(topoext)) => left.push(format!("{name}={topoext}")),
        }
    }
    if !left.is_empty() {
        return Outcome::Kept(format!("no element says {}", left.join(",")));
    }
    to.cpu = Some(cpu);
    Outcome::Done
}

fn of_kvm(to: &mut Conversion<'_>, name: &str, on: bool) {
    to.kvm.add(element(name).with("state", on_off(on)));
}

/// Writes how many there are and how they are grouped.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.processor);
    let (vcpus, max) = (facts.vcpus.unwrap_or(1), facts.max_vcpus.unwrap_or(1));
    to.general.push(element("vcpu").maybe("current", (vcpus < max).then_some(vcpus)).content(max));
    if to.io_threads() > 0 {
        to.general.push(element("iothreads").content(to.io_threads()));
    }
    topology(to, &facts, max);
}

fn topology(to: &mut Conversion<'_>, facts: &Facts, max: u32) {
    let given = |part: &str| facts.topology.iter().find(|(name, _)| *name == part).map(|(_, count)| *count);
    let product: u32 = facts.topology.iter().map(|(_, count)| *count).product();
    if facts.topology.is_empty()
        || product == 0
        || (product == max && facts.topology.iter().all(|(part, count)| *part == "sockets" || *count == 1))
    {
        return;
    }
    // What is left out is filled up: QEMU has done so with sockets or with cores.
    let missing = if given("sockets").is_none() { "sockets" } else { "cores" };
    let fill = if max.is_multiple_of(product) { max / product } else { 1 };
    let mut topology = element("topology");
    for part in ["sockets", "dies", "clusters", "cores", "threads"] {
        let count = given(part).unwrap_or(1).saturating_mul(if part == missing { fill } else { 1 });
        if given(part).is_some() || matches!(part, "sockets" | "cores" | "threads") {
            topology = topology.with(part, count);
        }
    }
    to.cpu = Some(to.cpu.take().unwrap_or_else(|| element("cpu")).child(topology));
}
