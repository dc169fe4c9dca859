//! Whether a guest can have the devices that it wants. Changes nothing.
//!
//! What can be wrong is found out here, of all of them, before the first is touched.

use super::claims::Guest;
use super::functions::Function;
use super::view::DeviceView;
use super::wanted::Chosen;
use super::{NodeDevices, assign};
use crate::error::{Error, ErrorKind, Result};

/// Refuses what a guest cannot have at this moment.
///
/// # Errors
/// `InUse` when another guest or the host has it, or a part of its group; `InvalidState` when the host's driver has it and the
/// service is not to take it; `NotSupported` without IOMMU or driver.
pub(super) fn check(devices: &NodeDevices, guest: &Guest, chosen: &[Chosen]) -> Result<()> {
    for (place, Chosen { view, driver, function }) in chosen.iter().enumerate() {
        if chosen[..place].iter().any(|before| before.view.name == view.name) {
            let message = format!("{} is there twice in the definition; take one <hostdev> out", view.subject());
            return Err(Error::new(ErrorKind::InvalidXml, message));
        }
        devices.free(view)?;
        if view.is("pci") {
            check_driver(devices, view, driver)?;
            check_function(view, *function)?;
            check_group(devices, guest, view, chosen)?;
        } else if view.is("usb_device") || view.is("scsi") {
            devices.spare(view, false, "take that use away first")?;
        }
    }
    Ok(())
}

fn check_driver(devices: &NodeDevices, view: &DeviceView, driver: &str) -> Result<()> {
    let name = &view.name;
    if driver.is_empty() {
        if assign::is_for_guests(&view.driver) {
            return Ok(());
        }
        let has = if view.driver.is_empty() { "no driver".to_owned() } else { format!("the host's driver {}", view.driver) };
        let message = format!(
            "{} has {has}, and <hostdev> is not managed: give it to guests with lodgectl nodedev-detach {name}, or write managed='yes'",
            view.subject()
        );
        return Err(Error::new(ErrorKind::InvalidState, message));
    }
    if view.driver == driver {
        return Ok(());
    }
    assign::require(&devices.sysfs, driver)?;
    devices.spare(view, false, &format!("to take it all the same, use lodgectl nodedev-detach {name} --force"))
}

/// A card that is given as a whole sends what the guest likes.
fn check_function(view: &DeviceView, function: Option<Function>) -> Result<()> {
    match function {
        Some(Function { vlan: 1.., .. }) if !view.is("phys_function") => {
            let message = format!(
                "{} is no virtual function of a card that could hold it to the <vlan> of its <interface>; take <vlan> out, or give a virtual function",
                view.subject()
            );
            Err(Error::new(ErrorKind::NotSupported, message))
        }
        _ => Ok(()),
    }
}

/// What an IOMMU cannot tell apart goes to one guest: another device of the group could be made to read and write the guest's
/// memory, and that of whoever has it.
fn check_group(devices: &NodeDevices, guest: &Guest, view: &DeviceView, chosen: &[Chosen]) -> Result<()> {
    let Some(group) = view.iommu_group else {
        let message = format!(
            "{} is in no group of an IOMMU, so its reach cannot be limited to a guest: turn the IOMMU on in the firmware's set-up and on the \
             kernel's command line (intel_iommu=on)",
            view.subject()
        );
        return Err(Error::new(ErrorKind::NotSupported, message));
    };
    let (views, mut with_host) = (devices.views(), Vec::new());
    for other in views.iter().filter(|other| other.is("pci") && other.iommu_group == Some(group)) {
        match devices.holder(other) {
            Some(holder) if holder.uuid != guest.uuid => {
                let message = format!(
                    "{} is in the IOMMU group {group} with {}, which domain '{}' has: one guest has them all; stop that first",
                    view.subject(),
                    other.subject(),
                    holder.name
                );
                return Err(Error::new(ErrorKind::InUse, message));
            }
            _ => {}
        }
        let goes_along = chosen.iter().any(|chosen| chosen.view.name == other.name);
        if !goes_along && !assign::leaves_group_alone(other) {
            with_host.push(other.name.as_str());
        }
    }
    if with_host.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} is in the IOMMU group {group} with {}, which the host uses: a group goes to a guest as a whole; add them to the domain, or take them \
         from the host with lodgectl nodedev-detach",
        view.subject(),
        with_host.join(", ")
    );
    Err(Error::new(ErrorKind::InUse, message))
}
