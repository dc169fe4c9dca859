//! Serial and parallel ports, consoles, channels, and everything else that has a character back end.

use super::ReadError;
use super::back_ends::Kind;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on};
use super::tree::{Build, element, on_off, yes_no};
use crate::xml::Element;

/// A character back end as a document has it: the type, and elements.
type BackEnd = (&'static str, Vec<Element>);

/// Converts options of ports.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let kind = match option.name.as_str() {
        "serial" => "serial",
        "parallel" => "parallel",
        _ => return Ok(None),
    };
    let value = option.value.as_str();
    let port = to.next_port(kind);
    if value == "none" {
        return Ok(Some(Outcome::Done));
    }
    let back_end = match value.strip_prefix("chardev:") {
        Some(id) => named(to, id),
        None => legacy(value),
    };
    Ok(Some(match back_end {
        Ok(back_end) => {
            if matches!(value, "stdio" | "mon:stdio") {
                to.warn(format!("-{kind} {value} becomes a pseudo terminal: nobody sits at the service's own; see lodgectl console"));
            }
            to.device(port_element(kind, back_end).child(element("target").with("port", port)));
            Outcome::Done
        }
        Err(reason) => Outcome::Kept(reason),
    }))
}

fn port_element(name: &str, (kind, sources): BackEnd) -> Element {
    element(name).with("type", kind).children(sources)
}

/// `pty`, `stdio`, `file:…`, `tcp:…` and so on, as `-serial` has them.
fn legacy(text: &str) -> Result<BackEnd, String> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let path = |name: &str| element("source").with("path", name);
    // A path has its commas, an address has options behind them.
    let (place, options) = rest.split_once(',').map_or((rest, ""), |(place, options)| (place, options));
    let options = Props::read(options, "")?;
    let mode = if options.take_on("server") == Some(true) { "bind" } else { "connect" };
    let telnet = kind == "telnet" || options.take_on("telnet") == Some(true);
    let reconnect = reconnect(&options);
    // Waiting for a client is nothing that a service does.
    options.ignore(&["wait", "nodelay", "ipv4", "delay"]);
    let (found, takes_options) = match kind {
        // Nobody sits at the service's standard streams.
        "pty" | "stdio" if rest.is_empty() => (("pty", Vec::new()), false),
        "mon" if rest == "stdio" => (("pty", Vec::new()), false),
        "mon" => return legacy(rest),
        // Sizes of a window that is not there.
        "vc" => (("vc", Vec::new()), false),
        "null" => (("null", Vec::new()), false),
        "file" => (("file", vec![path(rest)]), false),
        "pipe" => (("pipe", vec![path(rest)]), false),
        "unix" => (("unix", vec![path(place).with("mode", mode).children(reconnect)]), true),
        "tcp" | "telnet" => {
            let source = network(place, mode).ok_or_else(|| format!("'{place}' is no address"))?.children(reconnect);
            let protocol = element("protocol").with("type", if telnet { "telnet" } else { "raw" });
            (("tcp", vec![source, protocol]), true)
        }
        "udp" => {
            let (remote, local) = place.split_once('@').map_or((place, None), |(remote, local)| (remote, Some(local)));
            let connect = network(remote, "connect").ok_or_else(|| format!("'{remote}' is no address"))?;
            let bind = local.and_then(|local| network(local, "bind"));
            (("udp", bind.into_iter().chain([connect]).collect()), true)
        }
        _ if kind.starts_with("/dev/") => (("dev", vec![path(text)]), false),
        _ => return Err(format!("no element says '{kind}'")),
    };
    match options.left().first().filter(|_| takes_options) {
        None => Ok(found),
        Some((key, value)) => Err(format!("no element says {key}={value} of '{place}'")),
    }
}

/// How often a connection that was lost is made again.
fn reconnect(props: &Props) -> Option<Element> {
    let seconds = match props.take("reconnect-ms") {
        Some(text) => text.parse::<u64>().ok()?.div_ceil(1000).to_string(),
        None => props.take("reconnect")?.to_owned(),
    };
    Some(match seconds.as_str() {
        "0" => element("reconnect").with("enabled", "no"),
        _ => element("reconnect").with("enabled", "yes").with("timeout", seconds),
    })
}

