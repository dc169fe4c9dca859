//! Disks: `-hda` and its like, `-drive`, and the devices of drives.

use super::ReadError;
use super::back_ends;
use super::buses::{Kind, pci_address, slot_and_function};
use super::conversion::Conversion;
use super::image::{self, Image, cache_mode};
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, is_on, spelled};
use super::tree::{Build, element, on_off};
use super::{block, flash, source};
use crate::xml::Element;

/// What options say of disks together.
#[derive(Debug, Default)]
pub struct Facts {
    /// Images whose format QEMU would find out.
    unsaid: Vec<String>,
}

/// Whether a drive is only there for a device to name.
pub fn is_only_a_back_end(value: &str) -> bool {
    Props::read(value, "file").is_ok_and(|props| props.get("if") == Some("none"))
}

/// Options that are one disk each: bus (`ide` is what the board has), number, medium.
const OPTIONS: &[(&str, &str, u32, &str)] = &[
    ("hda", "ide", 0, "disk"),
    ("hdb", "ide", 1, "disk"),
    ("hdc", "ide", 2, "disk"),
    ("hdd", "ide", 3, "disk"),
    ("cdrom", "ide", 2, "cdrom"),
    ("fda", "fdc", 0, "floppy"),
    ("fdb", "fdc", 1, "floppy"),
    ("sd", "sd", 0, "disk"),
];

/// Converts options of disks.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    match option.name.as_str() {
        "drive" => return drive(to, &to.props(option, "file")?).map(Some),
        // Every disk says it.
        "snapshot" => return Ok(Some(Outcome::Done)),
        _ => {}
    }
    let Some((_, bus, index, media)) = OPTIONS.iter().find(|(name, ..)| *name == option.name) else { return Ok(None) };
    let image = Image { source: source::of_name(&option.value), ..Image::default() };
    if image.source.is_none() && !option.value.is_empty() {
        return Ok(Some(Outcome::Kept(format!("'{}' is a source that no element says", option.value))));
    }
    let bus = if *bus == "ide" { board_bus(to) } else { bus };
    add_disk(to, Place { bus, index: Some(*index), ..Place::default() }, media, image, Vec::new());
    Ok(Some(Outcome::Done))
}

