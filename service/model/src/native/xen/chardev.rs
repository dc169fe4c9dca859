//! Serial and parallel ports, consoles and channels.

use super::Dialect;
use super::fields::Fields;
use super::input::Input;
use super::is_hvm;
use super::output::{Output, Record};
use super::value::Item;
use crate::domain::Domain;
use crate::domain::devices::{
    Channel, ChannelTarget, ChannelType, ChardevSource, ChardevSourceElement, ChardevType, ConnectionMode, Console, ConsoleTarget,
    ConsoleType, Parallel, ParallelTarget, Protocol, ProtocolType, Serial, SerialTarget,
};
use crate::native::ReadError;

/// What is at the host's end.
struct Host {
    kind: ChardevType,
    sources: Vec<ChardevSourceElement>,
    protocol: Option<Protocol>,
}

/// Words that stand for an end without more.
const WORDS: [(&str, ChardevType); 4] =
    [("pty", ChardevType::Pty), ("null", ChardevType::Null), ("stdio", ChardevType::Stdio), ("vc", ChardevType::Vc)];

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    if is_hvm(domain) {
        for (port, host) in hosts(input, "serial")? {
            let target = Some(SerialTarget { port: Some(port), ..SerialTarget::default() });
            let Host { kind, sources, protocol } = host;
            domain.devices.list.push(Serial { kind: Some(kind), sources, protocol, target, ..Serial::default() }.into());
        }
        for (port, host) in hosts(input, "parallel")? {
            let target = Some(ParallelTarget { port: Some(port), ..ParallelTarget::default() });
            let Host { kind, sources, protocol } = host;
            domain.devices.list.push(Parallel { kind: Some(kind), sources, protocol, target, ..Parallel::default() }.into());
        }
    } else {
        // A paravirtual guest always has one.
        let target = Some(ConsoleTarget { port: Some(0), ..ConsoleTarget::default() });
        domain.devices.list.push(Console { kind: Some(ChardevType::Pty), target, ..Console::default() }.into());
    }
    for item in input.list("channel") {
        let channel = channel(item, input)?;
        domain.devices.list.push(channel.into());
    }
    Ok(())
}

/// The ports of a setting by their number; a port that is nowhere has a number too.
fn hosts(input: &mut Input, key: &str) -> Result<Vec<(u32, Host)>, ReadError> {
    let mut hosts = Vec::new();
    for (port, item) in (0..).zip(input.list(key)) {
        let text = item.text(key)?;
        match host(&text) {
            Some((host, waits)) => {
                if waits {
                    let reason = format!(
                        "the {key} port '{text}' holds the guest until a client connects, which a domain cannot say; it does not wait"
                    );
                    input.warn(item.position, reason);
                }
                hosts.push((port, host));
            }
            None if text == "none" => {}
            None => input.warn(item.position, format!("the {key} port '{text}' has no element in the domain and is left out")),
        }
    }
    Ok(hosts)
}

/// The host's end that a text in QEMU's notation names, and whether the guest waits for it.
fn host(text: &str) -> Option<(Host, bool)> {
    let plain = |kind| Host { kind, sources: Vec::new(), protocol: None };
    if let Some((_, kind)) = WORDS.iter().find(|(word, _)| *word == text) {
        return Some((plain(*kind), false));
    }
    let source = |path: &str| ChardevSourceElement { path: Some(path.to_owned()), ..ChardevSourceElement::default() };
    if text.starts_with("/dev/") {
        return Some((Host { sources: vec![source(text)], ..plain(ChardevType::Dev) }, false));
    }
    let (word, rest) = text.split_once(':')?;
    let host = match word {
        "file" => Host { sources: vec![source(rest)], ..plain(ChardevType::File) },
        "pipe" => Host { sources: vec![source(rest)], ..plain(ChardevType::Pipe) },
        "udp" => {
            let (to, from) = rest.split_once('@').map_or((rest, None), |(to, from)| (to, Some(from)));
            let mut sources = Vec::new();
            if let Some(from) = from {
                sources.push(socket(from, ConnectionMode::Bind)?);
            }
            sources.push(socket(to, ConnectionMode::Connect)?);
            Host { sources, ..plain(ChardevType::Udp) }
        }
        "unix" | "tcp" | "telnet" => return connection(word, rest),
        _ => return None,
    };
    Some((host, false))
}

/// An end that is connected to, or, with the option `server`, that others connect to.
fn connection(word: &str, rest: &str) -> Option<(Host, bool)> {
    let mut options = rest.split(',');
    let address = options.next()?;
    let (mut server, mut waits) = (false, true);
    let mut protocol = if word == "telnet" { ProtocolType::Telnet } else { ProtocolType::Raw };
    for option in options {
        match option {
            "server" | "server=on" => server = true,
            "nowait" | "wait=off" => waits = false,
            "telnet" | "telnet=on" => protocol = ProtocolType::Telnet,
            _ => return None,
        }
    }
    let mode = if server { ConnectionMode::Bind } else { ConnectionMode::Connect };
    let host = if word == "unix" {
        let source = ChardevSourceElement { mode: Some(mode), path: Some(address.to_owned()), ..ChardevSourceElement::default() };
        Host { kind: ChardevType::Unix, sources: vec![source], protocol: None }
    } else {
        let protocol = Some(Protocol { kind: Some(protocol), ..Protocol::default() });
        Host { kind: ChardevType::Tcp, sources: vec![socket(address, mode)?], protocol }
    };
    Some((host, server && waits))
}

