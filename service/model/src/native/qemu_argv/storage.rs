//! Disks: `-hda` and its like, `-drive`, `-blockdev`, and the devices of both.

use std::collections::{HashMap, HashSet};

use super::ReadError;
use super::buses::Kind;
use super::conversion::{Conversion, Outcome};
use super::options::Opt;
use super::props::{Props, is_on};
use super::system::{all_or_kept, spelled};
use super::tree::{Build, element};
use crate::xml::Element;

/// Names of disks given so far.
#[derive(Debug, Default)]
pub struct Names {
    used: HashSet<String>,
    /// Where to look for a free letter, by prefix.
    next: HashMap<&'static str, u32>,
}

impl Names {
    /// The name with this letter if it is free, else the next free one.
    fn give(&mut self, prefix: &'static str, wanted: Option<u32>) -> String {
        let wanted = wanted.map(|index| format!("{prefix}{}", letters(index)));
        let name = wanted.filter(|name| !self.used.contains(name)).unwrap_or_else(|| {
            let next = self.next.entry(prefix).or_default();
            loop {
                let name = format!("{prefix}{}", letters(*next));
                *next += 1;
                if !self.used.contains(&name) {
                    return name;
                }
            }
        });
        self.used.insert(name.clone());
        name
    }
}

/// 0 is `a`, 26 is `aa`.
fn letters(mut index: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a' + u8::try_from(index % 26).unwrap_or_default()));
        if index < 26 {
            return letters.into_iter().rev().collect();
        }
        index = index / 26 - 1;
    }
}

