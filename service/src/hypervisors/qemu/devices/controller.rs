//! `<controller>`: the buses that other devices sit on.

use lodge_model::domain::devices::{Controller, ControllerType};

use super::virtio::transport;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Controllers of USB by their models in a definition, with QEMU's names. Without a model: the first.
const USB: &[(&str, &str)] = &[
    ("piix3-uhci", "piix3-usb-uhci"),
    ("piix4-uhci", "piix4-usb-uhci"),
    ("ehci", "usb-ehci"),
    ("ich9-ehci1", "ich9-usb-ehci1"),
    ("ich9-uhci1", "ich9-usb-uhci1"),
    ("ich9-uhci2", "ich9-usb-uhci2"),
    ("ich9-uhci3", "ich9-usb-uhci3"),
    ("vt82c686b-uhci", "vt82c686b-usb-uhci"),
    ("pci-ohci", "pci-ohci"),
    ("nec-xhci", "nec-usb-xhci"),
    ("qemu-xhci", "qemu-xhci"),
];
/// Controllers of SCSI, likewise.
const SCSI: &[(&str, &str)] = &[
    ("lsilogic", "lsi53c895a"),
    ("virtio-scsi", "virtio-scsi-pci"),
    ("virtio-transitional", "virtio-scsi-pci-transitional"),
    ("virtio-non-transitional", "virtio-scsi-pci-non-transitional"),
    ("lsisas1068", "mptsas1068"),
    ("lsisas1078", "megasas"),
    ("vmpvscsi", "pvscsi"),
    ("am53c974", "am53c974"),
    ("dc390", "dc390"),
];
/// Bridges of PCI, likewise.
const PCI: &[(&str, &str)] = &[
    ("pci-bridge", "pci-bridge"),
    ("pcie-root-port", "pcie-root-port"),
    ("dmi-to-pci-bridge", "i82801b11-bridge"),
    ("pcie-to-pci-bridge", "pcie-pci-bridge"),
    ("pcie-switch-upstream-port", "x3130-upstream"),
    ("pcie-switch-downstream-port", "xio3130-downstream"),
    ("pci-expander-bus", "pxb"),
    ("pcie-expander-bus", "pxb-pcie"),
];

/// Adds a controller, unless it is part of the machine.
///
/// # Errors
/// A model that is not known, or no place.
pub fn add(draft: &mut Draft<'_>, controller: &Controller) -> Result<(), Refusal> {
    let model = controller.model.as_deref();
    let front_end = match controller.kind {
        ControllerType::Pci if matches!(model, Some("pci-root" | "pcie-root") | None) => return Ok(()),
        ControllerType::Pci => pci(controller, find(controller, PCI)?),
        ControllerType::Usb if model == Some("none") => return Ok(()),
        ControllerType::Usb => usb(draft, controller, find(controller, USB)?)?,
        ControllerType::Scsi => scsi(controller, find(controller, SCSI)?),
        ControllerType::VirtioSerial => virtio_serial(controller)?,
        ControllerType::Sata if draft.is_q35() && controller.index() == 0 => return Ok(()),
        ControllerType::Sata => Props::device("ich9-ahci").with("id", name(controller)),
        ControllerType::Ide if controller.index() == 0 && !draft.is_q35() => return Ok(()),
        ControllerType::Fdc if !draft.is_q35() => return Ok(()),
        ControllerType::Fdc => return draft.device(&element(controller), Props::device("isa-fdc").with("id", name(controller))),
        ControllerType::Isa => return Ok(()),
        ControllerType::Ccid => {
            let place = buses::usb(draft, name(controller), controller.address.as_ref())?;
            return draft.device(&element(controller), Props::device("usb-ccid").with("id", name(controller)).and(place));
        }
        ControllerType::Ide if draft.is_q35() => {
            return Err(Refusal::invalid(format!(
                "<controller type='ide'> is there, and the machine {} has none: use <controller type='sata'> and bus='sata'",
                draft.machine
            )));
        }
        ControllerType::Ide => {
            return Err(Refusal::invalid("a machine has one <controller type='ide'>, with index='0': take the others out"));
        }
        kind @ (ControllerType::Xenbus | ControllerType::Nvme) => {
            return Err(Refusal::unsupported(format!("<controller type='{kind}'> is not for QEMU guests in this version: take it out")));
        }
    };
    let place = buses::pci(draft, name(controller), controller.address.as_ref())?;
    draft.device(&element(controller), front_end.and(place))
}

