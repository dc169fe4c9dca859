//! Disks, CD-ROM and floppy drives.

use super::Dialect;
use super::disk_spec::{Access, FORMATS, Spec, prefix};
use super::input::Input;
use super::is_hvm;
use super::output::Output;
use super::value::{Field, Item, Value};
use crate::domain::Domain;
use crate::domain::devices::{
    BackendDomain, Discard, Disk, DiskBus, DiskDevice, DiskDriver, DiskSource, DiskSourceElement, DiskTarget, DiskType,
};
use crate::native::ReadError;

/// Settings that are one drive each: its name in the guest, and what it is.
const DRIVES: [(&str, &str, DiskDevice); 3] =
    [("cdrom", "hdc", DiskDevice::Cdrom), ("fda", "fda", DiskDevice::Floppy), ("fdb", "fdb", DiskDevice::Floppy)];

/// Prefixes that say nothing to xl (xl-disk-configuration(5)).
const IGNORED: [&str; 6] = ["tap", "tap2", "tapdisk", "aio", "file", "phy"];

/// Drivers that are no scripts.
const DRIVERS: [&str; 5] = ["qemu", "phy", "tap", "tap2", "file"];

/// Backends by the names that xl gives them, and those of a domain.
const BACKENDS: [(&str, &str); 3] = [("qdisk", "qemu"), ("phy", "phy"), ("tap", "tap")];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    for item in input.list("disk") {
        let spec = Spec::read(item, input)?;
        if spec.cdrom && !matches!(spec.access, None | Some(Access::Read)) {
            input.warn(spec.position, format!("the access of the cdrom '{}' is left out: a guest only reads from it", spec.vdev));
        }
        let disk = if input.dialect == Dialect::Xl { of_xl(spec, input) } else { of_xm(spec, input) };
        domain.devices.list.push(disk.into());
    }
    for (key, name, device) in DRIVES {
        if device == DiskDevice::Floppy && !is_hvm(domain) {
            continue;
        }
        let Some(path) = input.text(key)? else { continue };
        let mut disk = drive(name, device == DiskDevice::Cdrom);
        disk.device = Some(device);
        if device == DiskDevice::Cdrom {
            disk.driver = driver(Some(if path.starts_with("/dev/") { "phy" } else { "file" }), None);
        }
        set_source(&mut disk, path, false);
        domain.devices.list.push(disk.into());
    }
    Ok(())
}

/// A drive of that name, without a medium.
fn drive(name: &str, cdrom: bool) -> Disk {
    // Names of Xen's own devices are numbers, or `d0p1` (xen-vbd-interface(7)).
    let is_number = name.strip_prefix('d').unwrap_or(name).starts_with(|first: char| first.is_ascii_digit());
    let bus = if is_number { DiskBus::Xen } else { DiskBus::of_name(name) };
    let device = match bus {
        _ if cdrom => DiskDevice::Cdrom,
        DiskBus::Fdc => DiskDevice::Floppy,
        _ => DiskDevice::Disk,
    };
    Disk {
        kind: Some(DiskType::File),
        device: Some(device),
        readonly: cdrom,
        target: Some(DiskTarget { dev: Some(name.to_owned()), bus: Some(bus), ..DiskTarget::default() }),
        ..Disk::default()
    }
}

fn set_source(disk: &mut Disk, path: String, is_device: bool) {
    if path.is_empty() {
        return;
    }
    let block = is_device || path.starts_with("/dev/");
    disk.kind = Some(if block { DiskType::Block } else { DiskType::File });
    let (file, dev) = match block {
        true if !path.starts_with('/') => (None, Some(format!("/dev/{path}"))),
        true => (None, Some(path)),
        false => (Some(path), None),
    };
    disk.source = Some(DiskSourceElement { file, dev, ..DiskSourceElement::default() });
}

fn driver(name: Option<&str>, kind: Option<&str>) -> Option<DiskDriver> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    (name.is_some() || kind.is_some()).then(|| DiskDriver { name: owned(name), kind: owned(kind), ..DiskDriver::default() })
}

fn of_spec(spec: &Spec) -> Disk {
    let mut disk = drive(&spec.vdev, spec.cdrom);
    disk.readonly |= spec.access == Some(Access::Read);
    disk.shareable = spec.access == Some(Access::Share);
    disk.backend_domain = spec.backend.as_ref().map(|name| BackendDomain { name: Some(name.clone()), ..BackendDomain::default() });
    disk
}

