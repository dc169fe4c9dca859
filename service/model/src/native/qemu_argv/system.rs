//! The machine itself: program, processors, memory, what is booted, the clock, and options that are
//! for whoever starts QEMU.

use super::conversion::{Conversion, Outcome};
use super::options::Opt;
use super::props::{MAX_PROPERTIES, Props, is_on};
use super::tree::{Build, element, keep_last};
use super::{ReadError, Warnings};
use crate::units::{KIB, MIB};
use crate::xml::{Element, Node, Position};

/// Memory when nothing is said, in bytes (QEMU's manual page, `-m`).
const DEFAULT_MEMORY: u64 = 128 * MIB;

/// What several options say together.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    memory: Option<u64>,
    max_memory: Option<(u64, u32)>,
    vcpus: Option<u32>,
    max_vcpus: Option<u32>,
    topology: Vec<(&'static str, u32)>,
    named: bool,
    no_acpi: bool,
    no_reboot: bool,
    no_shutdown: bool,
    clock: Option<String>,
    boot: Vec<&'static str>,
    boot_menu: Option<(bool, Option<u32>)>,
    accelerated: bool,
    secure: bool,
    suspend_to_disk: Option<bool>,
    smbios: Vec<(String, Vec<(String, String)>)>,
    oem_strings: Vec<String>,
    /// Whether there is a USB controller because of `-usb`.
    pub usb: bool,
    /// Whether there are USB devices.
    pub usb_devices: bool,
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

/// Variables that matter for the guest. What becomes of each is told.
pub fn environment(all: &[(String, String, Position)], warnings: &mut Warnings) -> Vec<(String, String)> {
    const OF_THE_PERSON: &[&str] = &["LC_ALL", "LANG", "LANGUAGE", "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "PWD", "SHELL", "TERM"];
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    for (name, value, position) in all {
        if OF_THE_PERSON.contains(&name.as_str()) || name.starts_with("XDG_") {
            left.push((name.as_str(), *position));
        } else {
            kept.push((name.clone(), value.clone()));
            warnings.tell(*position, format!("the variable {name} is kept in <qemu:commandline>"));
        }
    }
    if let Some((_, position)) = left.first() {
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        warnings.tell(*position, format!("left out, since the service sets its own: {}", names.join(", ")));
    }
    kept
}

/// Converts options of the machine.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let value = option.value.as_str();
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
        "name" => name(to, &to.props(option, "guest")?),
        "uuid" => {
            to.general.push(element("uuid").content(value));
            Outcome::Done
        }
        "m" => memory(to, option)?,
        "smp" => processors(to, option)?,
        "cpu" => processor(to, value),
        "mem-path" if value.contains("hugepages") => {
            to.memory_backing.push(element("hugepages"));
            Outcome::Done
        }
        "mem-prealloc" => {
            to.memory_backing.push(element("allocation").with("mode", "immediate"));
            Outcome::Done
        }
        "kernel" => leaf(to, "kernel", value),
        "initrd" => leaf(to, "initrd", value),
        "append" => leaf(to, "cmdline", value),
        "dtb" => leaf(to, "dtb", value),
        "shim" => leaf(to, "shim", value),
        "bios" => {
            to.os = std::mem::take(&mut to.os).child(element("loader").with("type", "rom").content(value));
            Outcome::Done
        }
        _ => return rest_of_the_machine(to, option),
    }))
}

