//! USB: controllers, emulated pointers and keyboards, and devices of the host.

use super::Dialect;
use super::fields::Fields;
use super::input::Input;
use super::is_hvm;
use super::output::{Output, Record};
use super::value::Item;
use crate::domain::Domain;
use crate::domain::devices::{
    Address, Controller, ControllerType, HostAddress, Hostdev, HostdevMode, HostdevSource, HostdevSourceElement, HostdevType,
    Input as Pointer, InputBus, InputType, Number, UsbAddress, UsbId,
};
use crate::native::ReadError;
use crate::xml::{Hex, YesNo};

/// Controllers by who makes them and their version.
const MODELS: [(&str, u8, &str); 5] = [
    ("qusb", 1, "qusb1"),
    ("qusb", 2, "qusb2"),
    ("devicemodel", 1, "piix3-uhci"),
    ("devicemodel", 2, "ich9-ehci1"),
    ("devicemodel", 3, "nec-xhci"),
];

/// The model that means that there is no controller.
const NO_USB: &str = "none";

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let hvm = is_hvm(domain);
    if hvm {
        if !input.switch_of("usb")?.unwrap_or(true) {
            // xl makes the bus for either of them, whatever is said of it.
            let needs = ["usbversion", "usbdevice"].into_iter().find(|key| input.has(key));
            if let Some(key) = needs {
                input.leave_out("usb", &format!("is off, but '{key}' needs it; it does not count"));
            }
        }
        let model = input.switch("usb")?.map(|on| if on { None } else { Some(NO_USB) });
        let item = input.take("usbversion");
        let version: Option<u8> = item.as_ref().map(|item| item.number("usbversion", "1, 2 or 3")).transpose()?;
        let by_version = match (version, &item) {
            (Some(version @ 1..), Some(item)) => {
                let model = self::model("devicemodel", version);
                Some(model.ok_or_else(|| item.unexpected("usbversion", "1, 2 or 3"))?)
            }
            _ => None,
        };
        if let Some(model) = by_version.map(Some).or(model) {
            domain.devices.list.push(controller(model, None).into());
        }
        for item in input.list("usbdevice") {
            device(&item, input, domain)?;
        }
    }
    for item in input.list("usbctrl") {
        let mut parts = Fields::of(item, "usbctrl")?;
        let kind = parts.take("type").unwrap_or_else(|| "auto".to_owned());
        let version = parts.number("version", "1, 2 or 3")?;
        let kind = match kind.as_str() {
            "auto" => {
                if hvm {
                    "devicemodel"
                } else {
                    "qusb"
                }
            }
            "qusb" | "devicemodel" => &kind,
            "pv" => {
                input.warn(parts.position, "a usbctrl of type 'pv' has no word in a domain; it becomes 'qusb'".into());
                "qusb"
            }
            _ => return Err(parts.unexpected("type", &kind, "'pv', 'qusb', 'devicemodel' or 'auto'")),
        };
        let version = version.unwrap_or(2);
        let Some(model) = model(kind, version) else {
            return Err(parts.unexpected("version", &version.to_string(), "1, 2 or, of type devicemodel, 3"));
        };
        domain.devices.list.push(controller(Some(model), parts.number("ports", "a number of ports")?).into());
        parts.finish(input);
    }
    for item in input.list("usbdev") {
        let mut parts = Fields::of(item, "usbdev")?;
        let device = host_device(&mut parts)?;
        parts.finish(input);
        domain.devices.list.push(device.into());
    }
    Ok(())
}

fn model(kind: &str, version: u8) -> Option<&'static str> {
    MODELS.iter().find(|(known, number, _)| *known == kind && *number == version).map(|(.., model)| *model)
}

fn controller(model: Option<&str>, ports: Option<u32>) -> Controller {
    Controller { kind: ControllerType::Usb, model: model.map(str::to_owned), ports, ..Controller::default() }
}

/// A device of the emulated bus: a pointer, a keyboard, or one of the host by its ids or its place.
fn device(item: &Item, input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let text = item.text("usbdevice")?;
    let kind = match text.as_str() {
        "tablet" => Some(InputType::Tablet),
        "mouse" => Some(InputType::Mouse),
        "keyboard" => Some(InputType::Keyboard),
        _ => None,
    };
    if let Some(kind) = kind {
        domain.devices.list.push(Pointer { kind, bus: Some(InputBus::Usb), ..Pointer::default() }.into());
        return Ok(());
    }
    let Some(source) = text.strip_prefix("host:").and_then(host_source) else {
        input.warn(item.position, format!("the device '{text}' of 'usbdevice' has no element in the domain and is left out"));
        return Ok(());
    };
    domain.devices.list.push(usb(source).into());
    Ok(())
}

