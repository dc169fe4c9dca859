//! A file system of a server, which mount(8) mounts at the target with the program of its protocol.

use async_trait::async_trait;
use lodge_model::permissions::Permissions;
use lodge_model::storage_pool::{NetfsFormat, PoolView, StoragePool};

use super::dir::{nothing_to_format, permissions, unfit};
use super::files::{Files, Location};
use super::fs::{mount, mount_options, mounted, unmount};
use super::{Host, Overwrite};
use crate::error::{Error, ErrorKind, Result};
use crate::host::program::of_system;

/// A pool of the type `netfs`.
pub struct Netfs {
    files: Files,
    /// As mount(8) has it.
    source: String,
    format: NetfsFormat,
    options: Vec<String>,
    permissions: Option<Permissions>,
}

impl Netfs {
    /// The pool that a document describes.
    ///
    /// # Errors
    /// The document has problems.
    pub fn new(pool: &StoragePool, host: &Host) -> Result<Self> {
        match pool.view() {
            Ok(PoolView::Netfs { host: server, dir, format, version, path }) => Ok(Self {
                files: Files::new(path, host),
                source: source(&server.name, dir, format),
                format,
                options: options(pool, format, version, server.port),
                permissions: permissions(pool),
            }),
            other => Err(unfit(other)),
        }
    }
}

/// The file system as mount(8) names it; an address of IPv6 stands in brackets.
fn source(server: &str, dir: &str, format: NetfsFormat) -> String {
    let server = if server.contains(':') && !server.starts_with('[') { format!("[{server}]") } else { server.to_owned() };
    match format {
        NetfsFormat::Cifs => format!("//{server}/{dir}"),
        _ => format!("{server}:{dir}"),
    }
}

fn options(pool: &StoragePool, format: NetfsFormat, version: Option<&str>, port: Option<u16>) -> Vec<String> {
    let mut options = vec!["nodev".to_owned(), "nosuid".to_owned(), "noexec".to_owned()];
    match format {
        // Without credentials the share is open to everybody.
        NetfsFormat::Cifs => options.push("guest".to_owned()),
        // Whoever starts a pool hears of a server that is not there, and not two minutes later (nfs(5)).
        NetfsFormat::Auto | NetfsFormat::Nfs => options.push("retry=0".to_owned()),
        NetfsFormat::Glusterfs => {}
    }
    options.extend(version.map(|version| format!("nfsvers={version}")));
    options.extend(port.filter(|port| *port != 0).map(|port| format!("port={port}")));
    options.extend(mount_options(pool));
    options
}

/// The file system's name, and the program that mount(8) needs for it, with its package on Debian.
fn helper(format: NetfsFormat) -> (&'static str, &'static str, &'static str) {
    match format {
        NetfsFormat::Auto | NetfsFormat::Nfs => ("nfs", "mount.nfs", "nfs-common"),
        NetfsFormat::Glusterfs => ("glusterfs", "mount.glusterfs", "glusterfs-client"),
        NetfsFormat::Cifs => ("cifs", "mount.cifs", "cifs-utils"),
    }
}

#[async_trait]
impl Location for Netfs {
    fn files(&self) -> &Files {
        &self.files
    }

    async fn is_there(&self) -> Result<bool> {
        Ok(mounted(self.files.path()).await?.is_some_and(|mounted| mounted.source.to_str() == Some(&self.source)))
    }

    async fn make(&self, overwrite: Overwrite) -> Result<()> {
        nothing_to_format(overwrite, "netfs")?;
        self.files.build(self.permissions.as_ref()).await
    }

    async fn attach(&self) -> Result<()> {
        if self.is_there().await? {
            return Ok(());
        }
        let (kind, program, package) = helper(self.format);
        if !of_system(program).is_file() {
            let message =
                format!("{} cannot be mounted: {program} is not installed; install it (package {package} on Debian)", self.source);
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        let mounted = mount(Some(kind), &self.options, &self.source, &self.files).await;
        mounted.map_err(|error| error.in_context(format_args!("cannot mount {}", self.source)))
    }

    async fn detach(&self) -> Result<()> {
        unmount(&self.files).await
    }
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    #[test]
    fn sources_and_options_are_those_of_mount() {
        for (server, dir, format, expected) in [
            ("nas", "/srv/images", NetfsFormat::Nfs, "nas:/srv/images"),
            ("fd00::1", "/srv", NetfsFormat::Auto, "[fd00::1]:/srv"),
            ("nas", "images", NetfsFormat::Cifs, "//nas/images"),
            ("nas", "volume", NetfsFormat::Glusterfs, "nas:volume"),
        ] {
            assert_eq!(source(server, dir, format), expected);
        }
        let (pool, _) = StoragePool::parse(
            "<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><fs:mount_opts><fs:option name='soft'/></fs:mount_opts></pool>",
        )
        .unwrap();
        assert_eq!(
            options(&pool, NetfsFormat::Nfs, Some("4.2"), Some(2049)),
            ["nodev", "nosuid", "noexec", "retry=0", "nfsvers=4.2", "port=2049", "soft"]
        );
        assert_eq!(options(&pool, NetfsFormat::Cifs, None, None), ["nodev", "nosuid", "noexec", "guest", "soft"]);
    }
}
