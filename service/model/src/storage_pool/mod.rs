//! A storage pool: the `<pool>` document. What holds volumes, and where the host sees them
//! (libvirt, formatstorage and its schema, 11.3).
//!
//! [`StoragePool`] is the element as it is written, with the parts of all types, so that an
//! incomplete one can be read, shown and corrected; [`PoolView`] is the checked union that a driver
//! works with.
//!
//! Invariants:
//! - Reading fills in nothing; defaults are in the [`PoolView`].
//! - Sizes are bytes.
//! - What a type has no use for is kept.

use uuid::Uuid;

use crate::document::{Document, Problem, Problems};
use crate::encryption::Encryption;
use crate::permissions::Permissions;
use crate::units::ByteSize;
use crate::xml::{Namespace, YesNo};
use crate::{element, keywords};

mod adapter;
mod capabilities;
mod format;
mod need;
mod options;
mod source;
mod validate;
mod view;

pub use adapter::*;
pub use capabilities::*;
pub use format::*;
pub use options::*;
pub use source::*;
pub use view::{Credentials, IscsiTarget, PoolView};

keywords! {
    /// What a pool is made of.
    pub enum PoolType {
        /// Files in a directory.
        Dir = "dir",
        /// Files in a file system of a block device, which is mounted.
        Fs = "fs",
        /// Files in a file system of a server, which is mounted.
        Netfs = "netfs",
        /// Partitions of a disk.
        Disk = "disk",
        /// Units of an iSCSI target, logged into by the host.
        Iscsi = "iscsi",
        /// Logical volumes of an LVM volume group.
        Logical = "logical",
        /// Units of an iSCSI target, reached by the hypervisor's own client.
        IscsiDirect = "iscsi-direct",
        /// Units behind a SCSI adapter.
        Scsi = "scsi",
        /// Multipath devices of the host.
        Mpath = "mpath",
        /// Images in a pool of a Ceph cluster.
        Rbd = "rbd",
        /// Images in a Sheepdog cluster.
        Sheepdog = "sheepdog",
        /// Files in a Gluster volume.
        Gluster = "gluster",
        /// Volumes of a ZFS pool.
        Zfs = "zfs",
        /// Files in a Virtuozzo Storage cluster.
        Vstorage = "vstorage",
    }
}

impl PoolType {
    /// Whether a pool without a name has that of its source.
    pub const fn is_named_by_source(self) -> bool {
        matches!(self, Self::Logical | Self::Rbd | Self::Sheepdog | Self::Gluster | Self::Zfs | Self::Vstorage)
    }
}

element! {
    /// A storage pool.
    pub struct StoragePool {
        /// What it is made of.
        required "type" kind: PoolType,
        /// Name, unique on a host; [`StoragePool::name`] is the one that counts.
        leaf "name" name: Option<String>,
        /// Identity. Made up when the pool is defined without one.
        leaf "uuid" uuid: Option<Uuid>,
        /// Size of the whole pool; reported, never configured. So are the next two.
        child "capacity" capacity: Option<ByteSize>,
        /// What is used of it.
        child "allocation" allocation: Option<ByteSize>,
        /// What is free for new volumes.
        child "available" available: Option<ByteSize>,
        /// Features that can be chosen.
        child "features" features: Option<PoolFeatures>,
        /// What it is made of.
        child "source" source: Option<PoolSource>,
        /// Where the host sees it.
        child "target" target: Option<PoolTarget>,
        /// How it is looked through.
        child "refresh" refresh: Option<PoolRefresh>,
        /// Options for mounting a file system.
        child "fs:mount_opts" mount_options: Option<MountOptions>,
        /// Options for the client of Ceph.
        child "rbd:config_opts" config_options: Option<ConfigOptions>,
    }
}

element! {
    /// Features that can be chosen.
    pub struct PoolFeatures {
        /// Whether btrfs copies the blocks of images when they are written.
        child "cow" cow: Option<CopyOnWrite>,
    }
}

element! {
    /// Whether blocks are copied when they are written. Left out, the service turns it off on btrfs.
    pub struct CopyOnWrite {
        /// Whether they are.
        required "state" state: YesNo,
    }
}

element! {
    /// Where the host sees a pool.
    pub struct PoolTarget {
        /// Absolute path of the directory with the volumes or with their devices. For `logical`,
        /// `zfs` and `mpath` the host knows it, and what is written says nothing.
        leaf "path" path: Option<String>,
        /// Owner and mode of that directory when it is made.
        child "permissions" permissions: Option<Permissions>,
        /// Encryption of new volumes.
        child "encryption" encryption: Option<Encryption>,
    }
}

keywords! {
    /// How the allocation of volumes is found out.
    pub enum RefreshAllocation {
        /// By asking for what is used.
        Default = "default",
        /// Their capacity is taken, where asking takes too long.
        Capacity = "capacity",
    }
}

element! {
    /// How a pool is looked through.
    pub struct PoolRefresh {
        /// How its volumes are.
        child "volume" volume: Option<VolumeRefresh>,
    }
}

element! {
    /// How volumes are looked at.
    pub struct VolumeRefresh {
        /// How their allocation is found out.
        attr "allocation" allocation: Option<RefreshAllocation>,
    }
}

impl Document for StoragePool {
    const ROOT: &'static str = "pool";
    const NAMESPACES: &'static [Namespace] = &[MOUNT_NAMESPACE, CONFIG_NAMESPACE];

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

element! {
    /// What pools could be made of: the answer of who looked for that (libvirt, virConnectFindStoragePoolSources).
    pub struct PoolSources {
        /// Each as it would stand in a pool.
        children "source" sources: Vec<PoolSource>,
    }
}

impl Document for PoolSources {
    const ROOT: &'static str = "sources";

    fn check(&self, _: &mut Problems) {}
}

/// By itself it says where to look for sources.
impl Document for PoolSource {
    const ROOT: &'static str = "source";

    fn check(&self, found: &mut Problems) {
        found.each("host", &self.hosts, |found, host| {
            if host.name.is_empty() || host.name.contains(|c: char| c.is_whitespace() || c.is_control()) {
                found.add("@name", "it is no name or address of a server");
            }
        });
    }
}

impl StoragePool {
    /// Its name: as written, else for some types that of the source.
    pub fn name(&self) -> Option<&str> {
        let source = self.source.as_ref().filter(|_| self.kind.is_named_by_source());
        self.name.as_deref().or_else(|| source?.name.as_deref())
    }

    /// What the pool is made of and where the host sees it, as its type asks for.
    ///
    /// # Errors
    /// Every [`Problem`] of these; of a pool without [`Document::validate`]'s problems there is none.
    pub fn view(&self) -> Result<PoolView<'_>, Vec<Problem>> {
        Problems::checked(Self::ROOT, |found| view::of(self, found))
    }
}

#[cfg(test)]
mod tests;