/// A disk of xm or xend, where the prefixes say who serves it.
fn of_xm(spec: Spec, input: &mut Input) -> Disk {
    let mut disk = of_spec(&spec);
    let mut prefixes = spec.prefixes.iter().map(String::as_str).filter(|prefix| *prefix != "tapdisk");
    let (name, kind) = (prefixes.next(), prefixes.next());
    let discard = spec.discard.map(|on| if on { "discard" } else { "no-discard" });
    let of_xl = [spec.backend_type.as_ref().map(|_| "backendtype"), spec.script.as_ref().map(|_| "script"), discard];
    for key in of_xl.into_iter().flatten() {
        input.warn(spec.position, format!("'{key}' of a disk is known to xl only and is left out"));
    }
    let superfluous = spec.format.as_deref().filter(|format| kind.is_some_and(|kind| kind != *format));
    for word in prefixes.chain(superfluous) {
        input.warn(spec.position, format!("'{word}' of a disk does not count beside what stands before its path, and is left out"));
    }
    disk.driver = driver(name, kind.or(spec.format.as_deref()));
    set_source(&mut disk, spec.target, name == Some("phy"));
    disk
}

/// A disk of xl, where a format and perhaps a backend are said, and prefixes are for old times.
fn of_xl(spec: Spec, input: &mut Input) -> Disk {
    let mut disk = of_spec(&spec);
    let mut format = spec.format.clone();
    let mut script = script(&spec, input);
    for prefix in spec.prefixes.iter().map(String::as_str).filter(|prefix| !IGNORED.contains(prefix)) {
        let counts = match FORMATS.contains(&prefix) {
            true => format.get_or_insert_with(|| prefix.to_owned()).as_str(),
            false => script.get_or_insert(prefix),
        };
        if counts != prefix {
            input.warn(spec.position, format!("'{prefix}:' of a disk does not count beside '{counts}' and is left out"));
        }
    }
    if let Some(word) = spec.backend_type.as_ref().filter(|_| script.is_some()) {
        input.warn(spec.position, format!("'backendtype={word}' of a disk has no element beside a script and is left out"));
    }
    let format = format.unwrap_or_else(|| "raw".to_owned());
    let backend = spec.backend_type.as_deref().and_then(|word| BACKENDS.iter().find(|(theirs, _)| *theirs == word)).map(|(_, ours)| *ours);
    let device = spec.target.starts_with("/dev/") || (!spec.target.starts_with('/') && prefix(&spec.target).is_none());
    disk.driver = driver(script.or(backend).or(Some(usual_backend(device, &format, spec.cdrom))), Some(&format));
    disk.driver.iter_mut().for_each(|driver| driver.discard = spec.discard.map(|on| if on { Discard::Unmap } else { Discard::Ignore }));
    if script.is_some() && !spec.target.starts_with('/') {
        // What a script takes is a name of its own, such as a resource of DRBD.
        disk.kind = Some(DiskType::Block);
        disk.source = Some(DiskSourceElement { dev: Some(spec.target), ..DiskSourceElement::default() });
    } else {
        let device = device && script.is_none();
        set_source(&mut disk, spec.target, device);
    }
    disk
}

/// The script that a disk names, which a domain has as the name of its driver, without `block-` before it.
fn script<'a>(spec: &'a Spec, input: &mut Input) -> Option<&'a str> {
    let script = spec.script.as_deref()?;
    let name = script.strip_prefix("block-").filter(|name| !name.contains('/') && !DRIVERS.contains(name));
    if name.is_none() {
        input.warn(spec.position, format!("the script '{script}' of a disk has no element in the domain and is left out"));
    }
    name
}

/// The backend that xl chooses itself: the kernel serves devices, QEMU everything else.
fn usual_backend(device: bool, format: &str, cdrom: bool) -> &'static str {
    if device && format == "raw" && !cdrom { "phy" } else { "qemu" }
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let xl = output.dialect == Dialect::Xl;
    let mut specs = Vec::new();
    for disk in domain.devices.disks() {
        let Some((path, block)) = path(disk) else { continue };
        let name = disk.target_dev();
        if name.is_empty() || name.contains([',', '=']) {
            continue;
        }
        let floppy = disk.device() == DiskDevice::Floppy;
        match DRIVES.iter().find(|(_, drive, _)| floppy && *drive == name) {
            Some((key, ..)) if is_hvm(domain) && !xl => output.text(key, Some(path)),
            // xl and paravirtual guests have no floppy drives.
            _ if floppy => {}
            _ if xl => specs.push(Value::Text(new_notation(disk, path, block))),
            _ => specs.push(old_notation(disk, path, block, output.dialect)),
        }
    }
    if !specs.is_empty() {
        output.settings.push(("disk", Value::List(specs.into_iter().map(Item::from).collect())));
    }
}

