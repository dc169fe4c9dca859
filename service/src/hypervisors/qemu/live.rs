//! The definition of a running guest: the one it was started from, with what this run added.

use std::path::{Path, PathBuf};

use lodge_model::domain::Domain;
use lodge_model::domain::devices::{
    Alias, ChardevSourceElement, ChardevType, ConnectionMode, Device, Graphics, GraphicsType, Listen, ListenType,
};

use lodge_model::domain::os::{Loader, Nvram};

use super::alias;
use super::choices::Choices;
use super::input::PlanInput;

/// What planning a run has found out about it.
pub(super) struct Found {
    /// Sockets by alias; a display's is by its kind.
    pub sockets: Vec<(String, PathBuf)>,
    /// The firmware in flash memory.
    pub firmware: Option<(Loader, Option<Nvram>)>,
}

/// The definition with the firmware, ports and sockets of this run.
pub(super) fn definition(named: &Domain, input: &PlanInput<'_>, found: Found) -> Domain {
    let mut live = named.clone();
    let Found { sockets, firmware } = found;
    if let Some((loader, nvram)) = firmware {
        (live.os.loader, live.os.nvram) = (Some(loader), nvram);
    }
    for (name, path) in &sockets {
        set_socket(&mut live, name, path);
    }
    for graphics in live.devices.graphics_mut() {
        set_ports(graphics, input);
        let socket = sockets.iter().find(|(name, _)| name == graphics.kind.as_str()).map(|(_, path)| path);
        set_listen(graphics, socket, input.choices);
    }
    live
}

/// Writes the path of the terminal that QEMU made for a device. A console that is a serial port has the same alias.
pub fn set_terminal(domain: &mut Domain, name: &str, path: &Path) {
    let path = path.display().to_string();
    for_each_stream(domain, name, |kind, sources, tty| {
        if kind == ChardevType::Pty {
            source(sources).path = Some(path.clone());
            if let Some(tty) = tty {
                *tty = Some(path.clone());
            }
        }
    });
}

fn set_socket(domain: &mut Domain, name: &str, path: &Path) {
    for_each_stream(domain, name, |kind, sources, _| {
        if kind == ChardevType::Unix {
            let source = source(sources);
            source.path = Some(path.display().to_string());
            source.mode = Some(ConnectionMode::Bind);
        }
    });
}

fn source(sources: &mut Vec<ChardevSourceElement>) -> &mut ChardevSourceElement {
    if sources.is_empty() {
        sources.push(ChardevSourceElement::default());
    }
    &mut sources[0]
}

type Sources = Vec<ChardevSourceElement>;

/// Calls `edit` with the type, the sources and, of consoles, the `tty` of the devices of this name.
fn for_each_stream(domain: &mut Domain, name: &str, mut edit: impl FnMut(ChardevType, &mut Sources, Option<&mut Option<String>>)) {
    let matches = |alias: &Option<Alias>| alias::of(alias.as_ref()) == name;
    for device in &mut domain.devices.list {
        match device {
            Device::Serial(one) if matches(&one.alias) => edit(one.kind.unwrap_or_default(), &mut one.sources, None),
            Device::Parallel(one) if matches(&one.alias) => edit(one.kind.unwrap_or_default(), &mut one.sources, None),
            Device::Console(one) if matches(&one.alias) => edit(one.kind.unwrap_or_default(), &mut one.sources, Some(&mut one.tty)),
            Device::Channel(one) if matches(&one.alias) => edit(one.kind.unwrap_or_default(), &mut one.sources, None),
            Device::Redirdev(one) if matches(&one.alias) => edit(one.kind, &mut one.sources, None),
            _ => {}
        }
    }
}

fn set_ports(graphics: &mut Graphics, input: &PlanInput<'_>) {
    let chosen = match graphics.kind {
        GraphicsType::Vnc => input.ports.vnc,
        GraphicsType::Spice => input.ports.spice,
        _ => return,
    };
    let on_port = graphics.listens.iter().all(|listen| listen.kind.unwrap_or_default() == ListenType::Address) && graphics.socket.is_none();
    if graphics.autoport() && on_port {
        graphics.port = chosen.map(i32::from).or(graphics.port);
    }
    if graphics.websocket == Some(-1) {
        graphics.websocket = input.ports.websocket.map(i32::from);
    }
}

fn set_listen(graphics: &mut Graphics, socket: Option<&PathBuf>, choices: &Choices) {
    let Some(socket) = socket.map(|path| path.display().to_string()) else { return set_address(graphics, choices) };
    match graphics.listens.iter_mut().find(|listen| listen.kind == Some(ListenType::Socket)) {
        Some(listen) => listen.socket = Some(socket),
        None => graphics.listens.push(Listen { kind: Some(ListenType::Socket), socket: Some(socket), ..Listen::default() }),
    }
}

/// Writes the address that a display listens on where the definition leaves it open.
fn set_address(graphics: &mut Graphics, choices: &Choices) {
    let chosen = match graphics.kind {
        GraphicsType::Vnc => &choices.vnc_listen,
        GraphicsType::Spice => &choices.spice_listen,
        _ => return,
    };
    if graphics.socket.is_some() {
        return;
    }
    if graphics.listens.is_empty() {
        graphics.listens.push(Listen::default());
    }
    let fallback = graphics.listen.clone().filter(|address| !address.is_empty()).unwrap_or_else(|| chosen.clone());
    for listen in graphics.listens.iter_mut().filter(|listen| listen.kind.unwrap_or_default() == ListenType::Address) {
        listen.kind = Some(ListenType::Address);
        listen.address.get_or_insert(fallback.clone());
    }
}