/// Converts options of what is booted, of time and of old.
fn rest_of_the_machine(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let value = option.value.as_str();
    Ok(Some(match option.name.as_str() {
        "boot" => boot(to, &to.props(option, "order")?),
        "localtime" => clock(to, "localtime"),
        "rtc" => real_time_clock(to, &to.props(option, "base")?),
        "no-acpi" => {
            to.facts.no_acpi = true;
            Outcome::Done
        }
        "no-hpet" => {
            let timer = element("timer").with("name", "hpet").with("present", "no");
            to.clock = std::mem::take(&mut to.clock).child(timer);
            Outcome::Done
        }
        "no-reboot" => {
            to.facts.no_reboot = true;
            Outcome::Done
        }
        "no-shutdown" => {
            to.facts.no_shutdown = true;
            Outcome::Done
        }
        "action" => action(to, &to.props(option, "")?),
        "smbios" => smbios(to, &to.props(option, "")?),
        "overcommit" => overcommit(to, &to.props(option, "")?),
        "usb" => {
            to.facts.usb = true;
            Outcome::Done
        }
        "usbdevice" => usb_device(to, value),
        "watchdog" => {
            let watchdog = element("watchdog").with("model", value).with("action", &to.watchdog_action);
            to.device(watchdog);
            Outcome::Done
        }
        "watchdog-action" => Outcome::Silent,
        "mon" => {
            if let Some(id) = to.props(option, "chardev")?.take("chardev") {
                to.used(id);
            }
            Outcome::Left("the service has a monitor of its own")
        }
        "virtfs" => folder(to, &to.props(option, "fsdriver")?),
        "fw_cfg" => firmware_file(to, &to.props(option, "name")?),
        "acpitable" => Outcome::Kept("no element says this".to_owned()),
        "global" => global(to, value),
        other => match for_the_starter(other) {
            Some(reason) => Outcome::Left(reason),
            None => return Ok(None),
        },
    }))
}

/// Options that belong to whoever starts QEMU.
fn for_the_starter(name: &str) -> Option<&'static str> {
    Some(match name {
        "S" => "whether a guest starts paused is said when it is started",
        "daemonize" | "pidfile" | "D" | "d" | "msg" | "trace" | "dfilter" => "the service keeps processes and logs itself",
        "monitor" | "qmp" | "qmp-pretty" => "the service has a monitor of its own",
        "nodefaults" | "no-user-config" | "nodefconfig" => "it always holds",
        "sandbox" | "runas" | "chroot" | "run-with" => "the service confines guests itself",
        "incoming" | "loadvm" => "it is for one start, not for the definition",
        "help" | "h" | "version" => "it only prints",
        "no-fd-bootchk"
        | "win2k-hack"
        | "no-quit"
        | "no-frame"
        | "alt-grab"
        | "ctrl-grab"
        | "full-screen"
        | "g"
        | "tdf"
        | "no-kvm-irqchip"
        | "no-kvm-pit"
        | "no-kvm-pit-reinjection"
        | "rtc-td-hack"
        | "tb-size"
        | "bt" => "no guest of today notices it",
        _ => return None,
    })
}

fn leaf(to: &mut Conversion<'_>, name: &str, value: &str) -> Outcome {
    to.os = std::mem::take(&mut to.os).leaf(name, value);
    Outcome::Done
}

/// What is left makes the whole option stay.
pub fn all_or_kept(props: &Props) -> Outcome {
    match props.left().first() {
        None => Outcome::Done,
        Some((key, value)) => Outcome::Kept(format!("no element says {key}={value}")),
    }
}

/// Properties as an option has them.
pub fn spelled(left: &[(&str, &str)]) -> Vec<String> {
    left.iter().map(|(key, value)| format!("{key}={}", value.replace(',', ",,"))).collect()
}

fn partly(props: &Props) -> Outcome {
    let left = props.left();
    if left.is_empty() { Outcome::Done } else { Outcome::Partly(spelled(&left)) }
}

fn feature(to: &mut Conversion<'_>, feature: Element) {
    to.features = std::mem::take(&mut to.features).child(feature);
}

fn timer(to: &mut Conversion<'_>, timer: Element) {
    to.clock = std::mem::take(&mut to.clock).child(timer);
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn yes_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
}

