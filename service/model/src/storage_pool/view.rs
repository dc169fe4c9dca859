//! What a pool is made of, checked: for each type what it needs, and what to write when that is
//! missing.

use super::need::Need;
use super::{AdapterView, DiskFormat, FsFormat, LogicalFormat, NetfsFormat, PoolDevice, PoolHost, PoolType, StoragePool};
use crate::document::Problems;
use crate::encryption::SecretReference;

/// What a pool is made of, and where the host sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum PoolView<'a> {
    /// A directory.
    Dir {
        /// Its absolute path.
        path: &'a str,
    },
    /// A file system of a block device.
    Fs {
        /// Absolute path of the device.
        device: &'a str,
        /// Format.
        format: FsFormat,
        /// Where it is mounted.
        path: &'a str,
    },
    /// A file system of a server.
    Netfs {
        /// The server.
        host: &'a PoolHost,
        /// The directory there, as the format names it.
        dir: &'a str,
        /// Format.
        format: NetfsFormat,
        /// Version of NFS; negotiated when not said.
        version: Option<&'a str>,
        /// Where it is mounted.
        path: &'a str,
    },
    /// A disk.
    Disk {
        /// The disk.
        device: &'a PoolDevice,
        /// Partition table.
        format: DiskFormat,
        /// Directory with the devices of its partitions.
        path: &'a str,
    },
    /// An iSCSI target that the host logs into.
    Iscsi {
        /// The target.
        target: IscsiTarget<'a>,
        /// Directory with the devices of its units.
        path: &'a str,
    },
    /// An iSCSI target that the hypervisor's own client reaches; it always names the initiator.
    IscsiDirect(IscsiTarget<'a>),
    /// A volume group.
    Logical {
        /// Its name.
        group: &'a str,
        /// Its physical volumes, for making it.
        devices: &'a [PoolDevice],
    },
    /// A SCSI adapter.
    Scsi {
        /// The adapter.
        adapter: AdapterView<'a>,
        /// Directory with the devices of its units.
        path: &'a str,
    },
    /// The multipath devices of the host.
    Mpath,
    /// A pool of a Ceph cluster.
    Rbd {
        /// The pool.
        pool: &'a str,
        /// Monitors of the cluster.
        hosts: &'a [PoolHost],
        /// Credentials.
        auth: Option<Credentials<'a>>,
    },
    /// A Sheepdog cluster.
    Sheepdog {
        /// Name in the cluster.
        name: &'a str,
        /// Its servers.
        hosts: &'a [PoolHost],
    },
    /// A Gluster volume.
    Gluster {
        /// The volume.
        volume: &'a str,
        /// A server of the cluster.
        host: &'a PoolHost,
        /// The directory in the volume; all of it when not said.
        dir: Option<&'a str>,
    },
    /// A ZFS pool.
    Zfs {
        /// Its name.
        pool: &'a str,
        /// Its devices, for making it.
        devices: &'a [PoolDevice],
    },
    /// A Virtuozzo Storage cluster.
    Vstorage {
        /// The cluster.
        cluster: &'a str,
        /// Where it is mounted.
        path: &'a str,
    },
}

/// An iSCSI target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IscsiTarget<'a> {
    /// The server.
    pub host: &'a PoolHost,
    /// Name of the target.
    pub name: &'a str,
    /// Name of this side; the host's own when not said.
    pub initiator: Option<&'a str>,
    /// Credentials.
    pub auth: Option<Credentials<'a>>,
}

/// Credentials for a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credentials<'a> {
    /// The user.
    pub username: &'a str,
    /// The secret with the password.
    pub secret: &'a SecretReference,
}

/// Checks what a pool is made of.
pub(super) fn of<'a>(pool: &'a StoragePool, found: &mut Problems) -> Option<PoolView<'a>> {
    let view = by_type(&mut Need::new(pool, found));
    if let Some(path) = pool.target.as_ref().and_then(|target| target.path.as_ref()) {
        found.absolute("target/path", path);
    }
    view
}