/// What is in a drive.
#[derive(Debug, Default)]
struct Image {
    /// `<source>`, and the type that goes with it; `None` for an empty drive.
    source: Option<(&'static str, Element)>,
    /// Attributes of `<driver>`.
    driver: Vec<(&'static str, String)>,
    read_only: bool,
    transient: bool,
    /// `cache.direct` and `cache.no-flush` of a node.
    cache: (bool, bool),
    /// Elements of `<iotune>`.
    limits: Vec<(String, String)>,
    serial: Option<String>,
}

/// Whether a drive is only there for a device to name.
pub fn is_only_a_back_end(value: &str) -> bool {
    Props::read(value, "file").is_ok_and(|props| props.get("if") == Some("none"))
}

/// Converts options of disks.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let legacy = |bus: &'static str, index: u32, media: &'static str| Some((bus, index, media));
    let ide = if to.is_q35() { "sata" } else { "ide" };
    let disk = match option.name.as_str() {
        "hda" => legacy(ide, 0, "disk"),
        "hdb" => legacy(ide, 1, "disk"),
        "hdc" => legacy(ide, 2, "disk"),
        "hdd" => legacy(ide, 3, "disk"),
        "cdrom" => legacy(ide, 2, "cdrom"),
        "fda" => legacy("fdc", 0, "floppy"),
        "fdb" => legacy("fdc", 1, "floppy"),
        "sd" => legacy("sd", 0, "disk"),
        "drive" => return drive(to, option).map(Some),
        "pflash" => return Ok(Some(flash(to, &Props::read(&format!("file={}", option.value.replace(',', ",,")), "").unwrap_or_default()))),
        _ => return Ok(None),
    };
    let Some((bus, index, media)) = disk else { return Ok(None) };
    let image = Image { source: source_of(&option.value), ..Image::default() };
    if image.source.is_none() && !option.value.is_empty() {
        return Ok(Some(Outcome::Kept(format!("'{}' is a source that no element says", option.value))));
    }
    add_disk(to, Place { bus, index: Some(index), ..Place::default() }, media, image, None);
    Ok(Some(Outcome::Done))
}

/// Where a disk is in the guest.
#[derive(Debug, Default)]
struct Place {
    bus: &'static str,
    /// Number of the disk on its bus, for its name.
    index: Option<u32>,
    address: Option<Element>,
}

fn add_disk(to: &mut Conversion<'_>, place: Place, media: &str, image: Image, extra: Option<Vec<Element>>) {
    let prefix = match place.bus {
        "ide" => "hd",
        "virtio" => "vd",
        "fdc" => "fd",
        _ => "sd",
    };
    let (kind, source) = match image.source {
        Some((kind, source)) => (kind, Some(source)),
        None => ("file", None),
    };
    let mut driver = element("driver").with("name", "qemu");
    for (name, value) in image.driver {
        driver = driver.with(name, value);
    }
    let mut disk = element("disk").with("type", kind).with("device", media);
    if driver.attributes.len() > 1 {
        disk = disk.child(driver);
    }
    disk = disk.children(source);
    let dev = to.disk_names.give(prefix, place.index);
    disk = disk.child(element("target").with("dev", dev).with("bus", place.bus));
    if !image.limits.is_empty() {
        let limits = image.limits.iter().map(|(name, value)| element(name).content(value));
        disk = disk.child(element("iotune").children(limits));
    }
    if image.read_only && media == "disk" {
        disk = disk.child(element("readonly"));
    }
    if image.transient {
        disk = disk.child(element("transient"));
    }
    if let Some(serial) = image.serial {
        disk = disk.leaf("serial", serial);
    }
    disk = disk.children(extra.into_iter().flatten()).children(place.address);
    to.device(disk);
}

/// `<source>` of a file name of QEMU, with the disk's type.
fn source_of(file: &str) -> Option<(&'static str, Element)> {
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

fn drive(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "file")?;
    let interface = props.take("if").unwrap_or(if to.is_pc() { "ide" } else { "virtio" });
    let number = |key: &str| props.take(key).and_then(|number| number.parse::<u32>().ok());
    let (index, bus, unit) = (number("index"), number("bus"), number("unit"));
    let width = if to.is_q35() { 1 } else { 2 };
    let index = index.or_else(|| unit.map(|unit| bus.unwrap_or(0).saturating_mul(width).saturating_add(unit)));
    let index = index.or_else(|| bus.map(|bus| bus.saturating_mul(width)));
    let place_on = |bus: &'static str| Place { bus, index, address: None };
    let place = match interface {
        "ide" if to.is_q35() => place_on("sata"),
        "ide" => place_on("ide"),
        "scsi" => place_on("scsi"),
        "virtio" => place_on("virtio"),
        "floppy" => place_on("fdc"),
        "sd" => place_on("sd"),
        "pflash" => return Ok(flash(to, &props)),
        other => return Ok(Outcome::Kept(format!("no element says if={other}"))),
    };
    let media = match (interface, props.take("media")) {
        ("floppy", _) => "floppy",
        (_, Some("cdrom")) => "cdrom",
        _ => "disk",
    };
    props.ignore(&["id"]);
    let Some(image) = drive_image(&props) else { return Ok(Outcome::Kept("its source is of a kind that no element says".to_owned())) };
    let boot = props.take("bootindex").map(|order| to.boot_order(order));
    let address = match (interface, props.take("addr")) {
        ("virtio", Some(_)) => return Ok(Outcome::Kept("no element says addr of a drive".to_owned())),
        _ => None,
    };
    // boot=on of old KVM: the firmware boots from it anyway.
    props.ignore(&["boot"]);
    let left = props.left();
    if !left.is_empty() {
        return Ok(Outcome::Kept(format!("no element says {}", spelled(&left).join(","))));
    }
    add_disk(to, Place { address, ..place }, media, image, boot.map(|boot| vec![boot]));
    Ok(Outcome::Done)
}

/// What a drive holds; `None` when no element says it. Properties that are not taken are for the caller.
fn drive_image(props: &Props) -> Option<Image> {
    let mut image = Image::default();
    let file = props.take_any(&["file", "file.filename"]).unwrap_or_default();
    if let Some(driver) = props.take("file.driver")
        && !matches!(driver, "file" | "host_device" | "host_cdrom")
    {
        return None;
    }
    image.source = source_of(file);
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

/// Firmware in flash memory: the first image is the code, the second the variables.
fn flash(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(file) = props.take("file").map(str::to_owned) else { return Outcome::Kept("it has no file".to_owned()) };
    let read_only = props.take_any(&["readonly", "read-only"]).and_then(is_on) == Some(true);
    let format = props.take("format").map(str::to_owned);
    let unit = props.take_any(&["unit", "index"]).map(str::to_owned);
    props.ignore(&["id", "if"]);
    if let Outcome::Kept(reason) = all_or_kept(props) {
        return Outcome::Kept(reason);
    }
    let second = unit.as_deref() == Some("1") || (unit.is_none() && to.os.element("loader").is_some());
    let format = format.filter(|format| format != "raw");
    to.os = std::mem::take(&mut to.os).child(match second {
        true => element("nvram").maybe("format", format).content(file),
        false => loader(read_only, format, &file),
    });
    Outcome::Done
}

fn loader(read_only: bool, format: Option<String>, file: &str) -> Element {
    let loader = element("loader").with("readonly", if read_only { "yes" } else { "no" }).with("type", "pflash");
    loader.maybe("format", format).content(file)
}

/// Firmware in a node; whether an element says it.
pub fn flash_node(to: &mut Conversion<'_>, name: &str, node: &str) -> bool {
    let Some((image, nodes)) = node_image(to, node) else { return false };
    let Some(("file", source)) = image.source else { return false };
    let Some(file) = source.attribute("file").map(str::to_owned) else { return false };
    let format = image.driver.iter().find(|(name, _)| *name == "type").map(|(_, format)| format.clone()).filter(|format| format != "raw");
    nodes.iter().for_each(|node| to.used(node));
    to.os = std::mem::take(&mut to.os).child(match name {
        "loader" => loader(image.read_only, format, &file),
        _ => element("nvram").maybe("format", format).content(file),
    });
    true
}

/// What a node of `-blockdev` holds, and the names of all nodes below it; `None` when no element says it.
fn node_image(to: &Conversion<'_>, node: &str) -> Option<(Image, Vec<String>)> {
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
    image.source = node_source(protocol, if below.is_some() { protocol.take("driver")? } else { top });
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

fn node_source(props: &Props, driver: &str) -> Option<(&'static str, Element)> {
    match driver {
        "file" => Some(("file", element("source").with("file", props.take("filename")?))),
        "host_device" | "host_cdrom" => Some(("block", element("source").with("dev", props.take("filename")?))),
        "http" | "https" => source_of(props.take("url")?),
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

/// Words of a cache mode by whether the guest sees a write cache, whether the host's is bypassed, and whether flushes are
/// ignored (QEMU's manual page, `-drive cache=`).
fn cache_mode(write_cache: bool, (direct, no_flush): (bool, bool)) -> &'static str {
    match (write_cache, direct, no_flush) {
        (true, _, true) => "unsafe",
        (true, true, false) => "none",
        (true, false, false) => "writeback",
        (false, true, _) => "directsync",
        (false, false, _) => "writethrough",
    }
}

/// A disk of `-device`. `None` when the driver is none of a disk's.
///
/// # Errors
/// Why no element says it.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    let (bus, media) = match driver {
        "virtio-blk" => ("virtio", "disk"),
        "ide-hd" | "ide-drive" => ("ide", "disk"),
        "ide-cd" => ("ide", "cdrom"),
        "scsi-hd" | "scsi-disk" => ("scsi", "disk"),
        "scsi-cd" => ("scsi", "cdrom"),
        "scsi-block" | "scsi-generic" => ("scsi", "lun"),
        "usb-storage" => ("usb", "disk"),
        "floppy" => ("fdc", "floppy"),
        _ => return None,
    };
    Some(add_device(to, bus, media, model, props))
}

fn add_device(to: &mut Conversion<'_>, bus: &'static str, media: &str, model: Option<&str>, props: &Props) -> Result<(), String> {
    let drive = props.take("drive").map(str::to_owned);
    let place = match bus {
        "virtio" => Place { bus, index: None, address: to.buses.pci(props)? },
        "usb" => Place { bus, index: None, address: to.buses.usb(props)? },
        "fdc" => {
            let unit = props.take("unit").and_then(|unit| unit.parse().ok()).unwrap_or(0);
            props.ignore(&["bus"]);
            Place { bus, index: Some(unit), address: Some(drive_address(0, 0, 0, unit)) }
        }
        "scsi" => scsi_place(to, props)?,
        _ => ide_place(to, props)?,
    };
    let (mut image, nodes) = match &drive {
        None => (Image::default(), Vec::new()),
        Some(drive) => image_of(to, drive)?,
    };
    let write_cache = props.take("write-cache").is_none_or(|on| is_on(on) != Some(false));
    if let Some((_, mode)) = image.driver.iter_mut().find(|(name, value)| *name == "cache" && value.is_empty()) {
        cache_mode(write_cache, image.cache).clone_into(mode);
    }
    for (key, name) in [
        ("werror", "error_policy"),
        ("rerror", "rerror_policy"),
        ("ioeventfd", "ioeventfd"),
        ("event_idx", "event_idx"),
        ("num-queues", "queues"),
        ("queue-size", "queue_size"),
        ("packed", "packed"),
        ("ats", "ats"),
        ("page_per_vq", "page_per_vq"),
    ] {
        if let Some(value) = props.take(key) {
            image.driver.push((name, value.to_owned()));
        }
    }
    if let Some(thread) = props.take("iothread") {
        let number = to.io_thread(thread).ok_or_else(|| format!("no element is the I/O thread '{thread}'"))?;
        image.driver.push(("iothread", number.to_string()));
    }
    image.serial = props.take("serial").map(str::to_owned).or(image.serial);
    let shared = props.take("share-rw").and_then(is_on) == Some(true);
    let mut children: Vec<Element> = shared.then(|| element("shareable")).into_iter().collect();
    children.extend(props.take("wwn").map(|wwn| element("wwn").content(wwn.trim_start_matches("0x"))));
    children.extend(props.take("bootindex").map(|order| to.boot_order(order)));
    props.ignore(&["id", "device_id", "scsi", "removable", "disable-legacy", "disable-modern"]);
    let left = props.left();
    if !left.is_empty() {
        return Err(format!("no element says {}", spelled(&left).join(",")));
    }
    nodes.iter().for_each(|node| to.used(node));
    let before = to.devices.len();
    add_disk(to, place, media, image, Some(children));
    if let (Some(model), Some(disk)) = (model.filter(|model| *model != "virtio"), to.devices.get_mut(before)) {
        disk.set_attribute("model", model);
    }
    Ok(())
}

/// What a drive that a device names holds: one of `-drive` or a node of `-blockdev`.
fn image_of(to: &Conversion<'_>, drive: &str) -> Result<(Image, Vec<String>), String> {
    let back_end = to.back_end(drive).ok_or_else(|| format!("no drive has the id '{drive}'"))?;
    if back_end.props.get("node-name") == Some(drive) {
        return node_image(to, drive).ok_or_else(|| format!("the drive '{drive}' is of a kind that no element says"));
    }
    let props = &back_end.props;
    props.ignore(&["if", "id", "media"]);
    let image = drive_image(props).filter(|_| props.left().is_empty());
    image.map(|image| (image, vec![drive.to_owned()])).ok_or_else(|| format!("the drive '{drive}' is of a kind that no element says"))
}

fn drive_address(controller: u32, bus: u32, target: u32, unit: u32) -> Element {
    let address = element("address").with("type", "drive").with("controller", controller).with("bus", bus);
    address.with("target", target).with("unit", unit)
}

fn number_of(props: &Props, key: &str) -> u32 {
    props.take(key).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn scsi_place(to: &Conversion<'_>, props: &Props) -> Result<Place, String> {
    let bus = props.take("bus");
    let controller = match bus {
        None => 0,
        Some(bus) => to.buses.index(Kind::Scsi, bus).ok_or_else(|| format!("no element is the bus '{bus}'"))?,
    };
    let placed = bus.is_some() || props.get("scsi-id").is_some() || props.get("lun").is_some();
    let (channel, target, lun) = (number_of(props, "channel"), number_of(props, "scsi-id"), number_of(props, "lun"));
    // Parallel SCSI has one unit for each target in documents.
    let (target, unit) = if to.parallel_scsi.contains(&controller) { (0, target) } else { (target, lun) };
    Ok(Place { bus: "scsi", index: None, address: placed.then(|| drive_address(controller, channel, target, unit)) })
}

fn ide_place(to: &Conversion<'_>, props: &Props) -> Result<Place, String> {
    let unit = number_of(props, "unit");
    let Some(bus) = props.take("bus") else { return Ok(Place { bus: if to.is_q35() { "sata" } else { "ide" }, ..Place::default() }) };
    let port = bus.rsplit_once('.').and_then(|(_, port)| port.parse::<u32>().ok()).unwrap_or(0);
    match (bus.starts_with("ide."), to.buses.index(Kind::Sata, bus)) {
        (true, _) if to.is_q35() => Ok(Place { bus: "sata", index: Some(port), address: Some(drive_address(0, 0, 0, port)) }),
        (true, _) if port < 2 && unit < 2 => {
            Ok(Place { bus: "ide", index: Some(port * 2 + unit), address: Some(drive_address(0, port, 0, unit)) })
        }
        (_, Some(controller)) => Ok(Place { bus: "sata", index: None, address: Some(drive_address(controller, 0, 0, port)) }),
        _ => Err(format!("no element is the bus '{bus}'")),
    }
}
