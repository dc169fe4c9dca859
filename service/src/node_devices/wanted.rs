//! Which device of the host a guest's definition means, and whether it can have it. Changes nothing.
//!
//! What can be wrong is found out here, of all devices that a guest wants, before the first of them is touched.

use std::sync::Arc;

use uuid::Uuid;

use super::claims::Guest;
use super::functions::Function;
use super::view::DeviceView;
use super::{NodeDevices, assign};
use crate::error::{Error, ErrorKind, Result};

/// USB's number for the class of hubs (USB 2.0, 11.23.1).
const HUB: u32 = 0x09;

/// A device that a definition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A PCI function.
    Pci {
        /// Its address, such as `0000:06:10.0`.
        address: String,
        /// Whether the service takes it from the host's driver and gives it back.
        managed: bool,
        /// The driver that it is to have meanwhile; empty for `vfio-pci`.
        driver: String,
        /// What it is held to, where it is a network card of the guest.
        function: Option<Function>,
    },
    /// A mediated device.
    Mdev(Uuid),
    /// A SCSI unit, by its name in sysfs such as `2:0:0:0`.
    Scsi(String),
    /// A USB device, by all that is said of it.
    Usb {
        /// Vendor and product.
        ids: Option<(u32, u32)>,
        /// Bus and number on it.
        place: Option<(u32, u32)>,
        /// Bus and port.
        port: Option<(u32, String)>,
        /// Whether the guest can do without.
        optional: bool,
    },
}

/// What a guest gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// What it named.
    AsNamed,
    /// A USB device, by bus and number on it.
    Usb(u32, u32),
    /// Nothing: the device is not there, and the guest can do without.
    Nothing,
}

/// A device that was found, with the driver that the service is to give it.
pub(super) struct Chosen {
    pub view: Arc<DeviceView>,
    pub driver: String,
    pub function: Option<Function>,
}

impl Chosen {
    fn plain(view: Arc<DeviceView>) -> Self {
        Self { view, driver: String::new(), function: None }
    }
}

/// The device that is meant; `None` where the guest does without.
///
/// # Errors
/// `NotFound`; `InvalidArgument` for what several are; `NotSupported` for what no guest can have.
pub(super) fn find(devices: &NodeDevices, wanted: &Wanted) -> Result<Option<Chosen>> {
    let views = devices.views();
    let named = |kind: &str, name: &str| {
        let is_it = |view: &&Arc<DeviceView>| view.is(kind) && view.device().is_some_and(|device| device.name() == name);
        views.iter().find(is_it).cloned()
    };
    match wanted {
        Wanted::Pci { address, managed, driver, function } => {
            let view = named("pci", address).ok_or_else(|| absent(&format!("PCI device {address}")))?;
            assign::pci(&view)?;
            let guest_driver = assign::guest_driver(driver)?;
            let driver = if *managed { guest_driver } else { String::new() };
            Ok(Some(Chosen { view, driver, function: *function }))
        }
        Wanted::Mdev(uuid) => {
            let found = named("mdev", &uuid.to_string());
            let view = found.ok_or_else(|| {
                let message = format!("the host has no mediated device {uuid}; make it with lodgectl nodedev-create");
                Error::new(ErrorKind::NotFound, message)
            })?;
            Ok(Some(Chosen::plain(view)))
        }
        Wanted::Scsi(name) => {
            let view = named("scsi", name).ok_or_else(|| absent(&format!("SCSI unit {name}")))?;
            Ok(Some(Chosen::plain(view)))
        }
        Wanted::Usb { optional, .. } => match usb(&views, wanted) {
            Err(error) if *optional && error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(|view| Some(Chosen::plain(view))),
        },
    }
}

fn absent(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the host has no {what}; lodgectl nodedev-list --tree shows what it has"))
}

fn usb(views: &[Arc<DeviceView>], wanted: &Wanted) -> Result<Arc<DeviceView>> {
    let found: Vec<_> = views.iter().filter(|view| is_meant(view, wanted)).collect();
    match found[..] {
        [view] if view.device().and_then(|device| device.hex("bDeviceClass")) == Some(HUB) => {
            let message = format!("{} is a hub, which stays with the host; name the devices behind it instead", view.subject());
            Err(Error::new(ErrorKind::NotSupported, message))
        }
        [view] => Ok(view.clone()),
        [] => Err(absent(&format!("USB device {}", said(wanted)))),
        _ => {
            let places: Vec<_> = found.iter().filter_map(|view| usb_place(view)).collect();
            let places: Vec<_> = places.iter().map(|(bus, number)| format!("<address bus='{bus}' device='{number}'/>")).collect();
            let message = format!(
                "the host has {} USB devices {}; say which one in <source>, with one of {}",
                found.len(),
                said(wanted),
                places.join(", ")
            );
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}

/// Whether all that is said of a USB device is so of this one.
fn is_meant(view: &DeviceView, wanted: &Wanted) -> bool {
    let (Wanted::Usb { ids, place, port, .. }, true, Some(device)) = (wanted, view.is("usb_device"), view.device()) else { return false };
    let has_ids = |(vendor, product)| device.hex("idVendor") == Some(vendor) && device.hex("idProduct") == Some(product);
    let has_port =
        |(bus, port): &(u32, String)| device.number("busnum") == Some(*bus) && device.text("devpath").as_deref() == Some(port.as_str());
    ids.is_none_or(has_ids) && place.is_none_or(|place| usb_place(view) == Some(place)) && port.as_ref().is_none_or(has_port)
}

/// Bus and number on it.
pub(super) fn usb_place(view: &DeviceView) -> Option<(u32, u32)> {
    let device = view.device()?;
    Some((device.number("busnum")?, device.number("devnum")?))
}

fn said(wanted: &Wanted) -> String {
    let Wanted::Usb { ids, place, port, .. } = wanted else { return String::new() };
    let ids = ids.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}"));
    let place = place.map(|(bus, number)| format!("number {number} on bus {bus}"));
    let port = port.as_ref().map(|(bus, port)| format!("at port {port} of bus {bus}"));
    [ids, place, port].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

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