fn machine(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    // The type was read before everything else.
    props.take("type");
    if let Some(list) = props.take("accel") {
        accelerators(to, &list.split(':').collect::<Vec<_>>());
    }
    to.facts.usb |= props.take("usb").and_then(is_on) == Some(true);
    to.facts.no_acpi |= props.take("acpi").and_then(is_on) == Some(false);
    for name in ["vmport", "smm"] {
        if let Some(on) = props.take(name).and_then(is_on) {
            feature(to, element(name).with("state", on_off(on)));
        }
    }
    if let Some(on) = props.take("hpet").and_then(is_on) {
        timer(to, element("timer").with("name", "hpet").with("present", yes_no(on)));
    }
    match props.take_any(&["kernel-irqchip", "kernel_irqchip"]) {
        Some("split") => feature(to, element("ioapic").with("driver", "qemu")),
        Some("on" | "off") | None => {}
        Some(_) => return Outcome::Kept("kernel-irqchip is of no kind that is known here".to_owned()),
    }
    if let Some(version) = props.take("gic-version") {
        feature(to, element("gic").with("version", version));
    }
    if props.take("mem-merge").and_then(is_on) == Some(false) {
        to.memory_backing.push(element("nosharepages"));
    }
    for (name, element_name) in [("pflash0", "loader"), ("pflash1", "nvram")] {
        if let Some(node) = props.take(name)
            && !super::storage::flash_node(to, element_name, node)
        {
            return Outcome::Kept(format!("the flash memory '{node}' is of a kind that no element says"));
        }
    }
    if let Some(id) = props.take("memory-backend")
        && !memory_backend(to, id)
    {
        return Outcome::Kept(format!("the memory '{id}' is of a kind that no element says"));
    }
    // Those are ours to choose.
    props.ignore(&["dump-guest-core", "graphics", "i8042"]);
    partly(props)
}

/// The object that the guest's memory is made of. What it is made from is noted; its size is that of `-m`.
fn memory_backend(to: &mut Conversion<'_>, id: &str) -> bool {
    let Some(back_end) = to.back_end(id) else { return false };
    let props = &back_end.props;
    let kind = props.take("qom-type").unwrap_or_default().to_owned();
    let path = props.take("mem-path").map(str::to_owned);
    let share = props.take("share").and_then(is_on);
    let prealloc = props.take("prealloc").and_then(is_on) == Some(true);
    let hugepages = props.take("hugetlb").and_then(is_on) == Some(true) || path.as_deref().is_some_and(|path| path.contains("hugepages"));
    props.ignore(&[
        "id",
        "size",
        "prealloc-threads",
        "discard-data",
        "dump",
        "merge",
        "x-use-canonical-path-for-ramblock-id",
        "hugetlbsize",
    ]);
    let source = match kind.as_str() {
        "memory-backend-ram" => None,
        "memory-backend-memfd" => Some("memfd"),
        "memory-backend-file" => Some("file"),
        _ => return false,
    };
    if !props.left().is_empty() {
        return false;
    }
    to.used(id);
    if hugepages {
        to.memory_backing.push(element("hugepages"));
    } else {
        to.memory_backing.extend(source.map(|source| element("source").with("type", source)));
    }
    to.memory_backing.extend(share.map(|share| element("access").with("mode", if share { "shared" } else { "private" })));
    if prealloc {
        to.memory_backing.push(element("allocation").with("mode", "immediate"));
    }
    true
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
    if !std::mem::replace(&mut to.facts.accelerated, true) {
        accelerators(to, &[accelerator]);
    }
    if props.take_any(&["kernel-irqchip", "kernel_irqchip"]) == Some("split") {
        feature(to, element("ioapic").with("driver", "qemu"));
    }
    props.ignore(&["thread", "tb-size", "split-wx", "dirty-ring-size", "one-insn-per-tb"]);
    partly(props)
}

fn name(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if let Some(name) = props.take("guest") {
        to.facts.named = true;
        to.general.push(element("name").content(name));
    }
    props.ignore(&["process", "debug-threads"]);
    partly(props)
}

/// Bytes of a size with QEMU's suffixes; `unit` is that of a number without one.
pub fn size(text: &str, unit: u64) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => unit,
        "b" => 1,
        "k" | "kb" => KIB,
        "m" | "mb" => MIB,
        "g" | "gb" => MIB << 10,
        "t" | "tb" => MIB << 20,
        _ => return None,
    };
    match digits.parse::<u64>() {
        Ok(number) => number.checked_mul(scale),
        // QEMU takes fractions such as 1.5G.
        Err(_) => {
            let (whole, part) = digits.split_once('.')?;
            let tenths: u64 = part.get(..1)?.parse().ok()?;
            whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(scale / 10 * tenths)
        }
    }
}

fn bad(option: &Opt, what: &str, found: &str) -> ReadError {
    ReadError { position: option.position, reason: format!("-{}: expected {what}, found '{found}'", option.name) }
}

