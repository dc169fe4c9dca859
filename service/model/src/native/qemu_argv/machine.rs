//! `-machine`, `-accel`, and properties that are set from afar.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element, on_off, yes_no};
use super::{flash, memory};

/// What options say of the machine together.
#[derive(Debug, Default)]
pub struct Facts {
    no_acpi: bool,
    accelerated: bool,
}

/// The guest's architecture by the program's name; `qemu` alone and `kvm` are names of old.
pub fn arch_of(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or_default();
    match name.strip_prefix("qemu-system-") {
        Some("i386") => "i686",
        Some("arm") => "armv7l",
        Some(arch) => arch.split(['-', '.']).next().unwrap_or(arch),
        None if name == "qemu" => "i686",
        None => "x86_64",
    }
}

/// Whether the program by its name runs guests under KVM.
pub fn is_kvm(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("kvm" | "qemu-kvm" | "kvm-spice"))
}

/// Converts options of the machine.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "M" | "machine" => machine(to, &to.props(option, "type")?),
        "accel" => accelerator(to, &to.props(option, "accel")?),
        "enable-kvm" => {
            to.kind = "kvm";
            Outcome::Done
        }
        "no-kvm" | "disable-kvm" => {
            to.kind = "qemu";
            Outcome::Done
        }
        "hax" | "enable-hax" => {
            accelerators(to, "hax");
            Outcome::Done
        }
        "no-kqemu" => Outcome::Silent,
        "enable-kqemu" | "kernel-kqemu" => Outcome::Left("kqemu is gone; type='kvm' is its successor"),
        "no-acpi" => {
            to.facts.machine.no_acpi = true;
            Outcome::Done
        }
        "acpitable" => Outcome::Kept("no element says this".to_owned()),
        "global" => global(to, &option.value),
        _ => return Ok(None),
    }))
}

/// Switches of the machine that are elements of `<features>` with a state.
const FEATURES: &[(&str, &str)] = &[("vmport", "vmport"), ("smm", "smm"), ("i8042", "ps2"), ("ras", "ras")];

/// Switches of the machine that are timers.
const TIMERS: &[(&str, &str)] = &[("hpet", "hpet"), ("pit", "pit")];

fn machine(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    // The type was read before everything else.
    props.take("type");
    if let Some(list) = props.get("accel")
        && accelerators(to, list)
    {
        props.take("accel");
    }
    to.facts.usb.controller |= props.take_on("usb") == Some(true);
    to.facts.machine.no_acpi |= props.take_on("acpi") == Some(false);
    for (name, feature) in FEATURES {
        if let Some(on) = props.take_on(name) {
            to.features.add(element(feature).with("state", on_off(on)));
        }
    }
    for (name, timer) in TIMERS {
        if let Some(on) = props.take_on(name) {
            to.clock.add(element("timer").with("name", timer).with("present", yes_no(on)));
        }
    }
    let mut left = Vec::new();
    if let Some(word) = props.take_any(&["kernel-irqchip", "kernel_irqchip"])
        && !interrupt_controller(to, word)
    {
        left.push(format!("kernel-irqchip={word}"));
    }
    if let Some(version) = props.take("gic-version") {
        to.features.add(element("gic").with("version", version));
    }
    if props.take_on("mem-merge") == Some(false) {
        to.memory_backing.push(element("nosharepages"));
    }
    if props.take_on("dump-guest-core") == Some(true) {
        to.facts.memory.dumped = true;
    }
    if props.take_on("graphics") == Some(false) {
        to.os.add(element("bios").with("useserial", "yes"));
    }
    if let Err(reason) = parts(to, props) {
        return Outcome::Kept(reason);
    }
    left.extend(spelled(&props.left()));
    if left.is_empty() { Outcome::Done } else { Outcome::Partly(left) }
}

/// Firmware and memory that the machine names. `Err` says what no element does.
fn parts(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    for (name, element) in [("pflash0", "loader"), ("pflash1", "nvram")] {
        if let Some(node) = props.take(name)
            && !flash::node(to, element, node)
        {
            return Err(format!("the flash memory '{node}' is of a kind that no element says"));
        }
    }
    match props.take("memory-backend") {
        Some(id) if !memory::back_end(to, id) => Err(format!("the memory '{id}' is of a kind that no element says")),
        _ => Ok(()),
    }
}

/// Who emulates the interrupt controllers; whether an element says it.
fn interrupt_controller(to: &mut Conversion<'_>, word: &str) -> bool {
    let driver = match word {
        "split" => "qemu",
        _ if is_on(word) == Some(true) => "kvm",
        _ => return false,
    };
    to.features.add(element("ioapic").with("driver", driver));
    true
}

