//! `<video>`: the guest's graphics cards.

use lodge_model::domain::devices::Video;
use lodge_model::xml::YesNo;

use super::virtio::transport;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Models by their names in a definition: QEMU's device for the first card, which shows the firmware's text, and for the
/// others.
const MODELS: &[(&str, &str, Option<&str>)] = &[
    ("vga", "VGA", Some("secondary-vga")),
    ("cirrus", "cirrus-vga", Some("cirrus-vga")),
    ("vmvga", "vmware-svga", Some("vmware-svga")),
    ("qxl", "qxl-vga", Some("qxl")),
    ("virtio", "virtio-vga", Some("virtio-gpu-pci")),
    ("bochs", "bochs-display", Some("bochs-display")),
    ("ramfb", "ramfb", None),
];

/// Names of all models in a definition.
pub fn models() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(word, ..)| *word).chain(["none"])
}

/// Adds a graphics card.
///
/// # Errors
/// A model that is not known or cannot be a second card, or no place.
pub fn add(draft: &mut Draft<'_>, video: &Video) -> Result<(), Refusal> {
    let name = alias::of(video.alias.as_ref());
    let model = video.model_name();
    if model == "none" {
        return Ok(());
    }
    let element = format!("<video> with the model '{model}'");
    let Some((_, first, other)) = MODELS.iter().find(|(word, ..)| *word == model) else {
        let models: Vec<_> = models().collect();
        return Err(Refusal::invalid(format!("{element} is not known: use one of {}", models.join(", "))));
    };
    let driver = match is_primary(draft, video) {
        true => *first,
        false => other
            .ok_or_else(|| Refusal::invalid(format!("{element} can be the first card only: use qxl, virtio or bochs for the others")))?,
    };
    let driver = accelerated(driver, video.is_3d());
    let place = match driver.as_str() {
        "ramfb" => Props::empty(),
        _ => buses::pci(draft, name, video.address.as_ref())?,
    };
    draft.device(&element, Props::device(&driver).with("id", name).and(options(video, &driver)).and(place))
}

fn is_primary(draft: &Draft<'_>, video: &Video) -> bool {
    let written = |video: &Video| video.model.as_ref().and_then(|model| model.primary) == Some(YesNo(true));
    match draft.domain.devices.videos().any(written) {
        true => written(video),
        false => draft.domain.devices.videos().next() == Some(video),
    }
}

fn accelerated(driver: &str, is_3d: bool) -> String {
    match driver {
        "virtio-vga" if is_3d => "virtio-vga-gl".to_owned(),
        "virtio-gpu-pci" if is_3d => "virtio-gpu-gl-pci".to_owned(),
        other => other.to_owned(),
    }
}

/// Sizes are KiB in a definition. QEMU wants whole MiB for some, bytes for others.
fn options(video: &Video, driver: &str) -> Props {
    let Some(model) = &video.model else { return Props::empty() };
    let bytes = |kib: u32| u64::from(kib) * 1024;
    let mib = |kib: u32| kib.div_ceil(1024);
    let resolution = model.resolution.as_ref();
    let sized =
        Props::empty().opt("xres", resolution.map(|size| size.x)).opt("yres", resolution.map(|size| size.y)).bool("edid", model.edid);
    match driver {
        "VGA" | "secondary-vga" | "cirrus-vga" | "vmware-svga" => {
            let memory = Props::empty().opt("vgamem_mb", model.vram.map(mib));
            if driver.starts_with("VGA") || driver == "secondary-vga" { memory.and(sized) } else { memory }
        }
        "qxl" | "qxl-vga" => Props::empty()
            .opt("max_outputs", model.heads)
            .opt("ram_size", model.ram.map(bytes))
            .opt("vram_size", model.vram.map(bytes))
            .opt("vram64_size_mb", model.vram64.map(mib))
            .opt("vgamem_mb", model.vga_memory.map(mib))
            .opt("xres", resolution.map(|size| size.x))
            .opt("yres", resolution.map(|size| size.y)),
        "bochs-display" => Props::empty().opt("vgamem", model.vram.map(bytes)).and(sized),
        "ramfb" => Props::empty(),
        _ => transport!(video.driver.as_ref()).opt("max_outputs", model.heads).bool("blob", model.blob).and(sized),
    }
}
