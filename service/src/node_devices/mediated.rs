//! Mediated devices made and removed (the kernel's `Documentation/driver-api/vfio-mediated-device.rst`).

use lodge_model::document::Document as _;
use lodge_model::node_device::{CapabilityKind, NodeDevice};
use uuid::Uuid;

use super::assign::failed;
use super::view::DeviceView;
use crate::error::{Error, ErrorKind, Result};
use crate::host::sysfs::Device;

/// A document of a device to be made, in itself in order.
#[derive(Debug, Clone)]
pub struct Draft {
    document: NodeDevice,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

impl Draft {
    /// Reads a document.
    ///
    /// # Errors
    /// `InvalidXml` with path and place; `NotSupported` for what is no mediated device.
    pub fn read(xml: &str) -> Result<Self> {
        let (document, warnings) = NodeDevice::parse(xml)?;
        document.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        let draft = Self { document, warnings: warnings.iter().map(ToString::to_string).collect() };
        draft.mediated()?;
        Ok(draft)
    }

    /// The name of the device that it is to be made on.
    pub fn parent(&self) -> Option<&str> {
        self.document.parent.as_ref()?.name.as_deref().map(str::trim)
    }

    fn mediated(&self) -> Result<Mediated<'_>> {
        let view = self.document.view().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        let mediated = view.capabilities.into_iter().find_map(|capability| match capability.kind {
            CapabilityKind::Mdev { mdev_type, uuid, attributes, .. } => {
                let attributes = attributes.iter().map(|attribute| (attribute.name.as_str(), attribute.value.as_str())).collect();
                Some(Mediated { kind: mdev_type, uuid, attributes })
            }
            _ => None,
        });
        mediated.ok_or_else(|| Error::new(ErrorKind::NotSupported, "only mediated devices are made; write <capability type='mdev'>"))
    }
}

/// What a document asks for.
struct Mediated<'a> {
    kind: &'a str,
    uuid: Option<Uuid>,
    attributes: Vec<(&'a str, &'a str)>,
}

/// Makes a device, and tells its path below `/sys`.
pub(super) fn create(parent: &DeviceView, draft: &Draft) -> Result<String> {
    let Mediated { kind, uuid, attributes } = draft.mediated()?;
    let Some(device) = parent.device().filter(|device| device.has(&format!("mdev_supported_types/{kind}"))) else {
        let types = parent.device().map(|device| device.names("mdev_supported_types")).unwrap_or_default();
        let types = if types.is_empty() { "none".to_owned() } else { types.join(", ") };
        let message = format!("no mediated devices of the type '{kind}' are made on {}; it has: {types}", parent.subject());
        return Err(Error::new(ErrorKind::NotSupported, message));
    };
    let uuid = uuid.unwrap_or_else(Uuid::new_v4).to_string();
    if device.sysfs().linked("bus/mdev/devices", &uuid).is_some() {
        let message = format!("there is a mediated device {uuid} already; leave <uuid> out to have one made up");
        return Err(Error::new(ErrorKind::AlreadyExists, message));
    }
    device
        .write(&format!("mdev_supported_types/{kind}/create"), &uuid)
        .map_err(|error| failed(parent, "make a mediated device on", &error))?;
    let path = format!("{}/{uuid}", device.path());
    let made = device.sysfs().device(&path);
    let made = made.ok_or_else(|| Error::new(ErrorKind::HostFailed, format!("{} did not make the device {uuid}", parent.subject())))?;
    set(&made, &attributes).inspect_err(|_| {
        if let Err(error) = made.write("remove", "1") {
            tracing::error!("the mediated device {uuid}, which was not completed, cannot be removed: {error}");
        }
    })?;
    Ok(path)
}

fn set(made: &Device, attributes: &[(&str, &str)]) -> Result<()> {
    attributes.iter().try_for_each(|(name, value)| {
        made.write_named(name, value).map_err(|error| {
            let message = format!("cannot set the attribute '{name}' of the mediated device {}: {error}", made.name());
            Error::new(ErrorKind::HostFailed, message)
        })
    })
}

/// Removes a device.
pub(super) fn destroy(view: &DeviceView) -> Result<()> {
    match view.device().filter(|_| view.is("mdev")) {
        Some(device) => device.write("remove", "1").map_err(|error| match error.raw_os_error() {
            // The driver refuses while a guest has it open.
            Some(busy) if busy == nix::libc::EBUSY || busy == nix::libc::EAGAIN => {
                let message = format!("{} is in use by a guest; stop that first", view.subject());
                Error::new(ErrorKind::InUse, message)
            }
            _ => failed(view, "remove", &error),
        }),
        None => {
            let message = format!("{} is no mediated device; only those can be removed", view.subject());
            Err(Error::new(ErrorKind::NotSupported, message))
        }
    }
}
