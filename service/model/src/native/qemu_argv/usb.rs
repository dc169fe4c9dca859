//! USB of old: `-usb`, `-usbdevice`, and whether there is a controller at all.

use super::ReadError;
use super::conversion::Conversion;
use super::disk;
use super::options::Opt;
use super::outcome::Outcome;
use super::tree::{Build, element};
use crate::xml::Element;

/// What options say of USB together.
#[derive(Debug, Default)]
pub struct Facts {
    /// There is a controller because of `-usb`.
    pub controller: bool,
    /// There are devices of `-device`.
    pub devices: bool,
}

/// Converts options of USB.
///
/// # Errors
/// None; the signature is that of the other families.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "usb" => {
            to.facts.usb.controller = true;
            Outcome::Done
        }
        "usbdevice" => usb_device(to, &option.value),
        _ => return Ok(None),
    }))
}

/// `-usbdevice` of old: pointers, keyboards, and what QEMU has as devices today.
fn usb_device(to: &mut Conversion<'_>, value: &str) -> Outcome {
    to.facts.usb.controller = true;
    let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
    let device = match kind {
        "tablet" | "mouse" | "keyboard" => element("input").with("type", kind).with("bus", "usb"),
        "host" => match host_source(rest) {
            Some(source) => element("hostdev").with("mode", "subsystem").with("type", "usb").with("managed", "no").child(source),
            None => return Outcome::Left("it does not say which device of the host; write <hostdev>"),
        },
        "disk" => {
            let (format, file) =
                rest.strip_prefix("format=").and_then(|rest| rest.split_once(':')).map_or((None, rest), |(f, r)| (Some(f), r));
            return disk::of_usb(to, format, file);
        }
        "braille" => return Outcome::Kept("no element says this".to_owned()),
        _ => return Outcome::Left("QEMU has it no longer; write the device itself"),
    };
    to.device(device);
    Outcome::Done
}

/// `VENDOR:PRODUCT` in hexadecimal, or `BUS.DEVICE`.
fn host_source(text: &str) -> Option<Element> {
    let hexadecimal = |digits: &str| digits.trim_start_matches("0x").bytes().all(|digit| digit.is_ascii_hexdigit());
    if let Some((vendor, product)) = text.split_once(':') {
        let id = |name: &str, number: &str| element(name).with("id", format!("0x{:0>4}", number.trim_start_matches("0x")));
        let known = hexadecimal(vendor) && hexadecimal(product);
        return known.then(|| element("source").child(id("vendor", vendor)).child(id("product", product)));
    }
    let (bus, device) = text.split_once('.')?;
    let (bus, device): (u32, u32) = (bus.parse().ok()?, device.parse().ok()?);
    Some(element("source").child(element("address").with("bus", bus).with("device", device)))
}

/// Adds the controller of `-usb`, or says that there is none, so that the service adds none.
pub fn finish(to: &mut Conversion<'_>) {
    if to.devices.iter().any(|device| device.name == "controller" && device.attribute("type") == Some("usb")) {
        return;
    }
    let model = match (to.facts.usb.controller, to.facts.usb.devices, to.is_q35()) {
        (true, _, false) => "piix3-uhci",
        // A q35 has an EHCI controller with its companions, which the service knows as well.
        (true, _, true) | (false, true, _) => return,
        (false, false, _) => "none",
    };
    to.device(element("controller").with("type", "usb").with("index", 0).with("model", model));
}
