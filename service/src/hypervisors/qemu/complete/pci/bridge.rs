//! What a PCI controller is to the guest: QEMU's device, chassis and port.

use lodge_model::domain::devices::{Address, Controller, ControllerModel, ControllerTarget, ControllerType, Devices};
use lodge_model::xml::Hex;

/// QEMU's device for each model; libvirt's choice.
const DEVICES: [(&str, &str); 8] = [
    ("pci-bridge", "pci-bridge"),
    ("dmi-to-pci-bridge", "i82801b11-bridge"),
    ("pcie-to-pci-bridge", "pcie-pci-bridge"),
    ("pcie-root-port", "pcie-root-port"),
    ("pcie-switch-upstream-port", "x3130-upstream"),
    ("pcie-switch-downstream-port", "xio3130-downstream"),
    ("pci-expander-bus", "pxb"),
    ("pcie-expander-bus", "pxb-pcie"),
];

/// A bridge or port of a model.
pub(super) fn new(model: &str, index: u32) -> Controller {
    Controller { kind: ControllerType::Pci, index: Some(index), model: Some(model.to_owned()), ..Controller::default() }
}

/// Fills in what the bridges and ports that have an address lack.
pub(super) fn complete(devices: &mut Devices) {
    for controller in devices.controllers_mut().filter(|controller| controller.kind == ControllerType::Pci) {
        let model = controller.model.clone().unwrap_or_default();
        let (Some((_, device)), Some(Address::Pci(address))) = (DEVICES.iter().find(|(name, _)| *name == model), &controller.address)
        else {
            continue;
        };
        let (_, _, slot, function) = address.parts();
        let index = controller.index();
        controller.device_model.get_or_insert_with(ControllerModel::default).name.get_or_insert_with(|| (*device).to_owned());
        match model.as_str() {
            // Numbers need only differ from bridge to bridge, and the index does. The port is the place, as hardware has it.
            "pcie-root-port" | "pcie-switch-downstream-port" => {
                let target = controller.target.get_or_insert_with(ControllerTarget::default);
                target.chassis.get_or_insert(index);
                target.port.get_or_insert(Hex(slot << 3 | function));
            }
            "pci-bridge" => {
                controller.target.get_or_insert_with(ControllerTarget::default).chassis_number.get_or_insert(index);
            }
            _ => {}
        }
    }
}
