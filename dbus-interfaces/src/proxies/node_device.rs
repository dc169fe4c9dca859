//! The typed proxy of `org.lodge.Lodge1.NodeDevice`; all is documented in its file in `xml/`.

use crate::errors::Result;
use crate::options::{DetachOptions, NoOptions, ResetOptions};

/// A device of the host.
#[zbus::proxy(interface = "org.lodge.Lodge1.NodeDevice", default_service = "org.lodge.Lodge1")]
pub trait NodeDevice {
    /// Its name.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// The name of the device that it is on.
    #[zbus(property)]
    fn parent(&self) -> Result<String>;

    /// What it is, and what else it is or can do.
    #[zbus(property)]
    fn capabilities(&self) -> Result<Vec<String>>;

    /// Its directory in sysfs.
    #[zbus(property)]
    fn path(&self) -> Result<String>;

    /// Its special file, and the links to it.
    #[zbus(property)]
    fn device_files(&self) -> Result<Vec<String>>;

    /// The driver that is bound to it.
    #[zbus(property)]
    fn driver(&self) -> Result<String>;

    /// Who made it.
    #[zbus(property)]
    fn vendor(&self) -> Result<String>;

    /// What it is called.
    #[zbus(property)]
    fn product(&self) -> Result<String>;

    /// The number of its IOMMU group, or -1.
    #[zbus(property)]
    fn iommu_group(&self) -> Result<i32>;

    /// The domain whose guest has it, or nothing.
    #[zbus(property)]
    fn used_by(&self) -> Result<String>;

    /// The document.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &NoOptions) -> Result<String>;

    /// Takes it from the host's driver.
    #[zbus(allow_interactive_auth)]
    fn detach(&self, options: &DetachOptions) -> Result<()>;

    /// Gives it back to the host's driver.
    #[zbus(allow_interactive_auth)]
    fn reattach(&self, options: &NoOptions) -> Result<()>;

    /// Resets it.
    #[zbus(allow_interactive_auth)]
    fn reset(&self, options: &ResetOptions) -> Result<()>;

    /// Removes it.
    #[zbus(allow_interactive_auth)]
    fn destroy(&self, options: &NoOptions) -> Result<()>;
}
