//! What kind of guest it is, and what it boots.

use super::Dialect;
use super::input::Input;
use super::output::Output;
use super::value::Value;
use super::{is_hvm, kind};
use crate::domain::Domain;
use crate::domain::devices::{Disk, DiskDevice};
use crate::domain::os::{AcpiTable, AcpiTableType, AcpiTables, Boot, BootDevice, Firmware, Loader, LoaderType, OsKind, OsType};
use crate::domain::xen::{Arg, CommandLine};
use crate::native::ReadError;
use crate::xml::YesNo;

/// Words for kinds of guests: of `type` (xl), of `builder`, and of an s-expression's image. The last two of them say more than
/// a domain can.
const KINDS: [(&str, OsKind); 7] = [
    ("hvm", OsKind::Hvm),
    ("pv", OsKind::Linux),
    ("pvh", OsKind::XenPvh),
    ("linux", OsKind::Linux),
    ("generic", OsKind::Linux),
    ("linux64", OsKind::Linux),
    ("netbsd", OsKind::Linux),
];

/// Letters of the setting `boot`.
const LETTERS: [(char, BootDevice); 4] =
    [('a', BootDevice::Floppy), ('c', BootDevice::HardDisk), ('d', BootDevice::Cdrom), ('n', BootDevice::Network)];

/// The first program of a fully virtualized guest, where nothing else is said.
const HVMLOADER: &str = "/usr/lib/xen/boot/hvmloader";

/// Where the arguments of the device model stand; a domain has one list of them.
const MODEL_ARGUMENTS: [&str; 3] = ["device_model_args", "device_model_args_hvm", "device_model_args_pv"];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let kind = read_kind(input)?;
    let machine = match kind {
        OsKind::Hvm => "xenfv",
        OsKind::XenPvh => "xenpvh",
        _ => "xenpv",
    };
    // No format says the architecture; Xen's guests on PCs are of this one.
    domain.os.os_type = Some(OsType { kind: Some(kind), arch: Some("x86_64".into()), machine: Some(machine.into()), ..OsType::default() });
    domain.bootloader = input.text("bootloader")?;
    domain.bootloader_args = arguments(input)?;
    domain.os.kernel = input.text("kernel")?;
    domain.os.initrd = input.text("ramdisk")?;
    domain.os.cmdline = input.text("cmdline")?;
    if domain.os.cmdline.is_some() {
        input.leave_out("root", "does not count beside 'cmdline'");
        input.leave_out("extra", "does not count beside 'cmdline'");
    } else {
        domain.os.root = input.text("root")?;
        domain.os.cmdline = input.text("extra")?;
    }
    if kind == OsKind::Hvm {
        firmware(input, domain)?;
        boot_order(input, domain)?;
    }
    input.overrule("device_model_override", &["device_model"]);
    let model = input.text("device_model")?;
    domain.devices.emulator = input.text("device_model_override")?.or(model);
    let of_others = if kind == OsKind::Hvm { "device_model_args_pv" } else { "device_model_args_hvm" };
    input.leave_out(of_others, "is for guests of another kind");
    let mut args = Vec::new();
    for key in MODEL_ARGUMENTS {
        for item in input.list(key) {
            args.push(Arg { value: item.text(key)?, ..Arg::default() });
        }
    }
    domain.xen_command_line = (!args.is_empty()).then(|| CommandLine { args, ..CommandLine::default() });
    Ok(())
}

/// The kind of guest. Where several settings say it, the last of them counts.
fn read_kind(input: &mut Input) -> Result<OsKind, ReadError> {
    let mut said = Vec::new();
    for key in ["builder", "type"] {
        let Some(item) = input.take(key) else { continue };
        let word = item.text(key)?;
        let known = KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        let kind = known.ok_or_else(|| item.unexpected(key, "'pv', 'pvh', 'hvm', 'linux' or 'generic'"))?;
        if matches!(word.as_str(), "linux64" | "netbsd") {
            input.warn(item.position, format!("the {key} '{word}' has no word in a domain; it becomes 'linux'"));
        }
        said.push((key, kind, item.position));
    }
    if let Some(item) = input.take("pvh") {
        if item.switch("pvh")? {
            said.push(("pvh", OsKind::XenPvh, item.position));
        } else if said.last().is_some_and(|(_, kind, _)| *kind == OsKind::XenPvh) {
            input.warn(item.position, "'pvh' 0 does not count beside 'type' and is left out".into());
        }
    }
    let Some((counts, kind, _)) = said.pop() else { return Ok(OsKind::Linux) };
    for (key, _, position) in said.into_iter().filter(|(_, other, _)| *other != kind) {
        input.warn(position, format!("'{key}' does not count beside '{counts}' and is left out"));
    }
    Ok(kind)
}