/// The bus of the disks that the board connects itself.
fn board_bus(to: &Conversion<'_>) -> &'static str {
    if to.is_q35() { "sata" } else { "ide" }
}

/// Where a disk is in the guest.
#[derive(Debug, Default)]
struct Place {
    bus: &'static str,
    /// Number of the disk on its bus, for its name.
    index: Option<u32>,
    address: Option<Element>,
}

/// Names in the guest by their buses; others are `sd`.
const PREFIXES: &[(&str, &str)] = &[("ide", "hd"), ("virtio", "vd"), ("fdc", "fd")];

fn add_disk(to: &mut Conversion<'_>, place: Place, media: &str, mut image: Image, extra: Vec<Element>) {
    if media == "disk" && image.has_unsaid_format() {
        let (name, guess) = image.guess_format();
        if !guess {
            to.facts.disks.unsaid.push(name);
        }
    }
    let (kind, source) = image.source.map_or(("file", None), |(kind, source)| (kind, Some(source)));
    let written = media != "cdrom" && !image.read_only && source.is_some();
    let transient = written && image.transient.unwrap_or(to.has("snapshot"));
    let driver = image.driver.into_iter().fold(element("driver").with("name", "qemu"), |driver, (name, value)| driver.with(name, value));
    let prefix = PREFIXES.iter().find(|(bus, _)| *bus == place.bus).map_or("sd", |(_, prefix)| prefix);
    let dev = to.disk_names.give(prefix, place.index);
    let mut target = element("target").with("dev", dev).with("bus", place.bus);
    for (name, value) in image.target {
        target = target.with(name, value);
    }
    let limits = image.limits.iter().map(|(name, value)| element(name).content(value));
    let disk = element("disk").with("type", kind).with("device", media);
    let disk = disk.children((driver.attributes.len() > 1).then_some(driver)).children(source).children(image.backing).child(target);
    let disk = disk.children((!image.limits.is_empty()).then(|| element("iotune").children(limits)));
    let disk = disk.children((image.read_only && media == "disk").then(|| element("readonly")));
    let disk = disk.children(transient.then(|| element("transient")));
    let disk = disk.children(image.serial.map(|serial| element("serial").content(serial)));
    to.device(disk.children(extra).children(place.address));
}

/// Buses of `-drive if=`, but for that of the board.
const INTERFACES: &[(&str, &str)] = &[("scsi", "scsi"), ("virtio", "virtio"), ("floppy", "fdc"), ("sd", "sd")];

fn drive(to: &mut Conversion<'_>, props: &Props) -> Result<Outcome, ReadError> {
    let interface = props.take("if").unwrap_or(if to.is_pc() { "ide" } else { "virtio" }).to_owned();
    let bus = match INTERFACES.iter().find(|(word, _)| *word == interface) {
        Some((_, bus)) => bus,
        None if interface == "ide" => board_bus(to),
        None if interface == "pflash" => {
            flash::drive(to, props);
            return Ok(Outcome::Done);
        }
        None => return Ok(Outcome::Kept(format!("no element says if={interface}"))),
    };
    let (index, bus_number, unit) = (props.take_number("index"), props.take_number("bus"), props.take_number("unit"));
    let width = if to.is_q35() { 1 } else { 2 };
    let index = index.or_else(|| unit.map(|unit| bus_number.unwrap_or(0).saturating_mul(width).saturating_add(unit)));
    let index = index.or_else(|| bus_number.map(|bus| bus.saturating_mul(width)));
    let media = match props.take("media") {
        _ if interface == "floppy" => "floppy",
        Some("cdrom") => "cdrom",
        Some("disk") | None => "disk",
        Some(other) => return Ok(Outcome::Kept(format!("no element says media={other}"))),
    };
    props.ignore(&["id"]);
    let Some(image) = image::of_drive(props) else { return Ok(Outcome::Kept("its source is of a kind that no element says".to_owned())) };
    let address = match props.take("addr").map(slot_and_function) {
        Some(Some((slot, function))) if interface == "virtio" => Some(pci_address(0, slot, function)),
        Some(_) => return Ok(Outcome::Kept("its addr is no place that an element says".to_owned())),
        None => None,
    };
    let mut extra: Vec<Element> = image::geometry(props).into_iter().collect();
    // boot=on of old KVM: the firmware boots from it anyway.
    props.ignore(&["boot"]);
    extra.extend(props.take("bootindex").map(|order| to.boot_order(order)));
    let left = props.left();
    if !left.is_empty() {
        return Ok(Outcome::Kept(format!("no element says {}", spelled(&left).join(","))));
    }
    add_disk(to, Place { bus, index, address }, media, image, extra);
    Ok(Outcome::Done)
}

/// `-usbdevice disk:` of old.
pub fn of_usb(to: &mut Conversion<'_>, format: Option<&str>, file: &str) -> Outcome {
    let mut image = Image { source: source::of_name(file), ..Image::default() };
    if image.source.is_none() {
        return Outcome::Left("it is on no disk that an element says");
    }
    image.driver.extend(format.map(|format| ("type", format.to_owned())));
    add_disk(to, Place { bus: "usb", ..Place::default() }, "disk", image, Vec::new());
    Outcome::Done
}

/// Disks of `-device`: driver, bus, medium.
const DEVICES: &[(&str, &str, &str)] = &[
    ("virtio-blk", "virtio", "disk"),
    ("ide-hd", "ide", "disk"),
    ("ide-drive", "ide", "disk"),
    ("ide-cd", "ide", "cdrom"),
    ("scsi-hd", "scsi", "disk"),
    ("scsi-disk", "scsi", "disk"),
    ("scsi-cd", "scsi", "cdrom"),
    ("scsi-block", "scsi", "lun"),
    ("scsi-generic", "scsi", "lun"),
    ("usb-storage", "usb", "disk"),
    ("floppy", "fdc", "floppy"),
];

/// A disk of `-device`. `None` when the driver is none of a disk's.
///
/// # Errors
/// Why no element says it.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    let (_, bus, media) = DEVICES.iter().find(|(known, ..)| *known == driver)?;
    // Drivers of old are what the drive is.
    let is_cdrom = || props.get("drive").and_then(|id| to.back_end(back_ends::Kind::Block, id)?.props.get("media")) == Some("cdrom");
    let media = if matches!(driver, "ide-drive" | "scsi-disk") && is_cdrom() { "cdrom" } else { media };
    Some(add_device(to, bus, media, model, props))
}

/// Attributes of `<driver>` by the device's properties.
const DRIVER: &[(&str, &str)] = &[
    ("werror", "error_policy"),
    ("rerror", "rerror_policy"),
    ("ioeventfd", "ioeventfd"),
    ("event_idx", "event_idx"),
    ("num-queues", "queues"),
    ("queue-size", "queue_size"),
    ("packed", "packed"),
    ("ats", "ats"),
    ("page_per_vq", "page_per_vq"),
    ("iommu_platform", "iommu"),
];

/// Attributes of `<blockio>`, which have the names of the properties.
const SIZES: &[&str] = &["logical_block_size", "physical_block_size", "discard_granularity"];

