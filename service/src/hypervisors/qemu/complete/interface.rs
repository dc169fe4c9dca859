//! Network interfaces: Ethernet address and card.

use std::collections::BTreeSet;

use lodge_model::domain::devices::{Devices, Interface, InterfaceType, Mac, MacAddress, TypeName};

use super::machine::Machine;
use super::{Result, invalid};

/// Cards of q35, the best known to guests first. libvirt takes rtl8139 here too and does not write it down; e1000e sits
/// on PCI Express without a bridge, and every system of the last fifteen years has its driver.
const CARDS_Q35: &[(&str, &str)] = &[("e1000e", "e1000e"), ("virtio", "virtio-net-pci"), ("rtl8139", "rtl8139")];

/// Cards of 440FX: libvirt's default first, which is what an imported definition without a model has always had.
const CARDS_I440FX: &[(&str, &str)] = &[("rtl8139", "rtl8139"), ("e1000", "e1000"), ("virtio", "virtio-net-pci")];

pub(super) fn complete(devices: &mut Devices, machine: &Machine<'_>, random: &mut dyn FnMut() -> u32) -> Result<()> {
    let mut taken: BTreeSet<_> = devices.interfaces().filter_map(Interface::mac_address).collect();
    for interface in devices.interfaces_mut() {
        if let Some(address) = interface.mac_address() {
            if address.is_multicast() {
                return invalid(format!("the Ethernet address {address} is that of a group and cannot be an interface's own"));
            }
        } else {
            let mut address = random_address(random);
            while !taken.insert(address) {
                address = random_address(random);
            }
            interface.mac.get_or_insert_with(Mac::default).address = Some(address);
        }
        choose_card(interface, machine);
    }
    Ok(())
}

fn random_address(random: &mut dyn FnMut() -> u32) -> MacAddress {
    let [_, a, b, c] = random().to_be_bytes();
    MacAddress::from_parts(MacAddress::KVM_PREFIX, [a, b, c])
}

fn choose_card(interface: &mut Interface, machine: &Machine<'_>) {
    if !interface.model_name().is_empty() {
        return;
    }
    let card = match interface.kind {
        // The device itself is the card.
        InterfaceType::Hostdev => return,
        // Only virtio speaks to them.
        InterfaceType::Vdpa | InterfaceType::VhostUser => "virtio",
        _ => machine.first_of(if machine.is_q35() { CARDS_Q35 } else { CARDS_I440FX }),
    };
    interface.model.get_or_insert_with(TypeName::default).kind = Some(card.to_owned());
}
