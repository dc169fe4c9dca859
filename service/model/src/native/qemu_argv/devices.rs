//! `-device` for everything but disks, network interfaces and what has a character back end.

use super::back_ends::Kind;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::{Props, spelled};
use super::tree::{Build, element, on_off};
use super::{ReadError, audio, characters, controller, disk, display, filesystem, hostdev, network};
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

const FAMILIES: [Family; 9] = [
    disk::device,
    network::device,
    characters::device,
    display::device,
    audio::device,
    filesystem::device,
    hostdev::device,
    controller::device,
    simple,
];

/// Converts devices.
///
/// # Errors
/// The value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "device" => device(to, &to.props(option, "driver")?),
        "pcidevice" => outcome(hostdev::device(to, "vfio-pci", None, &to.props(option, "")?)),
        // QEMU of old: none, or virtio with its place.
        "balloon" if option.value == "none" => Outcome::Silent,
        "balloon" => outcome(simple(to, "virtio-balloon", None, &to.props(option, "type")?.without("type"))),
        _ => return Ok(None),
    }))
}

fn device(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(driver) = props.take("driver").map(str::to_owned) else { return Outcome::Kept("it names no driver".to_owned()) };
    let (base, model) = base_and_model(&driver);
    let model = match virtio_model(model, props) {
        Ok(model) => model,
        Err(reason) => return Outcome::Kept(reason),
    };
    let (devices, before) = (to.devices.len(), to.marks());
    let result = FAMILIES.into_iter().find_map(|family| family(to, base, model, props));
    if matches!(result, Some(Err(_))) {
        to.devices.truncate(devices);
        to.unmark(before);
    }
    match result {
        None => Outcome::Kept(format!("no element is a device '{driver}'")),
        result => outcome(result),
    }
}

fn outcome(result: Option<Result<(), String>>) -> Outcome {
    match result {
        Some(Err(reason)) => Outcome::Kept(reason),
        _ => Outcome::Done,
    }
}

/// Which generations of virtio a device speaks: by its name, or by switches.
fn virtio_model(model: Option<&'static str>, props: &Props) -> Result<Option<&'static str>, String> {
    if model.is_none() {
        return Ok(None);
    }
    match (props.take_on("disable-legacy"), props.take_on("disable-modern")) {
        (None, None | Some(false)) => Ok(model),
        (Some(true), None | Some(false)) => Ok(Some("virtio-non-transitional")),
        (Some(false), None | Some(false)) => Ok(Some("virtio-transitional")),
        (_, Some(true)) => Err("no element says disable-modern=on".to_owned()),
    }
}

/// Nothing may be left: a device that lost a property would be another.
pub fn nothing_left(props: &Props) -> Result<(), String> {
    props.ignore(&["id"]);
    let left = props.left();
    if left.is_empty() { Ok(()) } else { Err(format!("no element says {}", spelled(&left).join(","))) }
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
            to.features.add(element("vmcoreinfo").with("state", "on"));
            nothing_left(props)
        }
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

/// A device with a place on PCI.
pub fn on_pci(to: &mut Conversion<'_>, mut device: Element, model: Option<&str>, props: &Props) -> Result<(), String> {
    if let Some(model) = model.filter(|model| *model != "virtio") {
        device.set_attribute("model", model);
    }
    let address = to.buses.pci(props)?;
    let boot = props.take("bootindex").map(|order| to.boot_order(order));
    plain(to, device.children(boot).children(address), props)
}

/// A device with a place on USB.
pub fn on_usb(to: &mut Conversion<'_>, device: Element, props: &Props) -> Result<(), String> {
    let address = to.buses.usb(props)?;
    to.facts.usb.devices = true;
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
            let object = &to.back_end(Kind::Object, &id).ok_or_else(|| format!("no object has the id '{id}'"))?.props;
            let backend = match object.take("qom-type") {
                Some("rng-builtin") => element("backend").with("model", "builtin"),
                Some("rng-random") => element("backend").with("model", "random").content(object.take("filename").unwrap_or("/dev/urandom")),
                _ => return Err(format!("the object '{id}' is of a kind that no element says")),
            };
            nothing_left(object)?;
            to.used(Kind::Object, &id);
            backend
        }
    };
    let rate = bytes.map(|bytes| element("rate").with("bytes", bytes).maybe("period", period));
    on_pci(to, element("rng").with("model", model.unwrap_or("virtio")).children(rate).child(backend), None, props)
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
    let object = &to.back_end(Kind::Object, &id).ok_or_else(|| format!("no object has the id '{id}'"))?.props;
    let model = match object.take("qom-type") {
        Some("cryptodev-backend-builtin") => "builtin",
        Some("cryptodev-backend-lkcf") => "lkcf",
        _ => return Err(format!("the object '{id}' is of a kind that no element says")),
    };
    let backend = element("backend").with("model", model).maybe("queues", object.take("queues"));
    nothing_left(object)?;
    to.used(Kind::Object, &id);
    on_pci(to, element("crypto").with("model", "virtio").with("type", "qemu").child(backend), None, props)
}

