//! `-device` for everything but disks, network interfaces and what has a character back end.

use super::buses::Kind;
use super::conversion::{Conversion, Outcome};
use super::options::Opt;
use super::props::{Props, is_on};
use super::system::spelled;
use super::tree::{Build, element};
use super::{ReadError, audio, characters, display, network, storage};
use crate::xml::Element;

/// Endings of the names of virtio devices, with the model that the document says.
const VIRTIO: &[(&str, &str)] = &[
    ("-pci-non-transitional", "virtio-non-transitional"),
    ("-pci-transitional", "virtio-transitional"),
    ("-pci", "virtio"),
    ("-device", "virtio"),
];

/// A device's name without the ending that says its bus, and its model.
fn base_and_model(driver: &str) -> (&str, Option<&'static str>) {
    if !driver.starts_with("virtio-") && !driver.starts_with("vhost-") {
        return (driver, None);
    }
    let ending = VIRTIO.iter().find_map(|(ending, model)| Some((driver.strip_suffix(ending)?, Some(*model))));
    ending.unwrap_or((driver, Some("virtio")))
}

/// Converts the devices of one family, told by their drivers; `None` for others.
type Family = fn(&mut Conversion<'_>, &str, Option<&str>, &Props) -> Option<Result<(), String>>;

/// Converts a device.
///
/// # Errors
/// The value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "driver")?;
    let Some(driver) = props.take("driver").map(str::to_owned) else { return Ok(Outcome::Kept("it names no driver".to_owned())) };
    let (base, model) = base_and_model(&driver);
    const FAMILIES: [Family; 7] =
        [storage::device, network::device, characters::device, display::device, audio::device, controller, simple];
    let (devices, before) = (to.devices.len(), to.marks());
    let result = FAMILIES.into_iter().find_map(|family| family(to, base, model, &props));
    Ok(match result {
        Some(Ok(())) => Outcome::Done,
        Some(Err(reason)) => {
            to.devices.truncate(devices);
            to.unmark(before);
            Outcome::Kept(reason)
        }
        None => Outcome::Kept(format!("no element is a device '{driver}'")),
    })
}

/// Nothing may be left: a device that lost a property would be another.
pub fn nothing_left(props: &Props) -> Result<(), String> {
    props.ignore(&["id"]);
    let left = props.left();
    if left.is_empty() { Ok(()) } else { Err(format!("no element says {}", spelled(&left).join(","))) }
}

/// PCI controllers: driver, model.
const PCI: &[(&str, &str)] = &[
    ("pcie-root-port", "pcie-root-port"),
    ("ioh3420", "pcie-root-port"),
    ("pcie-pci-bridge", "pcie-to-pci-bridge"),
    ("i82801b11-bridge", "dmi-to-pci-bridge"),
    ("pci-bridge", "pci-bridge"),
    ("x3130-upstream", "pcie-switch-upstream-port"),
    ("xio3130-downstream", "pcie-switch-downstream-port"),
];

/// Other controllers: driver, kind, model.
const CONTROLLERS: &[(&str, Kind, &str)] = &[
    ("qemu-xhci", Kind::Usb, "qemu-xhci"),
    ("nec-usb-xhci", Kind::Usb, "nec-xhci"),
    ("piix3-usb-uhci", Kind::Usb, "piix3-uhci"),
    ("piix4-usb-uhci", Kind::Usb, "piix4-uhci"),
    ("usb-ehci", Kind::Usb, "ehci"),
    ("pci-ohci", Kind::Usb, "pci-ohci"),
    ("ich9-usb-ehci1", Kind::Usb, "ich9-ehci1"),
    ("ich9-usb-uhci1", Kind::Usb, "ich9-uhci1"),
    ("ich9-usb-uhci2", Kind::Usb, "ich9-uhci2"),
    ("ich9-usb-uhci3", Kind::Usb, "ich9-uhci3"),
    ("virtio-scsi", Kind::Scsi, "virtio-scsi"),
    ("lsi", Kind::Scsi, "lsilogic"),
    ("lsi53c895a", Kind::Scsi, "lsilogic"),
    ("megasas", Kind::Scsi, "lsisas1078"),
    ("mptsas1068", Kind::Scsi, "lsisas1068"),
    ("pvscsi", Kind::Scsi, "vmpvscsi"),
    ("am53c974", Kind::Scsi, "am53c974"),
    ("dc390", Kind::Scsi, "dc390"),
    ("ahci", Kind::Sata, ""),
    ("ich9-ahci", Kind::Sata, ""),
    ("virtio-serial", Kind::VirtioSerial, ""),
];

