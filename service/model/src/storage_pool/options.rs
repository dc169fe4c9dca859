//! Options handed on to the programs behind a pool, in namespaces of their own.
//!
//! Which options there are depends on the host; they are kept as they are written.

use crate::element;
use crate::xml::Namespace;

/// The namespace of mount options. Documents choose the prefix; `fs` is written.
pub const MOUNT_NAMESPACE: Namespace = Namespace { prefix: "fs", uri: "http://libvirt.org/schemas/storagepool/fs/1.0" };

/// The namespace of options for Ceph. Documents choose the prefix; `rbd` is written.
pub const CONFIG_NAMESPACE: Namespace = Namespace { prefix: "rbd", uri: "http://libvirt.org/schemas/storagepool/rbd/1.0" };

element! {
    /// Options of `mount -o`, of the types `fs` and `netfs`.
    pub struct MountOptions {
        /// One option each.
        children "fs:option" options: Vec<MountOption>,
    }
}

element! {
    /// A mount option.
    pub struct MountOption {
        /// The option, such as `sync` or `rsize=8192`.
        required "name" name: String,
    }
}

element! {
    /// Options of the client of Ceph, of the type `rbd`.
    pub struct ConfigOptions {
        /// One option each.
        children "rbd:option" options: Vec<ConfigOption>,
    }
}

element! {
    /// An option of the client of Ceph.
    pub struct ConfigOption {
        /// Its name such as `client_mount_timeout`.
        required "name" name: String,
        /// Its value.
        required "value" value: String,
    }
}
