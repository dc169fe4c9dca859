//! Displays: VNC and windows, as settings of their own or as the framebuffers of a paravirtual guest.

use super::fields::Fields;
use super::input::Input;
use super::output::{Output, Record};
use super::value::{Field, Item, Value, number};
use super::{Dialect, is_hvm, spice};
use crate::domain::Domain;
use crate::domain::devices::{Gl, Graphics, GraphicsListen, GraphicsType, Input as Pointer, InputBus, InputType, Password};
use crate::native::ReadError;
use crate::xml::YesNo;

/// The settings of a display where it is not listed.
const SETTINGS: [&str; 10] =
    ["sdl", "vnc", "vnclisten", "vncdisplay", "vncunused", "vncpasswd", "keymap", "display", "xauthority", "opengl"];

/// The TCP port of display 0.
const FIRST_PORT: i32 = 5900;

/// The display of the last TCP port.
const LAST_DISPLAY: u16 = 59635;

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let mut found = Vec::new();
    if is_hvm(domain) || !input.has("vfb") {
        if let Some(item) = flat(input)? {
            found.extend(displays(item, "display", input)?);
        }
    } else {
        for item in input.list("vfb") {
            found.extend(displays(item, "vfb", input)?);
        }
    }
    if !is_hvm(domain) && !found.is_empty() {
        domain.devices.list.push(Pointer { kind: InputType::Mouse, bus: Some(InputBus::Xen), ..Pointer::default() }.into());
    }
    domain.devices.list.extend(found.into_iter().map(Into::into));
    spice::read(input, domain)
}

/// The settings of a display as its parts, if there are any.
fn flat(input: &mut Input) -> Result<Option<Item>, ReadError> {
    let mut fields = Vec::new();
    let for_spice = is_for_spice(input)?;
    for key in SETTINGS.into_iter().filter(|key| *key != "keymap" || !for_spice) {
        if let Some((text, position)) = input.item_text(key)? {
            fields.push(Field::at(position, key, text));
        }
    }
    let Some(position) = fields.first().map(|field| field.position) else { return Ok(None) };
    // A display that is configured is there; one that nobody speaks of is not.
    let configured = fields.iter().any(|field| field.key.starts_with("vnc"));
    if !configured {
        fields.push(Field::at(position, "vnc", "0"));
    }
    Ok(Some(Item { value: Value::Record(fields), position }))
}

/// Whether SPICE is all that shows the guest, so that the keyboard is its.
fn is_for_spice(input: &Input) -> Result<bool, ReadError> {
    let named = SETTINGS.iter().any(|key| key.starts_with("vnc") && input.has(key));
    let (vnc, sdl) = (input.switch_of("vnc")?.unwrap_or(named), input.switch_of("sdl")?.unwrap_or(false));
    Ok(input.switch_of("spice")?.unwrap_or(false) && !vnc && !sdl)
}

/// The displays that the parts of one describe: VNC, a window, or both.
fn displays(item: Item, device: &'static str, input: &mut Input) -> Result<Vec<Graphics>, ReadError> {
    let mut parts = Fields::of(item, device)?;
    let (kind, vnc, sdl) = (parts.take("type"), parts.switch("vnc")?, parts.switch("sdl")?);
    let (vnc, sdl) = match (kind.as_deref(), vnc, sdl) {
        (Some("vnc"), Some(false), _) => return Err(parts.unexpected("vnc", "0", "1 beside 'type=vnc'")),
        (Some("sdl"), _, Some(false)) => return Err(parts.unexpected("sdl", "0", "1 beside 'type=sdl'")),
        (Some("vnc"), _, sdl) => (true, sdl.unwrap_or(false)),
        (Some("sdl"), vnc, _) => (vnc.unwrap_or(false), true),
        (Some(other), ..) => return Err(parts.unexpected("type", other, "'vnc' or 'sdl'")),
        // A framebuffer of xl has VNC unless it is told otherwise (xl.cfg(5)).
        (None, vnc, sdl) => {
            let usual = sdl != Some(true) || (device == "vfb" && input.dialect == Dialect::Xl);
            (vnc.unwrap_or(usual), sdl.unwrap_or(false))
        }
    };
    let mut found = Vec::new();
    if sdl {
        let gl = parts.switch("opengl")?.map(|on| Gl { enable: Some(YesNo(on)), ..Gl::default() });
        let (display, xauth) = (parts.take("display"), parts.take("xauthority"));
        found.push(Graphics { kind: GraphicsType::Sdl, display, xauth, gl, ..Graphics::default() });
    }
    if vnc {
        found.push(self::vnc(&mut parts, input)?);
    }
    if found.is_empty() && device == "vfb" {
        input.warn(
            parts.position,
            "a vfb with neither 'vnc' nor 'sdl' shows nothing; it has no element in the domain and is left out".into(),
        );
    }
    let keymap = if found.is_empty() { None } else { parts.take("keymap") };
    found.iter_mut().for_each(|graphics| graphics.keymap.clone_from(&keymap));
    parts.finish(input);
    Ok(found)
}