fn controller(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    if let Some((_, model)) = PCI.iter().find(|(known, _)| *known == driver) {
        return Some(pci_controller(to, driver, model, props));
    }
    if driver == "usb-ccid" {
        return Some(smartcard_controller(to, props));
    }
    let (_, kind, word) = CONTROLLERS.iter().find(|(known, ..)| *known == driver)?;
    let word = match (*word, model) {
        ("virtio-scsi" | "", Some(model)) if model != "virtio" => model,
        (word, _) => word,
    };
    Some(other_controller(to, *kind, word, props))
}

fn pci_controller(to: &mut Conversion<'_>, driver: &str, model: &str, props: &Props) -> Result<(), String> {
    let address = to.buses.pci(props)?;
    let index = to.buses.controller(Kind::Pci, props.take("id"));
    let mut target = element("target");
    for (key, attribute) in [("chassis", "chassis"), ("port", "port"), ("chassis_nr", "chassisNr"), ("hotplug", "hotplug")] {
        target =
            target.maybe(attribute, props.take(key).map(|value| if attribute == "port" { hexadecimal(value) } else { value.to_owned() }));
    }
    props.ignore(&["slot"]);
    nothing_left(props)?;
    let controller = element("controller").with("type", "pci").with("index", index).with("model", model);
    let controller = controller.child(element("model").with("name", driver));
    let target = (!target.attributes.is_empty()).then_some(target);
    to.device(controller.children(target).children(address));
    Ok(())
}

/// Ports are written in hexadecimal.
fn hexadecimal(number: &str) -> String {
    match number.strip_prefix("0x") {
        Some(_) => number.to_owned(),
        None => number.parse::<u32>().map_or_else(|_| number.to_owned(), |number| format!("0x{number:x}")),
    }
}

fn smartcard_controller(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let address = to.buses.usb(props)?;
    let index = to.buses.controller(Kind::Ccid, props.take("id"));
    nothing_left(props)?;
    to.device(element("controller").with("type", "ccid").with("index", index).children(address));
    Ok(())
}

fn other_controller(to: &mut Conversion<'_>, kind: Kind, model: &str, props: &Props) -> Result<(), String> {
    let address = to.buses.pci(props)?;
    // A companion shares the number of its EHCI controller.
    let master = props.take("masterbus").map(|bus| to.buses.index(Kind::Usb, bus).ok_or(format!("no element is the bus '{bus}'")));
    let first_port = props.take("firstport").map(str::to_owned);
    let index = match master {
        Some(index) => index?,
        None => to.buses.controller(kind, props.take("id")),
    };
    if matches!(model, "lsilogic" | "am53c974" | "dc390") {
        to.parallel_scsi.insert(index);
    }
    let mut controller = element("controller").with("type", kind.word()).with("index", index);
    controller = controller.maybe("model", Some(model).filter(|model| !model.is_empty()));
    let ports = match kind {
        Kind::Usb => {
            let (usb2, usb3) = (props.take("p2"), props.take("p3"));
            usb2.filter(|ports| usb3.is_none_or(|others| others == *ports))
        }
        Kind::VirtioSerial => props.take("max_ports"),
        _ => None,
    };
    controller = controller.maybe("ports", ports);
    let mut driver = element("driver");
    for (key, attribute) in
        [("num_queues", "queues"), ("cmd_per_lun", "cmd_per_lun"), ("max_sectors", "max_sectors"), ("ioeventfd", "ioeventfd")]
    {
        driver = driver.maybe(attribute, props.take(key));
    }
    if let Some(thread) = props.take("iothread") {
        driver = driver.with("iothread", to.io_thread(thread).ok_or_else(|| format!("no element is the I/O thread '{thread}'"))?);
    }
    nothing_left(props)?;
    controller = controller.children((!driver.attributes.is_empty()).then_some(driver));
    controller = controller.children(first_port.map(|port| element("master").with("startport", port)));
    to.device(controller.children(address));
    Ok(())
}

