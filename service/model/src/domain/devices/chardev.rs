//! Character devices: where the bytes of a serial port, a console or a channel go on the host.
//!
//! Serial and parallel ports, consoles and channels, redirected USB devices, smart cards and
//! entropy daemons share this. [`ChardevSourceElement`] is `<source>` as it is written;
//! [`ChardevSource`] is the checked union.

use super::graphics::{Clipboard, Mouse};
use super::parts::{Reconnect, SourceLabel};
use super::problem::{Problem, needed};
use crate::xml::{OnOff, YesNo};
use crate::{element, keywords};

keywords! {
    /// What is at the host's end.
    pub enum ChardevType {
        /// A pseudo terminal.
        Pty = "pty",
        /// A unix socket.
        Unix = "unix",
        /// A TCP connection.
        Tcp = "tcp",
        /// UDP packets.
        Udp = "udp",
        /// A file that is written.
        File = "file",
        /// A named pipe.
        Pipe = "pipe",
        /// A character device of the host.
        Dev = "dev",
        /// Nothing.
        Null = "null",
        /// Standard input and output of the hypervisor.
        Stdio = "stdio",
        /// A virtual console of the hypervisor.
        Vc = "vc",
        /// SPICE's own channel.
        SpiceVmc = "spicevmc",
        /// A named SPICE channel.
        SpicePort = "spiceport",
        /// The hypervisor's clipboard agent.
        QemuVdagent = "qemu-vdagent",
        /// The D-Bus display.
        Dbus = "dbus",
        /// A null modem of FreeBSD.
        Nmdm = "nmdm",
    }
}

keywords! {
    /// Which side of a connection the hypervisor is.
    pub enum ConnectionMode {
        /// It connects.
        Connect = "connect",
        /// It listens.
        Bind = "bind",
    }
}

keywords! {
    /// What is spoken on a TCP connection.
    pub enum ProtocolType {
        /// Plain bytes.
        Raw = "raw",
        /// Telnet.
        Telnet = "telnet",
        /// Telnet inside TLS.
        Telnets = "telnets",
        /// Plain bytes inside TLS.
        Tls = "tls",
    }
}

element! {
    /// The source of a character device as it is written; which parts count depends on its type.
    pub struct ChardevSourceElement {
        /// Which side of a connection this is about.
        attr "mode" mode: Option<ConnectionMode>,
        /// Absolute path of a file, pipe, device or socket.
        attr "path" path: Option<String>,
        /// Host name or address.
        attr "host" host: Option<String>,
        /// Port number or service name.
        attr "service" service: Option<String>,
        /// Name of a SPICE or D-Bus channel.
        attr "channel" channel: Option<String>,
        /// This end of a null modem.
        attr "master" master: Option<String>,
        /// The other end of a null modem.
        attr "slave" slave: Option<String>,
        /// Whether a file is kept at start.
        attr "append" append: Option<OnOff>,
        /// Whether a TCP connection is encrypted.
        attr "tls" tls: Option<YesNo>,
        /// How a broken connection is made again.
        child "reconnect" reconnect: Option<Reconnect>,
        /// Copy and paste, of the clipboard agent.
        child "clipboard" clipboard: Option<Clipboard>,
        /// Who moves the mouse, of the clipboard agent.
        child "mouse" mouse: Option<Mouse>,
        /// How it is labelled.
        children "seclabel" labels: Vec<SourceLabel>,
    }
}

element! {
    /// What is spoken on a TCP connection.
    pub struct Protocol {
        /// The protocol.
        attr "type" kind: Option<ProtocolType>,
    }
}

element! {
    /// A copy of what the guest writes.
    pub struct Log {
        /// Absolute path of the file.
        attr "file" file: Option<String>,
        /// Whether the file is kept at start.
        attr "append" append: Option<OnOff>,
    }
}

/// What is at the host's end, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum ChardevSource<'a> {
    /// A pseudo terminal; its path is known while the guest runs.
    Pty {
        /// Absolute path.
        path: Option<&'a str>,
    },
    /// A unix socket.
    Unix {
        /// Absolute path; the service chooses one when left out.
        path: Option<&'a str>,
        /// Whether the hypervisor listens; it does when left out.
        mode: ConnectionMode,
        /// Seconds between two tries of a client.
        reconnect: Option<u32>,
    },
    /// A TCP connection.
    Tcp {
        /// Host name or address.
        host: &'a str,
        /// Port number or service name.
        service: &'a str,
        /// Which side the hypervisor is.
        mode: ConnectionMode,
        /// What is spoken.
        protocol: ProtocolType,
        /// Whether it is encrypted, where the document says.
        tls: Option<bool>,
        /// Seconds between two tries of a client.
        reconnect: Option<u32>,
    },
    /// UDP packets.
    Udp {
        /// Host name or address they are sent to; this host when left out.
        host: Option<&'a str>,
        /// Port they are sent to.
        service: &'a str,
        /// Address they are received on; any when left out.
        bind_host: Option<&'a str>,
        /// Port they are received on; any when left out.
        bind_service: Option<&'a str>,
    },
    /// A file that is written.
    File {
        /// Absolute path.
        path: &'a str,
        /// Whether what is there is kept.
        append: bool,
    },
    /// A named pipe.
    Pipe {
        /// Absolute path.
        path: &'a str,
    },
    /// A character device of the host.
    Dev {
        /// Absolute path.
        path: &'a str,
    },
    /// Nothing.
    Null,
    /// Standard input and output of the hypervisor.
    Stdio,
    /// A virtual console of the hypervisor.
    Vc,
    /// SPICE's own channel.
    SpiceVmc,
    /// A named SPICE channel.
    SpicePort {
        /// Its name.
        channel: &'a str,
    },
    /// The hypervisor's clipboard agent.
    QemuVdagent {
        /// Whether copy and paste is on.
        clipboard: bool,
        /// Who moves the mouse.
        mouse: Option<super::graphics::MouseMode>,
    },
    /// The D-Bus display.
    Dbus {
        /// Its name.
        channel: &'a str,
    },
    /// A null modem.
    Nmdm {
        /// This end.
        master: &'a str,
        /// The other end.
        slave: &'a str,
    },
}

