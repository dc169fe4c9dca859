//! What a type takes from a pool, piece by piece: each is there, or what to write is told.

use super::{AdapterView, Credentials, NetfsFormat, PoolAuth, PoolDevice, PoolHost, PoolSource, PoolType, StoragePool};
use crate::document::{Problems, host_name_problem};
use crate::xml::Value;

/// Takes from a pool what its type needs, and tells what is not there.
pub(super) struct Need<'a, 'p> {
    pool: &'a StoragePool,
    found: &'p mut Problems,
}

impl<'a, 'p> Need<'a, 'p> {
    pub(super) fn new(pool: &'a StoragePool, found: &'p mut Problems) -> Self {
        Self { pool, found }
    }

    /// The pool's type.
    pub(super) fn kind(&self) -> PoolType {
        self.pool.kind
    }

    /// Where problems are told.
    pub(super) fn found(&mut self) -> &mut Problems {
        self.found
    }

    /// Tells a problem.
    pub(super) fn tell(&mut self, path: &str, reason: &str) {
        self.found.add(path, reason);
    }

    /// Tells that something is missing.
    pub(super) fn miss(&mut self, path: &str, what: &str) {
        self.found.add(path, format!("a pool of the type '{}' needs {what}", self.pool.kind));
    }

    /// Tells that a path is not absolute, if it is not.
    pub(super) fn absolute(&mut self, path: &str, value: &str) {
        self.found.absolute(path, value);
    }

    pub(super) fn source(&self) -> Option<&'a PoolSource> {
        self.pool.source.as_ref()
    }

    pub(super) fn target_path(&mut self) -> Option<&'a str> {
        let path = self.pool.target.as_ref().and_then(|target| target.path.as_deref());
        if path.is_none() {
            self.miss("target/path", "a directory of the host; write <target><path>/…</path></target>");
        }
        path
    }

    pub(super) fn source_name(&mut self) -> Option<&'a str> {
        let name = self.source().and_then(|source| source.name.as_deref()).or(self.pool.name.as_deref());
        let name = name.filter(|name| !name.trim().is_empty());
        if name.is_none() {
            self.miss(
                "source/name",
                "the name of what it is made of; write <name>…</name> into <source>, or into the pool when both are called so",
            );
        }
        name
    }

    pub(super) fn hosts(&mut self) -> Option<&'a [PoolHost]> {
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

    pub(super) fn host(&mut self) -> Option<&'a PoolHost> {
        let hosts = self.hosts()?;
        self.only_one("source/host", hosts)
    }

    fn only_one<T>(&mut self, path: &str, all: &'a [T]) -> Option<&'a T> {
        if all.len() > 1 {
            self.tell(path, &format!("a pool of the type '{}' has one, here are {}; keep one", self.pool.kind, all.len()));
        }
        all.first()
    }

    pub(super) fn devices(&self) -> &'a [PoolDevice] {
        self.source().map_or(&[], |source| &source.devices)
    }

    pub(super) fn device(&mut self, what: &str) -> Option<&'a PoolDevice> {
        let device = self.only_one("source/device", self.devices());
        if device.is_none() {
            self.miss("source/device", what);
        }
        device
    }

    pub(super) fn block_device(&mut self) -> Option<&'a PoolDevice> {
        self.absolute_devices();
        self.device("a block device; write <device path='/dev/…'/> into <source>")
    }

    /// Tells devices that are no absolute paths, or are there twice.
    pub(super) fn absolute_devices(&mut self) {
        self.found.each("source/device", self.devices(), |found, device| found.absolute("@path", &device.path));
        self.found.unique("source/device/@path", "device", self.devices().iter().map(|device| &device.path));
    }

    pub(super) fn directory(&mut self) -> Option<&'a str> {
        let dir = self.source().and_then(|source| source.dir.as_ref()).map(|dir| dir.path.as_str()).filter(|dir| !dir.is_empty());
        if dir.is_none() {
            self.miss("source/dir", "the directory of the server; write <dir path='/…'/> into <source>");
        }
        dir
    }

    pub(super) fn adapter(&mut self) -> Option<AdapterView<'a>> {
        match self.source().and_then(|source| source.adapter.as_deref()) {
            Some(adapter) => adapter.view(self),
            None => {
                self.miss("source/adapter", "the adapter; write <adapter name='scsi_host1'/> into <source>");
                None
            }
        }
    }

    /// The format, or the first one when none is written.
    pub(super) fn format<T: Value + Default>(&mut self) -> Option<T> {
        match self.source().and_then(|source| source.format.as_ref()) {
            Some(format) => self.found.needed_word("source/format/@type", format.kind.as_deref()),
            None => Some(T::default()),
        }
    }

    pub(super) fn nfs_version(&mut self, format: Option<NetfsFormat>) -> Option<&'a str> {
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

    pub(super) fn iscsi_name(&mut self, path: &str, name: &str) {
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace()) {
            self.tell(path, &format!("'{name}' is no name of iSCSI; write one such as iqn.2013-06.com.example:disks"));
        }
    }

    /// The name of this side of an iSCSI connection, if it is said.
    pub(super) fn initiator(&self) -> Option<&'a str> {
        Some(self.source()?.initiator.as_ref()?.iqn.as_ref()?.name.as_str())
    }

    /// The credentials, if there are any; `kind` is the one that suits the pool's type.
    pub(super) fn auth(&mut self, kind: &str) -> Option<Credentials<'a>> {
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