/// Devices that are an element with a few attributes.
fn simple(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    Some(match driver {
        "virtio-balloon" => balloon(to, model, props),
        "virtio-rng" => random(to, model, props),
        "virtio-keyboard" | "virtio-mouse" | "virtio-tablet" => {
            on_pci(to, element("input").with("type", &driver[7..]).with("bus", "virtio"), model, props)
        }
        "virtio-input-host" => {
            let source = element("source").maybe("evdev", props.take("evdev"));
            on_pci(to, element("input").with("type", "passthrough").with("bus", "virtio").child(source), model, props)
        }
        "usb-tablet" | "usb-mouse" => on_usb(to, element("input").with("type", &driver[4..]).with("bus", "usb"), props),
        "usb-kbd" => on_usb(to, element("input").with("type", "keyboard").with("bus", "usb"), props),
        "usb-hub" => on_usb(to, element("hub").with("type", "usb"), props),
        "usb-host" => usb_host(to, props),
        "vfio-pci" | "vfio-pci-nohotplug" => vfio(to, props),
        "i6300esb" | "ib700" => {
            let watchdog = element("watchdog").with("model", driver).with("action", &to.watchdog_action);
            on_pci(to, watchdog, None, props)
        }
        "diag288" => Err("no element of this architecture says it".to_owned()),
        "pvpanic" => plain(to, element("panic").with("model", "isa"), props),
        "pvpanic-pci" => on_pci(to, element("panic").with("model", "pvpanic"), None, props),
        "vhost-vsock" => vsock(to, model, props),
        "virtio-iommu" => on_pci(to, element("iommu").with("model", "virtio"), None, props),
        "intel-iommu" => iommu(to, props),
        "virtio-crypto" => crypto(to, props),
        "tpm-tis" | "tpm-crb" | "tpm-tis-device" => tpm(to, driver.trim_end_matches("-device"), props),
        "vmgenid" => generation_id(to, props),
        "vmcoreinfo" => {
            to.features = std::mem::take(&mut to.features).child(element("vmcoreinfo").with("state", "on"));
            nothing_left(props)
        }
        "virtio-9p" => shared_folder(to, model, props),
        _ => return None,
    })
}

fn generation_id(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let id = props.take("guid").filter(|id| *id != "auto").map(str::to_owned);
    nothing_left(props)?;
    to.general.push(element("genid").content(id.unwrap_or_default()));
    Ok(())
}

fn plain(to: &mut Conversion<'_>, device: Element, props: &Props) -> Result<(), String> {
    nothing_left(props)?;
    to.device(device);
    Ok(())
}

fn on_pci(to: &mut Conversion<'_>, mut device: Element, model: Option<&str>, props: &Props) -> Result<(), String> {
    if let Some(model) = model.filter(|model| *model != "virtio") {
        device.set_attribute("model", model);
    }
    let address = to.buses.pci(props)?;
    let boot = props.take("bootindex").map(|order| to.boot_order(order));
    plain(to, device.children(boot).children(address), props)
}

fn on_usb(to: &mut Conversion<'_>, device: Element, props: &Props) -> Result<(), String> {
    let address = to.buses.usb(props)?;
    to.facts.usb_devices = true;
    plain(to, device.children(address), props)
}

fn balloon(to: &mut Conversion<'_>, model: Option<&str>, props: &Props) -> Result<(), String> {
    let mut balloon = element("memballoon").with("model", model.unwrap_or("virtio"));
    balloon = balloon.maybe("autodeflate", props.take("deflate-on-oom"));
    balloon = balloon.maybe("freePageReporting", props.take("free-page-reporting"));
    on_pci(to, balloon, None, props)
}