fn by_type<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    match need.kind() {
        PoolType::Dir => need.target_path().map(|path| PoolView::Dir { path }),
        PoolType::Fs => fs(need),
        PoolType::Netfs => netfs(need),
        PoolType::Disk => disk(need),
        PoolType::Iscsi => {
            let (target, path) = (iscsi_target(need), need.target_path());
            Some(PoolView::Iscsi { target: target?, path: path? })
        }
        PoolType::IscsiDirect => iscsi_direct(need),
        PoolType::Logical => logical(need),
        PoolType::Scsi => {
            let (adapter, path) = (need.adapter(), need.target_path());
            Some(PoolView::Scsi { adapter: adapter?, path: path? })
        }
        PoolType::Mpath => Some(PoolView::Mpath),
        PoolType::Rbd => {
            let (pool, hosts, auth) = (need.source_name(), need.hosts(), need.auth("ceph"));
            Some(PoolView::Rbd { pool: pool?, hosts: hosts?, auth })
        }
        PoolType::Sheepdog => {
            let (name, hosts) = (need.source_name(), need.hosts());
            Some(PoolView::Sheepdog { name: name?, hosts: hosts? })
        }
        PoolType::Gluster => gluster(need),
        PoolType::Zfs => need.source_name().map(|pool| PoolView::Zfs { pool, devices: need.devices() }),
        PoolType::Vstorage => {
            let (cluster, path) = (need.source_name(), need.target_path());
            Some(PoolView::Vstorage { cluster: cluster?, path: path? })
        }
    }
}

fn fs<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let device = need.block_device();
    let format = need.format();
    let path = need.target_path();
    Some(PoolView::Fs { device: &device?.path, format: format?, path: path? })
}

fn netfs<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let host = need.host();
    let format = need.format();
    let dir = need.directory();
    if let (Some(dir), Some(format)) = (dir, format) {
        match format {
            NetfsFormat::Auto | NetfsFormat::Nfs => need.absolute("source/dir/@path", dir),
            NetfsFormat::Cifs if dir.starts_with('/') => {
                need.tell("source/dir/@path", &format!("'{dir}' begins with a slash; write the name of the share without it"));
            }
            NetfsFormat::Cifs | NetfsFormat::Glusterfs => {}
        }
    }
    let version = need.nfs_version(format);
    let path = need.target_path();
    Some(PoolView::Netfs { host: host?, dir: dir?, format: format?, version, path: path? })
}

fn disk<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let device = need.block_device();
    let format = need.format();
    let path = need.target_path();
    Some(PoolView::Disk { device: device?, format: format?, path: path? })
}

fn iscsi_target<'a>(need: &mut Need<'a, '_>) -> Option<IscsiTarget<'a>> {
    let host = need.host();
    let device = need.device("the name of the target; write <device path='iqn.…'/> into <source>");
    if let Some(device) = device {
        need.iscsi_name("source/device/@path", &device.path);
    }
    let initiator = need.initiator();
    if let Some(initiator) = initiator {
        need.iscsi_name("source/initiator/iqn/@name", initiator);
    }
    let auth = need.auth("chap");
    Some(IscsiTarget { host: host?, name: &device?.path, initiator, auth })
}

fn iscsi_direct<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let target = iscsi_target(need);
    if need.initiator().is_none() {
        need.miss("source/initiator", "the name of this side; write <initiator><iqn name='iqn.…'/></initiator> into <source>");
    }
    target.map(PoolView::IscsiDirect)
}

fn logical<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    // Both words mean the same; only other ones are told.
    need.format::<LogicalFormat>();
    need.absolute_devices();
    let group = need.source_name()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '.' | '-');
    if group.starts_with('-') || matches!(group, "." | "..") || !group.chars().all(allowed) {
        let reason = format!(
            "'{group}' cannot be a volume group; write another into <source>, such as <name>guests</name>, of letters, digits and + _ . -, with no - in front"
        );
        need.tell("source/name", &reason);
    }
    Some(PoolView::Logical { group, devices: need.devices() })
}

fn gluster<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let (volume, host) = (need.source_name(), need.host());
    if volume.is_some_and(|volume| volume.contains('/')) {
        need.tell("source/name", "the name of a Gluster volume has no slash; write the directory in it as <dir path='/…'/>");
    }
    let dir = need.source().and_then(|source| source.dir.as_ref()).map(|dir| dir.path.as_str());
    if let Some(dir) = dir {
        need.absolute("source/dir/@path", dir);
    }
    Some(PoolView::Gluster { volume: volume?, host: host?, dir })
}
