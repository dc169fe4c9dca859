//! Firmware in flash memory, or as a ROM.

use std::path::{Path, PathBuf};

use lodge_model::domain::devices::DiskType;
use lodge_model::domain::os::{Firmware, FirmwareFeatureName, FirmwareFormat, Loader, LoaderType, Nvram};
use lodge_model::xml::{OnOff, Value, YesNo};

use super::draft::Draft;
use crate::hypervisors::qemu::firmware::{FirmwareDescriptor, Mapping, Wish, choose};
use crate::hypervisors::qemu::plan::Preparation;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::resources::{Access, LabelClass};

/// What the machine is told of its flash memory.
#[derive(Debug, Default)]
pub struct Flash {
    /// The node of the code.
    pub code: Option<String>,
    /// The node of the variables.
    pub variables: Option<String>,
    /// Whether there is SMM; `None` leaves it to the definition.
    pub smm: Option<bool>,
    /// Only SMM may write the variables.
    pub secure: bool,
}

/// An image for flash memory.
struct Part {
    path: String,
    format: String,
}

/// What goes into flash memory.
struct Parts {
    code: Part,
    read_only: bool,
    secure: bool,
    /// The variables' template, and whether there are variables at all.
    template: Option<Part>,
    stateless: bool,
}

/// Adds the firmware.
///
/// # Errors
/// No firmware fits, or the definition contradicts itself.
pub fn add(draft: &mut Draft<'_>) -> Result<Flash, Refusal> {
    let os = &draft.domain.os;
    let loader = os.loader.as_ref();
    let path = loader.and_then(|loader| loader.path.as_deref()).map(str::trim).filter(|path| !path.is_empty());
    let parts = match (path, os.firmware) {
        (Some(path), _) if loader.and_then(|loader| loader.kind).unwrap_or_default() == LoaderType::Rom => {
            draft.resource(path, Access::Read, LabelClass::Kernel);
            draft.option("-bios", path);
            return Ok(Flash::default());
        }
        (Some(path), _) => written(draft, path),
        (None, Some(Firmware::Efi)) => chosen(draft)?,
        (None, _) => return Ok(Flash::default()),
    };
    draft.resource(&parts.code.path, if parts.read_only { Access::Read } else { Access::ReadWrite }, LabelClass::Kernel);
    let code = node(draft, "firmware", &parts.code, parts.read_only);
    let nvram = if parts.stateless { None } else { Some(variables(draft, &parts)?) };
    let variables = nvram.as_ref().map(|nvram| node(draft, "nvram", nvram, false));
    draft.firmware = Some((live_loader(draft, &parts), nvram.map(|nvram| live_nvram(draft, &parts, nvram))));
    Ok(Flash { code: Some(code), variables, smm: parts.secure.then_some(true), secure: parts.secure })
}

/// `<loader>` of the running guest: what was written, with the choice filled in.
fn live_loader(draft: &Draft<'_>, parts: &Parts) -> Loader {
    let written = draft.domain.os.loader.clone().unwrap_or_default();
    Loader {
        path: Some(parts.code.path.clone()),
        kind: Some(LoaderType::Pflash),
        readonly: Some(YesNo(parts.read_only)),
        secure: written.secure.or(parts.secure.then_some(YesNo(true))),
        format: Value::parse(&parts.code.format),
        ..written
    }
}

/// `<nvram>` of the running guest.
fn live_nvram(draft: &Draft<'_>, parts: &Parts, variables: Part) -> Nvram {
    let written = draft.domain.os.nvram.clone().unwrap_or_default();
    let path = written.source.is_none().then_some(variables.path);
    let template = parts.template.as_ref().map(|template| template.path.clone());
    Nvram { template: written.template.clone().or(template), format: Value::parse(&variables.format), path, ..written }
}

fn written(draft: &Draft<'_>, path: &str) -> Parts {
    let loader = draft.domain.os.loader.clone().unwrap_or_default();
    let format = loader.format.unwrap_or_default();
    // The template of firmware that is installed is known from its description.
    let described = draft.input.firmware.iter().find_map(|descriptor| match &descriptor.mapping {
        Mapping::Flash { executable, nvram_template, .. } if executable.filename == path => Some(nvram_template.clone()),
        _ => None,
    });
    let raw = |path: &Path| Part { path: path.display().to_string(), format: "raw".to_owned() };
    let configured = draft.input.choices.firmware.iter().find(|(code, _)| code == Path::new(path)).map(|(_, variables)| raw(variables));
    let template = described.flatten().map(|file| Part { path: file.filename, format: file.format }).or(configured);
    let read_only = loader.readonly.is_none_or(|YesNo(on)| on);
    // Code that the guest can write has its variables in it.
    let has_none = draft.domain.os.nvram.is_none() && (!read_only || described_as_stateless(draft, path));
    Parts {
        code: Part { path: path.to_owned(), format: format.to_string() },
        read_only,
        secure: loader.secure == Some(YesNo(true)),
        template,
        stateless: loader.stateless == Some(YesNo(true)) || has_none,
    }
}

fn described_as_stateless(draft: &Draft<'_>, path: &str) -> bool {
    draft.input.firmware.iter().any(
        |descriptor| matches!(&descriptor.mapping, Mapping::Flash { executable, nvram_template: None, .. } if executable.filename == path),
    )
}

