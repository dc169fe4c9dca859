//! `-smp` and `-cpu`.

use super::ReadError;
use super::conversion::Conversion;
use super::hyperv;
use super::options::{Opt, bad};
use super::outcome::{Outcome, partly};
use super::props::{MAX_PROPERTIES, is_on};
use super::tree::{Build, element, on_off, yes_no};
use crate::xml::Element;

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
        to.facts.processor.topology.extend(number(part)?.map(|count| (part, count)));
    }
    let product = to.facts.processor.topology.iter().try_fold(1_u32, |product, (_, count)| product.checked_mul(*count));
    let product = product.ok_or_else(|| bad(option, "fewer processors", &option.value))?;
    let whole = if to.facts.processor.topology.is_empty() { 1 } else { product.max(1) };
    to.facts.processor.max_vcpus = max.or(cpus.map(|cpus| cpus.max(whole.min(cpus)))).or(Some(whole));
    to.facts.processor.vcpus = cpus.or(to.facts.processor.max_vcpus);
    Ok(partly(&props))
}

/// Properties of `-cpu` that take a number or a text: those that an element says.
fn described(to: &mut Conversion<'_>, cpu: &mut Described, name: &str, value: &str) -> bool {
    match name {
        "vendor" => cpu.vendor = Some(value.to_owned()),
        "tsc-frequency" => to.clock.add(element("timer").with("name", "tsc").with("frequency", value)),
        "phys-bits" => cpu.address = Some(element("maxphysaddr").with("mode", "emulate").with("bits", value)),
        "host-phys-bits-limit" => {
            let address = cpu.address.take().unwrap_or_else(|| element("maxphysaddr").with("mode", "passthrough"));
            cpu.address = Some(address.with("limit", value));
        }
        _ => return false,
    }
    true
}

/// Switches of `-cpu` that are no features of the processor.
fn switched(to: &mut Conversion<'_>, cpu: &mut Described, name: &str, on: bool) -> bool {
    match (name, on) {
        ("kvm", on) => of_kvm(to, "hidden", !on),
        ("kvm-hint-dedicated", on) => of_kvm(to, "hint-dedicated", on),
        ("kvm-poll-control", on) => of_kvm(to, "poll-control", on),
        ("kvm-pv-ipi", on) => of_kvm(to, "pv-ipi", on),
        ("kvmclock", on) => to.clock.add(element("timer").with("name", "kvmclock").with("present", yes_no(on))),
        ("pmu", on) => to.features.add(element("pmu").with("state", on_off(on))),
        ("migratable", on) if cpu.is_host => cpu.attributes.push(("migratable", on_off(on))),
        ("enforce", true) => cpu.attributes.push(("check", "full")),
        // It only prints what the host lacks.
        ("check", _) | ("enforce", false) => {}
        ("host-cache-info", true) => cpu.cache = Some(element("cache").with("mode", "passthrough")),
        ("l3-cache", true) => cpu.cache = Some(element("cache").with("level", 3).with("mode", "emulate")),
        ("l3-cache", false) => cpu.cache = Some(element("cache").with("mode", "disable")),
        ("host-cache-info" | "host-phys-bits", false) => {}
        ("host-phys-bits", true) => {
            let limit = cpu.address.take().and_then(|address| address.attribute("limit").map(str::to_owned));
            cpu.address = Some(element("maxphysaddr").with("mode", "passthrough").maybe("limit", limit));
        }
        _ => return false,
    }
    true
}

/// What `-cpu` says.
#[derive(Default)]
struct Described {
    is_host: bool,
    attributes: Vec<(&'static str, &'static str)>,
    vendor: Option<String>,
    cache: Option<Element>,
    address: Option<Element>,
    features: Vec<Element>,
}

impl Described {
    /// `<cpu>` of a model.
    fn into_element(self, model: &str) -> Element {
        let cpu = match model {
            "host" => element("cpu").with("mode", "host-passthrough"),
            "max" => element("cpu").with("mode", "maximum"),
            _ => element("cpu").with("mode", "custom").with("match", "exact"),
        };
        let named = (!matches!(model, "host" | "max")).then_some(model);
        let model = element("model").maybe("fallback", named.map(|_| "forbid")).maybe("vendor_id", self.vendor);
        let model = if let Some(name) = named { model.content(name) } else { model };
        let cpu = self.attributes.into_iter().fold(cpu, |cpu, (name, value)| cpu.with(name, value));
        let has_model = named.is_some() || !model.attributes.is_empty();
        cpu.children(has_model.then_some(model)).children(self.cache).children(self.address).children(self.features)
    }
}

