//! Displays and graphics cards.

use super::ReadError;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::options::Opt;
use super::outcome::{Outcome, all_or_kept};
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element, yes_no};
use crate::xml::Element;

/// What options say together about displays.
#[derive(Debug, Default)]
pub struct Facts {
    keymap: Option<String>,
    /// A graphics card was asked for, or none.
    card: bool,
    /// There is no picture, or nobody sees it.
    nographic: bool,
    none: bool,
    /// The program that would show the guest in a window.
    window: Option<String>,
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
            to.facts.displays.nographic = true;
            Outcome::Done
        }
        "sdl" | "gtk" | "curses" => shown_in_a_window(to, &option.name),
        "k" => {
            to.facts.displays.keymap = Some(value.to_owned());
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

/// A window on the desktop of whoever starts QEMU becomes a display that clients connect to.
fn shown_in_a_window(to: &mut Conversion<'_>, what: &str) -> Outcome {
    to.facts.displays.window = Some(what.to_owned());
    Outcome::Done
}

/// Addresses that nobody from elsewhere reaches.
const LOCAL: &[&str] = &["127.0.0.1", "localhost", "::1"];

/// Where a display listens. One that had a password is not open to everybody because nobody said it again.
fn address<'a>(to: &mut Conversion<'_>, host: &'a str, has_password: bool) -> &'a str {
    if !has_password {
        return host;
    }
    if LOCAL.contains(&host) {
        to.warn("the display has a password, which is not converted: add passwd='…' to <graphics>");
        return host;
    }
    to.warn(
        "the display has a password, which is not converted, so it listens on 127.0.0.1 only: add passwd='…' to <graphics>, then listen",
    );
    LOCAL[0]
}

fn vnc(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let place = props.take_any(&["display", "vnc"]).unwrap_or_default();
    let mut graphics = element("graphics").with("type", "vnc");
    if place == "none" {
        to.facts.displays.none = true;
        return all_or_kept(props);
    }
    let has_password = props.take_on("password") == Some(true);
    if let Some(path) = place.strip_prefix("unix:") {
        address(to, LOCAL[0], has_password);
        graphics = graphics.child(element("listen").with("type", "socket").with("socket", path));
    } else {
        let Some((host, number)) = place.rsplit_once(':') else { return Outcome::Kept(format!("'{place}' is no display")) };
        let Ok(number) = number.parse::<u16>() else { return Outcome::Kept(format!("'{number}' is no number of a display")) };
        graphics = graphics.with("port", 5900 + u32::from(number)).with("autoport", "no");
        // QEMU listens on all addresses unless it is told.
        let host = if host.is_empty() { "0.0.0.0" } else { host.trim_matches(['[', ']']) };
        graphics = graphics.with("listen", address(to, host, has_password));
    }
    graphics = graphics.maybe("websocket", props.take("websocket").map(|port| if port == "on" { "-1" } else { port }));
    graphics = graphics.maybe("sharePolicy", props.take("share"));
    graphics = graphics.maybe("powerControl", props.take_on("power-control").map(yes_no));
    if let Some(id) = props.take("audiodev") {
        graphics = graphics.children(to.audio_number(id).map(|number| element("audio").with("id", number)));
    }
    // How far QEMU looks for a free port.
    props.ignore(&["to"]);
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
    let unix = props.take_on("unix") == Some(true);
    let has_password = props.take_on("disable-ticketing") != Some(true);
    match (unix, props.take("port"), props.take("addr")) {
        (true, _, path) => {
            address(to, LOCAL[0], has_password);
            graphics = graphics.child(element("listen").with("type", "socket").maybe("socket", path));
        }
        (false, Some("0") | None, _) if props.get("tls-port").is_none() => {
            graphics = graphics.child(element("listen").with("type", "none"))
        }
        (false, port, host) => {
            let listen = address(to, host.unwrap_or("0.0.0.0"), has_password);
            graphics = graphics.maybe("port", port).with("autoport", "no").with("listen", listen);
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
    if props.take_on("disable-copy-paste") == Some(true) {
        graphics = graphics.child(element("clipboard").with("copypaste", "no"));
    }
    if props.take_on("disable-agent-file-xfer") == Some(true) {
        graphics = graphics.child(element("filetransfer").with("enable", "no"));
    }
    let gl = props.take_on("gl") == Some(true);
    let node = props.take("rendernode").map(str::to_owned);
    if gl || node.is_some() {
        graphics = graphics.child(element("gl").with("enable", yes_no(gl)).maybe("rendernode", node));
    }
    // A password never goes into a document by itself.
    props.ignore(&["password", "password-secret", "seamless-migration", "x509-dir"]);
    finish_graphics(to, graphics, props)
}

/// What a window looks like goes with it.
const OF_WINDOWS: &[&str] = &[
    "alt_grab",
    "ctrl_grab",
    "full-screen",
    "gl",
    "grab-mod",
    "grab-on-hover",
    "show-cursor",
    "show-menubar",
    "show-tabs",
    "window-close",
    "zoom-to-fit",
];

fn of_a_window(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    props.ignore(OF_WINDOWS);
    let left = spelled(&props.left()).join(",");
    if !left.is_empty() {
        to.warn(format!("{left} of -display is left out with the window that it is of"));
    }
    Outcome::Silent
}

fn display(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    match props.take("type").unwrap_or_default() {
        "none" => {
            to.facts.displays.none = true;
            all_or_kept(props)
        }
        "dbus" => {
            let gl = props
                .take("gl")
                .filter(|gl| *gl != "off")
                .map(|_| element("gl").with("enable", "yes").maybe("rendernode", props.take("rendernode")));
            let mut graphics = element("graphics").with("type", "dbus").children(gl);
            if props.take_on("p2p") == Some(true) {
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
        "vnc" => {
            let mut rest = Props::default();
            rest.append("", props);
            vnc(to, &rest)
        }
        "spice-app" => {
            let graphics = element("graphics").with("type", "spice");
            let graphics = match props.take("gl").is_some_and(|gl| gl != "off") {
                true => graphics.child(element("listen").with("type", "none")).child(element("gl").with("enable", "yes")),
                false => graphics.with("autoport", "yes"),
            };
            finish_graphics(to, graphics, props)
        }
        "default" => of_a_window(to, props),
        window @ ("gtk" | "sdl" | "cocoa" | "curses") => {
            of_a_window(to, props);
            shown_in_a_window(to, window)
        }
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
    to.facts.displays.card = true;
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
    if let (Some(x), Some(y)) = (props.get("xres"), props.get("yres")) {
        model = model.child(element("resolution").with("x", x).with("y", y));
        props.ignore(&["xres", "yres"]);
    }
    if driver.ends_with("-gl") || props.take_on("virgl") == Some(true) {
        model = model.child(element("acceleration").with("accel3d", "yes"));
    }
    if props.get("edid").and_then(is_on) == Some(true) {
        props.take("edid");
    }
    nothing_left(props)?;
    to.facts.displays.card = true;
    to.device(element("video").child(model).children(address));
    Ok(())
}

/// Cards that QEMU takes in place of the board's own.
const OF_THE_BOARD: &[&str] = &[
    "VGA",
    "cirrus-vga",
    "isa-vga",
    "isa-cirrus-vga",
    "vmware-svga",
    "qxl-vga",
    "virtio-vga",
    "virtio-vga-gl",
    "ati-vga",
    "vhost-user-vga",
];

/// Adds the display in place of a window, unless there is another; and what draws the guest's 3D where the window did.
fn show_window(to: &mut Conversion<'_>, facts: &Facts) {
    let Some(window) = &facts.window else { return };
    let of_kind = |kinds: &[&str]| {
        to.devices.iter().any(|device| device.name == "graphics" && device.attribute("type").is_some_and(|kind| kinds.contains(&kind)))
    };
    let (shown, has_gl) = (of_kind(&["vnc", "spice", "dbus"]), of_kind(&["egl-headless"]));
    let draws_3d = |device: &Element| device.element("model").is_some_and(|model| model.element("acceleration").is_some());
    let needs_gl = !has_gl && to.devices.iter().any(draws_3d);
    if !shown {
        to.device(element("graphics").with("type", "vnc").with("port", -1).with("autoport", "yes"));
    }
    if needs_gl {
        to.device(element("graphics").with("type", "egl-headless"));
    }
    let becomes = match (shown, needs_gl) {
        (true, false) => "is left out",
        (true, true) => "becomes egl-headless, which draws the guest's 3D",
        (false, false) => "becomes a VNC display",
        (false, true) => "becomes a VNC display, with egl-headless to draw the guest's 3D",
    };
    to.warn_of_all(&format!("the window of {window} {becomes}: the service has no desktop to open a window on"));
}

/// Adds the graphics card that a board has by itself, and what belongs to all displays.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.displays);
    // `-vga none` only makes room for a card of -device.
    let is_none = |device: &Element| device.element("model").is_some_and(|model| model.attribute("type") == Some("none"));
    if to.devices.iter().any(|device| device.name == "video" && !is_none(device)) {
        to.devices.retain(|device| device.name != "video" || !is_none(device));
    }
    show_window(to, &facts);
    let shown = to.devices.iter().any(|device| device.name == "graphics");
    // -nographic alone means a machine without a picture; -display none one whose picture nobody sees.
    let has_card = facts.card || to.has_device(OF_THE_BOARD) || to.has("nodefaults") || (facts.nographic && !shown) || !to.is_pc();
    if !has_card {
        to.device(element("video").child(element("model").with("type", "vga")));
    }
    let said = shown || facts.none || facts.nographic || ["vnc", "spice", "display"].iter().any(|name| to.has(name));
    if !said && to.devices.iter().any(|device| device.name == "video" && !is_none(device)) {
        to.device(element("graphics").with("type", "vnc").with("port", -1).with("autoport", "yes"));
        to.warn_of_all("QEMU opens a window when no display is named; the service has none, so there is a VNC display");
    }
    if let Some(keymap) = facts.keymap {
        if !to.devices.iter().any(|device| device.name == "graphics") {
            to.warn_of_all("-k is left out: there is no display whose keyboard it would be");
        }
        for graphics in to.devices.iter_mut().filter(|device| device.name == "graphics") {
            if matches!(graphics.attribute("type"), Some("vnc" | "spice")) {
                graphics.set_attribute("keymap", &keymap);
            }
        }
    }
}
