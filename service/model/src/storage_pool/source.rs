//! What a pool is made of: `<source>`, with the parts of all types.

use super::PoolAdapter;
use crate::document::Problems;
use crate::domain::devices::{Initiator, Password, TypeName};
use crate::element;
use crate::encryption::SecretReference;
use crate::xml::YesNo;

element! {
    /// What a pool is made of, as it is written; which parts count depends on the pool's type.
    pub struct PoolSource {
        /// Servers.
        children "host" hosts: Vec<PoolHost>,
        /// Block devices; for iSCSI the name of the target.
        children "device" devices: Vec<PoolDevice>,
        /// Directory, of a server.
        child "dir" dir: Option<PoolDirectory>,
        /// SCSI adapter.
        child "adapter" adapter: Option<Box<PoolAdapter>>,
        /// Name of the volume group, the pool of a cluster or the like.
        leaf "name" name: Option<String>,
        /// Name of this side of an iSCSI connection.
        child "initiator" initiator: Option<Initiator>,
        /// Credentials.
        child "auth" auth: Option<Box<PoolAuth>>,
        /// Format: of the file system, partition table or metadata; see [`super::FsFormat`] and the
        /// others.
        child "format" format: Option<TypeName>,
        /// Version of the protocol.
        child "protocol" protocol: Option<PoolProtocol>,
        /// Who made the storage.
        child "vendor" vendor: Option<NamedPart>,
        /// What it is called there.
        child "product" product: Option<NamedPart>,
    }
}

element! {
    /// A server.
    pub struct PoolHost {
        /// Its name or address.
        required "name" name: String,
        /// Its port; the protocol's own when left out.
        attr "port" port: Option<u16>,
    }
}

element! {
    /// A block device, or the name of an iSCSI target.
    pub struct PoolDevice {
        /// Absolute path of the device, or name of the target.
        required "path" path: String,
        /// Whether a `p` stands before the numbers of partitions, of a multipath device in a pool of
        /// the type `disk`.
        attr "part_separator" part_separator: Option<YesNo>,
        /// What is free; reported, never configured.
        children "freeExtent" free_extents: Vec<Extent>,
    }
}

element! {
    /// A stretch of a device, in bytes.
    pub struct Extent {
        /// Where it begins.
        required "start" start: u64,
        /// Where it ends.
        required "end" end: u64,
    }
}

impl Extent {
    /// Tells when it ends before it begins.
    pub fn check(&self, found: &mut Problems) {
        if self.end < self.start {
            found.add("@end", format!("the extent ends at {}, before its start at {}; exchange them", self.end, self.start));
        }
    }
}

element! {
    /// A directory of a server.
    pub struct PoolDirectory {
        /// Its absolute path; of SMB the name of the share.
        required "path" path: String,
    }
}

element! {
    /// Credentials for a server.
    pub struct PoolAuth {
        /// `chap` for iSCSI or `ceph` for RBD; open, as protocols are.
        attr "type" kind: Option<String>,
        /// The user.
        attr "username" username: Option<String>,
        /// The user, in older documents.
        attr "login" login: Option<String>,
        /// The password, in older documents, where the secret is today.
        attr "passwd" password: Option<Password>,
        /// The secret with the password.
        child "secret" secret: Option<SecretReference>,
    }
}

element! {
    /// Version of a protocol.
    pub struct PoolProtocol {
        /// Version of NFS such as `3` or `4.2`.
        required "ver" version: String,
    }
}

element! {
    /// Something that is told by its name.
    pub struct NamedPart {
        /// The name.
        required "name" name: String,
    }
}
