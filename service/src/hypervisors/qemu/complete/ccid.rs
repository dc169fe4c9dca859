//! Slots of smart cards on smart card controllers. QEMU's controller has one slot.

use std::collections::BTreeMap;

use lodge_model::domain::devices::{Address, CcidAddress, ControllerType, Device, Devices};

use super::list::describe;
use super::machine::Machine;
use super::{Result, controllers, invalid};

pub(super) fn place(devices: &mut Devices, machine: &Machine<'_>) -> Result<()> {
    let mut taken = BTreeMap::new();
    for index in cards(devices) {
        let Some(Address::Ccid(address)) = devices.list[index].address() else { continue };
        let (controller, slot) = (address.controller.unwrap_or(0), address.slot.unwrap_or(0));
        let who = describe(&devices.list, index);
        if slot != 0 {
            return invalid(format!("{who} is in slot {slot} of the smart card controller {controller}, which has the slot 0 only"));
        }
        if let Some(other) = taken.insert(controller, who.clone()) {
            return invalid(format!("{other} and {who} are both in the slot of the smart card controller {controller}"));
        }
    }
    for index in cards(devices) {
        if devices.list[index].address().is_some() {
            continue;
        }
        let controller = (0..).find(|controller| !taken.contains_key(controller)).unwrap_or(u32::MAX);
        taken.insert(controller, describe(&devices.list, index));
        if let Some(address) = devices.list[index].address_mut() {
            *address = Some(Address::Ccid(CcidAddress { controller: Some(controller), slot: Some(0), ..CcidAddress::default() }));
        }
    }
    match taken.keys().next_back() {
        Some(highest) => controllers::require(devices, machine, ControllerType::Ccid, *highest),
        None => Ok(()),
    }
}

fn cards(devices: &Devices) -> Vec<usize> {
    (0..devices.list.len()).filter(|index| matches!(devices.list[*index], Device::Smartcard(_))).collect()
}