fn add_device(to: &mut Conversion<'_>, bus: &'static str, media: &str, model: Option<&str>, props: &Props) -> Result<(), String> {
    let drive = props.take("drive").map(str::to_owned);
    let place = place(to, bus, props)?;
    let (mut image, nodes) = match &drive {
        None => (Image::default(), Vec::new()),
        Some(drive) => block::of(to, drive)?,
    };
    say_cache(&mut image, props.take_on("write-cache"));
    for (key, name) in DRIVER {
        image.driver.extend(props.take(key).map(|value| (*name, value.to_owned())));
    }
    if let Some(thread) = props.take("iothread") {
        let number = to.io_thread(thread).ok_or_else(|| format!("no element is the I/O thread '{thread}'"))?;
        image.driver.push(("iothread", number.to_string()));
    }
    image.serial = props.take("serial").map(str::to_owned).or(image.serial);
    image.target.extend(props.take("rotation_rate").map(|rate| ("rotation_rate", rate.to_owned())));
    if bus == "usb" {
        image.target.extend(props.take_on("removable").map(|on| ("removable", on_off(on).to_owned())));
    }
    let mut extra: Vec<Element> = (props.take_on("share-rw") == Some(true)).then(|| element("shareable")).into_iter().collect();
    extra.extend(props.take("wwn").map(|wwn| element("wwn").content(wwn.trim_start_matches("0x"))));
    extra.extend(["vendor", "product"].iter().filter_map(|name| Some(element(name).content(props.take(name)?))));
    let sizes = SIZES.iter().fold(element("blockio"), |sizes, name| sizes.maybe(name, props.take(name)));
    extra.extend((!sizes.attributes.is_empty()).then_some(sizes));
    extra.extend(props.take("bootindex").map(|order| to.boot_order(order)));
    // Old libvirt always said it of virtio disks.
    if props.get("scsi").and_then(is_on) == Some(false) {
        props.take("scsi");
    }
    props.ignore(&["id", "device_id"]);
    let left = props.left();
    if !left.is_empty() {
        return Err(format!("no element says {}", spelled(&left).join(",")));
    }
    nodes.iter().for_each(|node| to.used(back_ends::Kind::Block, node));
    image.objects.iter().for_each(|object| to.used(back_ends::Kind::Object, object));
    let before = to.devices.len();
    add_disk(to, place, media, image, extra);
    if let (Some(model), Some(disk)) = (model.filter(|model| *model != "virtio"), to.devices.get_mut(before)) {
        disk.set_attribute("model", model);
    }
    Ok(())
}

/// Says the cache mode of a node, whose parts are said in two places; and that of a drive whose device turns the guest's cache
/// off.
fn say_cache(image: &mut Image, write_cache: Option<bool>) {
    let said = image.driver.iter_mut().find(|(name, _)| *name == "cache");
    match said {
        Some((_, mode)) if mode.is_empty() => cache_mode(write_cache.unwrap_or(true), image.cache).clone_into(mode),
        Some((_, mode)) if write_cache == Some(false) => {
            cache_mode(false, (mode == "none" || mode == "directsync", false)).clone_into(mode);
        }
        None if write_cache == Some(false) => image.driver.push(("cache", cache_mode(false, (false, false)).to_owned())),
        _ => {}
    }
}

/// Tells whose formats are not said.
pub fn finish(to: &mut Conversion<'_>) {
    let unsaid = std::mem::take(&mut to.facts.disks.unsaid);
    if !unsaid.is_empty() {
        to.warn_of_all(&format!(
            "QEMU would look into {} to find the format, which a guest can fake; here it is raw. Where 'qemu-img info' says otherwise, \
             write it into <driver name='qemu' type='…'/>",
            unsaid.join(", ")
        ));
    }
}

/// Where a device is plugged in.
fn place(to: &mut Conversion<'_>, bus: &'static str, props: &Props) -> Result<Place, String> {
    Ok(match bus {
        "virtio" => Place { bus, index: None, address: to.buses.pci(props)? },
        "usb" => Place { bus, index: None, address: to.buses.usb(props)? },
        "fdc" => {
            let unit = props.take_number("unit").unwrap_or(0);
            props.take_if("bus", |bus| bus.starts_with("floppy-bus"));
            Place { bus, index: Some(unit), address: Some(drive_address(0, 0, 0, unit)) }
        }
        "scsi" => scsi_place(to, props)?,
        _ => ide_place(to, props)?,
    })
}

fn drive_address(controller: u32, bus: u32, target: u32, unit: u32) -> Element {
    let address = element("address").with("type", "drive").with("controller", controller).with("bus", bus);
    address.with("target", target).with("unit", unit)
}

fn number_of(props: &Props, key: &str) -> u32 {
    props.take_number(key).unwrap_or(0)
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