fn memory(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "size")?;
    let bytes = |text: &str| size(text, MIB).ok_or_else(|| bad(option, "a size such as 512M or 4G", text));
    if let Some(text) = props.take("size") {
        to.facts.memory = Some(bytes(text)?);
    }
    if let Some(text) = props.take("maxmem") {
        let slots = props.take("slots").and_then(|slots| slots.parse().ok()).unwrap_or(0);
        to.facts.max_memory = Some((bytes(text)?, slots));
    }
    Ok(partly(&props))
}

fn processors(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "cpus")?;
    let number = |key: &str| match props.take(key) {
        None => Ok(None),
        Some(text) => text.parse::<u32>().map(Some).map_err(|_| bad(option, "a number of processors", text)),
    };
    let (cpus, max) = (number("cpus")?, number("maxcpus")?);
    for part in ["sockets", "dies", "clusters", "cores", "threads"] {
        to.facts.topology.extend(number(part)?.map(|count| (part, count)));
    }
    let product = to.facts.topology.iter().try_fold(1_u32, |product, (_, count)| product.checked_mul(*count));
    let product = product.ok_or_else(|| bad(option, "fewer processors", &option.value))?;
    let whole = if to.facts.topology.is_empty() { 1 } else { product.max(1) };
    to.facts.max_vcpus = max.or(cpus.map(|cpus| cpus.max(whole.min(cpus)))).or(Some(whole));
    to.facts.vcpus = cpus.or(to.facts.max_vcpus);
    Ok(partly(&props))
}

/// Names of QEMU's Hyper-V switches where libvirt's are others.
const HYPERV: &[(&str, &str)] = &[
    ("relaxed", "relaxed"),
    ("vapic", "vapic"),
    ("vpindex", "vpindex"),
    ("runtime", "runtime"),
    ("synic", "synic"),
    ("stimer", "stimer"),
    ("reset", "reset"),
    ("frequencies", "frequencies"),
    ("reenlightenment", "reenlightenment"),
    ("tlbflush", "tlbflush"),
    ("ipi", "ipi"),
    ("evmcs", "evmcs"),
    ("avic", "avic"),
    ("emsr-bitmap", "emsr_bitmap"),
    ("xmm-input", "xmm_input"),
];

fn processor(to: &mut Conversion<'_>, value: &str) -> Outcome {
    if value.split(',').nth(MAX_PROPERTIES).is_some() {
        return Outcome::Kept(format!("it has more than the {MAX_PROPERTIES} features that are read"));
    }
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
                if !hyperv(to, enlightenment, on) {
                    left.push(word.to_owned());
                }
            }
            (None, Ok(on)) if plain == "kvm" => of_kvm(to, "hidden", !on),
            (None, Ok(on)) if plain == "kvm-hint-dedicated" => of_kvm(to, "hint-dedicated", on),
            (None, Ok(on)) if plain == "kvm-poll-control" => of_kvm(to, "poll-control", on),
            (None, Err(hertz)) if plain == "tsc-frequency" => timer(to, element("timer").with("name", "tsc").with("frequency", hertz)),
            (None, Err(vendor)) if plain == "vendor" => cpu = cpu.leaf("vendor", vendor),
            (None, Ok(on)) if plain == "kvmclock" => timer(to, element("timer").with("name", "kvmclock").with("present", yes_no(on))),
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
    to.kvm = std::mem::take(&mut to.kvm).child(element(name).with("state", on_off(on)));
}