fn tpm(to: &mut Conversion<'_>, model: &str, props: &Props) -> Result<(), String> {
    let Some(id) = props.take("tpmdev").map(str::to_owned) else { return Err("it has no back end".to_owned()) };
    let back_end = &to.back_end(Kind::Tpmdev, &id).ok_or_else(|| format!("no -tpmdev has the id '{id}'"))?.props;
    let backend = match back_end.take("type") {
        Some("passthrough") => {
            let device = element("device").with("path", back_end.take("path").unwrap_or("/dev/tpm0"));
            back_end.ignore(&["cancel-path"]);
            element("backend").with("type", "passthrough").child(device)
        }
        Some("emulator") => {
            let chardev = back_end.take("chardev").unwrap_or_default().to_owned();
            let socket = &to.back_end(Kind::Chardev, &chardev).ok_or_else(|| format!("no -chardev has the id '{chardev}'"))?.props;
            socket.ignore(&["backend", "path", "id"]);
            nothing_left(socket)?;
            to.used(Kind::Chardev, &chardev);
            // The service starts the emulator itself.
            element("backend").with("type", "emulator").with("version", "2.0")
        }
        _ => return Err(format!("the TPM '{id}' is of a kind that no element says")),
    };
    let back_end = &to.back_end(Kind::Tpmdev, &id).ok_or("no back end")?.props;
    nothing_left(back_end)?;
    to.used(Kind::Tpmdev, &id);
    to.warn_about_tpm(&backend);
    plain(to, element("tpm").with("model", model).child(backend), props)
}

/// `<rom>`: an empty file is none at all.
pub fn rom(props: &Props) -> Option<Element> {
    let bar = match props.get("rombar") {
        Some("1" | "on") => Some("on"),
        Some("0" | "off") => Some("off"),
        _ => None,
    };
    if bar.is_some() {
        props.take("rombar");
    }
    let rom = element("rom").maybe("bar", bar);
    let rom = match props.take("romfile") {
        Some("") => rom.with("enabled", "no"),
        file => rom.maybe("file", file),
    };
    (!rom.attributes.is_empty()).then_some(rom)
}

/// An object that is a device by itself: a keyboard or mouse of the host that QEMU reads. A secret that nothing uses is left out.
pub fn lone_object(to: &mut Conversion<'_>, id: &str) {
    let Some(back_end) = to.back_end(Kind::Object, id) else { return };
    let props = &back_end.props;
    match props.take("qom-type") {
        Some("input-linux") => {
            let source = element("source").maybe("dev", props.take("evdev"));
            let source = source.maybe("grab", props.take_on("grab_all").filter(|on| *on).map(|_| "all"));
            let source = source.maybe("repeat", props.take_on("repeat").map(on_off)).maybe("grabToggle", props.take("grab-toggle"));
            if nothing_left(props).is_ok() {
                to.used(Kind::Object, id);
                to.device(element("input").with("type", "evdev").child(source));
            }
        }
        Some("secret") if to.mentions(id) == 1 => {
            to.used(Kind::Object, id);
            to.warn(format!("-object is left out: nothing uses the secret '{id}'"));
        }
        Some("secret") if props.get("data").is_some() => {
            to.warn(format!(
                "the secret '{id}' is in the document, where others may read it: write it into a file, and file= in place of data="
            ));
        }
        _ => {}
    }
}

/// Says that there is no balloon where there is none, so that the service adds none.
pub fn finish(to: &mut Conversion<'_>) {
    if !to.devices.iter().any(|device| device.name == "memballoon") {
        to.device(element("memballoon").with("model", "none"));
    }
}