fn processor(to: &mut Conversion<'_>, value: &str) -> Outcome {
    if value.split(',').nth(MAX_PROPERTIES).is_some() {
        return Outcome::Kept(format!("it has more than the {MAX_PROPERTIES} features that are read"));
    }
    let mut words = value.split(',');
    let model = words.next().unwrap_or_default();
    let mut cpu = Described { is_host: model == "host", ..Described::default() };
    let before = [&to.hyperv, &to.kvm, &to.features, &to.clock].map(Element::clone);
    let mut left = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let (name, on) = match word.split_once('=') {
            Some((name, value)) => (name, is_on(value).ok_or(value)),
            None if word.starts_with('+') => (&word[1..], Ok(true)),
            None if word.starts_with('-') => (&word[1..], Ok(false)),
            None => (word, Ok(true)),
        };
        let plain = name.replace('_', "-");
        let known = match (plain.strip_prefix("hv-"), on) {
            (Some(enlightenment), on) => hyperv::add(to, enlightenment, on),
            (None, Ok(on)) => {
                if !switched(to, &mut cpu, &plain, on) {
                    cpu.features.push(element("feature").with("policy", if on { "require" } else { "disable" }).with("name", name));
                }
                true
            }
            (None, Err(value)) => described(to, &mut cpu, &plain, value),
        };
        if !known {
            left.push(word.to_owned());
        }
    }
    if !left.is_empty() {
        // There is one -cpu, so it stays whole.
        [to.hyperv, to.kvm, to.features, to.clock] = before;
        return Outcome::Kept(format!("no element says {}", left.join(",")));
    }
    to.cpu = Some(cpu.into_element(model));
    Outcome::Done
}

fn of_kvm(to: &mut Conversion<'_>, name: &str, on: bool) {
    to.kvm.add(element(name).with("state", on_off(on)));
}

/// Writes how many there are and how they are grouped.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.processor);
    let (vcpus, max) = (facts.vcpus.unwrap_or(1), facts.max_vcpus.unwrap_or(1));
    to.general.push(element("vcpu").maybe("current", (vcpus < max).then_some(vcpus)).content(max));
    if to.io_threads() > 0 {
        to.general.push(element("iothreads").content(to.io_threads()));
    }
    topology(to, &facts, max);
}

/// The groups that QEMU makes where some are not said (QEMU's manual page, `-smp`): machines before 6.2 fill up sockets, then
/// cores, those since then cores, then sockets; threads are last.
fn topology(to: &mut Conversion<'_>, facts: &Facts, max: u32) {
    let given = |part: &str| facts.topology.iter().find(|(name, _)| *name == part).map(|(_, count)| *count).filter(|count| *count > 0);
    let product: u32 = facts.topology.iter().map(|(_, count)| (*count).max(1)).product();
    let fills_cores = to.is_pc() && !to.machine.as_deref().is_some_and(before_6_2);
    let order = if fills_cores { ["cores", "sockets", "threads"] } else { ["sockets", "cores", "threads"] };
    let missing = order.into_iter().find(|part| given(part).is_none());
    let fill = if max.is_multiple_of(product) { max / product } else { 1 };
    let count = |part: &str| given(part).unwrap_or(if Some(part) == missing { fill } else { 1 });
    // Every processor in a socket of its own is what the service makes.
    if ["dies", "clusters", "cores", "threads"].iter().all(|part| count(part) == 1) {
        return;
    }
    let mut topology = element("topology");
    for part in ["sockets", "dies", "clusters", "cores", "threads"] {
        if given(part).is_some() || order.contains(&part) {
            topology = topology.with(part, count(part));
        }
    }
    to.cpu = Some(to.cpu.take().unwrap_or_else(|| element("cpu")).child(topology));
}

/// Whether a machine is of a version before 6.2: `pc-i440fx-6.1`, `pc-q35-2.9`, `pc-1.0`.
fn before_6_2(machine: &str) -> bool {
    let version = machine.rsplit('-').next().and_then(|version| version.split_once('.'));
    let number = |text: &str| text.parse::<u32>().ok();
    version.and_then(|(major, minor)| Some((number(major)?, number(minor)?))).is_some_and(|version| version < (6, 2))
}
