//! `<graphics>`: how a person sees the guest: `-vnc`, `-spice`, `-display`.
//!
//! Passwords go over QMP before the guest runs; the command line only says that there is one.

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Compression, Graphics, GraphicsListen, GraphicsType, SharePolicy};
use lodge_model::xml::YesNo;
use serde_json::json;

use super::audio;
use crate::hypervisors::qemu::chardev::spice_missing;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::resources::{Access, LabelClass};

/// VNC counts its displays from this port on.
const VNC_FIRST_PORT: u16 = 5900;
/// Where displays listen unless the definition says otherwise: not on the network.
pub const LOCAL: &str = "127.0.0.1";

/// Which ports the service has to choose for a domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PortsNeeded {
    /// One for VNC.
    pub vnc: bool,
    /// One for VNC over WebSocket.
    pub websocket: bool,
    /// One for SPICE.
    pub spice: bool,
}

/// Which ports the service has to choose for a domain.
pub fn ports_needed(domain: &Domain) -> PortsNeeded {
    let automatic = |kind| domain.devices.graphics().any(|one| one.kind == kind && one.autoport() && listens_on_port(one));
    let websocket = |graphics: &Graphics| graphics.kind == GraphicsType::Vnc && graphics.websocket == Some(-1);
    PortsNeeded {
        vnc: automatic(GraphicsType::Vnc),
        spice: automatic(GraphicsType::Spice),
        websocket: domain.devices.graphics().any(websocket),
    }
}

fn listens_on_port(graphics: &Graphics) -> bool {
    let listens = graphics.listen_views().unwrap_or_default();
    listens.iter().any(|listen| matches!(listen, GraphicsListen::Address(_) | GraphicsListen::Network(_)))
}

/// Adds a display that listens. Those of `-display` are added by [`add_display`].
///
/// # Errors
/// A kind that cannot be here, or no free port.
pub fn add(draft: &mut Draft<'_>, graphics: &Graphics) -> Result<(), Refusal> {
    let kind = graphics.kind;
    match kind {
        GraphicsType::Vnc => vnc(draft, graphics),
        GraphicsType::Spice => spice(draft, graphics),
        GraphicsType::Dbus | GraphicsType::EglHeadless => Ok(()),
        GraphicsType::Sdl | GraphicsType::Desktop if draft.is_by_hand() => Ok(()),
        GraphicsType::Sdl | GraphicsType::Desktop => Err(Refusal::unsupported(format!(
            "<graphics type='{kind}'> opens a window, and a service has no screen: use type='vnc', type='spice' or type='dbus'"
        ))),
        GraphicsType::Rdp => Err(Refusal::unsupported(
            "<graphics type='rdp'> needs a helper program that this version does not start: use type='vnc', type='spice' or type='dbus'",
        )),
    }
}

/// Where a display listens: the first of what the definition says.
fn listen(graphics: &Graphics) -> Result<GraphicsListen<'_>, Refusal> {
    let first = graphics.listen_views()?.into_iter().next().unwrap_or(GraphicsListen::Address(None));
    match first {
        GraphicsListen::Network(network) => Err(Refusal::unsupported(format!(
            "<graphics type='{}'> listens on the network '{network}', and this version has none: use <listen type='address' address='127.0.0.1'/>",
            graphics.kind
        ))),
        listen => Ok(listen),
    }
}

fn port(graphics: &Graphics, chosen: Option<u16>) -> Result<u16, Refusal> {
    let port = if graphics.autoport() { chosen } else { graphics.fixed_port() };
    port.ok_or_else(|| {
        Refusal::unsupported(format!("<graphics type='{}'> finds no free port: stop another guest, or set port='…'", graphics.kind))
    })
}

