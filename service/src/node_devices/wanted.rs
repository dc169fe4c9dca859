//! Which device of the host a guest's definition means. Changes nothing.

use std::sync::Arc;

use uuid::Uuid;

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
