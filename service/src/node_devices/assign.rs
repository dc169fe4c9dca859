//! PCI devices between the host and guests: another driver, and back (the kernel's `Documentation/driver-api/vfio.rst` and
//! `Documentation/ABI/testing/sysfs-bus-pci`: `driver_override`, `unbind`, `drivers_probe`, `reset`).
//!
//! Invariant: a device that cannot be moved has the driver that it had.

use super::view::DeviceView;
use crate::error::{Error, ErrorKind, Result};
use crate::host::open_files;
use crate::host::sysfs::{Device, Sysfs};

/// The driver that hands any PCI device to guests.
const VFIO: &str = "vfio-pci";

/// The driver that a caller names, or the usual one.
///
/// # Errors
/// `InvalidArgument` for what is no driver that hands devices to guests.
pub(super) fn guest_driver(name: &str) -> Result<String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    match name {
        "" => Ok(VFIO.to_owned()),
        _ if plain && is_for_guests(name) => Ok(name.to_owned()),
        _ => {
            let message = format!("'{}' is no driver that gives devices to guests; leave it out for {VFIO}", name.escape_debug());
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}

/// The directory of a PCI device that guests can have.
///
/// # Errors
/// `NotSupported` for everything else.
pub(super) fn pci(view: &DeviceView) -> Result<&Device> {
    let refused = |why| Err(Error::new(ErrorKind::NotSupported, format!("{} {why}", view.subject())));
    if view.is("pci-bridge") || view.is("cardbus-bridge") {
        return refused("is a bridge, which stays with the host; name the devices behind it instead");
    }
    match view.device() {
        Some(device) if view.is("pci") => Ok(device),
        _ => refused("is no PCI device; only those change between the host and guests"),
    }
}

/// Whether a driver hands devices to guests.
pub(super) fn is_for_guests(driver: &str) -> bool {
    driver.contains("vfio")
}

/// Whether a device does not keep the others of its IOMMU group from a guest: the kernel gives the group away only where no
/// driver of the host reads and writes memory (`Documentation/driver-api/vfio.rst`).
pub(super) fn leaves_group_alone(view: &DeviceView) -> bool {
    let is_bridge = view.is("pci-bridge") || view.is("cardbus-bridge");
    is_bridge || view.driver.is_empty() || is_for_guests(&view.driver) || view.driver == "pci-stub"
}

/// Refuses a driver that is not there. The service may load none: its unit has systemd load the usual one.
pub(super) fn require(sysfs: &Sysfs, driver: &str) -> Result<()> {
    if sysfs.has(&format!("bus/pci/drivers/{driver}")) {
        return Ok(());
    }
    let message = format!("the host has no driver {driver}, which gives PCI devices to guests; load it with: modprobe {driver}");
    Err(Error::new(ErrorKind::NotSupported, message))
}

/// Gives a device to a driver.
///
/// # Errors
/// `NotSupported` without that driver; `InUse` while a guest has it; `HostFailed`, and then it has the driver that it had.
pub(super) fn detach(view: &DeviceView, device: &Device, driver: &str) -> Result<()> {
    if device.link("driver").as_deref() == Some(driver) {
        return Ok(());
    }
    require(device.sysfs(), driver)?;
    refuse_used(view, device)?;
    bind(view, device, driver).inspect_err(|_| {
        // As it was; what went wrong first is what is told.
        if let Err(error) = bind(view, device, "") {
            tracing::error!("{error}");
        }
    })
}

/// Gives a device to the driver that the host would choose.
///
/// # Errors
/// As [`detach`].
pub(super) fn reattach(view: &DeviceView, device: &Device) -> Result<()> {
    let is_overridden = device.text("driver_override").is_some_and(|driver| driver != "(null)");
    if device.has("driver") && !is_overridden {
        return Ok(());
    }
    refuse_used(view, device)?;
    bind(view, device, "")
}

/// Resets a device.
///
/// # Errors
/// `NotSupported` when the kernel knows no way; `InUse` while a guest has it.
pub(super) fn reset(view: &DeviceView, device: &Device) -> Result<()> {
    if !device.has("reset") {
        let message = format!("{} cannot be reset by itself: neither it nor its bus has a way that the kernel knows", view.subject());
        return Err(Error::new(ErrorKind::NotSupported, message));
    }
    refuse_used(view, device)?;
    device.write("reset", "1").map_err(|error| failed(view, "reset", &error))
}

/// Resets a device that can be reset.
///
/// # Errors
/// As [`reset`].
pub(super) fn reset_if_possible(view: &DeviceView, device: &Device) -> Result<()> {
    if device.has("reset") { reset(view, device) } else { Ok(()) }
}

/// Has the kernel find drivers for the interfaces of a USB device that have none.
///
/// # Errors
/// `HostFailed`.
pub(super) fn find_usb_drivers(view: &DeviceView) -> Result<()> {
    let Some(device) = view.device() else { return Ok(()) };
    let interfaces = device.names("").into_iter().filter(|name| name.starts_with(&format!("{}:", device.name())));
    let without: Vec<_> = interfaces.filter(|name| !device.has(&format!("{name}/driver"))).collect();
    without.iter().try_for_each(|interface| {
        // An interface that no driver knows is refused.
        match device.sysfs().write("bus/usb/drivers_probe", interface) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINVAL) => Err(failed(view, "find drivers for", &error)),
            _ => Ok(()),
        }
    })
}

