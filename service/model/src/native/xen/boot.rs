//! What kind of guest it is, and what it boots.

use super::Dialect;
use super::input::Input;
use super::output::Output;
use super::{is_hvm, kind};
use crate::domain::Domain;
use crate::domain::devices::{Disk, DiskDevice};
use crate::domain::os::{AcpiTable, AcpiTableType, AcpiTables, Boot, BootDevice, Firmware, Loader, LoaderType, OsKind, OsType};
use crate::domain::xen::{Arg, CommandLine};
use crate::native::ReadError;
use crate::xml::YesNo;

/// Words for kinds of guests: of `type` (xl), of `builder`, and of an s-expression's image.
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
    let model = input.text("device_model")?;
    domain.devices.emulator = input.text("device_model_override")?.or(model);
    let mut args = Vec::new();
    for key in MODEL_ARGUMENTS {
        for item in input.list(key) {
            args.push(Arg { value: item.text(key)?, ..Arg::default() });
        }
    }
    domain.xen_command_line = (!args.is_empty()).then(|| CommandLine { args, ..CommandLine::default() });
    Ok(())
}

fn read_kind(input: &mut Input) -> Result<OsKind, ReadError> {
    let mut found = None;
    for key in ["builder", "type"] {
        let Some(item) = input.take(key) else { continue };
        let word = item.text(key)?;
        let known = KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        found = Some(known.ok_or_else(|| item.unexpected(key, "'pv', 'pvh', 'hvm', 'linux' or 'generic'"))?);
    }
    if input.switch("pvh")? == Some(true) {
        found = Some(OsKind::XenPvh);
    }
    Ok(found.unwrap_or(OsKind::Linux))
}

/// The boot loader's arguments under either name, as one string.
fn arguments(input: &mut Input) -> Result<Option<String>, ReadError> {
    let mut args = Vec::new();
    for key in ["bootargs", "bootloader_args"] {
        for item in input.list(key) {
            args.push(item.text(key)?);
        }
    }
    Ok(Some(args.join(" ")).filter(|args| !args.is_empty()))
}

/// The firmware. To xm the kernel of such a guest is its loader, unless both are said; to xl it is the
/// kernel that the firmware boots, except that old files name the loader there.
fn firmware(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let os = &mut domain.os;
    let mut path = input.text("loader")?;
    let over = input.text("firmware_override")?;
    path = over.or(path);
    let is_loader = |kernel: &String| input.dialect != Dialect::Xl || kernel.rsplit('/').next() == Some("hvmloader");
    if path.is_none() && os.kernel.as_ref().is_some_and(is_loader) {
        path = os.kernel.take();
    }
    for key in ["bios", "firmware"] {
        let Some(item) = input.take(key) else { continue };
        match item.text(key)?.as_str() {
            "ovmf" | "uefi" => os.firmware = Some(Firmware::Efi),
            "seabios" | "bios" => os.firmware = Some(Firmware::Bios),
            file if key == "firmware" && file.starts_with('/') => path = Some(file.to_owned()),
            word => input.warn(item.position, format!("the firmware '{word}' has no word in a domain and is left out")),
        }
    }
    let blob = if os.firmware == Some(Firmware::Efi) { input.text("bios_path_override")? } else { None };
    os.loader = match blob {
        Some(blob) => {
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
