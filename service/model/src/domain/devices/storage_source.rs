//! What holds the data of a disk: a file, a block device, a place on the network, a volume.
//!
//! [`DiskSourceElement`] is the element as it is written, with the attributes of all types;
//! [`DiskSource`] is the checked union that a driver works with. Backing images and copies have
//! the same source.

use super::address::PciAddress;
use super::parts::{ByteSize, Reconnect, SourceLabel};
use super::problem::{Problem, needed};
use crate::encryption::{Encryption, SecretReference};
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// What kind of thing holds a disk's data.
    pub enum DiskType {
        /// A file.
        File = "file",
        /// A block device.
        Block = "block",
        /// A directory, shown as a FAT file system.
        Dir = "dir",
        /// A server on the network.
        Network = "network",
        /// A volume of a storage pool.
        Volume = "volume",
        /// A namespace of an NVMe controller of the host.
        Nvme = "nvme",
        /// A vhost-user server.
        VhostUser = "vhostuser",
        /// A vDPA device of the host.
        VhostVdpa = "vhostvdpa",
    }
}

keywords! {
    /// What happens when the source of a removable medium is missing at start.
    pub enum StartupPolicy {
        /// The start fails.
        Mandatory = "mandatory",
        /// The start fails; a migration or a restore drops the medium.
        Requisite = "requisite",
        /// The medium is dropped.
        Optional = "optional",
    }
}

keywords! {
    /// How an iSCSI volume reaches the guest.
    pub enum VolumeMode {
        /// As the host's block device.
        Host = "host",
        /// By the hypervisor's own iSCSI client.
        Direct = "direct",
    }
}

keywords! {
    /// How a storage server is reached.
    pub enum HostTransport {
        /// TCP.
        Tcp = "tcp",
        /// RDMA.
        Rdma = "rdma",
        /// A unix socket.
        Unix = "unix",
    }
}

element! {
    /// The source of a disk as it is written; which parts count depends on the disk's type.
    pub struct DiskSourceElement {
        /// Type of the connection or address, of vhost-user (`unix`) and NVMe (`pci`).
        attr "type" kind: Option<String>,
        /// Absolute path of a file.
        attr "file" file: Option<String>,
        /// Name of a group of file descriptors handed over instead of opening the file.
        attr "fdgroup" fdgroup: Option<String>,
        /// Absolute path of a block or vDPA device.
        attr "dev" dev: Option<String>,
        /// Absolute path of a directory.
        attr "dir" dir: Option<String>,
        /// Absolute path of a vhost-user socket.
        attr "path" path: Option<String>,
        /// Storage pool of a volume.
        attr "pool" pool: Option<String>,
        /// Volume of the pool.
        attr "volume" volume: Option<String>,
        /// How an iSCSI volume reaches the guest.
        attr "mode" mode: Option<VolumeMode>,
        /// Network protocol: `nbd`, `rbd`, `iscsi`, `https`, …; open, as block layers are.
        attr "protocol" protocol: Option<String>,
        /// Name of the image on the server.
        attr "name" name: Option<String>,
        /// Query of an HTTP address.
        attr "query" query: Option<String>,
        /// Whether the connection is encrypted.
        attr "tls" tls: Option<YesNo>,
        /// Name that the server's certificate must have.
        attr "tlsHostname" tls_hostname: Option<String>,
        /// Namespace of an NVMe controller, from 1.
        attr "namespace" namespace: Option<u32>,
        /// Whether the service takes the NVMe controller from the host and gives it back.
        attr "managed" managed: Option<YesNo>,
        /// What happens when it is missing at start.
        attr "startupPolicy" startup_policy: Option<StartupPolicy>,
        /// Number of the image in its chain, assigned when the guest starts.
        attr "index" index: Option<u32>,
        /// Servers.
        children "host" hosts: Vec<SourceHost>,
        /// Snapshot of an RBD image.
        child "snapshot" snapshot: Option<SourceSnapshot>,
        /// Configuration file of the RBD client.
        child "config" config: Option<SourceConfig>,
        /// Credentials.
        child "auth" auth: Option<Box<SourceAuth>>,
        /// Name of this side of an iSCSI connection.
        child "initiator" initiator: Option<Box<Initiator>>,
        /// PCI address of an NVMe controller of the host.
        child "address" address: Option<Box<PciAddress>>,
        /// Parts of the source that make up the disk.
        child "slices" slices: Option<Box<Slices>>,
        /// Certificate checks of HTTPS and FTPS.
        child "ssl" ssl: Option<Ssl>,
        /// Cookies of HTTP.
        child "cookies" cookies: Option<Box<Cookies>>,
        /// Read-ahead buffer.
        child "readahead" readahead: Option<Readahead>,
        /// Longest wait for the server.
        child "timeout" timeout: Option<Timeout>,
        /// User of an SSH or NFS server.
        child "identity" identity: Option<Box<Identity>>,
        /// Known hosts of SSH.
        child "knownHosts" known_hosts: Option<KnownHosts>,
        /// Encryption of the image.
        child "encryption" encryption: Option<Box<Encryption>>,
        /// Persistent reservations of a lun.
        child "reservations" reservations: Option<Box<Reservations>>,
        /// How a broken vhost-user connection is made again.
        child "reconnect" reconnect: Option<Reconnect>,
        /// The raw file of a qcow2 image whose data is kept apart.
        child "dataStore" data_store: Option<Box<DataStore>>,
        /// How it is labelled.
        children "seclabel" labels: Vec<SourceLabel>,
    }
}