/// Lets go of the present driver and has the kernel choose one: the one that is named, else the one that knows the device.
fn bind(view: &DeviceView, device: &Device, driver: &str) -> Result<()> {
    let step = |what, done: std::io::Result<()>| done.map_err(|error| failed(view, what, &error));
    // A line break alone stands for none.
    step("give another driver to", device.write("driver_override", if driver.is_empty() { "\n" } else { driver }))?;
    if device.has("driver") {
        step("take the driver from", device.write("driver/unbind", device.name()))?;
    }
    step("find a driver for", device.sysfs().write("bus/pci/drivers_probe", device.name()))?;
    match device.link("driver") {
        Some(bound) if driver.is_empty() || bound == driver => Ok(()),
        None if driver.is_empty() => Ok(()),
        bound => {
            let bound = bound.map_or_else(|| "no driver".to_owned(), |bound| format!("the driver {bound}"));
            let message = format!(
                "{} has {bound} instead of {driver}, which did not take it; is there an IOMMU, and is it turned on (intel_iommu=on)? The kernel's log says more",
                view.subject()
            );
            Err(Error::new(ErrorKind::HostFailed, message))
        }
    }
}

/// While somebody has a device open, the kernel would wait for them.
fn refuse_used(view: &DeviceView, device: &Device) -> Result<()> {
    let Some(group) = device.link("iommu_group").filter(|_| device.sysfs().is_this_host()) else { return Ok(()) };
    // Without an IOMMU the group's file is called otherwise.
    let files = [format!("/dev/vfio/{group}"), format!("/dev/vfio/noiommu-{group}")];
    let holders: Vec<_> = files.iter().flat_map(|file| open_files::holders(file.as_ref())).collect();
    match holders.first() {
        None => Ok(()),
        Some(process) => {
            let message = format!("{} is in use by a guest (process {process}); stop that first", view.subject());
            Err(Error::new(ErrorKind::InUse, message))
        }
    }
}

/// What could not be done to a device, with what can be done about it.
pub(super) fn failed(view: &DeviceView, what: &str, error: &std::io::Error) -> Error {
    let (kind, hint) = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            (ErrorKind::NotAuthorized, "; only the system's instance changes devices of the host, so use lodgectl --system")
        }
        _ => (ErrorKind::HostFailed, ""),
    };
    Error::new(kind, format!("cannot {what} {}: {error}{hint}", view.subject()))
}