/// Accelerators of other systems than Linux, which KVM stands in for.
const OF_OTHER_SYSTEMS: &[&str] = &["hax", "whpx", "nvmm"];

/// The first of several accelerators counts: which of them can be had is not known here. Whether it is known.
fn accelerators(to: &mut Conversion<'_>, list: &str) -> bool {
    let first = list.split(':').next().unwrap_or_default();
    to.kind = match first {
        "kvm" => "kvm",
        "hvf" => "hvf",
        "xen" => "xen",
        other if OF_OTHER_SYSTEMS.contains(&other) => {
            to.warn(format!("the accelerator '{other}' is none of Linux; KVM takes its place. Where there is no KVM, write type='qemu'"));
            "kvm"
        }
        "tcg" | "qtest" => "qemu",
        _ => return false,
    };
    true
}

fn accelerator(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(accelerator) = props.take("accel") else { return Outcome::Kept("it names no accelerator".to_owned()) };
    if !to.facts.machine.accelerated && !accelerators(to, accelerator) {
        return Outcome::Kept(format!("'{accelerator}' is no accelerator that is known here"));
    }
    to.facts.machine.accelerated = true;
    if OF_OTHER_SYSTEMS.contains(&accelerator) {
        let left = spelled(&props.left()).join(",");
        if !left.is_empty() {
            to.warn(format!("{left} of -accel is left out with the accelerator that it is of"));
        }
        return Outcome::Done;
    }
    if let Some(word) = props.take_any(&["kernel-irqchip", "kernel_irqchip"]).map(str::to_owned)
        && !interrupt_controller(to, &word)
    {
        // The machine has it too.
        to.keep_part("machine", format!("kernel-irqchip={word}"));
    }
    if let Some(size) = props.take("dirty-ring-size") {
        to.kvm.add(element("dirty-ring").with("state", "on").with("size", size));
    }
    if let Some(size) = props.take("tb-size") {
        to.features.add(element("tcg").child(element("tb-cache").with("unit", "MiB").content(size)));
    }
    // How many threads emulate the guest's processors is the service's to choose.
    props.ignore(&["thread", "split-wx"]);
    let left = spelled(&props.left()).join(",");
    if !left.is_empty() {
        to.warn(format!("{left} of -accel is left out: no element says it, and QEMU takes one -accel only"));
    }
    Outcome::Done
}

/// Properties of firmware that became switches of `<pm>`, and those of timers.
fn global(to: &mut Conversion<'_>, value: &str) -> Outcome {
    let Some((name, setting)) = value.split_once('=') else { return Outcome::Kept("no element says this".to_owned()) };
    match (name, setting) {
        ("ICH9-LPC.disable_s3" | "PIIX4_PM.disable_s3", number @ ("0" | "1")) => {
            to.general.push(element("pm").child(element("suspend-to-mem").with("enabled", yes_no(number == "0"))));
            Outcome::Done
        }
        ("ICH9-LPC.disable_s4" | "PIIX4_PM.disable_s4", number @ ("0" | "1")) => {
            to.facts.lifecycle.suspend_to_disk = Some(number == "0");
            Outcome::Done
        }
        ("mch.extended-tseg-mbytes", size) if size.bytes().all(|digit| digit.is_ascii_digit()) => {
            to.features.add(element("smm").with("state", "on").child(element("tseg").with("unit", "MiB").content(size)));
            Outcome::Done
        }
        ("kvm-pit.lost_tick_policy", policy @ ("delay" | "discard")) => {
            to.clock.add(element("timer").with("name", "pit").with("tickpolicy", policy));
            Outcome::Done
        }
        // The board's own watchdog may reset the machine.
        ("ICH9-LPC.noreboot", "off" | "false") => {
            let watchdog = element("watchdog").with("model", "itco").with("action", &to.watchdog_action);
            to.device(watchdog);
            Outcome::Done
        }
        ("driver", "cfi.pflash01,property=secure,value=on") => {
            to.facts.boot.secure = true;
            Outcome::Done
        }
        _ => Outcome::Kept("no element says this".to_owned()),
    }
}

/// Adds what a PC has unless it is told otherwise.
pub fn finish(to: &mut Conversion<'_>) {
    if to.is_pc() && !to.facts.machine.no_acpi {
        to.features.add(element("acpi"));
        to.features.add(element("apic"));
    }
}
