//! `-machine`, `-accel`, and properties that are set from afar.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::{Outcome, partly};
use super::props::{Props, is_on};
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
        "no-kqemu" => Outcome::Silent,
        "enable-kqemu" | "kernel-kqemu" => Outcome::Left("kqemu is gone; type='kvm' is its successor"),
        "no-acpi" => {
            to.machine_facts.no_acpi = true;
            Outcome::Done
        }
        "acpitable" => Outcome::Kept("no element says this".to_owned()),
        "global" => global(to, &option.value),
        _ => return Ok(None),
    }))
}

fn machine(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    // The type was read before everything else.
    props.take("type");
    if let Some(list) = props.take("accel") {
        accelerators(to, &list.split(':').collect::<Vec<_>>());
    }
    to.usb.controller |= props.take("usb").and_then(is_on) == Some(true);
    to.machine_facts.no_acpi |= props.take("acpi").and_then(is_on) == Some(false);
    for name in ["vmport", "smm"] {
        if let Some(on) = props.take(name).and_then(is_on) {
            to.features.add(element(name).with("state", on_off(on)));
        }
    }
    if let Some(on) = props.take("hpet").and_then(is_on) {
        to.clock.add(element("timer").with("name", "hpet").with("present", yes_no(on)));
    }
    match props.take_any(&["kernel-irqchip", "kernel_irqchip"]) {
        Some("split") => to.features.add(element("ioapic").with("driver", "qemu")),
        Some("on" | "off") | None => {}
        Some(_) => return Outcome::Kept("kernel-irqchip is of no kind that is known here".to_owned()),
    }
    if let Some(version) = props.take("gic-version") {
        to.features.add(element("gic").with("version", version));
    }
    if props.take("mem-merge").and_then(is_on) == Some(false) {
        to.memory_backing.push(element("nosharepages"));
    }
    for (name, element_name) in [("pflash0", "loader"), ("pflash1", "nvram")] {
        if let Some(node) = props.take(name)
            && !flash::node(to, element_name, node)
        {
            return Outcome::Kept(format!("the flash memory '{node}' is of a kind that no element says"));
        }
    }
    if let Some(id) = props.take("memory-backend")
        && !memory::back_end(to, id)
    {
        return Outcome::Kept(format!("the memory '{id}' is of a kind that no element says"));
    }
    // Those are ours to choose.
    props.ignore(&["dump-guest-core", "graphics", "i8042"]);
    partly(props)
}

fn accelerators(to: &mut Conversion<'_>, list: &[&str]) {
    to.kind = match list.first() {
        Some(&"kvm") => "kvm",
        Some(&"hvf") => "hvf",
        Some(&"xen") => "xen",
        _ => "qemu",
    };
}

fn accelerator(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(accelerator) = props.take("accel") else { return Outcome::Kept("it names no accelerator".to_owned()) };
    // Of several the first that can be had counts, and we cannot try.
    if !std::mem::replace(&mut to.machine_facts.accelerated, true) {
        accelerators(to, &[accelerator]);
    }
    if props.take_any(&["kernel-irqchip", "kernel_irqchip"]) == Some("split") {
        to.features.add(element("ioapic").with("driver", "qemu"));
    }
    props.ignore(&["thread", "tb-size", "split-wx", "dirty-ring-size", "one-insn-per-tb"]);
    partly(props)
}

/// Properties of firmware that became switches of `<pm>`, and those of timers.
fn global(to: &mut Conversion<'_>, value: &str) -> Outcome {
    let Some((name, setting)) = value.split_once('=') else { return Outcome::Kept("no element says this".to_owned()) };
    match (name, setting) {
        ("ICH9-LPC.disable_s3" | "PIIX4_PM.disable_s3", number) => {
            to.general.push(element("pm").child(element("suspend-to-mem").with("enabled", yes_no(number == "0"))));
            Outcome::Done
        }
        ("ICH9-LPC.disable_s4" | "PIIX4_PM.disable_s4", number) => {
            to.lifecycle.suspend_to_disk = Some(number == "0");
            Outcome::Done
        }
        ("kvm-pit.lost_tick_policy", policy @ ("delay" | "discard")) => {
            to.clock.add(element("timer").with("name", "pit").with("tickpolicy", policy));
            Outcome::Done
        }
        // The board's own watchdog may reset the machine.
        ("ICH9-LPC.noreboot", "off" | "false") => {
            let watchdog = element("watchdog").with("model", "itco").with("action", to.watchdog_action());
            to.device(watchdog);
            Outcome::Done
        }
        ("driver", "cfi.pflash01,property=secure,value=on") => {
            to.boot.secure = true;
            Outcome::Done
        }
        _ => Outcome::Kept("no element says this".to_owned()),
    }
}

/// Adds what a PC has unless it is told otherwise.
pub fn finish(to: &mut Conversion<'_>) {
    if to.is_pc() && !to.machine_facts.no_acpi {
        to.features.add(element("acpi"));
        to.features.add(element("apic"));
    }
}