impl<'a> ChardevSource<'a> {
    /// Checks what stands in the element `<owner>`; a pseudo terminal when no type is written.
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn of(
        owner: &str,
        kind: Option<ChardevType>,
        sources: &'a [ChardevSourceElement],
        protocol: Option<&Protocol>,
    ) -> Result<Self, Problem> {
        let kind = kind.unwrap_or_default();
        let first = sources.first();
        let text =
            |pick: fn(&ChardevSourceElement) -> Option<&String>| first.and_then(pick).map(String::as_str).filter(|text| !text.is_empty());
        let path = text(|source| source.path.as_ref());
        let need = |value: Option<&'a str>, what| needed(value, &format!("<{owner}> of type '{kind}'"), what);
        Ok(match kind {
            ChardevType::Pty => Self::Pty { path },
            ChardevType::Unix => {
                let mode = first.and_then(|source| source.mode).unwrap_or(ConnectionMode::Bind);
                Self::Unix { path, mode, reconnect: reconnect(first) }
            }
            ChardevType::Tcp => Self::Tcp {
                host: need(text(|source| source.host.as_ref()), "<source mode='…' host='…' service='…'/>")?,
                service: need(text(|source| source.service.as_ref()), "<source service='…'/>")?,
                mode: first.and_then(|source| source.mode).unwrap_or_default(),
                protocol: protocol.and_then(|protocol| protocol.kind).unwrap_or_default(),
                tls: first.and_then(|source| source.tls).map(|tls| tls.0),
                reconnect: reconnect(first),
            },
            ChardevType::Udp => Self::udp(sources, need)?,
            ChardevType::File => Self::File {
                path: need(path, "<source path='…'/>")?,
                append: first.and_then(|source| source.append) == Some(OnOff(true)),
            },
            ChardevType::Pipe => Self::Pipe { path: need(path, "<source path='…'/>")? },
            ChardevType::Dev => Self::Dev { path: need(path, "<source path='…'/>")? },
            ChardevType::Null => Self::Null,
            ChardevType::Stdio => Self::Stdio,
            ChardevType::Vc => Self::Vc,
            ChardevType::SpiceVmc => Self::SpiceVmc,
            ChardevType::SpicePort => Self::SpicePort { channel: need(text(|source| source.channel.as_ref()), "<source channel='…'/>")? },
            ChardevType::QemuVdagent => {
                let clipboard = first.and_then(|source| source.clipboard.as_ref()).and_then(|clipboard| clipboard.copy_paste);
                let mouse = first.and_then(|source| source.mouse.as_ref()).and_then(|mouse| mouse.mode);
                Self::QemuVdagent { clipboard: clipboard == Some(YesNo(true)), mouse }
            }
            ChardevType::Dbus => Self::Dbus { channel: need(text(|source| source.channel.as_ref()), "<source channel='…'/>")? },
            ChardevType::Nmdm => Self::Nmdm {
                master: need(text(|source| source.master.as_ref()), "<source master='…' slave='…'/>")?,
                slave: need(text(|source| source.slave.as_ref()), "<source master='…' slave='…'/>")?,
            },
        })
    }

    /// UDP has one source for each direction.
    fn udp(
        sources: &'a [ChardevSourceElement],
        need: impl Fn(Option<&'a str>, &'static str) -> Result<&'a str, Problem>,
    ) -> Result<Self, Problem> {
        let side = |mode| sources.iter().find(|source| source.mode.unwrap_or_default() == mode);
        let (to, from) = (side(ConnectionMode::Connect), side(ConnectionMode::Bind));
        Ok(Self::Udp {
            host: to.and_then(|source| source.host.as_deref()),
            service: need(to.and_then(|source| source.service.as_deref()), "<source mode='connect' service='…'/>")?,
            bind_host: from.and_then(|source| source.host.as_deref()),
            bind_service: from.and_then(|source| source.service.as_deref()),
        })
    }
}

fn reconnect(source: Option<&ChardevSourceElement>) -> Option<u32> {
    let reconnect = source?.reconnect.as_ref()?;
    reconnect.timeout.filter(|_| reconnect.enabled == Some(YesNo(true)))
}
