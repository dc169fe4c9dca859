//! A storage volume: the `<volume>` document. One image, partition or unit of a pool (libvirt,
//! formatstorage and its schema, 11.3).
//!
//! The same document asks for a new volume and reports one that is there. Its type, key, physical
//! size, source and timestamps are only reported; whoever makes a volume pays no attention to them.
//!
//! Invariants:
//! - Reading fills in nothing.
//! - Sizes are bytes.
//! - A volume that storage reports is valid: its name is any file name, it may take more room than
//!   its capacity, and its path may be an address.

use crate::document::{Document, Problems};
use crate::domain::devices::TypeName;
use crate::encryption::Encryption;
use crate::permissions::Permissions;
use crate::storage_pool::Extent;
use crate::timestamps::Timestamps;
use crate::units::ByteSize;
use crate::{element, keywords};

mod format;
mod validate;

pub use format::*;

keywords! {
    /// What a volume is on the host.
    pub enum VolumeType {
        /// A file.
        File = "file",
        /// A block device.
        Block = "block",
        /// A directory.
        Dir = "dir",
        /// An image of a server.
        Network = "network",
        /// A directory of a server.
        Netdir = "netdir",
        /// A Ploop image: a directory with its files.
        Ploop = "ploop",
    }
}

element! {
    /// A volume.
    pub struct StorageVolume {
        /// What it is; reported.
        attr "type" kind: Option<VolumeType>,
        /// Name, unique in its pool; often the name of a file.
        required_leaf "name" name: String,
        /// What tells it from all volumes; reported.
        leaf "key" key: Option<String>,
        /// What of the pool it is made of; reported.
        child "source" source: Option<VolumeSource>,
        /// The size that a guest sees. Only a new volume laid over another may leave it out.
        child "capacity" capacity: Option<ByteSize>,
        /// What is taken of the pool now: less than the capacity of sparse volumes, more where
        /// metadata needs it. A new volume without it is allocated in full.
        child "allocation" allocation: Option<ByteSize>,
        /// Size of the file or device; reported.
        child "physical" physical: Option<ByteSize>,
        /// Where and how the host sees it.
        child "target" target: Option<VolumeTarget>,
        /// What it is laid over.
        child "backingStore" backing_store: Option<VolumeBackingStore>,
    }
}

element! {
    /// What of a pool a volume is made of.
    pub struct VolumeSource {
        /// Devices.
        children "device" devices: Vec<VolumeDevice>,
    }
}

element! {
    /// A device with parts of a volume.
    pub struct VolumeDevice {
        /// Absolute path of the device.
        required "path" path: String,
        /// The parts.
        children "extent" extents: Vec<Extent>,
    }
}

element! {
    /// Where and how the host sees a volume.
    pub struct VolumeTarget {
        /// Absolute path, or address of a volume on a server; reported.
        leaf "path" path: Option<String>,
        /// Format; see [`StorageVolume::format`]. The pool's own when left out.
        child "format" format: Option<TypeName>,
        /// Owner and mode.
        child "permissions" permissions: Option<Permissions>,
        /// When it was used; reported.
        child "timestamps" timestamps: Option<Timestamps>,
        /// Encryption.
        child "encryption" encryption: Option<Encryption>,
        /// Version of qcow2 by the QEMU that reads it: `0.10` or `1.1`.
        leaf "compat" compat: Option<String>,
        /// Whether btrfs is kept from copying its blocks when they are written.
        flag "nocow" nocow: bool,
        /// Size of the clusters of qcow2: a power of two from 512 bytes to 2 MiB.
        child "clusterSize" cluster_size: Option<ByteSize>,
        /// Features of qcow2.
        child "features" features: Option<VolumeFeatures>,
    }
}

element! {
    /// Features of qcow2.
    pub struct VolumeFeatures {
        /// Whether reference counts are written late.
        flag "lazy_refcounts" lazy_refcounts: bool,
        /// Whether clusters are divided into 32 parts, which are allocated one by one.
        flag "extended_l2" extended_l2: bool,
    }
}

element! {
    /// What a volume is laid over.
    pub struct VolumeBackingStore {
        /// Absolute path, or address. An element without it says that there is nothing.
        leaf "path" path: Option<String>,
        /// Format.
        child "format" format: Option<TypeName>,
        /// Owner and mode; reported. So are the next two.
        child "permissions" permissions: Option<Permissions>,
        /// When it was used.
        child "timestamps" timestamps: Option<Timestamps>,
        /// Encryption.
        child "encryption" encryption: Option<Encryption>,
    }
}

impl Document for StorageVolume {
    const ROOT: &'static str = "volume";

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl StorageVolume {
    /// Its format; `None` when none is written or it is not known.
    pub fn format(&self) -> Option<VolumeFormat> {
        VolumeFormat::of(self.target.as_ref()?.format.as_ref())
    }

    /// Path of what it is laid over.
    pub fn backing_path(&self) -> Option<&str> {
        self.backing_store.as_ref()?.path.as_deref()
    }
}

#[cfg(test)]
mod tests;
