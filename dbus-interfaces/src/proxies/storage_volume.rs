//! The typed proxy of `org.lodge.Lodge1.StorageVolume`; all is documented in its file in `xml/`.

use zbus::{Fd, OwnedObjectPath};

use crate::errors::Result;
use crate::options::{Dictionary, NoOptions, ResizeOptions, TransferOptions, WipeOptions};

/// An image, partition or unit of a pool.
#[zbus::proxy(interface = "org.lodge.Lodge1.StorageVolume", default_service = "org.lodge.Lodge1")]
pub trait StorageVolume {
    /// Its name.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// Its pool.
    #[zbus(property(emits_changed_signal = "const"))]
    fn pool(&self) -> Result<OwnedObjectPath>;

    /// What tells it from all volumes.
    #[zbus(property)]
    fn key(&self) -> Result<String>;

    /// Where the host sees it.
    #[zbus(property)]
    fn path(&self) -> Result<String>;

    /// What it is on the host.
    #[zbus(property, name = "Type")]
    fn kind(&self) -> Result<String>;

    /// Its format.
    #[zbus(property)]
    fn format(&self) -> Result<String>;

    /// The size that a guest sees, in bytes.
    #[zbus(property)]
    fn capacity(&self) -> Result<u64>;

    /// What it takes of the pool, in bytes.
    #[zbus(property)]
    fn allocation(&self) -> Result<u64>;

    /// The size of the file or device, in bytes.
    #[zbus(property)]
    fn physical(&self) -> Result<u64>;

    /// What it is laid over.
    #[zbus(property)]
    fn backing_path(&self) -> Result<String>;

    /// Whether a guest needs a passphrase for it.
    #[zbus(property)]
    fn encrypted(&self) -> Result<bool>;

    /// The document.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &NoOptions) -> Result<String>;

    /// What it is laid over.
    #[zbus(allow_interactive_auth)]
    fn get_backing_chain(&self, options: &NoOptions) -> Result<Vec<Dictionary>>;

    /// Gives it another size.
    #[zbus(allow_interactive_auth)]
    fn resize(&self, capacity: u64, options: &ResizeOptions) -> Result<OwnedObjectPath>;

    /// Overwrites all of it.
    #[zbus(allow_interactive_auth)]
    fn wipe(&self, options: &WipeOptions) -> Result<OwnedObjectPath>;

    /// Removes it.
    #[zbus(allow_interactive_auth)]
    fn delete(&self, options: &NoOptions) -> Result<()>;

    /// Writes into it.
    #[zbus(allow_interactive_auth)]
    fn upload(&self, source: Fd<'_>, options: &TransferOptions) -> Result<OwnedObjectPath>;

    /// Reads it.
    #[zbus(allow_interactive_auth)]
    fn download(&self, target: Fd<'_>, options: &TransferOptions) -> Result<OwnedObjectPath>;
}
