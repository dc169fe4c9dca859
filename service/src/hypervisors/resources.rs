//! What of the host a guest uses: a closed list that a launch plan carries.
//!
//! Confinement reads it to give labels, owners and permissions, and to let nothing else through; hypervisors fill it
//! and know nothing of confinement.
//!
//! Invariant: everything that the hypervisor or one of its companions opens by path is in the list, except programs,
//! libraries, the hypervisor's own data files, and backing files that only an image's header names
//! ([`HostResource::follows_header`]).

use std::path::{Path, PathBuf};

/// What is done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It is read and written.
    ReadWrite,
}

/// What kind of label a resource gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelClass {
    /// An image that belongs to this guest alone.
    Image,
    /// An image that several guests write.
    Shared,
    /// An image that is read only, and may be read by others.
    ReadOnly,
    /// A kernel, an initial file system, firmware, firmware tables.
    Kernel,
    /// The variables of the firmware.
    Nvram,
    /// State of the TPM.
    Tpm,
    /// A log.
    Log,
    /// A socket.
    Socket,
    /// A device node.
    Device,
    /// A directory that the guest shares with the host.
    Directory,
}

/// Something of the host that a guest uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostResource {
    /// Its path.
    pub path: PathBuf,
    /// What is done with it.
    pub access: Access,
    /// What kind of label it gets.
    pub class: LabelClass,
    /// The definition says nothing of the image's backing chain, so the image's own header is followed: further files
    /// may be opened for reading.
    pub follows_header: bool,
}

impl HostResource {
    /// A resource without anything behind it.
    pub fn new(path: impl AsRef<Path>, access: Access, class: LabelClass) -> Self {
        Self { path: path.as_ref().to_owned(), access, class, follows_header: false }
    }
}
