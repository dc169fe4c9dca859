//! The typed proxy of `org.lodge.Lodge1.StoragePool`; all is documented in its file in `xml/`.

use zbus::{ObjectPath, OwnedObjectPath};

use crate::errors::Result;
use crate::options::{BuildOptions, InactiveOptions, NoOptions, PoolStartOptions, VolumeOptions};

/// Something that holds volumes.
#[zbus::proxy(interface = "org.lodge.Lodge1.StoragePool", default_service = "org.lodge.Lodge1")]
pub trait StoragePool {
    /// Its name.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// Its identity.
    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> Result<String>;

    /// What it is made of.
    #[zbus(property, name = "Type")]
    fn kind(&self) -> Result<String>;

    /// Whether it is started.
    #[zbus(property)]
    fn active(&self) -> Result<bool>;

    /// Whether it has a stored definition.
    #[zbus(property)]
    fn persistent(&self) -> Result<bool>;

    /// Whether it starts with the service.
    #[zbus(property)]
    fn autostart(&self) -> Result<bool>;

    /// Has it start with the service, or not.
    #[zbus(property)]
    fn set_autostart(&self, on: bool) -> Result<()>;

    /// Where the host sees the volumes.
    #[zbus(property)]
    fn path(&self) -> Result<String>;

    /// Size in bytes.
    #[zbus(property)]
    fn capacity(&self) -> Result<u64>;

    /// What is used of it, in bytes.
    #[zbus(property)]
    fn allocation(&self) -> Result<u64>;

    /// What is free, in bytes.
    #[zbus(property)]
    fn available(&self) -> Result<u64>;

    /// What its document says that is not understood.
    #[zbus(property)]
    fn warnings(&self) -> Result<Vec<String>>;

    /// The document.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &InactiveOptions) -> Result<String>;

    /// Makes what it needs before it can be started.
    #[zbus(allow_interactive_auth)]
    fn build(&self, options: &BuildOptions) -> Result<OwnedObjectPath>;

    /// Makes the volumes reachable.
    #[zbus(allow_interactive_auth)]
    fn start(&self, options: &PoolStartOptions) -> Result<OwnedObjectPath>;

    /// Looks through it again.
    #[zbus(allow_interactive_auth)]
    fn refresh(&self, options: &NoOptions) -> Result<()>;

    /// Makes the volumes unreachable.
    #[zbus(allow_interactive_auth)]
    fn stop(&self, options: &NoOptions) -> Result<()>;

    /// Undoes what building did.
    #[zbus(allow_interactive_auth)]
    fn delete(&self, options: &NoOptions) -> Result<()>;

    /// Removes the definition.
    #[zbus(allow_interactive_auth)]
    fn undefine(&self, options: &NoOptions) -> Result<()>;

    /// Makes a volume.
    #[zbus(allow_interactive_auth)]
    fn create_volume(&self, xml: &str, options: &VolumeOptions) -> Result<(OwnedObjectPath, OwnedObjectPath, Vec<String>)>;

    /// Makes a volume with the content of another one.
    #[zbus(allow_interactive_auth)]
    fn clone_volume(
        &self,
        xml: &str,
        source: &ObjectPath<'_>,
        options: &VolumeOptions,
    ) -> Result<(OwnedObjectPath, OwnedObjectPath, Vec<String>)>;

    /// Finds a volume.
    #[zbus(allow_interactive_auth)]
    fn get_volume(&self, name: &str) -> Result<OwnedObjectPath>;
}