/// A Hyper-V enlightenment; whether there is an element for it.
fn hyperv(to: &mut Conversion<'_>, name: &str, on: Result<bool, &str>) -> bool {
    let element = match (name, on) {
        ("spinlocks", Err(retries)) => {
            let retries = retries.strip_prefix("0x").map_or_else(|| retries.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
            let Some(retries) = retries else { return false };
            element("spinlocks").with("state", "on").with("retries", retries)
        }
        ("vendor-id", Err(vendor)) => element("vendor_id").with("state", "on").with("value", vendor),
        ("time", Ok(on)) => {
            timer(to, element("timer").with("name", "hypervclock").with("present", yes_no(on)));
            return true;
        }
        ("stimer-direct", Ok(on)) => return refine(to, "stimer", "direct", on),
        ("tlbflush-direct", Ok(on)) => return refine(to, "tlbflush", "direct", on),
        ("tlbflush-ext", Ok(on)) => return refine(to, "tlbflush", "extended", on),
        ("passthrough", Ok(true)) => {
            to.hyperv = std::mem::take(&mut to.hyperv).with("mode", "passthrough");
            return true;
        }
        (name, Ok(on)) => match HYPERV.iter().find(|(known, _)| *known == name) {
            Some((_, word)) => element(word).with("state", on_off(on)),
            None => return false,
        },
        _ => return false,
    };
    to.hyperv = std::mem::take(&mut to.hyperv).child(element);
    true
}

/// A switch inside of an enlightenment that is there already.
fn refine(to: &mut Conversion<'_>, name: &str, switch: &str, on: bool) -> bool {
    let enlightenment = to.hyperv.nodes.iter_mut().find_map(|node| match node {
        Node::Element(element) if element.name == name => Some(element),
        _ => None,
    });
    let Some(enlightenment) = enlightenment else { return false };
    *enlightenment = std::mem::take(enlightenment).child(element(switch).with("state", on_off(on)));
    true
}

fn boot(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if let Some(order) = props.take("order") {
        for letter in order.chars() {
            let dev = match letter {
                'a' | 'b' => "fd",
                'c' => "hd",
                'd' => "cdrom",
                'n'..='p' => "network",
                _ => continue,
            };
            if !to.facts.boot.contains(&dev) {
                to.facts.boot.push(dev);
            }
        }
    }
    if let Some(on) = props.take("menu").and_then(is_on) {
        let timeout = props.take("splash-time").and_then(|time| time.parse().ok());
        to.facts.boot_menu = Some((on, timeout));
    }
    if let Some(timeout) = props.take("reboot-timeout") {
        to.os = std::mem::take(&mut to.os).child(element("bios").with("rebootTimeout", timeout));
    }
    // The service asks for a strict order always.
    props.take("strict");
    partly(props)
}

fn clock(to: &mut Conversion<'_>, offset: &str) -> Outcome {
    to.facts.clock = Some(offset.to_owned());
    Outcome::Done
}

fn real_time_clock(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    match props.take("base") {
        Some("localtime") => drop(clock(to, "localtime")),
        Some("utc") | None => {}
        Some(date) => return Outcome::Kept(format!("no element says that the clock starts at {date}")),
    }
    let mut rtc = element("timer").with("name", "rtc");
    if props.take("driftfix") == Some("slew") {
        rtc = rtc.with("tickpolicy", "catchup");
    }
    if let Some(track) = props.take("clock") {
        rtc = rtc.with(
            "track",
            match track {
                "host" => "wall",
                "rt" => "realtime",
                _ => "guest",
            },
        );
    }
    if rtc.attributes.len() > 1 {
        timer(to, rtc);
    }
    partly(props)
}

fn action(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    to.facts.no_reboot |= props.take("reboot") == Some("shutdown");
    to.facts.no_shutdown |= props.take("shutdown") == Some("pause");
    // What the service chooses from <on_crash> and <watchdog>.
    props.ignore(&["panic", "watchdog"]);
    partly(props)
}

fn overcommit(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if props.take("mem-lock").and_then(is_on) == Some(true) {
        to.memory_backing.push(element("locked"));
    }
    if props.take("cpu-pm").and_then(is_on) == Some(true) {
        return Outcome::Kept("no element says cpu-pm=on".to_owned());
    }
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
            to.facts.suspend_to_disk = Some(number == "0");
            Outcome::Done
        }
        ("kvm-pit.lost_tick_policy", policy @ ("delay" | "discard")) => {
            timer(to, element("timer").with("name", "pit").with("tickpolicy", policy));
            Outcome::Done
        }
        // The board's own watchdog may reset the machine.
        ("ICH9-LPC.noreboot", "off" | "false") => {
            let watchdog = element("watchdog").with("model", "itco").with("action", &to.watchdog_action);
            to.device(watchdog);
            Outcome::Done
        }
        ("driver", "cfi.pflash01,property=secure,value=on") => {
            to.facts.secure = true;
            Outcome::Done
        }
        _ => Outcome::Kept("no element says this".to_owned()),
    }
}

