//! Disks: `-hda` and its like, `-drive`, `-blockdev`, and the devices of both.

use super::ReadError;
use super::buses::Kind;
use super::conversion::Conversion;
use super::image::{self, Image};
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element};
use super::{flash, source};
use crate::xml::Element;

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
        "pflash" => {
            return Ok(Some(flash::drive(to, &Props::read(&format!("file={}", option.value.replace(',', ",,")), "").unwrap_or_default())));
        }
        _ => return Ok(None),
    };
    let Some((bus, index, media)) = disk else { return Ok(None) };
    let image = Image { source: source::of_name(&option.value), ..Image::default() };
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
        "pflash" => return Ok(flash::drive(to, &props)),
        other => return Ok(Outcome::Kept(format!("no element says if={other}"))),
    };
    let media = match (interface, props.take("media")) {
        ("floppy", _) => "floppy",
        (_, Some("cdrom")) => "cdrom",
        _ => "disk",
    };
    props.ignore(&["id"]);
    let Some(image) = image::of_drive(&props) else { return Ok(Outcome::Kept("its source is of a kind that no element says".to_owned())) };
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
        Some(drive) => image::of(to, drive)?,
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
