//! Controllers: what devices are plugged into.

use super::buses::Kind;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::props::Props;
use super::tree::{Build, element};

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

/// A controller of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
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
    if matches!(model, "pci-bridge" | "pcie-to-pci-bridge" | "dmi-to-pci-bridge") {
        to.buses.is_bridge(index);
    }
    let mut target = element("target");
    for (key, attribute) in [("chassis", "chassis"), ("port", "port"), ("chassis_nr", "chassisNr"), ("hotplug", "hotplug")] {
        target =
            target.maybe(attribute, props.take(key).map(|value| if attribute == "port" { hexadecimal(value) } else { value.to_owned() }));
    }
    if let Some(slot) = props.take("slot") {
        to.warn(format!("slot={slot} of a PCI controller is left out: no element says it, and the guest hardly does"));
    }
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