/// `HOST:PORT`.
fn network(place: &str, mode: &str) -> Option<Element> {
    let (host, port) = place.rsplit_once(':')?;
    let host = Some(host.trim_matches(['[', ']'])).filter(|host| !host.is_empty());
    let default = if mode == "bind" { "0.0.0.0" } else { "127.0.0.1" };
    Some(element("source").with("mode", mode).with("host", host.unwrap_or(default)).with("service", port))
}

/// The character back end with an id; it is used from now on.
fn named(to: &Conversion<'_>, id: &str) -> Result<BackEnd, String> {
    let back_end = back_end(to, id)?;
    to.used(Kind::Chardev, id);
    Ok(back_end)
}

/// The character back end with an id, to be looked at.
pub fn back_end(to: &Conversion<'_>, id: &str) -> Result<BackEnd, String> {
    let props = &to.back_end(Kind::Chardev, id).ok_or_else(|| format!("no -chardev has the id '{id}'"))?.props;
    let kind = props.take("backend").unwrap_or_default();
    let path = |key: &str| {
        props.take(key).map(|path| element("source").with("path", path)).ok_or_else(|| format!("the -chardev '{id}' has no {key}"))
    };
    let mode = if props.take_on("server") == Some(true) { "bind" } else { "connect" };
    // Waiting for a client is nothing that a service does.
    props.ignore(&["id", "wait", "signal", "mux", "nodelay"]);
    let found = match kind {
        "pty" | "stdio" => ("pty", Vec::new()),
        "vc" => {
            props.ignore(&["width", "height", "cols", "rows"]);
            ("vc", Vec::new())
        }
        "null" => ("null", Vec::new()),
        "file" => {
            let append = props.take("append").and_then(is_on).map(|on| if on { "on" } else { "off" });
            ("file", vec![path("path")?.maybe("append", append)])
        }
        "pipe" => ("pipe", vec![path("path")?]),
        "serial" | "tty" | "parallel" | "parport" => ("dev", vec![path("path")?]),
        "socket" if props.get("path").is_some() => ("unix", vec![path("path")?.with("mode", mode).children(reconnect(props))]),
        "socket" if props.get("port").is_some() => {
            let host = props.take("host").filter(|host| !host.is_empty()).unwrap_or(if mode == "bind" { "0.0.0.0" } else { "127.0.0.1" });
            let source = element("source").with("mode", mode).with("host", host).with("service", props.take("port").unwrap_or_default());
            let telnet = props.take_on("telnet") == Some(true);
            ("tcp", vec![source.children(reconnect(props)), element("protocol").with("type", if telnet { "telnet" } else { "raw" })])
        }
        "spicevmc" => {
            // Which it is follows from the device.
            props.take_if("name", |name| matches!(name, "vdagent" | "usbredir" | "smartcard"));
            props.take_if("debug", |level| level == "0");
            ("spicevmc", Vec::new())
        }
        "spiceport" => ("spiceport", vec![element("source").with("channel", props.take("name").unwrap_or_default())]),
        "dbus" => ("dbus", vec![element("source").with("channel", props.take("name").unwrap_or_default())]),
        "qemu-vdagent" => ("qemu-vdagent", vec![agent(props)]),
        other => return Err(format!("no element says the back end '{other}'")),
    };
    let found = with_log(found, props);
    match props.left().first() {
        None => Ok(found),
        Some((key, value)) => Err(format!("no element says {key}={value} of the -chardev '{id}'")),
    }
}

/// The agent of a display without SPICE.
fn agent(props: &Props) -> Element {
    let clipboard = props.take_on("clipboard").map(|on| element("clipboard").with("copypaste", yes_no(on)));
    let mouse = props.take_on("mouse").map(|on| element("mouse").with("mode", if on { "client" } else { "server" }));
    props.take_if("name", |name| name == "vdagent");
    element("source").children(clipboard).children(mouse)
}

/// With where all that is written is noted too.
fn with_log((kind, mut sources): BackEnd, props: &Props) -> BackEnd {
    if let Some(file) = props.take("logfile") {
        sources.push(element("log").with("file", file).maybe("append", props.take_on("logappend").map(on_off)));
    }
    (kind, sources)
}

