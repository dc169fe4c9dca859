//! What a drive holds: of `-drive`, and of the nodes of `-blockdev`.

use super::conversion::Conversion;
use super::props::{Props, is_on};
use super::source;
use crate::xml::Element;

/// What is in a drive.
#[derive(Debug, Default)]
pub struct Image {
    /// `<source>`, and the type that goes with it; `None` for an empty drive.
    pub source: Option<(&'static str, Element)>,
    /// Attributes of `<driver>`.
    pub driver: Vec<(&'static str, String)>,
    /// Whether the guest cannot write.
    pub read_only: bool,
    /// Whether what the guest writes is lost when it ends.
    pub transient: bool,
    /// `cache.direct` and `cache.no-flush` of a node.
    pub cache: (bool, bool),
    /// Elements of `<iotune>`.
    pub limits: Vec<(String, String)>,
    /// The serial number.
    pub serial: Option<String>,
}

/// What a drive holds; `None` when no element says it. Properties that are not taken are for the caller.
pub fn of_drive(props: &Props) -> Option<Image> {
    let mut image = Image::default();
    let file = props.take_any(&["file", "file.filename"]).unwrap_or_default();
    if let Some(driver) = props.take("file.driver")
        && !matches!(driver, "file" | "host_device" | "host_cdrom")
    {
        return None;
    }
    image.source = source::of_name(file);
    if image.source.is_none() && !file.is_empty() {
        return None;
    }
    for (key, name) in [
        ("format", "type"),
        ("driver", "type"),
        ("cache", "cache"),
        ("aio", "io"),
        ("discard", "discard"),
        ("detect-zeroes", "detect_zeroes"),
        ("werror", "error_policy"),
        ("rerror", "rerror_policy"),
        ("copy-on-read", "copy_on_read"),
    ] {
        if let Some(value) = props.take(key) {
            let value = match (key, value) {
                ("cache", "off") => "none",
                ("discard", "on") => "unmap",
                ("discard", "off") => "ignore",
                (_, value) => value,
            };
            image.driver.retain(|(known, _)| *known != name);
            image.driver.push((name, value.to_owned()));
        }
    }
    image.read_only = props.take_any(&["readonly", "read-only"]).and_then(is_on) == Some(true);
    image.transient = props.take("snapshot").and_then(is_on) == Some(true);
    image.serial = props.take("serial").map(str::to_owned);
    image.limits = limits(props);
    Some(image)
}

/// Names of limits on the command line, in two ages, and in documents.
const LIMITS: &[(&str, &str, &str)] = &[
    ("bps", "throttling.bps-total", "total_bytes_sec"),
    ("bps_rd", "throttling.bps-read", "read_bytes_sec"),
    ("bps_wr", "throttling.bps-write", "write_bytes_sec"),
    ("iops", "throttling.iops-total", "total_iops_sec"),
    ("iops_rd", "throttling.iops-read", "read_iops_sec"),
    ("iops_wr", "throttling.iops-write", "write_iops_sec"),
    ("bps_max", "throttling.bps-total-max", "total_bytes_sec_max"),
    ("bps_rd_max", "throttling.bps-read-max", "read_bytes_sec_max"),
    ("bps_wr_max", "throttling.bps-write-max", "write_bytes_sec_max"),
    ("iops_max", "throttling.iops-total-max", "total_iops_sec_max"),
    ("iops_rd_max", "throttling.iops-read-max", "read_iops_sec_max"),
    ("iops_wr_max", "throttling.iops-write-max", "write_iops_sec_max"),
    ("iops_size", "throttling.iops-size", "size_iops_sec"),
];

fn limits(props: &Props) -> Vec<(String, String)> {
    let limit = |(old, new, name): &(&str, &str, &str)| Some(((*name).to_owned(), props.take_any(&[old, new])?.to_owned()));
    LIMITS.iter().filter_map(limit).collect()
}

/// What a drive that a device names holds: one of `-drive` or a node of `-blockdev`.
pub fn of(to: &Conversion<'_>, drive: &str) -> Result<(Image, Vec<String>), String> {
    let back_end = to.back_end(drive).ok_or_else(|| format!("no drive has the id '{drive}'"))?;
    if back_end.props.get("node-name") == Some(drive) {
        return of_node(to, drive).ok_or_else(|| format!("the drive '{drive}' is of a kind that no element says"));
    }
    let props = &back_end.props;
    props.ignore(&["if", "id", "media"]);
    let image = of_drive(props).filter(|_| props.left().is_empty());
    image.map(|image| (image, vec![drive.to_owned()])).ok_or_else(|| format!("the drive '{drive}' is of a kind that no element says"))
}

/// What a node of `-blockdev` holds, and the names of all nodes below it; `None` when no element says it.
pub fn of_node(to: &Conversion<'_>, node: &str) -> Option<(Image, Vec<String>)> {
    let mut image = Image::default();
    let mut nodes = vec![node.to_owned()];
    let back_end = to.back_end(node)?;
    let props = &back_end.props;
    let top = props.take("driver")?;
    image.read_only = props.take("read-only").and_then(is_on) == Some(true);
    read_node(props, &mut image);
    let inline = props.below("file");
    let below = match (props.take("file"), inline.get("driver")) {
        _ if is_protocol(top) => None,
        (Some(name), _) => {
            nodes.push(name.to_owned());
            Some(&to.back_end(name)?.props)
        }
        (None, Some(_)) => Some(&inline),
        (None, None) => return None,
    };
    props.ignore(&["node-name"]);
    let protocol = match below {
        Some(below) => {
            image.driver.insert(0, ("type", top.to_owned()));
            read_node(below, &mut image);
            below.ignore(&["node-name", "read-only"]);
            below
        }
        None => {
            image.driver.insert(0, ("type", "raw".to_owned()));
            props
        }
    };
    image.source = source::of_node(protocol, if below.is_some() { protocol.take("driver")? } else { top });
    image.source.as_ref()?;
    let nothing_left = props.left().is_empty() && protocol.left().is_empty();
    nothing_left.then_some((image, nodes))
}

fn is_protocol(driver: &str) -> bool {
    matches!(driver, "file" | "host_device" | "host_cdrom" | "nbd" | "http" | "https" | "rbd")
}

/// What a node of any driver may say.
fn read_node(props: &Props, image: &mut Image) {
    for (key, name) in [("discard", "discard"), ("detect-zeroes", "detect_zeroes"), ("aio", "io")] {
        if let Some(value) = props.take(key) {
            image.driver.retain(|(known, _)| *known != name);
            image.driver.push((name, value.to_owned()));
        }
    }
    image.cache.0 |= props.take("cache.direct").and_then(is_on) == Some(true);
    image.cache.1 |= props.take("cache.no-flush").and_then(is_on) == Some(true);
    if props.get("cache.direct").is_some() && !image.driver.iter().any(|(name, _)| *name == "cache") {
        image.driver.push(("cache", String::new()));
    }
    // What libvirt writes into every node, and what QEMU would do by itself.
    props.ignore(&["auto-read-only", "locking"]);
}