/// A host, which may be left out, and a port.
fn socket(text: &str, mode: ConnectionMode) -> Option<ChardevSourceElement> {
    let (host, service) = text.rsplit_once(':')?;
    let host = Some(host.to_owned()).filter(|host| !host.is_empty());
    Some(ChardevSourceElement { mode: Some(mode), host, service: Some(service.to_owned()), ..ChardevSourceElement::default() })
}

fn channel(item: Item, input: &mut Input) -> Result<Channel, ReadError> {
    let mut parts = Fields::of(item, "channel")?;
    let name = parts.take("name").ok_or_else(|| parts.error("expected the part 'name' of a channel, found none"))?;
    let connection = parts.take("connection").unwrap_or_else(|| "pty".to_owned());
    let (kind, sources) = match connection.to_ascii_lowercase().as_str() {
        "pty" => (ChardevType::Pty, Vec::new()),
        "socket" => {
            let path = parts.take("path");
            let source = ChardevSourceElement { mode: Some(ConnectionMode::Bind), path, ..ChardevSourceElement::default() };
            (ChardevType::Unix, vec![source])
        }
        _ => return Err(parts.unexpected("connection", &connection, "'socket' or 'pty'")),
    };
    parts.finish(input);
    let target = Some(ChannelTarget { kind: ChannelType::Xen, name: Some(name), ..ChannelTarget::default() });
    Ok(Channel { kind: Some(kind), sources, target, ..Channel::default() })
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let devices = &domain.devices;
    if is_hvm(domain) {
        let ports = devices.serials().map(|serial| (serial.target.as_ref().and_then(|target| target.port), serial.source_view().ok()));
        let mut serial = words(ports);
        if serial.is_empty() {
            // The console of such a guest is its first serial port.
            let console = devices.consoles().next().filter(|console| is_serial(console));
            serial.extend(console.and_then(|console| word(&console.source_view().ok()?)));
        }
        write_ports("serial", serial, output);
        let ports = devices.parallels().map(|port| (port.target.as_ref().and_then(|target| target.port), port.source_view().ok()));
        write_ports("parallel", words(ports), output);
    }
    if output.dialect == Dialect::Xl {
        output.records("channel", devices.channels().filter_map(channel_record).collect());
    }
}

/// Whether a console stands for a serial port.
pub(super) fn is_serial(console: &Console) -> bool {
    matches!(console.target.as_ref().and_then(|target| target.kind), None | Some(ConsoleType::Serial))
}

/// The words of ports by their numbers; numbers between them that are not there are `none`.
fn words<'a>(ports: impl Iterator<Item = (Option<u32>, Option<ChardevSource<'a>>)>) -> Vec<String> {
    const MOST: usize = 64;
    let mut words = Vec::new();
    for (port, source) in ports {
        let at = port.map_or(words.len(), |port| port as usize);
        let Some(word) = source.as_ref().and_then(word).filter(|_| at < MOST) else { continue };
        if words.len() <= at {
            words.resize(at + 1, "none".to_owned());
        }
        words[at] = word;
    }
    words
}

/// One port is a string to all; several are a list, which only later ones know.
fn write_ports(key: &'static str, mut words: Vec<String>, output: &mut Output) {
    if words.len() == 1 {
        output.text(key, words.pop());
    } else {
        output.texts(key, words);
    }
}

fn word(source: &ChardevSource<'_>) -> Option<String> {
    let server = |mode: &ConnectionMode| if *mode == ConnectionMode::Bind { ",server,nowait" } else { "" };
    Some(match source {
        ChardevSource::Pty { .. } => "pty".to_owned(),
        ChardevSource::Null => "null".to_owned(),
        ChardevSource::Stdio => "stdio".to_owned(),
        ChardevSource::Vc => "vc".to_owned(),
        ChardevSource::Dev { path } => (*path).to_owned(),
        ChardevSource::File { path, .. } => format!("file:{path}"),
        ChardevSource::Pipe { path } => format!("pipe:{path}"),
        ChardevSource::Unix { path: Some(path), mode, .. } => format!("unix:{path}{}", server(mode)),
        ChardevSource::Tcp { host, service, mode, protocol, .. } => {
            let word = if *protocol == ProtocolType::Telnet { "telnet" } else { "tcp" };
            format!("{word}:{host}:{service}{}", server(mode))
        }
        ChardevSource::Udp { host, service, bind_host, bind_service } => {
            let from = bind_service.map(|service| format!("@{}:{service}", bind_host.unwrap_or_default())).unwrap_or_default();
            format!("udp:{}:{service}{from}", host.unwrap_or_default())
        }
        _ => return None,
    })
}

fn channel_record(channel: &Channel) -> Option<Record> {
    let target = channel.target.as_ref().filter(|target| target.kind == ChannelType::Xen)?;
    let mut record = Record::default();
    match channel.source_view().ok()? {
        ChardevSource::Pty { .. } => record.put("connection", Some("pty")),
        ChardevSource::Unix { path, .. } => {
            record.put("connection", Some("socket"));
            record.put("path", path);
        }
        _ => return None,
    }
    record.put("name", Some(target.name.as_ref()?));
    Some(record)
}