fn random(to: &mut Conversion<'_>, model: Option<&str>, props: &Props) -> Result<(), String> {
    let (bytes, period) = (props.take("max-bytes").map(str::to_owned), props.take("period").map(str::to_owned));
    let backend = match props.take("rng").map(str::to_owned) {
        // QEMU's own choice.
        None => element("backend").with("model", "builtin"),
        Some(id) => {
            let object = &to.back_end(&id).ok_or_else(|| format!("no object has the id '{id}'"))?.props;
            let backend = match object.take("qom-type") {
                Some("rng-builtin") => element("backend").with("model", "builtin"),
                Some("rng-random") => element("backend").with("model", "random").content(object.take("filename").unwrap_or("/dev/urandom")),
                _ => return Err(format!("the object '{id}' is of a kind that no element says")),
            };
            nothing_left(object)?;
            to.used(&id);
            backend
        }
    };
    let rate = bytes.map(|bytes| element("rate").with("bytes", bytes).maybe("period", period));
    on_pci(to, element("rng").with("model", model.unwrap_or("virtio")).children(rate).child(backend), None, props)
}

fn usb_host(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let mut source = element("source");
    let id = |number: &str| {
        if number.starts_with("0x") {
            number.to_owned()
        } else {
            number.parse::<u32>().map_or(number.to_owned(), |number| format!("0x{number:04x}"))
        }
    };
    match (props.take("vendorid"), props.take("productid")) {
        (Some(vendor), Some(product)) => {
            source = source.child(element("vendor").with("id", id(vendor))).child(element("product").with("id", id(product)));
        }
        (None, None) => {}
        _ => return Err("it has a vendor or a product without the other".to_owned()),
    }
    if let (Some(bus), Some(device)) = (props.take("hostbus"), props.take("hostaddr")) {
        source = source.child(element("address").with("bus", bus).with("device", device));
    }
    if source.nodes.is_empty() {
        return Err("it does not say which device of the host".to_owned());
    }
    let boot = props.take("bootindex").map(|order| to.boot_order(order));
    let hostdev = element("hostdev").with("mode", "subsystem").with("type", "usb").with("managed", "no").child(source);
    on_usb(to, hostdev.children(boot), props)
}

fn vfio(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let hostdev = element("hostdev").with("mode", "subsystem");
    let mut hostdev = match (props.take("host"), props.take("sysfsdev")) {
        (Some(host), None) => {
            let address = host_address(host).ok_or_else(|| format!("'{host}' is no PCI address"))?;
            hostdev.with("type", "pci").with("managed", "yes").child(element("source").child(address))
        }
        (None, Some(path)) if path.contains("/mdev") => {
            let uuid = path.rsplit('/').next().unwrap_or_default();
            let source = element("source").child(element("address").with("uuid", uuid));
            hostdev.with("type", "mdev").with("model", "vfio-pci").with("managed", "no").child(source)
        }
        _ => return Err("it does not say which device of the host in a way that an element can".to_owned()),
    };
    for (key, attribute) in [("display", "display"), ("ramfb", "ramfb")] {
        if let Some(value) = props.take(key) {
            hostdev.set_attribute(attribute, value);
        }
    }
    let (bar, file) = (props.take("rombar").map(str::to_owned), props.take("romfile").map(str::to_owned));
    if bar.is_some() || file.is_some() {
        let bar = bar.map(|bar| if matches!(bar.as_str(), "1" | "on") { "on" } else { "off" });
        hostdev = hostdev.child(element("rom").maybe("bar", bar).maybe("file", file));
    }
    if props.take("x-vga").and_then(is_on) == Some(true) {
        return Err("no element says x-vga=on".to_owned());
    }
    on_pci(to, hostdev, None, props)
}

/// `0000:01:00.0` or `01:00.0`.
fn host_address(text: &str) -> Option<Element> {
    let (rest, function) = text.rsplit_once('.')?;
    let (rest, slot) = rest.rsplit_once(':')?;
    let (domain, bus) = rest.split_once(':').unwrap_or(("0000", rest));
    let all = [domain, bus, slot, function];
    if all.iter().any(|part| part.is_empty() || !part.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        return None;
    }
    let address = element("address").with("domain", format!("0x{domain:0>4}")).with("bus", format!("0x{bus:0>2}"));
    Some(address.with("slot", format!("0x{slot:0>2}")).with("function", format!("0x{function}")))
}

fn vsock(to: &mut Conversion<'_>, model: Option<&str>, props: &Props) -> Result<(), String> {
    let cid = props.take("guest-cid").map(|cid| element("cid").with("auto", "no").with("address", cid));
    let vsock = element("vsock").with("model", model.unwrap_or("virtio")).children(cid);
    on_pci(to, vsock, None, props)
}

