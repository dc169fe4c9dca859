//! `<source>` of QEMU's file names, and of the nodes of `-blockdev`.

use super::props::Props;
use super::tree::{Build, element};
use crate::xml::Element;

/// `<source>` of a file name of QEMU, with the disk's type.
pub fn of_name(file: &str) -> Option<(&'static str, Element)> {
    if file.is_empty() {
        return None;
    }
    let path = file.strip_prefix("file:").unwrap_or(file);
    if path.starts_with("/dev/") {
        return Some(("block", element("source").with("dev", path)));
    }
    match path.split_once(':') {
        Some((protocol, rest)) if !protocol.contains('/') => network_source(protocol, rest),
        _ => Some(("file", element("source").with("file", path))),
    }
}

fn network_source(protocol: &str, rest: &str) -> Option<(&'static str, Element)> {
    let source = |name: &str, host: &str, default_port: &str| {
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) && !port.is_empty() => (host, port),
            _ => (host, default_port),
        };
        let host = element("host").with("name", host.trim_matches(['[', ']'])).with("port", port);
        Some(("network", element("source").with("protocol", protocol).with("name", name).child(host)))
    };
    if let Some(rest) = rest.strip_prefix("//") {
        let (host, path) = rest.split_once('/')?;
        return match protocol {
            "http" => source(path, host, "80"),
            "https" => source(path, host, "443"),
            "iscsi" if !host.contains(['@', '%']) => source(path, host, "3260"),
            "nbd" if !path.is_empty() => source(path, host, "10809"),
            "gluster" => source(path, host, "24007"),
            _ => None,
        };
    }
    match protocol {
        "nbd" if !rest.starts_with("unix:") => {
            let (host, name) = rest.split_once(":exportname=").unwrap_or((rest, ""));
            let (_, element) = source(name, host, "10809")?;
            let mut element = element;
            if name.is_empty() {
                element.attributes.retain(|attribute| attribute.name != "name");
            }
            Some(("network", element))
        }
        "rbd" if !rest.contains(':') => Some(("network", element("source").with("protocol", "rbd").with("name", rest))),
        _ => None,
    }
}

/// `<source>` of a node with a driver, with the disk's type.
pub fn of_node(props: &Props, driver: &str) -> Option<(&'static str, Element)> {
    match driver {
        "file" => Some(("file", element("source").with("file", props.take("filename")?))),
        "host_device" | "host_cdrom" => Some(("block", element("source").with("dev", props.take("filename")?))),
        "http" | "https" => of_name(props.take("url")?),
        "nbd" if props.take("server.type") == Some("inet") => {
            let host = element("host").with("name", props.take("server.host")?).with("port", props.take("server.port")?);
            let source = element("source").with("protocol", "nbd").maybe("name", props.take("export"));
            Some(("network", source.child(host)))
        }
        "rbd" => {
            let name = format!("{}/{}", props.take("pool")?, props.take("image")?);
            Some(("network", element("source").with("protocol", "rbd").with("name", name)))
        }
        _ => None,
    }
}
