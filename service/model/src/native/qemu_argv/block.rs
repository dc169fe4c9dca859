//! Nodes of `-blockdev`: an image, what holds it, and the images that it is laid over.

use super::back_ends::Kind;
use super::conversion::Conversion;
use super::image::{self, Image};
use super::props::{Props, is_on};
use super::source;
use super::tree::{Build, element};
use crate::xml::Element;

/// How many images one may be laid over.
const MAX_DEPTH: usize = 64;

/// What a drive that a device names holds: one of `-drive` or a node of `-blockdev`. With it the names of all that it is made of.
///
/// # Errors
/// No element says it.
pub fn of(to: &Conversion<'_>, drive: &str) -> Result<(Image, Vec<String>), String> {
    let back_end = to.back_end(Kind::Block, drive).ok_or_else(|| format!("no drive has the id '{drive}'"))?;
    let other = || format!("the drive '{drive}' is of a kind that no element says");
    if back_end.props.get("node-name") == Some(drive) {
        return of_node(to, drive).ok_or_else(other);
    }
    let props = &back_end.props;
    props.ignore(&["if", "id"]);
    props.take_if("media", |media| matches!(media, "disk" | "cdrom"));
    let image = image::of_drive(props).ok_or_else(other)?;
    match props.left().first() {
        None => Ok((image, vec![drive.to_owned()])),
        Some((key, value)) => Err(format!("no element says {key}={value} of the drive '{drive}'")),
    }
}

/// What a node holds, and the names of all nodes below it; `None` when no element says it.
pub fn of_node(to: &Conversion<'_>, node: &str) -> Option<(Image, Vec<String>)> {
    let mut nodes = Vec::new();
    let image = read(to, node, &mut nodes, MAX_DEPTH)?;
    Some((image, nodes))
}

fn read(to: &Conversion<'_>, node: &str, nodes: &mut Vec<String>, depth: usize) -> Option<Image> {
    let props = &to.back_end(Kind::Block, node)?.props;
    nodes.push(node.to_owned());
    let mut image = Image::default();
    let top = props.take("driver")?;
    if matches!(top, "throttle" | "copy-on-read") {
        return filtered(to, top, props, nodes, depth.checked_sub(1)?);
    }
    image.read_only = props.take_on("read-only") == Some(true);
    read_common(props, &mut image);
    image.backing = backing(to, props, nodes, depth.checked_sub(1)?)?;
    let inline = props.below("file");
    let below = match (props.take("file"), inline.get("driver")) {
        _ if is_protocol(top) => None,
        (Some(name), _) => {
            nodes.push(name.to_owned());
            Some(&to.back_end(Kind::Block, name)?.props)
        }
        (None, Some(_)) => Some(&inline),
        (None, None) => return None,
    };
    props.ignore(&["node-name"]);
    let protocol = match below {
        Some(below) => {
            image.driver.insert(0, ("type", top.to_owned()));
            read_common(below, &mut image);
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
    (props.left().is_empty() && protocol.left().is_empty()).then_some(image)
}

/// What is below a filter, with what the filter does.
fn filtered(to: &Conversion<'_>, filter: &str, props: &Props, nodes: &mut Vec<String>, depth: usize) -> Option<Image> {
    let mut image = read(to, props.take("file")?, nodes, depth)?;
    props.ignore(&["node-name"]);
    if filter == "copy-on-read" {
        image.say("copy_on_read", "on");
    } else {
        // A group that several disks are in would be several groups of one.
        let group = props.take("throttle-group")?;
        let limits = &to.back_end(Kind::Object, group)?.props;
        if limits.take("qom-type") != Some("throttle-group") || to.mentions(&format!("\"{group}\"")) + to.mentions(&format!("={group}")) > 2
        {
            return None;
        }
        limits.ignore(&["id"]);
        image.limits.extend(image::limits(limits, "limits."));
        if !limits.left().is_empty() {
            return None;
        }
        image.objects.push(group.to_owned());
    }
    props.left().is_empty().then_some(image)
}

/// `<backingStore>`, if there is something to say of it; the outer `None` when no element says it.
fn backing(to: &Conversion<'_>, props: &Props, nodes: &mut Vec<String>, depth: usize) -> Option<Option<Element>> {
    match props.take("backing") {
        // The image's own header says it.
        None => Some(None),
        Some("") => Some(Some(element("backingStore"))),
        Some(node) => {
            let image = read(to, node, nodes, depth)?;
            let (kind, source) = image.source?;
            let format = image.driver.iter().find(|(name, _)| *name == "type").map(|(_, format)| format.clone());
            let store = element("backingStore").with("type", kind).child(element("format").maybe("type", format)).child(source);
            Some(Some(store.children(image.backing)))
        }
    }
}

fn is_protocol(driver: &str) -> bool {
    matches!(driver, "file" | "host_device" | "host_cdrom" | "nbd" | "http" | "https" | "rbd")
}

/// What a node of any driver may say.
fn read_common(props: &Props, image: &mut Image) {
    for (key, name) in [("discard", "discard"), ("detect-zeroes", "detect_zeroes"), ("aio", "io")] {
        if let Some(value) = props.take(key) {
            image.say(name, value);
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