/// Fields of `-smbios` in QEMU's and in libvirt's words.
const SMBIOS: &[(&str, &str, &[&str])] = &[
    ("0", "bios", &["vendor", "version", "date", "release"]),
    ("1", "system", &["manufacturer", "product", "version", "serial", "uuid", "sku", "family"]),
    ("2", "baseBoard", &["manufacturer", "product", "version", "serial", "asset", "location"]),
    ("3", "chassis", &["manufacturer", "version", "serial", "asset", "sku"]),
];

fn smbios(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(kind) = props.take("type") else { return Outcome::Kept("no element says this".to_owned()) };
    if kind == "11" {
        to.facts.oem_strings.extend(props.take_all("value").into_iter().map(str::to_owned));
        return all_or_kept(props);
    }
    let Some((_, block, fields)) = SMBIOS.iter().find(|(number, ..)| *number == kind) else {
        return Outcome::Kept(format!("no element says tables of type {kind}"));
    };
    let entries: Vec<_> = fields.iter().filter_map(|field| Some(((*field).to_owned(), props.take(field)?.to_owned()))).collect();
    let outcome = if entries.is_empty() { Outcome::Kept("no element says an empty table".to_owned()) } else { all_or_kept(props) };
    if matches!(outcome, Outcome::Done) {
        to.facts.smbios.push(((*block).to_owned(), entries));
    }
    outcome
}

/// `-usbdevice` of old.
fn usb_device(to: &mut Conversion<'_>, value: &str) -> Outcome {
    to.facts.usb = true;
    let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
    let device = match kind {
        "tablet" | "mouse" => element("input").with("type", kind).with("bus", "usb"),
        "keyboard" => element("input").with("type", "keyboard").with("bus", "usb"),
        "host" => {
            let Some((vendor, product)) = rest.split_once(':') else { return Outcome::Kept("no element says this".to_owned()) };
            let id = |name: &str, number: &str| element(name).with("id", format!("0x{:0>4}", number.trim_start_matches("0x")));
            let source = element("source").child(id("vendor", vendor)).child(id("product", product));
            element("hostdev").with("mode", "subsystem").with("type", "usb").with("managed", "no").child(source)
        }
        _ => return Outcome::Kept("no element says this".to_owned()),
    };
    to.device(device);
    Outcome::Done
}

/// `-virtfs`: a shared folder and its device in one.
fn folder(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if props.take("fsdriver") != Some("local") {
        return Outcome::Kept("no element says this".to_owned());
    }
    let tag = props.take("mount_tag").unwrap_or_default().to_owned();
    props.ignore(&["id"]);
    match super::devices::folder(props, &tag) {
        Ok(filesystem) if props.left().is_empty() => {
            to.device(filesystem);
            Outcome::Done
        }
        Ok(_) => all_or_kept(props),
        Err(reason) => Outcome::Kept(reason),
    }
}

/// A file of the firmware's configuration.
fn firmware_file(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let entry = element("entry").maybe("name", props.take("name")).maybe("file", props.take("file"));
    let entry = match props.take("string") {
        Some(text) => entry.content(text),
        None => entry,
    };
    if !props.left().is_empty() {
        return all_or_kept(props);
    }
    to.general.push(element("sysinfo").with("type", "fwcfg").child(entry));
    Outcome::Done
}