/// The path of what holds the data, and whether it is a device; none for what is no path.
fn path(disk: &Disk) -> Option<(&str, bool)> {
    match DiskSource::of(disk.kind.unwrap_or_default(), disk.source.as_ref(), "disk").ok()? {
        DiskSource::Empty => Some(("", false)),
        DiskSource::File { path } => Some((path, false)),
        DiskSource::Block { path } => Some((path, true)),
        _ => None,
    }
}

fn driver_words(disk: &Disk) -> (Option<&str>, Option<&str>) {
    let driver = disk.driver.as_ref();
    (driver.and_then(|driver| driver.name.as_deref()), driver.and_then(|driver| driver.kind.as_deref()))
}

fn backend(disk: &Disk) -> Option<&str> {
    disk.backend_domain.as_ref().and_then(|domain| domain.name.as_deref()).filter(|name| !name.contains(','))
}

fn old_notation(disk: &Disk, path: &str, block: bool, dialect: Dialect) -> Value {
    let by_type = if block { "phy" } else { "file" };
    let source = match driver_words(disk) {
        _ if path.is_empty() => String::new(),
        (Some(name @ ("tap" | "tap2")), kind) => format!("{name}:{}:{path}", kind.filter(|kind| *kind != "raw").unwrap_or("aio")),
        (Some("qemu") | None, Some(kind)) if !matches!(kind, "raw" | "aio") => format!("tap:{kind}:{path}"),
        (Some("qemu") | None, _) => format!("{by_type}:{path}"),
        (Some(name), _) => format!("{name}:{path}"),
    };
    let vdev = if disk.device() == DiskDevice::Cdrom { format!("{}:cdrom", disk.target_dev()) } else { disk.target_dev().to_owned() };
    let mode = match (disk.is_read_only(), disk.shareable) {
        (true, _) => "r",
        (false, true) => "w!",
        (false, false) => "w",
    };
    if dialect == Dialect::Sxpr {
        let mut parts = vec![Field::new("uname", source), Field::new("dev", vdev), Field::new("mode", mode)];
        parts.extend(backend(disk).map(|backend| Field::new("backend", backend)));
        parts.retain(|part| !part.value.is_empty());
        return Value::Record(parts);
    }
    let backend = backend(disk).map(|backend| format!(",{backend}")).unwrap_or_default();
    Value::Text(format!("{source},{vdev},{mode}{backend}"))
}

fn new_notation(disk: &Disk, path: &str, block: bool) -> String {
    let (name, kind) = driver_words(disk);
    let format = kind.filter(|kind| *kind != "aio").unwrap_or("raw");
    let cdrom = disk.device() == DiskDevice::Cdrom;
    let name = name.filter(|name| *name != usual_backend(block, format, cdrom));
    let access = if disk.is_read_only() { "ro" } else { "rw" };
    let mut spec = format!("format={format},vdev={},access={access}", disk.target_dev());
    let mut add = |key: &str, value: Option<&str>| spec.extend(value.map(|value| format!(",{key}{value}")));
    add("devtype=cdrom", Some("").filter(|_| cdrom));
    add("backend=", backend(disk));
    match name.map(|name| BACKENDS.iter().find(|(_, ours)| *ours == name).ok_or(name)) {
        Some(Ok((theirs, _))) => add("backendtype=", Some(theirs)),
        Some(Err("tap2")) => add("backendtype=", Some("tap")),
        Some(Err("file")) | None => {}
        Some(Err(script)) => add("script=block-", Some(script).filter(|script| !script.contains([',', '/']))),
    }
    match disk.driver.as_ref().and_then(|driver| driver.discard) {
        Some(Discard::Unmap) => add("discard", Some("")),
        Some(Discard::Ignore) => add("no-discard", Some("")),
        None => {}
    }
    add("target=", Some(path).filter(|path| !path.is_empty()));
    spec
}