element! {
    /// A storage server.
    pub struct SourceHost {
        /// How it is reached; TCP when left out.
        attr "transport" transport: Option<HostTransport>,
        /// Its name or address.
        attr "name" name: Option<String>,
        /// Its port; the protocol's own when left out.
        attr "port" port: Option<u16>,
        /// Absolute path of its socket.
        attr "socket" socket: Option<String>,
        /// How a broken connection is made again, of NBD.
        child "reconnect" reconnect: Option<Reconnect>,
    }
}

element! {
    /// A snapshot of an RBD image.
    pub struct SourceSnapshot {
        /// Its name.
        required "name" name: String,
    }
}

element! {
    /// A client's configuration file.
    pub struct SourceConfig {
        /// Its absolute path.
        required "file" file: String,
    }
}

element! {
    /// Credentials for a storage server.
    pub struct SourceAuth {
        /// Kind of authentication, of a pool's source.
        attr "type" kind: Option<String>,
        /// The user.
        attr "username" username: Option<String>,
        /// The secret with the password.
        child "secret" secret: Option<SecretReference>,
    }
}

element! {
    /// This side of an iSCSI connection.
    pub struct Initiator {
        /// Its name.
        child "iqn" iqn: Option<Iqn>,
    }
}

element! {
    /// An iSCSI qualified name (RFC 3720).
    pub struct Iqn {
        /// The name.
        required "name" name: String,
    }
}

element! {
    /// Parts of a source.
    pub struct Slices {
        /// One part each.
        children "slice" slices: Vec<Slice>,
    }
}

element! {
    /// A part of a source.
    pub struct Slice {
        /// What it is a part for; always `storage`.
        attr "type" kind: Option<String>,
        /// Where it starts, in bytes.
        required "offset" offset: u64,
        /// How long it is, in bytes.
        required "size" size: u64,
    }
}

element! {
    /// Certificate checks.
    pub struct Ssl {
        /// Whether the certificate is checked.
        attr "verify" verify: Option<YesNo>,
    }
}

element! {
    /// Cookies for a server.
    pub struct Cookies {
        /// One cookie each.
        children "cookie" cookies: Vec<Cookie>,
    }
}

element! {
    /// A cookie.
    pub struct Cookie {
        /// Its name.
        required "name" name: String,
        /// Its value, which may be a credential.
        text "" value: Option<super::parts::Password>,
    }
}

element! {
    /// A read-ahead buffer.
    pub struct Readahead {
        /// Its size in bytes.
        required "size" size: u64,
    }
}

element! {
    /// The longest wait for a server.
    pub struct Timeout {
        /// In seconds.
        required "seconds" seconds: u64,
    }
}

element! {
    /// Whom a server knows the service as.
    pub struct Identity {
        /// User of SSH.
        attr "username" username: Option<String>,
        /// Private key file of SSH.
        attr "keyfile" keyfile: Option<String>,
        /// Socket of an SSH agent.
        attr "agentsock" agent_socket: Option<String>,
        /// User of NFS.
        attr "user" user: Option<String>,
        /// Group of NFS.
        attr "group" group: Option<String>,
    }
}

element! {
    /// Known hosts of SSH.
    pub struct KnownHosts {
        /// Absolute path of the file.
        required "path" path: String,
    }
}

element! {
    /// Persistent reservations of a SCSI disk.
    pub struct Reservations {
        /// Whether the service runs the daemon that makes them.
        attr "managed" managed: Option<YesNo>,
        /// Where that daemon listens.
        child "source" source: Option<ReservationSource>,
    }
}

element! {
    /// The socket of a reservation daemon.
    pub struct ReservationSource {
        /// Always `unix`.
        attr "type" kind: Option<String>,
        /// Absolute path.
        attr "path" path: Option<String>,
        /// Always `client`.
        attr "mode" mode: Option<String>,
        /// How a broken connection is made again.
        child "reconnect" reconnect: Option<Reconnect>,
    }
}

element! {
    /// The format of an image.
    pub struct SourceFormat {
        /// `raw`, `qcow2`, …; open, as block layers are.
        attr "type" kind: Option<String>,
        /// Cache for the metadata of a qcow2 image.
        child "metadata_cache" metadata_cache: Option<MetadataCache>,
    }
}

element! {
    /// The cache for the metadata of a qcow2 image.
    pub struct MetadataCache {
        /// Its size; bytes when the unit is left out.
        child "max_size" max_size: Option<ByteSize>,
    }
}