/// The boot loader's arguments under either name, as one string.
fn arguments(input: &mut Input) -> Result<Option<String>, ReadError> {
    let mut args = Vec::new();
    for key in ["bootargs", "bootloader_args"] {
        let Some(item) = input.take(key) else { continue };
        let listed = matches!(item.value, Value::List(_));
        for item in item.into_list() {
            let text = item.text(key)?;
            if listed && (text.is_empty() || text.contains(char::is_whitespace)) {
                input.warn(item.position, format!("'{text}' of '{key}' is no longer one argument: a domain has them as one string"));
            }
            args.push(text);
        }
    }
    Ok(Some(args.join(" ")).filter(|args| !args.is_empty()))
}

/// The firmware. To xm the kernel of such a guest is its loader, unless both are said; to xl it is the
/// kernel that the firmware boots, except that old files name the loader there.
fn firmware(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let os = &mut domain.os;
    input.overrule("firmware_override", &["loader"]);
    let loader = input.text("loader")?;
    let over = input.item_text("firmware_override")?;
    let mut place = over.as_ref().map(|(_, position)| *position);
    let mut path = over.map(|(path, _)| path).or(loader);
    let is_loader = |kernel: &String| input.dialect != Dialect::Xl || kernel.rsplit('/').next() == Some("hvmloader");
    if path.is_none() && os.kernel.as_ref().is_some_and(is_loader) {
        path = os.kernel.take();
    }
    for key in ["bios", "firmware"] {
        let Some(item) = input.take(key) else { continue };
        let firmware = match item.text(key)?.as_str() {
            "ovmf" | "uefi" => Firmware::Efi,
            "seabios" | "bios" => Firmware::Bios,
            file if key == "firmware" && file.starts_with('/') => {
                if let Some(position) = place.replace(item.position).filter(|_| path.as_deref() != Some(file)) {
                    input.warn(position, "'firmware_override' does not count beside 'firmware' and is left out".into());
                }
                path = Some(file.to_owned());
                continue;
            }
            word => {
                input.warn(item.position, format!("the {key} '{word}' has no word in a domain and is left out"));
                continue;
            }
        };
        if os.firmware.replace(firmware).is_some_and(|other| other != firmware) {
            input.warn(item.position, "'bios' does not count beside 'firmware' and is left out".into());
        }
    }
    let blob = if os.firmware == Some(Firmware::Efi) { input.text("bios_path_override")? } else { None };
    os.loader = match blob {
        Some(blob) => {
            if let Some(position) = place {
                input.warn(position, "'firmware_override' has no element beside 'bios_path_override' and is left out".into());
            }
            os.firmware = None;
            Some(Loader { readonly: Some(YesNo(true)), kind: Some(LoaderType::Pflash), path: Some(blob), ..Loader::default() })
        }
        None if path.is_none() && os.firmware.is_some() => None,
        None => Some(Loader { path: Some(path.unwrap_or_else(|| HVMLOADER.to_owned())), ..Loader::default() }),
    };
    let tables = input.text("acpi_firmware")?;
    os.acpi = tables.map(|path| {
        let table = AcpiTable { kind: AcpiTableType::RawSet, path: Some(path), ..AcpiTable::default() };
        AcpiTables { tables: vec![table], ..AcpiTables::default() }
    });
    Ok(())
}

