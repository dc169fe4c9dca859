//! The host's side of character devices: `-chardev`.

use std::path::{Path, PathBuf};

use lodge_model::domain::devices::{ChardevSource, ConnectionMode, Log, MouseMode, ProtocolType};
use lodge_model::xml::OnOff;

use super::command::Draft;
use super::plan::Stream;
use super::props::{Options, on_off};
use super::qmp::Release;
use super::refusal::Refusal;
use crate::hypervisors::resources::{Access, LabelClass};

/// Bytes of a socket's path, without the zero at its end (unix(7)).
const SOCKET_PATH_MAX: usize = 107;
/// `reconnect` in seconds gave way to `reconnect-ms` here.
const RECONNECT_MS: Release = Release { major: 9, minor: 2, micro: 0 };

/// A character device of the host.
pub struct Backend {
    /// QEMU's id of it.
    pub id: String,
    /// What a client can connect to.
    pub stream: Option<Stream>,
}

/// Adds the back end of the device `alias`; `owner` is its element, for errors.
///
/// # Errors
/// QEMU or a service without a terminal cannot do it, or a path is too long.
pub fn add(draft: &mut Draft<'_>, alias: &str, owner: &str, source: &ChardevSource<'_>, log: Option<&Log>) -> Result<Backend, Refusal> {
    let id = format!("char{alias}");
    let mut stream = None;
    let to_stream = |socket| Some(Stream { alias: alias.to_owned(), chardev: id.clone(), socket });
    let of = |kind: &str| Options::new(kind).with("id", &id);
    let options = match source {
        ChardevSource::Pty { .. } => {
            stream = to_stream(None);
            of("pty")
        }
        ChardevSource::Unix { path, mode: ConnectionMode::Bind, .. } => {
            let path = path.map_or_else(|| draft.input.runtime.join(format!("{alias}.sock")), PathBuf::from);
            check_length(owner, &path)?;
            draft.live_socket(alias, &path);
            draft.resource(&path, Access::ReadWrite, LabelClass::Socket);
            stream = to_stream(Some(path.clone()));
            of("socket").with("path", path.display()).on("server", true).on("wait", false)
        }
        ChardevSource::Unix { path, mode: ConnectionMode::Connect, reconnect } => {
            let path = path.ok_or_else(|| Refusal::invalid(format!("<{owner}> that connects to a socket needs <source path='…'/>")))?;
            check_length(owner, Path::new(path))?;
            draft.resource(path, Access::ReadWrite, LabelClass::Socket);
            with_reconnect(draft, of("socket").with("path", path), *reconnect)
        }
        ChardevSource::Tcp { host, service, mode, protocol, tls, reconnect } => {
            let options = of("socket").with("host", host).with("port", service);
            let options = with_protocol(options, owner, *protocol, *tls)?;
            match mode {
                ConnectionMode::Bind => options.on("server", true).on("wait", false),
                ConnectionMode::Connect => with_reconnect(draft, options, *reconnect),
            }
        }
        ChardevSource::Udp { host, service, bind_host, bind_service } => {
            let options = of("udp").with("host", host.unwrap_or_default()).with("port", service);
            options.with("localaddr", bind_host.unwrap_or_default()).with("localport", bind_service.unwrap_or("0"))
        }
        ChardevSource::File { path, append } => {
            draft.log(path);
            of("file").with("path", path).on("append", *append)
        }
        ChardevSource::Pipe { path } => {
            draft.resource(path, Access::ReadWrite, LabelClass::Device);
            of("pipe").with("path", path)
        }
        ChardevSource::Dev { path } => {
            draft.resource(path, Access::ReadWrite, LabelClass::Device);
            of(if owner == "parallel" { "parallel" } else { "serial" }).with("path", path)
        }
        ChardevSource::Null => of("null"),
        ChardevSource::Vc => of("vc"),
        ChardevSource::SpiceVmc | ChardevSource::SpicePort { .. } if !draft.input.capabilities.has_spice() => {
            return Err(spice_missing(owner));
        }
        // A channel knows its name, and sets it in `spicevmc`.
        ChardevSource::SpiceVmc => of("spicevmc").with("name", spice_channel(owner)),
        ChardevSource::SpicePort { channel } => of("spiceport").with("name", channel),
        ChardevSource::QemuVdagent { clipboard, mouse } => {
            let mouse = mouse.map(|mode| mode == MouseMode::Client);
            of("qemu-vdagent").opt("mouse", mouse.map(on_off)).on("clipboard", *clipboard)
        }
        ChardevSource::Dbus { channel } => of("dbus").with("name", channel),
        ChardevSource::Stdio if draft.is_by_hand() => of("stdio"),
        ChardevSource::Stdio => {
            return Err(Refusal::unsupported(format!(
                "<{owner} type='stdio'> cannot work in a service, which has no terminal: use type='pty'"
            )));
        }
        ChardevSource::Nmdm { .. } => {
            return Err(Refusal::unsupported(format!("<{owner} type='nmdm'> is a device of FreeBSD: use type='pty'")));
        }
    };
    let options = with_log(draft, options, log);
    draft.option("-chardev", options.render());
    Ok(Backend { id, stream })
}

/// What a SPICE client looks for (spice-protocol, "subtypes" of the channel `spicevmc`).
fn spice_channel(owner: &str) -> &'static str {
    match owner {
        "redirdev" => "usbredir",
        "smartcard" => "smartcard",
        _ => "vdagent",
    }
}

/// SPICE is a package of its own on Debian.
pub fn spice_missing(owner: &str) -> Refusal {
    Refusal::unsupported(format!(
        "<{owner}> needs SPICE, and this QEMU has none: install it (package qemu-system-modules-spice on Debian), or take the element out"
    ))
}

fn check_length(owner: &str, path: &Path) -> Result<(), Refusal> {
    let length = path.as_os_str().len();
    match length <= SOCKET_PATH_MAX {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "<{owner}> has the socket {}, a path of {length} bytes, and a socket's path can have {SOCKET_PATH_MAX}: choose a shorter one",
            path.display()
        ))),
    }
}

fn with_reconnect(draft: &Draft<'_>, options: Options, seconds: Option<u32>) -> Options {
    match seconds {
        Some(seconds) if draft.input.capabilities.version.qemu >= RECONNECT_MS => options.with("reconnect-ms", u64::from(seconds) * 1000),
        seconds => options.opt("reconnect", seconds),
    }
}

fn with_protocol(options: Options, owner: &str, protocol: ProtocolType, tls: Option<bool>) -> Result<Options, Refusal> {
    match (protocol, tls) {
        (ProtocolType::Raw, None | Some(false)) => Ok(options),
        (ProtocolType::Telnet, None | Some(false)) => Ok(options.on("telnet", true)),
        _ => Err(Refusal::unsupported(format!("<{owner}> asks for TLS, which this version cannot do: use <protocol type='raw'/>"))),
    }
}

fn with_log(draft: &mut Draft<'_>, options: Options, log: Option<&Log>) -> Options {
    let Some(path) = log.and_then(|log| log.file.as_deref()) else { return options };
    draft.log(path);
    let append = log.and_then(|log| log.append) == Some(OnOff(true));
    options.with("logfile", path).on("logappend", append)
}
