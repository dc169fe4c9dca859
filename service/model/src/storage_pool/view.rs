//! What a pool is made of, checked: for each type what it needs, and what to write when that is
//! missing.

use super::{
    AdapterView, DiskFormat, FsFormat, LogicalFormat, NetfsFormat, PoolAuth, PoolDevice, PoolHost, PoolSource, PoolType, StoragePool,
};
use crate::document::Problems;
use crate::encryption::SecretReference;
use crate::xml::Value;

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
    let need = &mut Need { pool, found };
    match pool.kind {
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
            NetfsFormat::Auto | NetfsFormat::Nfs => need.found.absolute("source/dir/@path", dir),
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
    let initiator = need.source().and_then(|source| source.initiator.as_ref()?.iqn.as_ref()).map(|iqn| iqn.name.as_str());
    if let Some(initiator) = initiator {
        need.iscsi_name("source/initiator/iqn/@name", initiator);
    }
    let auth = need.auth("chap");
    Some(IscsiTarget { host: host?, name: &device?.path, initiator, auth })
}

fn iscsi_direct<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let target = iscsi_target(need);
    if need.source().is_none_or(|source| source.initiator.as_ref().is_none_or(|initiator| initiator.iqn.is_none())) {
        need.miss("source/initiator", "the name of this side; write <initiator><iqn name='iqn.…'/></initiator> into <source>");
    }
    target.map(PoolView::IscsiDirect)
}

fn logical<'a>(need: &mut Need<'a, '_>) -> Option<PoolView<'a>> {
    let _only_lvm2: Option<LogicalFormat> = need.format();
    need.absolute_devices();
    let group = need.source_name()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '_' | '.' | '-');
    if group.starts_with('-') || matches!(group, "." | "..") || !group.chars().all(allowed) {
        let reason = format!(
            "'{group}' cannot be a volume group; write into <name> of <source> one of letters, digits and + _ . -, beginning with none of -"
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
        need.found.absolute("source/dir/@path", dir);
    }
    Some(PoolView::Gluster { volume: volume?, host: host?, dir })
}

/// Takes from a pool what its type needs, and tells what is not there.
pub(super) struct Need<'a, 'p> {
    pool: &'a StoragePool,
    found: &'p mut Problems,
}

