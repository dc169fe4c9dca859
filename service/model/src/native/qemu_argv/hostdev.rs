//! Devices of the host that are given to the guest.

use super::conversion::Conversion;
use super::devices::{on_pci, on_usb, rom};
use super::props::{Props, is_on};
use super::tree::{Build, element};
use crate::xml::Element;

/// A device of the host.
pub fn device(to: &mut Conversion<'_>, driver: &str, _model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    match driver {
        "usb-host" => Some(usb_host(to, props)),
        "vfio-pci" | "vfio-pci-nohotplug" => Some(vfio(to, props)),
        _ => None,
    }
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
    hostdev = hostdev.children(rom(props));
    // That it is off is what QEMU does by itself.
    props.take_if("x-vga", |on| is_on(on) == Some(false));
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