fn iommu(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let mut driver = element("driver");
    for (key, attribute) in
        [("intremap", "intremap"), ("caching-mode", "caching_mode"), ("eim", "eim"), ("device-iotlb", "iotlb"), ("aw-bits", "aw_bits")]
    {
        driver = driver.maybe(attribute, props.take(key));
    }
    let driver = (!driver.attributes.is_empty()).then_some(driver);
    plain(to, element("iommu").with("model", "intel").children(driver), props)
}

fn crypto(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let Some(id) = props.take("cryptodev").map(str::to_owned) else { return Err("it has no back end".to_owned()) };
    let object = &to.back_end(&id).ok_or_else(|| format!("no object has the id '{id}'"))?.props;
    let model = match object.take("qom-type") {
        Some("cryptodev-backend-builtin") => "builtin",
        Some("cryptodev-backend-lkcf") => "lkcf",
        _ => return Err(format!("the object '{id}' is of a kind that no element says")),
    };
    let backend = element("backend").with("model", model).maybe("queues", object.take("queues"));
    nothing_left(object)?;
    to.used(&id);
    on_pci(to, element("crypto").with("model", "virtio").with("type", "qemu").child(backend), None, props)
}

fn tpm(to: &mut Conversion<'_>, model: &str, props: &Props) -> Result<(), String> {
    let Some(id) = props.take("tpmdev").map(str::to_owned) else { return Err("it has no back end".to_owned()) };
    let back_end = &to.back_end(&id).ok_or_else(|| format!("no -tpmdev has the id '{id}'"))?.props;
    let backend = match back_end.take("type") {
        Some("passthrough") => {
            let device = element("device").with("path", back_end.take("path").unwrap_or("/dev/tpm0"));
            back_end.ignore(&["cancel-path"]);
            element("backend").with("type", "passthrough").child(device)
        }
        Some("emulator") => {
            let chardev = back_end.take("chardev").unwrap_or_default().to_owned();
            let socket = &to.back_end(&chardev).ok_or_else(|| format!("no -chardev has the id '{chardev}'"))?.props;
            socket.ignore(&["backend", "path", "id"]);
            nothing_left(socket)?;
            to.used(&chardev);
            // The service starts the emulator itself.
            element("backend").with("type", "emulator").with("version", "2.0")
        }
        _ => return Err(format!("the TPM '{id}' is of a kind that no element says")),
    };
    let back_end = &to.back_end(&id).ok_or("no back end")?.props;
    nothing_left(back_end)?;
    to.used(&id);
    to.warn_about_tpm(&backend);
    plain(to, element("tpm").with("model", model).child(backend), props)
}

/// A folder shared by 9p.
fn shared_folder(to: &mut Conversion<'_>, model: Option<&str>, props: &Props) -> Result<(), String> {
    let tag = props.take("mount_tag").unwrap_or_default().to_owned();
    let Some(id) = props.take("fsdev").map(str::to_owned) else { return Err("it has no back end".to_owned()) };
    let back_end = &to.back_end(&id).ok_or_else(|| format!("no -fsdev has the id '{id}'"))?.props;
    if back_end.take("fsdriver") != Some("local") {
        return Err(format!("the folder '{id}' is of a kind that no element says"));
    }
    let filesystem = folder(back_end, &tag)?;
    nothing_left(back_end)?;
    to.used(&id);
    on_pci(to, filesystem, model, props)
}

/// A shared folder from the properties of its back end.
pub fn folder(props: &Props, tag: &str) -> Result<Element, String> {
    let access = match props.take("security_model").or_else(|| props.take("security-model")) {
        Some("passthrough") | None => "passthrough",
        Some("mapped" | "mapped-xattr" | "mapped-file") => "mapped",
        Some("none") => "squash",
        Some(other) => return Err(format!("no element says security_model={other}")),
    };
    let path = props.take("path").ok_or("it has no path")?.to_owned();
    let read_only = props.take("readonly").and_then(is_on) == Some(true);
    let filesystem = element("filesystem").with("type", "mount").with("accessmode", access);
    let filesystem = filesystem.child(element("source").with("dir", path)).child(element("target").with("dir", tag));
    Ok(filesystem.children(read_only.then(|| element("readonly"))))
}