fn name(controller: &Controller) -> &str {
    alias::of(controller.alias.as_ref())
}

fn element(controller: &Controller) -> String {
    format!("<controller type='{}' index='{}'>", controller.kind, controller.index())
}

fn find(controller: &Controller, table: &'static [(&str, &str)]) -> Result<&'static str, Refusal> {
    let Some(model) = controller.model.as_deref() else { return Ok(table.first().map_or("", |(_, driver)| *driver)) };
    let found = table.iter().find(|(name, _)| *name == model).map(|(_, driver)| *driver);
    found.ok_or_else(|| {
        let models: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        Refusal::invalid(format!("{} has the model '{model}', which is not known: use one of {}", element(controller), models.join(", ")))
    })
}

fn pci(controller: &Controller, driver: &'static str) -> Props {
    let target = controller.target.as_ref();
    let written = controller.device_model.as_ref().and_then(|model| model.name.as_deref());
    let driver = written.unwrap_or(driver);
    let id = Props::device(driver).with("id", name(controller));
    let hotplug = target.and_then(|target| target.hotplug);
    match driver {
        "pcie-root-port" | "ioh3420" | "xio3130-downstream" => id
            .opt("port", target.and_then(|target| target.port).map(|port| port.0))
            .opt("chassis", target.and_then(|target| target.chassis).or(Some(controller.index())))
            .bool("hotplug", hotplug),
        "pci-bridge" => {
            let number = target.and_then(|target| target.chassis_number).unwrap_or(controller.index());
            id.with("chassis_nr", number)
        }
        "pxb" | "pxb-pcie" => {
            id.opt("bus_nr", target.and_then(|target| target.bus_number)).opt("numa_node", target.and_then(|target| target.node))
        }
        _ => id,
    }
}

fn usb(draft: &Draft<'_>, controller: &Controller, driver: &str) -> Result<Props, Refusal> {
    if let Some(master) = &controller.master {
        let master_bus = buses::drive_controller(draft, name(controller), ControllerType::Usb, controller.index())?;
        let first = master.start_port.unwrap_or(0);
        return Ok(Props::device(driver).with("masterbus", format!("{master_bus}.0")).with("firstport", first));
    }
    let ports = controller.ports.filter(|_| driver.ends_with("xhci"));
    Ok(Props::device(driver).with("id", name(controller)).opt("p2", ports).opt("p3", ports))
}

fn scsi(controller: &Controller, driver: &str) -> Props {
    let options = Props::device(driver).with("id", name(controller)).and(transport!(controller.driver.as_ref()));
    let Some(driver) = controller.driver.as_ref().filter(|_| driver.starts_with("virtio")) else { return options };
    options
        .opt("iothread", driver.iothread.map(|number| format!("iothread{number}")))
        .opt("num_queues", driver.queues)
        .opt("cmd_per_lun", driver.cmd_per_lun)
        .opt("max_sectors", driver.max_sectors)
        .bool("ioeventfd", driver.ioeventfd)
}

fn virtio_serial(controller: &Controller) -> Result<Props, Refusal> {
    let driver = match controller.model.as_deref() {
        None | Some("virtio") => "virtio-serial-pci",
        Some("virtio-transitional") => "virtio-serial-pci-transitional",
        Some("virtio-non-transitional") => "virtio-serial-pci-non-transitional",
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "{} has the model '{other}', which is not known: take the model out",
                element(controller)
            )));
        }
    };
    let options = Props::device(driver).with("id", name(controller)).and(transport!(controller.driver.as_ref()));
    Ok(options.opt("max_ports", controller.ports).opt("vectors", controller.vectors))
}