/// A device with a character back end.
pub fn device(to: &mut Conversion<'_>, driver: &str, _model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    Some(match driver {
        "isa-serial" | "pci-serial" | "usb-serial" | "pl011" | "sclpconsole" => serial(to, driver, props),
        "isa-parallel" => parallel(to, props),
        "virtconsole" | "virtserialport" => channel(to, driver, props),
        "usb-redir" => redirection(to, props),
        "ccid-card-passthru" => smartcard(to, props),
        _ => return None,
    })
}

/// The id of the back end that a device has.
pub fn chardev(props: &Props) -> Result<String, String> {
    props.take("chardev").map(str::to_owned).ok_or_else(|| "it has no -chardev".to_owned())
}

fn serial(to: &mut Conversion<'_>, driver: &str, props: &Props) -> Result<(), String> {
    let id = chardev(props)?;
    let source = back_end(to, &id)?;
    let number = to.next_port("serial");
    let port = props.take_number("index").map_or(number, |index| index as usize);
    let mut target = element("target").with("type", driver).with("port", port);
    let address = match driver {
        "pci-serial" => to.buses.pci(props)?,
        "usb-serial" => to.buses.usb(props)?,
        "isa-serial" => isa(props),
        _ => {
            target.set_attribute("type", "system-serial");
            None
        }
    };
    let target = target.child(element("model").with("name", driver));
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    to.device(port_element("serial", source).child(target).children(address));
    Ok(())
}

/// I/O port and interrupt, where they are not the usual ones.
fn isa(props: &Props) -> Option<Element> {
    let hex = |number: &str| {
        if number.starts_with("0x") {
            number.to_owned()
        } else {
            number.parse::<u32>().map_or(number.to_owned(), |number| format!("0x{number:x}"))
        }
    };
    let base = hex(props.take("iobase")?);
    Some(element("address").with("type", "isa").with("iobase", base).maybe("irq", props.take("irq").map(hex)))
}

fn parallel(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let id = chardev(props)?;
    let source = back_end(to, &id)?;
    let number = to.next_port("parallel");
    let port = props.take_number("index").map_or(number, |index| index as usize);
    let address = isa(props);
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    to.device(port_element("parallel", source).child(element("target").with("port", port)).children(address));
    Ok(())
}

fn channel(to: &mut Conversion<'_>, driver: &str, props: &Props) -> Result<(), String> {
    let id = chardev(props)?;
    let source = back_end(to, &id)?;
    let controller = match props.take("bus") {
        None => None,
        Some(bus) => {
            let index = to.buses.index(super::buses::Kind::VirtioSerial, bus);
            Some(index.ok_or_else(|| format!("no element is the bus '{bus}'"))?)
        }
    };
    let port = props.take("nr").map(str::to_owned);
    let address = controller.map(|controller| {
        element("address").with("type", "virtio-serial").with("controller", controller).with("bus", 0).maybe("port", port.clone())
    });
    let device = match driver {
        "virtconsole" => {
            let number = to.devices.iter().filter(|device| device.name == "console").count();
            port_element("console", source).child(element("target").with("type", "virtio").with("port", number))
        }
        _ => {
            let target = element("target").with("type", "virtio").maybe("name", props.take("name"));
            port_element("channel", source).child(target)
        }
    };
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    to.device(device.children(address));
    Ok(())
}

fn redirection(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let id = chardev(props)?;
    let source = back_end(to, &id)?;
    let address = to.buses.usb(props)?;
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    to.facts.usb.devices = true;
    to.device(port_element("redirdev", source).with("bus", "usb").children(address));
    Ok(())
}

fn smartcard(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let id = chardev(props)?;
    let (kind, sources) = back_end(to, &id)?;
    let controller = props.take("bus").and_then(|bus| to.buses.index(super::buses::Kind::Ccid, bus));
    let address = controller.map(|controller| element("address").with("type", "ccid").with("controller", controller).with("slot", 0));
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    to.device(element("smartcard").with("mode", "passthrough").with("type", kind).children(sources).children(address));
    Ok(())
}

/// Adds the serial port that a board has by itself.
pub fn finish(to: &mut Conversion<'_>) {
    if !to.ports.contains_key("serial") && !to.has("nodefaults") && to.is_pc() {
        to.device(element("serial").with("type", "pty").child(element("target").with("port", 0)));
    }
}