fn vnc(draft: &mut Draft<'_>, graphics: &Graphics) -> Result<(), Refusal> {
    if !draft.input.capabilities.has_vnc() {
        return Err(Refusal::unsupported("<graphics type='vnc'> needs VNC, and this QEMU has none: use type='spice' or type='dbus'"));
    }
    let options = match listen(graphics)? {
        GraphicsListen::Socket(path) => {
            let path = path.map_or_else(|| draft.input.runtime.join("vnc.sock"), Into::into);
            draft.resource(&path, Access::ReadWrite, LabelClass::Socket);
            draft.live_socket("vnc", &path);
            Options::new(&format!("unix:{}", path.display()))
        }
        GraphicsListen::None => Options::new("none"),
        GraphicsListen::Address(address) => {
            let port = port(graphics, draft.input.ports.vnc)?;
            let Some(display) = port.checked_sub(VNC_FIRST_PORT) else {
                return Err(Refusal::invalid(format!("<graphics type='vnc' port='{port}'> cannot be: VNC has the ports from 5900 on")));
            };
            let address = address.unwrap_or(&draft.input.choices.vnc_listen);
            let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            let options = Options::new(&format!("{address}:{display}"));
            let websocket = match graphics.websocket {
                Some(-1) => draft.input.ports.websocket.map(i32::from),
                other => other,
            };
            options.opt("websocket", websocket.filter(|port| *port > 0))
        }
        GraphicsListen::Network(_) => return Ok(()),
    };
    let share = graphics.share_policy.map(SharePolicy::as_str);
    let options = options.opt("share", share).opt("audiodev", audio::of(draft, graphics.audio.as_ref().map(|audio| audio.id))?);
    let options = options.opt_on("power-control", graphics.power_control.map(|YesNo(on)| on));
    let options = match add_secret(draft, graphics) {
        Some(secret) => options.with("password-secret", secret),
        None => options.opt_on("password", password(draft, graphics).map(|_| true)),
    };
    draft.option("-vnc", options.render());
    if let Some(keymap) = &graphics.keymap {
        draft.option("-k", keymap.clone());
    }
    set_password(draft, graphics, "vnc");
    Ok(())
}

/// Has a person's QEMU read the password from a file, which that person writes: there is no QMP to set it over. Returns the
/// id of what holds it.
fn add_secret(draft: &mut Draft<'_>, graphics: &Graphics) -> Option<String> {
    if !draft.is_by_hand() || graphics.password.is_none() {
        return None;
    }
    let id = format!("{}-password", graphics.kind);
    let path = draft.input.runtime.join(&id);
    draft.resource(&path, Access::Read, LabelClass::ReadOnly);
    draft.object(Props::object("secret", &id).with("file", path.display().to_string()));
    draft.warn(format!(
        "the password of <graphics type='{}'> is not printed: write it into {} first, without a line break and readable by you alone",
        graphics.kind,
        path.display()
    ));
    if graphics.password_valid_to.is_some() {
        draft.warn(format!("the password of <graphics type='{}'> does not expire in a QEMU that is run by hand", graphics.kind));
    }
    Some(id)
}

/// The password of a display: its own, or the one for all.
fn password(draft: &Draft<'_>, graphics: &Graphics) -> Option<String> {
    let for_all = match graphics.kind {
        GraphicsType::Vnc => &draft.input.choices.vnc_password,
        _ => &draft.input.choices.spice_password,
    };
    graphics.password.as_ref().map(|password| password.0.clone()).or_else(|| for_all.clone())
}

/// Has the password set before anyone can connect to a running guest.
fn set_password(draft: &mut Draft<'_>, graphics: &Graphics, protocol: &str) {
    let Some(password) = password(draft, graphics).filter(|_| !draft.is_by_hand()) else { return };
    let connected = graphics.connected.map(|connected| connected.as_str());
    let arguments = Props::of("protocol", protocol).with("password", password).opt("connected", connected);
    draft.set_up("set_password", arguments.into_value());
    if let Some(time) = &graphics.password_valid_to {
        draft.set_up("expire_password", json!({ "protocol": protocol, "time": time }));
    }
}

