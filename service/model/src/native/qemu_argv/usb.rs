//! USB of old: `-usb`, `-usbdevice`, and whether there is a controller at all.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::tree::{Build, element};

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
            to.usb.controller = true;
            Outcome::Done
        }
        "usbdevice" => usb_device(to, &option.value),
        _ => return Ok(None),
    }))
}

/// `-usbdevice` of old.
fn usb_device(to: &mut Conversion<'_>, value: &str) -> Outcome {
    to.usb.controller = true;
    let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
    let device = match kind {
        "tablet" | "mouse" => element("input").with("type", kind).with("bus", "usb"),
        "keyboard" => element("input").with("type", "keyboard").with("bus", "usb"),
        "host" => {
            let Some((vendor, product)) = rest.split_once(':') else { return Outcome::Kept("no element says this".to_owned()) };
            let id = |name: &str, number: &str| element(name).with("id", format!("0x{:0>4}", number.trim_start_matches("0x")));
            let source = element("source").child(id("vendor", vendor)).child(id("product", product));
            element("hostdev").with("mode", "subsystem").with("type", "usb").with("managed", "no").child(source)
        }
        _ => return Outcome::Kept("no element says this".to_owned()),
    };
    to.device(device);
    Outcome::Done
}

/// Adds the controller of `-usb`, or says that there is none, so that the service adds none.
pub fn finish(to: &mut Conversion<'_>) {
    if to.devices.iter().any(|device| device.name == "controller" && device.attribute("type") == Some("usb")) {
        return;
    }
    let model = match (to.usb.controller, to.usb.devices, to.is_q35()) {
        (true, _, false) => "piix3-uhci",
        // A q35 has an EHCI controller with its companions, which the service knows as well.
        (true, _, true) | (false, true, _) => return,
        (false, false, _) => "none",
    };
    to.device(element("controller").with("type", "usb").with("index", 0).with("model", model));
}