/// Writes what several options say together.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts);
    if !facts.named {
        to.general.insert(0, element("name").content("unnamed"));
        to.warn_of_all("there is no -name; the domain is named 'unnamed': choose a name before it is defined");
    }
    let kib = |name: &str, bytes: u64| element(name).with("unit", "KiB").content(bytes.div_ceil(KIB));
    let memory = facts.memory.unwrap_or(DEFAULT_MEMORY);
    if let Some((bytes, slots)) = facts.max_memory {
        to.general.push(kib("maxMemory", bytes).with("slots", slots));
    }
    to.general.push(kib("memory", memory));
    to.general.push(kib("currentMemory", memory));
    if !to.memory_backing.is_empty() {
        let mut backing = element("memoryBacking").children(to.memory_backing.drain(..));
        keep_last(&mut backing);
        to.general.push(backing);
    }
    let (vcpus, max) = (facts.vcpus.unwrap_or(1), facts.max_vcpus.unwrap_or(1));
    to.general.push(element("vcpu").maybe("current", (vcpus < max).then_some(vcpus)).content(max));
    if to.io_threads() > 0 {
        to.general.push(element("iothreads").content(to.io_threads()));
    }
    topology(to, &facts, max);
    boot_and_type(to, &facts);
    sysinfo(to, &facts);
    if to.is_pc() && !facts.no_acpi {
        feature(to, element("acpi"));
        feature(to, element("apic"));
    }
    to.clock = std::mem::take(&mut to.clock).with("offset", facts.clock.as_deref().unwrap_or("utc"));
    to.general.push(element("on_poweroff").content(if facts.no_shutdown { "preserve" } else { "destroy" }));
    to.general.push(element("on_reboot").content(if facts.no_reboot { "destroy" } else { "restart" }));
    to.general.push(element("on_crash").content("destroy"));
    power_management(to, &facts);
    absent_and_present(to, &facts);
}

/// Controllers and devices that the service would add, and that the command line does not have.
fn absent_and_present(to: &mut Conversion<'_>, facts: &Facts) {
    let has_usb = to.devices.iter().any(|device| device.name == "controller" && device.attribute("type") == Some("usb"));
    if !has_usb {
        let model = match (facts.usb, facts.usb_devices, to.is_q35()) {
            (true, _, false) => Some("piix3-uhci"),
            // A q35 has an EHCI controller with its companions, which the service knows as well.
            (true, _, true) | (false, true, _) => None,
            (false, false, _) => Some("none"),
        };
        if let Some(model) = model {
            to.device(element("controller").with("type", "usb").with("index", 0).with("model", model));
        }
    }
    if !to.devices.iter().any(|device| device.name == "memballoon") {
        to.device(element("memballoon").with("model", "none"));
    }
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

fn boot_and_type(to: &mut Conversion<'_>, facts: &Facts) {
    let kind = element("type").with("arch", &to.arch).maybe("machine", to.machine.as_deref()).content("hvm");
    let boots: Vec<Element> = facts.boot.iter().map(|dev| element("boot").with("dev", dev)).collect();
    // Single devices that have a boot order exclude the other one.
    let boots = if to.has_boot_order() { Vec::new() } else { boots };
    if facts.secure {
        let loader = to.os.nodes.iter_mut().find_map(|node| match node {
            Node::Element(element) if element.name == "loader" => Some(element),
            _ => None,
        });
        if let Some(loader) = loader {
            loader.set_attribute("secure", "yes");
        }
    }
    let menu = facts.boot_menu.map(|(on, timeout)| element("bootmenu").with("enable", yes_no(on)).maybe("timeout", timeout));
    to.os = std::mem::take(&mut to.os).child(kind).children(boots).children(menu);
}

fn sysinfo(to: &mut Conversion<'_>, facts: &Facts) {
    if facts.smbios.is_empty() && facts.oem_strings.is_empty() {
        return;
    }
    let entry = |(name, value): &(String, String)| element("entry").with("name", name).content(value);
    let mut sysinfo = element("sysinfo").with("type", "smbios");
    for (block, entries) in &facts.smbios {
        sysinfo = sysinfo.child(element(block).children(entries.iter().map(entry)));
    }
    if !facts.oem_strings.is_empty() {
        sysinfo = sysinfo.child(element("oemStrings").children(facts.oem_strings.iter().map(|text| element("entry").content(text))));
    }
    to.general.push(sysinfo);
    to.os = std::mem::take(&mut to.os).child(element("smbios").with("mode", "sysinfo"));
}

/// `<pm>` has both switches in one element.
fn power_management(to: &mut Conversion<'_>, facts: &Facts) {
    let Some(disk) = facts.suspend_to_disk else { return };
    let switch = element("suspend-to-disk").with("enabled", yes_no(disk));
    match to.general.iter_mut().find(|element| element.name == "pm") {
        Some(pm) => *pm = std::mem::take(pm).child(switch),
        None => to.general.push(element("pm").child(switch)),
    }
}