fn spice(draft: &mut Draft<'_>, graphics: &Graphics) -> Result<(), Refusal> {
    if !draft.input.capabilities.has_spice() {
        return Err(spice_missing("graphics type='spice'"));
    }
    if graphics.fixed_tls_port().is_some() {
        return Err(Refusal::unsupported(
            "<graphics type='spice' tlsPort='…'> needs certificates, and this version keeps none: take tlsPort out",
        ));
    }
    let options = match listen(graphics)? {
        GraphicsListen::Socket(path) => {
            let path = path.map_or_else(|| draft.input.runtime.join("spice.sock"), Into::into);
            draft.resource(&path, Access::ReadWrite, LabelClass::Socket);
            draft.live_socket("spice", &path);
            Options::of("unix", "on").with("addr", path.display())
        }
        GraphicsListen::None => Options::of("port", 0),
        GraphicsListen::Address(address) => {
            let port = port(graphics, draft.input.ports.spice)?;
            Options::of("port", port).with("addr", address.unwrap_or(&draft.input.choices.spice_listen))
        }
        GraphicsListen::Network(_) => return Ok(()),
    };
    if let Some(path) = graphics.gl.as_ref().and_then(|gl| gl.render_node.as_deref()) {
        draft.resource(path, Access::ReadWrite, LabelClass::Device);
    }
    let compression = |compression: &Option<Compression>| compression.as_ref().and_then(|one| one.compression.clone());
    let options = options
        .opt_on("disable-ticketing", password(draft, graphics).is_none().then_some(true))
        .opt("password-secret", add_secret(draft, graphics))
        .opt("image-compression", compression(&graphics.image))
        .opt("jpeg-wan-compression", compression(&graphics.jpeg))
        .opt("zlib-glz-wan-compression", compression(&graphics.zlib))
        .opt("playback-compression", compression(&graphics.playback))
        .opt("streaming-video", graphics.streaming.as_ref().and_then(|streaming| streaming.mode.clone()))
        .opt_on("disable-copy-paste", off(graphics.clipboard.as_ref().and_then(|clipboard| clipboard.copy_paste)))
        .opt_on("disable-agent-file-xfer", off(graphics.file_transfer.as_ref().and_then(|transfer| transfer.enable)))
        .opt_on("gl", graphics.gl.as_ref().filter(|gl| gl.is_enabled()).map(|_| true))
        .opt("rendernode", graphics.gl.as_ref().and_then(|gl| gl.render_node.clone()));
    draft.option("-spice", options.on("seamless-migration", true).render());
    if let Some(keymap) = &graphics.keymap {
        draft.option("-k", keymap.clone());
    }
    set_password(draft, graphics, "spice");
    Ok(())
}

/// What a switch of the definition is where QEMU has the opposite: only off is worth a word.
fn off(switch: Option<YesNo>) -> Option<bool> {
    (switch == Some(YesNo(false))).then_some(true)
}

/// Adds `-display`, of which there is one.
///
/// # Errors
/// Two that cannot be together, or one that this QEMU does not have.
pub fn add_display(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let listens = |graphics: &Graphics| matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Spice);
    let own: Vec<_> = draft.domain.devices.graphics().filter(|one| !listens(one)).collect();
    let graphics = match own.as_slice() {
        [] => {
            draft.option("-display", "none");
            return Ok(());
        }
        [graphics] => *graphics,
        _ => return Err(Refusal::invalid("<graphics> of types other than vnc and spice can be there once in all: take one out")),
    };
    let kind = graphics.kind;
    let word = if kind == GraphicsType::Desktop { "gtk" } else { kind.as_str() };
    if !draft.input.capabilities.has_display(word) {
        return Err(Refusal::unsupported(format!(
            "<graphics type='{kind}'> needs QEMU's display {word}, which this QEMU does not have: install it (package qemu-system-modules-opengl on Debian), or use type='vnc'"
        )));
    }
    let gl = graphics.gl.as_ref();
    let render_node = gl.and_then(|gl| gl.render_node.clone());
    if let Some(path) = &render_node {
        draft.resource(path, Access::ReadWrite, LabelClass::Device);
    }
    let display = Props::of("type", word);
    let display = match kind {
        GraphicsType::Dbus => {
            let audio = audio::of(draft, graphics.audio.as_ref().map(|audio| audio.id))?;
            let mode = gl.filter(|gl| gl.is_enabled()).map(|_| "on");
            let address = graphics.address.clone();
            display.opt("p2p", address.is_none().then_some(true)).opt("addr", address).opt("gl", mode).opt("audiodev", audio)
        }
        GraphicsType::Sdl | GraphicsType::Desktop => {
            for (variable, value) in [("DISPLAY", &graphics.display), ("XAUTHORITY", &graphics.xauth)] {
                value.iter().for_each(|value| draft.variable(variable, value));
            }
            display.yes("full-screen", graphics.fullscreen).opt("gl", gl.filter(|gl| gl.is_enabled()).map(|_| "on"))
        }
        _ => display,
    };
    draft.option("-display", display.opt("rendernode", render_node).render());
    Ok(())
}