/// `VENDOR:PRODUCT` in hexadecimal or `BUS.DEVICE` in decimal.
fn host_source(text: &str) -> Option<HostdevSourceElement> {
    if let Some((vendor, product)) = text.split_once(':') {
        let id = |digits: &str| u16::from_str_radix(digits, 16).ok().map(|id| UsbId { id: Hex(id.into()), ..UsbId::default() });
        return Some(HostdevSourceElement { vendor: Some(id(vendor)?), product: Some(id(product)?), ..HostdevSourceElement::default() });
    }
    let (bus, device) = text.split_once('.')?;
    Some(place(bus.parse().ok()?, device.parse().ok()?))
}

fn place(bus: u32, device: u32) -> HostdevSourceElement {
    let address = HostAddress { bus: Some(Number::decimal(bus)), device: Some(Number::decimal(device)), ..HostAddress::default() };
    HostdevSourceElement { address: Some(address), ..HostdevSourceElement::default() }
}

fn usb(source: HostdevSourceElement) -> Hostdev {
    let mode = Some(HostdevMode::Subsystem);
    Hostdev { mode, kind: HostdevType::Usb, managed: Some(YesNo(false)), source: Some(source), ..Hostdev::default() }
}

fn host_device(parts: &mut Fields) -> Result<Hostdev, ReadError> {
    if let Some(kind) = parts.take("type").filter(|kind| kind != "hostdev") {
        return Err(parts.unexpected("type", &kind, "'hostdev'"));
    }
    let (bus, device) = (parts.number("hostbus", "the number of a bus")?, parts.number("hostaddr", "the number of a device")?);
    let Some((bus, device)) = bus.zip(device) else {
        return Err(parts.error("expected the parts 'hostbus' and 'hostaddr' of a usbdev, found not both"));
    };
    let controller = parts.number("controller", "the number of a controller")?;
    // A port is one of a controller's.
    let address = controller.map(|bus| Address::Usb(UsbAddress { bus: Some(bus), port: parts.take("port"), ..UsbAddress::default() }));
    Ok(Hostdev { address, ..usb(place(bus, device)) })
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let (hvm, xl) = (is_hvm(domain), output.dialect == Dialect::Xl);
    let devices = &domain.devices;
    let controllers: Vec<_> = devices.controllers().filter(|controller| controller.kind == ControllerType::Usb).collect();
    let hosts: Vec<_> = devices.hostdevs().filter(|device| device.kind == HostdevType::Usb).collect();
    if hvm {
        let mut words: Vec<String> =
            devices.inputs().filter(|input| input.bus() == InputBus::Usb).map(|input| input.kind.to_string()).collect();
        // xl has a list of its own for devices that are named by their place.
        words.extend(hosts.iter().filter_map(|device| host_word(device, xl)));
        let plain = controllers.iter().find(|controller| matches!(controller.model.as_deref(), None | Some(NO_USB)));
        let off = plain.is_some_and(|controller| controller.model.is_some()) && words.is_empty();
        // Devices need a bus; xl makes it for them also where another controller is listed.
        let needed = !words.is_empty() && (controllers.is_empty() || !xl);
        output.switch("usb", Some(!off).filter(|_| plain.is_some() || needed));
        match words.len() {
            1 => output.text("usbdevice", words.pop()),
            _ => output.texts("usbdevice", words),
        }
    }
    if xl {
        output.records("usbctrl", controllers.into_iter().filter_map(controller_record).collect());
        output.records("usbdev", hosts.into_iter().filter_map(device_record).collect());
    }
}

fn host_word(device: &Hostdev, xl: bool) -> Option<String> {
    match device.source_view().ok()? {
        HostdevSource::Usb { ids: Some((vendor, product)), .. } => Some(format!("host:{vendor:04x}:{product:04x}")),
        HostdevSource::Usb { place: Some((bus, device)), .. } if !xl => Some(format!("host:{bus}.{device}")),
        _ => None,
    }
}

fn controller_record(controller: &Controller) -> Option<Record> {
    let model = controller.model.as_deref()?;
    let (kind, version, _) = MODELS.iter().find(|(.., known)| *known == model)?;
    let mut record = Record::default();
    record.put("type", Some(*kind));
    record.put("version", Some(version.to_string()));
    record.put("ports", controller.ports.map(|ports| ports.to_string()));
    Some(record)
}

fn device_record(device: &Hostdev) -> Option<Record> {
    let HostdevSource::Usb { ids: None, place: Some((bus, address)), .. } = device.source_view().ok()? else { return None };
    let mut record = Record::default();
    record.put("type", Some("hostdev"));
    record.put("hostbus", Some(bus.to_string()));
    record.put("hostaddr", Some(address.to_string()));
    if let Some(Address::Usb(address)) = &device.address {
        record.put("controller", address.bus.map(|bus| bus.to_string()));
        record.put("port", address.port.as_ref().filter(|_| address.bus.is_some()));
    }
    Some(record)
}