impl<'a> Need<'a, '_> {
    pub(super) fn tell(&mut self, path: &str, reason: &str) {
        self.found.add(path, reason);
    }

    fn miss(&mut self, path: &str, what: &str) {
        self.found.add(path, format!("a pool of the type '{}' needs {what}", self.pool.kind));
    }

    fn source(&self) -> Option<&'a PoolSource> {
        self.pool.source.as_ref()
    }

    fn target_path(&mut self) -> Option<&'a str> {
        let path = self.pool.target.as_ref().and_then(|target| target.path.as_deref());
        if path.is_none() {
            self.miss("target/path", "a directory of the host; write <target><path>/…</path></target>");
        }
        path
    }

    fn source_name(&mut self) -> Option<&'a str> {
        let name = self.source().and_then(|source| source.name.as_deref()).or(self.pool.name.as_deref());
        let name = name.filter(|name| !name.trim().is_empty());
        if name.is_none() {
            self.miss("source/name", "the name of what it is made of; write <name>…</name> into <source>");
        }
        name
    }

    fn hosts(&mut self) -> Option<&'a [PoolHost]> {
        let hosts = self.source().map_or(&[][..], |source| &source.hosts);
        if hosts.is_empty() {
            self.miss("source/host", "a server; write <host name='…'/> into <source>");
            return None;
        }
        self.found.each("source/host", hosts, |found, host| {
            if let Some(reason) = host_name_problem(&host.name) {
                found.add("@name", reason);
            }
        });
        Some(hosts)
    }

    fn host(&mut self) -> Option<&'a PoolHost> {
        let hosts = self.hosts()?;
        self.only_one("source/host", hosts)
    }

    fn only_one<T>(&mut self, path: &str, all: &'a [T]) -> Option<&'a T> {
        if all.len() > 1 {
            self.tell(path, &format!("a pool of the type '{}' has one, here are {}; keep one", self.pool.kind, all.len()));
        }
        all.first()
    }

    fn devices(&self) -> &'a [PoolDevice] {
        self.source().map_or(&[], |source| &source.devices)
    }

    fn device(&mut self, what: &str) -> Option<&'a PoolDevice> {
        let device = self.only_one("source/device", self.devices());
        if device.is_none() {
            self.miss("source/device", what);
        }
        device
    }

    fn block_device(&mut self) -> Option<&'a PoolDevice> {
        self.absolute_devices();
        self.device("a block device; write <device path='/dev/…'/> into <source>")
    }

    fn absolute_devices(&mut self) {
        self.found.each("source/device", self.devices(), |found, device| found.absolute("@path", &device.path));
    }

    fn directory(&mut self) -> Option<&'a str> {
        let dir = self.source().and_then(|source| source.dir.as_ref()).map(|dir| dir.path.as_str()).filter(|dir| !dir.is_empty());
        if dir.is_none() {
            self.miss("source/dir", "the directory of the server; write <dir path='/…'/> into <source>");
        }
        dir
    }

    fn adapter(&mut self) -> Option<AdapterView<'a>> {
        match self.source().and_then(|source| source.adapter.as_deref()) {
            Some(adapter) => adapter.view(self),
            None => {
                self.miss("source/adapter", "the adapter; write <adapter name='scsi_host1'/> into <source>");
                None
            }
        }
    }

    /// The format, or the first one when none is written.
    fn format<T: Value + Default>(&mut self) -> Option<T> {
        match self.source().and_then(|source| source.format.as_ref()?.kind.as_deref()) {
            Some(word) => self.found.word("source/format/@type", word),
            None => Some(T::default()),
        }
    }

    fn nfs_version(&mut self, format: Option<NetfsFormat>) -> Option<&'a str> {
        let version = self.source()?.protocol.as_ref()?.version.as_str();
        if let Some(format @ (NetfsFormat::Cifs | NetfsFormat::Glusterfs)) = format {
            self.tell("source/protocol", &format!("the version is one of NFS, and the format is '{format}'; remove <protocol>"));
        }
        let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !version.splitn(2, '.').all(number) {
            self.tell("source/protocol/@ver", &format!("'{version}' is no version of NFS; write one such as 3 or 4.2"));
        }
        Some(version)
    }

    fn iscsi_name(&mut self, path: &str, name: &str) {
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace()) {
            self.tell(path, &format!("'{name}' is no name of iSCSI; write one such as iqn.2013-06.com.example:disks"));
        }
    }

    /// The credentials, if there are any; `kind` is the one that suits the pool's type.
    fn auth(&mut self, kind: &str) -> Option<Credentials<'a>> {
        let auth = self.source()?.auth.as_deref()?;
        if auth.kind.as_deref() != Some(kind) {
            self.tell(
                "source/auth/@type",
                &format!("a pool of the type '{}' has credentials of type='{kind}'; write that", self.pool.kind),
            );
        }
        self.credentials(auth)
    }

    fn credentials(&mut self, auth: &'a PoolAuth) -> Option<Credentials<'a>> {
        if auth.password.is_some() {
            let reason =
                "everybody who sees the document sees the password; define a secret that holds it, and name that with <secret usage='…'/>";
            self.tell("source/auth/@passwd", reason);
        }
        let username = auth.username.as_deref().or(auth.login.as_deref()).filter(|name| !name.is_empty());
        if username.is_none() {
            self.tell("source/auth/@username", "it is not said who logs in; write username='…'");
        }
        match &auth.secret {
            Some(secret) => self.found.inside("source/auth/secret", |found| secret.check(found)),
            None => {
                self.tell("source/auth/secret", "nothing says the password; name the secret that holds it, such as <secret usage='…'/>")
            }
        }
        Some(Credentials { username: username?, secret: auth.secret.as_ref()? })
    }
}

/// Why a text cannot be the name or address of a server; `None` when it can.
fn host_name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the server has no name; write its name or address".to_owned());
    }
    // A program that is handed the name would take a dash in front for an option.
    let odd = name.starts_with('-') || name.contains(|c: char| c == '/' || c == ',' || c.is_whitespace() || c.is_control());
    odd.then(|| format!("'{name}' is no name or address of a server; write that alone, such as nas.example.com"))
}