fn boot_order(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let Some(item) = input.take("boot") else { return Ok(()) };
    for letter in item.text("boot")?.chars() {
        let known = LETTERS.iter().find(|(known, _)| *known == letter);
        let Some((_, dev)) = known else { return Err(item.unexpected("boot", "letters of 'a', 'c', 'd' and 'n'")) };
        if !domain.os.boot.iter().any(|boot| boot.dev == *dev) {
            domain.os.boot.push(Boot { dev: *dev, ..Boot::default() });
        }
    }
    Ok(())
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let (hvm, xl) = (is_hvm(domain), output.dialect == Dialect::Xl);
    match kind(domain) {
        OsKind::Hvm => output.text(if xl { "type" } else { "builder" }, Some("hvm")),
        OsKind::XenPvh => output.text("type", Some("pvh")),
        _ if xl => output.text("type", Some("pv")),
        _ => {}
    }
    let os = &domain.os;
    output.text("bootloader", domain.bootloader.as_ref());
    output.text(if xl { "bootloader_args" } else { "bootargs" }, domain.bootloader_args.as_ref());
    let loader = os.loader.as_ref();
    let path = loader.and_then(|loader| loader.path.clone());
    if hvm && xl {
        write_firmware(domain, output);
    }
    match (&os.kernel, path) {
        (None, path) if hvm && !xl => output.text("kernel", Some(path.unwrap_or_else(|| HVMLOADER.to_owned()))),
        (Some(kernel), path) if hvm && !xl => {
            output.text("loader", Some(path.unwrap_or_else(|| HVMLOADER.to_owned())));
            output.text("kernel", Some(kernel));
        }
        (kernel, _) => output.text("kernel", kernel.as_ref()),
    }
    output.text("ramdisk", os.initrd.as_ref());
    output.text("root", os.root.as_ref());
    output.text("extra", os.cmdline.as_ref());
    if hvm {
        output.text("boot", Some(letters(domain)));
    }
    output.text(if xl { "device_model_override" } else { "device_model" }, domain.devices.emulator.as_ref());
    if xl {
        let args = domain.xen_command_line.iter().flat_map(|line| &line.args);
        output.texts("device_model_args", args.map(|arg| arg.value.clone()).collect());
    }
}

/// The boot order as letters. An order of single devices becomes one of their classes, which is as
/// near as the formats come; that it is not the same shows in the comparison.
fn letters(domain: &Domain) -> String {
    let of_class = |dev| LETTERS.iter().find(|(_, known)| *known == dev).map(|(letter, _)| *letter);
    if !domain.os.boot.is_empty() {
        return domain.os.boot.iter().filter_map(|boot| of_class(boot.dev)).collect();
    }
    let class = |disk: &Disk| match disk.device() {
        DiskDevice::Cdrom => BootDevice::Cdrom,
        DiskDevice::Floppy => BootDevice::Floppy,
        DiskDevice::Disk | DiskDevice::Lun => BootDevice::HardDisk,
    };
    let disks = domain.devices.disks().filter_map(|disk| Some((disk.boot.as_ref()?.order?, class(disk))));
    let interfaces = domain.devices.interfaces().filter_map(|interface| Some((interface.boot.as_ref()?.order?, BootDevice::Network)));
    let mut ordered: Vec<_> = disks.chain(interfaces).collect();
    ordered.sort_by_key(|(order, _)| *order);
    let mut letters = String::new();
    for letter in ordered.into_iter().filter_map(|(_, dev)| of_class(dev)) {
        if !letters.contains(letter) {
            letters.push(letter);
        }
    }
    letters
}

fn write_firmware(domain: &Domain, output: &mut Output) {
    let os = &domain.os;
    let loader = os.loader.as_ref();
    let flash = loader.filter(|loader| loader.kind == Some(LoaderType::Pflash));
    output.text(
        "bios",
        match (os.firmware, flash) {
            (Some(Firmware::Efi), _) | (None, Some(_)) => Some("ovmf"),
            (Some(Firmware::Bios), _) => Some("seabios"),
            (None, None) => None,
        },
    );
    let path = loader.and_then(|loader| loader.path.as_ref());
    match flash {
        Some(_) => output.text("bios_path_override", path),
        None => output.text("firmware_override", path.filter(|path| *path != HVMLOADER || os.firmware.is_some())),
    }
    let mut tables = os.acpi.iter().flat_map(|acpi| &acpi.tables);
    output.text("acpi_firmware", tables.next().and_then(|table| table.path.as_ref()));
}