element! {
    /// The file with the data of a qcow2 image whose data is kept apart.
    pub struct DataStore {
        /// What holds it.
        attr "type" kind: Option<DiskType>,
        /// Its format, always raw.
        child "format" format: Option<SourceFormat>,
        /// What holds it.
        child "source" source: Option<DiskSourceElement>,
    }
}

element! {
    /// What an image is laid over. An empty one says that the chain ends here; none at all says
    /// that the images themselves tell.
    pub struct BackingStore {
        /// What holds it.
        attr "type" kind: Option<DiskType>,
        /// Number of the image in its chain, in older documents.
        attr "index" index: Option<u32>,
        /// Its format.
        child "format" format: Option<SourceFormat>,
        /// What holds it.
        child "source" source: Option<DiskSourceElement>,
        /// What it is laid over in turn.
        child "backingStore" backing_store: Option<Box<BackingStore>>,
    }
}

/// What holds a disk's data, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum DiskSource<'a> {
    /// Nothing: a drive without a medium.
    Empty,
    /// A file.
    File {
        /// Absolute path.
        path: &'a str,
    },
    /// A block device.
    Block {
        /// Absolute path.
        path: &'a str,
    },
    /// A directory, shown as a FAT file system.
    Dir {
        /// Absolute path.
        path: &'a str,
    },
    /// A server on the network.
    Network {
        /// Protocol.
        protocol: &'a str,
        /// Name of the image; some protocols need none.
        name: Option<&'a str>,
        /// Servers; some protocols need none.
        hosts: &'a [SourceHost],
    },
    /// A volume of a storage pool.
    Volume {
        /// The pool.
        pool: &'a str,
        /// The volume.
        volume: &'a str,
    },
    /// A namespace of an NVMe controller.
    Nvme {
        /// The controller.
        address: &'a PciAddress,
        /// The namespace, from 1.
        namespace: u32,
    },
    /// A vhost-user server.
    VhostUser {
        /// Absolute path of its socket.
        path: &'a str,
    },
    /// A vDPA device.
    VhostVdpa {
        /// Absolute path.
        path: &'a str,
    },
}

impl<'a> DiskSource<'a> {
    /// Checks a source of a type; `owner` is the element it stands in. A source that names
    /// nothing is [`DiskSource::Empty`].
    ///
    /// # Errors
    /// Part of what the type asks for is missing.
    pub fn of(kind: DiskType, element: Option<&'a DiskSourceElement>, owner: &str) -> Result<Self, Problem> {
        let Some(element) = element else { return Ok(Self::Empty) };
        let missing = || Self::missing(kind, owner);
        let path = |path: &'a Option<String>| path.as_deref().filter(|path| !path.is_empty());
        let (file, dev, dir, socket) = (path(&element.file), path(&element.dev), path(&element.dir), path(&element.path));
        let simple = match kind {
            DiskType::File => file.map(|path| Self::File { path }),
            DiskType::Block => dev.map(|path| Self::Block { path }),
            DiskType::Dir => dir.map(|path| Self::Dir { path }),
            DiskType::VhostUser => socket.map(|path| Self::VhostUser { path }),
            DiskType::VhostVdpa => dev.map(|path| Self::VhostVdpa { path }),
            DiskType::Network => {
                let protocol = element.protocol.as_deref().ok_or_else(missing)?;
                return Ok(Self::Network { protocol, name: element.name.as_deref(), hosts: &element.hosts });
            }
            DiskType::Volume => {
                let (pool, volume) = element.pool.as_deref().zip(element.volume.as_deref()).ok_or_else(missing)?;
                return Ok(Self::Volume { pool, volume });
            }
            DiskType::Nvme => {
                let (address, namespace) = element.address.as_deref().zip(element.namespace).ok_or_else(missing)?;
                return Ok(Self::Nvme { address, namespace });
            }
        };
        Ok(simple.unwrap_or(Self::Empty))
    }

    /// The problem that a source of a type is missing.
    pub fn missing(kind: DiskType, owner: &str) -> Problem {
        let need = match kind {
            DiskType::File => "<source file='…'/>",
            DiskType::Block | DiskType::VhostVdpa => "<source dev='…'/>",
            DiskType::Dir => "<source dir='…'/>",
            DiskType::Network => "<source protocol='…' name='…'/>",
            DiskType::Volume => "<source pool='…' volume='…'/>",
            DiskType::Nvme => "<source type='pci' namespace='…'> with an <address>",
            DiskType::VhostUser => "<source type='unix' path='…'/>",
        };
        Problem(format!("<{owner}> of type '{kind}' needs {need}"))
    }
}

impl BackingStore {
    /// Whether it says that the chain ends here.
    pub fn is_end(&self) -> bool {
        self.source.is_none()
    }

    /// What holds it.
    ///
    /// # Errors
    /// Part of what its type asks for is missing.
    pub fn source_view(&self) -> Result<DiskSource<'_>, Problem> {
        let kind = needed(self.kind, "<backingStore> with a <source>", "the attribute type='…'")?;
        match DiskSource::of(kind, self.source.as_ref(), "backingStore")? {
            DiskSource::Empty => Err(DiskSource::missing(kind, "backingStore")),
            source => Ok(source),
        }
    }
}