fn chosen(draft: &Draft<'_>) -> Result<Parts, Refusal> {
    let os = &draft.domain.os;
    let feature = |name| {
        let features = os.firmware_features.iter().flat_map(|features| &features.features);
        features.filter(|feature| feature.name == name).map(|feature| feature.enabled.0).next_back()
    };
    let secure_loader = os.loader.as_ref().and_then(|loader| loader.secure).map(|YesNo(on)| on);
    let smm = draft.domain.features.smm.as_ref().and_then(|smm| smm.state).is_none_or(|OnOff(on)| on);
    let wish = Wish {
        architecture: if draft.is_i686() { "i386" } else { "x86_64" },
        machine: draft.machine,
        secure_boot: feature(FirmwareFeatureName::SecureBoot).or(secure_loader.filter(|secure| *secure)),
        enrolled_keys: feature(FirmwareFeatureName::EnrolledKeys),
        smm: smm && draft.is_q35(),
    };
    let descriptor = choose(draft.input.firmware, &wish).ok_or_else(|| none_fits(draft, &wish))?;
    parts_of(descriptor).ok_or_else(|| none_fits(draft, &wish))
}

fn parts_of(descriptor: &FirmwareDescriptor) -> Option<Parts> {
    let Mapping::Flash { mode, executable, nvram_template } = &descriptor.mapping else { return None };
    let part = |file: &crate::hypervisors::qemu::firmware::FlashFile| Part { path: file.filename.clone(), format: file.format.clone() };
    Some(Parts {
        code: part(executable),
        read_only: true,
        secure: descriptor.has("requires-smm"),
        template: nvram_template.as_ref().map(part),
        stateless: mode.as_deref() == Some("stateless") || nvram_template.is_none(),
    })
}

fn none_fits(draft: &Draft<'_>, wish: &Wish<'_>) -> Refusal {
    if draft.input.firmware.is_empty() {
        return Refusal::unsupported(
            "<os firmware='efi'> needs UEFI firmware, and none is installed: install it (package ovmf on Debian), or take firmware='efi' out",
        );
    }
    let with = |name, wish: Option<bool>| match wish {
        None => String::new(),
        Some(true) => format!(", with {name}"),
        Some(false) => format!(", without {name}"),
    };
    Refusal::unsupported(format!(
        "<os firmware='efi'> needs firmware for {} and {}{}{}, and none that is installed fits: install it (package ovmf on Debian{}), or ask \
         for less in <firmware>",
        wish.architecture,
        wish.machine,
        with("secure-boot", wish.secure_boot),
        with("enrolled-keys", wish.enrolled_keys),
        if wish.architecture == "i386" { "; for 32-bit guests ovmf-ia32" } else { "" },
    ))
}

/// The variables: where the definition says, or in this guest's own file; made from the template at the first start.
fn variables(draft: &mut Draft<'_>, parts: &Parts) -> Result<Part, Refusal> {
    let os = &draft.domain.os;
    let nvram = os.nvram.clone().unwrap_or_default();
    if nvram.kind.is_some_and(|kind| kind != DiskType::File) {
        return Err(Refusal::unsupported("<nvram> of this type cannot be in this version: use type='file', or take the type out"));
    }
    let in_source = nvram.source.as_ref().and_then(|source| source.file.clone());
    let own = in_source.or(nvram.path.clone()).map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
    let format = match (&own, nvram.format) {
        (_, Some(format)) => format,
        (Some(_), None) => FirmwareFormat::Raw,
        (None, None) => FirmwareFormat::Qcow2,
    };
    let path = own.map_or_else(|| draft.input.nvram.to_owned(), PathBuf::from);
    let written = nvram.template.clone().map(|path| {
        let format = nvram.template_format.unwrap_or_default().to_string();
        Part { path, format }
    });
    let template = written.as_ref().or(parts.template.as_ref());
    if let Some(template) = template {
        prepare(draft, &path, format, template)?;
    }
    draft.resource(&path, Access::ReadWrite, LabelClass::Nvram);
    Ok(Part { path: path.display().to_string(), format: format.to_string() })
}

fn prepare(draft: &mut Draft<'_>, path: &Path, format: FirmwareFormat, template: &Part) -> Result<(), Refusal> {
    let Some(program) = draft.input.programs.qemu_img.clone() else {
        return Err(Refusal::unsupported(
            "the firmware's variables need qemu-img, which is not installed: install it (package qemu-utils on Debian)",
        ));
    };
    if let Some(parent) = path.parent() {
        draft.prepare(Preparation::Directory(parent.to_owned()));
    }
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let arguments = ["convert", "-f", &template.format, "-O", format.as_str(), &template.path, &temporary.display().to_string()];
    let arguments = arguments.map(str::to_owned).to_vec();
    draft.prepare(Preparation::File { path: path.to_owned(), temporary, program, arguments });
    Ok(())
}

fn node(draft: &mut Draft<'_>, name: &str, part: &Part, read_only: bool) -> String {
    let file = format!("{name}-file");
    let storage = Props::of("driver", "file").with("filename", part.path.clone()).with("node-name", file.clone());
    draft.blockdev(storage.with("read-only", read_only));
    draft.blockdev(Props::of("driver", &part.format).with("node-name", name).with("read-only", read_only).with("file", file));
    name.to_owned()
}
