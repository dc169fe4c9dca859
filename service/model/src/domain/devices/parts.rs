//! The small elements that several device kinds have.

use std::borrow::Cow;
use std::fmt;

use crate::element;
use crate::xml::{OnOff, Value, YesNo};

pub use crate::units::{ByteSize, KibSize};

/// A password. Its debug form does not show it, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Value for Password {
    const EXPECTED: &'static str = "a password";
    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

element! {
    /// The name by which the hypervisor knows a device.
    pub struct Alias {
        /// The name. Those that start with `ua-` are the user's and are kept; the others are
        /// assigned when the guest starts.
        attr "name" name: Option<String>,
    }
}

element! {
    /// The place of a device in the boot order.
    pub struct Boot {
        /// Place, from 1; unique in a guest.
        attr "order" order: Option<u32>,
        /// Boot parameter of an S/390 guest, up to eight characters.
        attr "loadparm" loadparm: Option<String>,
    }
}

element! {
    /// What the guest's firmware says about a device.
    pub struct Acpi {
        /// Index by which a guest names the device, from 1 to 16383.
        attr "index" index: Option<u32>,
    }
}

element! {
    /// The switches of every virtio device.
    pub struct VirtioDriver {
        /// Whether its memory accesses go through the guest's IOMMU.
        attr "iommu" iommu: Option<OnOff>,
        /// Address translation services.
        attr "ats" ats: Option<OnOff>,
        /// Packed rings.
        attr "packed" packed: Option<OnOff>,
        /// A page of its own for each queue's notifications.
        attr "page_per_vq" page_per_vq: Option<OnOff>,
    }
}

element! {
    /// How a resource of a device is labelled by a security driver.
    pub struct SourceLabel {
        /// Security driver: `dac`, `selinux` or `apparmor`; open, as drivers are.
        attr "model" model: Option<String>,
        /// Whether the service may change the label.
        attr "relabel" relabel: Option<YesNo>,
        /// Set by the service where labelling was not possible.
        attr "labelskip" labelskip: Option<YesNo>,
        /// The label.
        leaf "label" label: Option<String>,
    }
}

element! {
    /// How a client connection that broke is made again.
    pub struct Reconnect {
        /// Whether it is.
        attr "enabled" enabled: Option<YesNo>,
        /// Seconds between two tries.
        attr "timeout" timeout: Option<u32>,
        /// Seconds before the first try, of a vhost-user block device.
        attr "delay" delay: Option<u32>,
    }
}

element! {
    /// The option ROM of a PCI device.
    pub struct Rom {
        /// Whether the guest has one.
        attr "enabled" enabled: Option<YesNo>,
        /// Whether the guest sees it in its memory.
        attr "bar" bar: Option<OnOff>,
        /// Absolute path of a file to use instead of the device's own.
        attr "file" file: Option<String>,
    }
}

element! {
    /// An element that names a type and nothing else.
    pub struct TypeName {
        /// The type's word.
        attr "type" kind: Option<String>,
    }
}

element! {
    /// The Xen domain that serves a device.
    pub struct BackendDomain {
        /// Its name.
        attr "name" name: Option<String>,
    }
}

element! {
    /// Names the interface that takes over while the other is unplugged.
    pub struct Teaming {
        /// `persistent` or `transient`.
        attr "type" kind: Option<super::interface::TeamingType>,
        /// Alias of the persistent interface, on a transient one.
        attr "persistent" persistent: Option<String>,
    }
}