fn vnc(parts: &mut Fields, input: &mut Input) -> Result<Graphics, ReadError> {
    let mut listen = parts.take("vnclisten");
    let mut display = None;
    if let Some(text) = parts.take("vncdisplay") {
        let number = number(&text).and_then(|number| u16::try_from(number).ok()).filter(|number| *number <= LAST_DISPLAY);
        display = Some(number.ok_or_else(|| parts.unexpected("vncdisplay", &text, "the number of a display up to 59635"))?);
    }
    // An address may be followed by the number of the display.
    let numbered =
        listen.as_deref().and_then(|text| text.rsplit_once(':')).filter(|(address, _)| !address.contains(':') || address.ends_with(']'));
    let numbered =
        numbered.and_then(|(address, number)| Some((address.to_owned(), number.parse().ok().filter(|number| *number <= LAST_DISPLAY)?)));
    if let Some((address, number)) = numbered {
        if let Some(display) = display.filter(|display| *display != number) {
            input.warn(parts.position, format!("'vncdisplay' {display} does not count beside the number in 'vnclisten' and is left out"));
        }
        listen = Some(address).filter(|address| !address.is_empty());
        display = Some(number);
    }
    let unused = parts.switch("vncunused")?;
    if unused == Some(false) && display.is_none() {
        input.warn(
            parts.position,
            "with 'vncunused' 0 and no 'vncdisplay' the port follows from the number that the guest gets; a free one is taken".into(),
        );
    }
    let fixed = display.filter(|_| unused != Some(true));
    if let (None, Some(display)) = (fixed, display) {
        input.warn(parts.position, format!("'vncdisplay' {display} does not count beside 'vncunused' and is left out"));
    }
    Ok(Graphics {
        kind: GraphicsType::Vnc,
        port: Some(fixed.map_or(-1, |display| FIRST_PORT + i32::from(display))),
        autoport: Some(YesNo(fixed.is_none())),
        listen,
        password: parts.take("vncpasswd").map(Password),
        ..Graphics::default()
    })
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let known = |graphics: &&Graphics| matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Sdl);
    let displays: Vec<&Graphics> = domain.devices.graphics().filter(known).collect();
    let of_kind = |kind| displays.iter().copied().filter(move |graphics| graphics.kind == kind);
    let (vnc, sdl) = (of_kind(GraphicsType::Vnc).next(), of_kind(GraphicsType::Sdl).next());
    // The settings of xm have room for one keyboard layout; several displays are listed.
    let listed = !is_hvm(domain) && (output.dialect != Dialect::Xm || displays.len() > 1);
    if listed {
        let dialect = output.dialect;
        output.records("vfb", displays.iter().map(|graphics| framebuffer(graphics, dialect)).collect());
    } else if is_hvm(domain) || !displays.is_empty() {
        output.switch("sdl", Some(sdl.is_some()));
        output.switch("vnc", Some(vnc.is_some()));
        let mut record = Record::default();
        vnc.into_iter().chain(sdl).for_each(|graphics| parts(graphics, &mut record));
        let mut written = Vec::new();
        for field in record.0 {
            let Some(key) = SETTINGS.iter().find(|key| **key == field.key).filter(|key| !written.contains(*key)) else { continue };
            written.push(key);
            let is_number = matches!(*key, "vncunused" | "vncdisplay" | "opengl");
            match field.value.parse::<i64>().ok().filter(|_| is_number) {
                Some(number) => output.number(key, Some(number)),
                None => output.text(key, Some(field.value)),
            }
        }
    }
    spice::write(domain, output);
}

fn framebuffer(graphics: &Graphics, dialect: Dialect) -> Record {
    let mut record = Record::default();
    let vnc = graphics.kind == GraphicsType::Vnc;
    if dialect == Dialect::Xl {
        record.switch("vnc", Some(vnc));
        record.switch("sdl", Some(true).filter(|_| !vnc));
    } else {
        record.put("type", Some(graphics.kind.as_str()));
    }
    parts(graphics, &mut record);
    record
}

/// The parts of a display that both notations have.
fn parts(graphics: &Graphics, record: &mut Record) {
    if graphics.kind == GraphicsType::Vnc {
        let display = graphics.fixed_port().and_then(|port| u16::try_from(i32::from(port) - FIRST_PORT).ok());
        let display = display.filter(|_| !graphics.autoport());
        record.switch("vncunused", Some(display.is_none()));
        record.put("vncdisplay", display.map(|display| display.to_string()));
        record.put("vnclisten", address(graphics));
        record.put("vncpasswd", graphics.password.as_ref().map(|password| password.0.clone()));
    } else {
        record.put("display", graphics.display.as_ref());
        record.put("xauthority", graphics.xauth.as_ref());
        record.switch("opengl", graphics.gl.as_ref().and_then(|gl| gl.enable).map(|enable| enable.0));
    }
    record.put("keymap", graphics.keymap.as_ref());
}

/// The address that a display listens on, where the domain says one.
pub(super) fn address(graphics: &Graphics) -> Option<&str> {
    graphics.listen_views().ok()?.into_iter().find_map(|listen| match listen {
        GraphicsListen::Address(address) => address,
        _ => None,
    })
}
