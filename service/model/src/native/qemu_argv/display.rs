//! Displays and graphics cards.

use super::ReadError;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element, yes_no};
use crate::xml::Element;

/// What options say together about displays.
#[derive(Debug, Default)]
pub struct Facts {
    keymap: Option<String>,
    /// A graphics card was asked for, or none.
    card: bool,
    none: bool,
}

/// Converts options of displays.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let value = option.value.as_str();
    Ok(Some(match option.name.as_str() {
        "vnc" => vnc(to, &to.props(option, "display")?),
        "spice" => spice(to, &to.props(option, "")?),
        "display" => display(to, &to.props(option, "type")?),
        "vga" => card(to, value),
        "std-vga" => card(to, "std"),
        "nographic" => {
            to.displays.none = true;
            Outcome::Done
        }
        "sdl" => {
            to.device(element("graphics").with("type", "sdl"));
            Outcome::Done
        }
        "gtk" | "curses" => shown_in_a_window(to, &option.name),
        "k" => {
            to.displays.keymap = Some(value.to_owned());
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

/// A window on the desktop of whoever starts QEMU is a display that clients connect to.
fn shown_in_a_window(to: &mut Conversion<'_>, what: &str) -> Outcome {
    to.device(element("graphics").with("type", "vnc").with("port", -1).with("autoport", "yes"));
    to.warn(format!("-display {what} becomes a VNC display: the service has no desktop to open a window on"));
    Outcome::Done
}

fn vnc(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let place = props.take_any(&["display", "vnc"]).unwrap_or_default();
    let mut graphics = element("graphics").with("type", "vnc");
    if place == "none" {
        return Outcome::Silent;
    } else if let Some(path) = place.strip_prefix("unix:") {
        graphics = graphics.child(element("listen").with("type", "socket").with("socket", path));
    } else {
        let Some((host, number)) = place.rsplit_once(':') else { return Outcome::Kept(format!("'{place}' is no display")) };
        let Ok(number) = number.parse::<u16>() else { return Outcome::Kept(format!("'{number}' is no number of a display")) };
        graphics = graphics.with("port", 5900 + u32::from(number)).with("autoport", "no");
        // QEMU listens on all addresses unless it is told.
        let host = if host.is_empty() { "0.0.0.0" } else { host.trim_matches(['[', ']']) };
        graphics = graphics.with("listen", host);
    }
    graphics = graphics.maybe("websocket", props.take("websocket").map(|port| if port == "on" { "-1" } else { port }));
    graphics = graphics.maybe("sharePolicy", props.take("share"));
    graphics = graphics.maybe("powerControl", props.take("power-control").and_then(is_on).map(yes_no));
    if let Some(id) = props.take("audiodev") {
        graphics = graphics.children(to.audio_number(id).map(|number| element("audio").with("id", number)));
    }
    if props.take("password").and_then(is_on) == Some(true) {
        to.warn("the display has a password, which is not on the command line: add passwd='…' to <graphics>");
    }
    props.ignore(&["lossy", "to"]);
    finish_graphics(to, graphics, props)
}

fn finish_graphics(to: &mut Conversion<'_>, graphics: Element, props: &Props) -> Outcome {
    let left = props.left();
    if !left.is_empty() {
        return Outcome::Kept(format!("no element says {}", spelled(&left).join(",")));
    }
    to.device(graphics);
    Outcome::Done
}

/// Settings of SPICE: key, element, attribute.
const SPICE: &[(&str, &str, &str)] = &[
    ("image-compression", "image", "compression"),
    ("jpeg-wan-compression", "jpeg", "compression"),
    ("zlib-glz-wan-compression", "zlib", "compression"),
    ("playback-compression", "playback", "compression"),
    ("streaming-video", "streaming", "mode"),
    ("agent-mouse", "mouse", "mode"),
];

fn spice(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let mut graphics = element("graphics").with("type", "spice");
    let unix = props.take("unix").and_then(is_on) == Some(true);
    match (unix, props.take("port"), props.take("addr")) {
        (true, _, path) => graphics = graphics.child(element("listen").with("type", "socket").maybe("socket", path)),
        (false, Some("0") | None, _) if props.get("tls-port").is_none() => {
            graphics = graphics.child(element("listen").with("type", "none"))
        }
        (false, port, address) => {
            graphics = graphics.maybe("port", port).with("autoport", "no").with("listen", address.unwrap_or("0.0.0.0"));
        }
    }
    graphics = graphics.maybe("tlsPort", props.take("tls-port"));
    for (key, name, attribute) in SPICE {
        if let Some(value) = props.take(key) {
            let value = match (*key, is_on(value)) {
                ("agent-mouse", Some(true)) => "client",
                ("agent-mouse", Some(false)) => "server",
                _ => value,
            };
            graphics = graphics.child(element(name).with(attribute, value));
        }
    }
    if props.take("disable-copy-paste").and_then(is_on) == Some(true) {
        graphics = graphics.child(element("clipboard").with("copypaste", "no"));
    }
    if props.take("disable-agent-file-xfer").and_then(is_on) == Some(true) {
        graphics = graphics.child(element("filetransfer").with("enable", "no"));
    }
    let gl = props.take("gl").and_then(is_on) == Some(true);
    let node = props.take("rendernode").map(str::to_owned);
    if gl || node.is_some() {
        graphics = graphics.child(element("gl").with("enable", yes_no(gl)).maybe("rendernode", node));
    }
    if props.take("disable-ticketing").and_then(is_on) != Some(true) {
        to.warn("the display has a password, which is not converted: add passwd='…' to <graphics>");
    }
    // A password never goes into a document by itself.
    props.ignore(&["password", "password-secret", "seamless-migration", "x509-dir"]);
    finish_graphics(to, graphics, props)
}

fn display(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    match props.take("type").unwrap_or_default() {
        "none" => {
            to.displays.none = true;
            Outcome::Done
        }
        "dbus" => {
            let gl = props
                .take("gl")
                .filter(|gl| *gl != "off")
                .map(|_| element("gl").with("enable", "yes").maybe("rendernode", props.take("rendernode")));
            let mut graphics = element("graphics").with("type", "dbus").children(gl);
            if props.take("p2p").and_then(is_on) == Some(true) {
                graphics = graphics.with("p2p", "yes");
            }
            graphics = graphics.maybe("address", props.take("addr"));
            if let Some(number) = props.take("audiodev").and_then(|id| to.audio_number(id)) {
                graphics = graphics.child(element("audio").with("id", number));
            }
            finish_graphics(to, graphics, props)
        }
        "egl-headless" => {
            let gl = props.take("rendernode").map(|node| element("gl").with("rendernode", node));
            finish_graphics(to, element("graphics").with("type", "egl-headless").children(gl), props)
        }
        "sdl" => {
            let gl = props.take("gl").and_then(is_on).map(|on| element("gl").with("enable", yes_no(on)));
            finish_graphics(to, element("graphics").with("type", "sdl").children(gl), props)
        }
        "vnc" => {
            let mut rest = Props::default();
            rest.append("", props);
            vnc(to, &rest)
        }
        "spice-app" => {
            to.device(element("graphics").with("type", "spice").with("autoport", "yes"));
            Outcome::Done
        }
        "default" => Outcome::Silent,
        window @ ("gtk" | "cocoa" | "curses") => shown_in_a_window(to, window),
        other => Outcome::Kept(format!("no element says '{other}'")),
    }
}

/// Graphics cards of `-vga` and of `-device`: word, model.
const CARDS: &[(&str, &str)] = &[
    ("std", "vga"),
    ("VGA", "vga"),
    ("cirrus", "cirrus"),
    ("cirrus-vga", "cirrus"),
    ("vmware", "vmvga"),
    ("vmware-svga", "vmvga"),
    ("qxl", "qxl"),
    ("qxl-vga", "qxl"),
    ("virtio", "virtio"),
    ("virtio-vga", "virtio"),
    ("virtio-vga-gl", "virtio"),
    ("virtio-gpu", "virtio"),
    ("virtio-gpu-gl", "virtio"),
    ("bochs-display", "bochs"),
    ("ramfb", "ramfb"),
];

fn card(to: &mut Conversion<'_>, word: &str) -> Outcome {
    to.displays.card = true;
    if word == "none" {
        to.device(element("video").child(element("model").with("type", "none")));
        return Outcome::Done;
    }
    match CARDS.iter().find(|(known, _)| *known == word) {
        Some((_, model)) => {
            to.device(element("video").child(element("model").with("type", model)));
            Outcome::Done
        }
        None => Outcome::Kept(format!("no element says the card '{word}'")),
    }
}

/// A graphics card of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, _model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    let (_, model) = CARDS.iter().find(|(known, _)| *known == driver)?;
    Some(card_device(to, driver, model, props))
}

fn card_device(to: &mut Conversion<'_>, driver: &str, kind: &str, props: &Props) -> Result<(), String> {
    let address = to.buses.pci(props)?;
    let mut model = element("model").with("type", kind);
    let kib = |text: &str, unit: u64| text.parse::<u64>().ok().map(|number| number.saturating_mul(unit));
    for (key, attribute, unit) in
        [("ram_size", "ram", 0), ("vram_size", "vram", 0), ("vgamem_mb", "vgamem", 1024), ("vram64_size_mb", "vram64", 1024)]
    {
        if let Some(value) = props.take(key) {
            let size = if unit == 0 { value.parse::<u64>().ok().map(|bytes| bytes / 1024) } else { kib(value, unit) };
            let attribute = if kind == "vga" && attribute == "vgamem" { "vram" } else { attribute };
            model = model.maybe(attribute, size);
        }
    }
    model = model.maybe("heads", props.take("max_outputs"));
    model = model.maybe("blob", props.take("blob"));
    // The first card is the one that the firmware shows on.
    let first = !to.devices.iter().any(|device| device.name == "video");
    if first && driver != "qxl" && !driver.starts_with("virtio-gpu") {
        model = model.with("primary", "yes");
    }
    let (x, y) = (props.take("xres").map(str::to_owned), props.take("yres").map(str::to_owned));
    if let (Some(x), Some(y)) = (x, y) {
        model = model.child(element("resolution").with("x", x).with("y", y));
    }
    if driver.ends_with("-gl") || props.take("virgl").and_then(is_on) == Some(true) {
        model = model.child(element("acceleration").with("accel3d", "yes"));
    }
    props.ignore(&["edid", "vgamem", "vram"]);
    nothing_left(props)?;
    to.displays.card = true;
    to.device(element("video").child(model).children(address));
    Ok(())
}

/// Adds the graphics card that a board has by itself, and what belongs to all displays.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.displays);
    // `-vga none` only makes room for a card of -device.
    let is_none = |device: &Element| device.element("model").is_some_and(|model| model.attribute("type") == Some("none"));
    if to.devices.iter().any(|device| device.name == "video" && !is_none(device)) {
        to.devices.retain(|device| device.name != "video" || !is_none(device));
    }
    let shown = to.devices.iter().any(|device| device.name == "graphics");
    // -nographic alone means a machine without a picture.
    let has_card = facts.card || to.has("nodefaults") || facts.none || !to.is_pc();
    if !has_card {
        to.device(element("video").child(element("model").with("type", "vga")));
        if !shown {
            to.device(element("graphics").with("type", "vnc").with("port", -1).with("autoport", "yes"));
            to.warn_of_all("QEMU opens a window when no display is named; the service has none, so there is a VNC display");
        }
    }
    if let Some(keymap) = facts.keymap {
        for graphics in to.devices.iter_mut().filter(|device| device.name == "graphics") {
            if matches!(graphics.attribute("type"), Some("vnc" | "spice")) {
                graphics.set_attribute("keymap", &keymap);
            }
        }
    }
}
