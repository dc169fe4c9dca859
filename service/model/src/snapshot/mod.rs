//! A snapshot of a domain: the `<domainsnapshot>` document (libvirt, formatsnapshot and its schema, 11.3).
//!
//! The same document asks for a new snapshot and reports one that is there. Who asks writes name, description, memory
//! and disks; the rest is only reported, or handed back when a snapshot that was taken elsewhere is made known.
//!
//! Invariants:
//! - Reading fills in nothing.
//! - The domain in it is a whole definition, as it was when the snapshot was taken.

use uuid::Uuid;

use crate::document::{Document, Problems};
use crate::domain::Domain;
use crate::domain::devices::{DiskSnapshot, DiskSourceElement, DiskType, SourceFormat};
use crate::xml::{Content, Namespace, RawXml, Reader, Writer, XmlError};
use crate::{element, keywords};

mod validate;

keywords! {
    /// What a domain did when its snapshot was taken.
    pub enum SnapshotState {
        /// It ran.
        Running = "running",
        /// It waited for a resource.
        Blocked = "blocked",
        /// It was paused.
        Paused = "paused",
        /// It was shutting down.
        Shutdown = "shutdown",
        /// It was off.
        Shutoff = "shutoff",
        /// It had crashed.
        Crashed = "crashed",
        /// It slept; not in the schema.
        PmSuspended = "pmsuspended",
        /// Whatever it did, only its disks are in the snapshot.
        DiskSnapshot = "disk-snapshot",
    }
}

keywords! {
    /// Whether a snapshot is the domain's current one, in files of libvirt.
    pub enum ActiveFlag {
        /// It is not.
        No = "0",
        /// It is.
        Yes = "1",
    }
}

element! {
    /// A snapshot.
    pub struct Snapshot {
        /// Name, unique in its domain; made from the time of its creation when left out.
        leaf "name" name: Option<String>,
        /// Free text.
        leaf "description" description: Option<String>,
        /// What the domain did; reported.
        leaf "state" state: Option<SnapshotState>,
        /// The snapshot that the domain was at before; reported.
        child "parent" parent: Option<SnapshotParent>,
        /// Seconds since 1970 UTC; reported.
        leaf "creationTime" creation_time: Option<u64>,
        /// What becomes of the guest's memory.
        child "memory" memory: Option<SnapshotMemory>,
        /// What becomes of single disks; the others are treated as the domain says.
        child "disks" disks: Option<SnapshotDisks>,
        /// The images that a domain which went back to this snapshot writes to now; reported.
        child "revertDisks" revert_disks: Option<SnapshotDisks>,
        /// Whether it is the current one; kept.
        leaf "active" active: Option<ActiveFlag>,
        /// The domain as it was; reported.
        child "domain" domain: Option<SnapshotDomain>,
        /// The definition for its next start, of a domain that ran with another one; reported.
        child "inactiveDomain" inactive_domain: Option<Box<Domain>>,
        /// What else the hypervisor needs to go back to a running guest, kept byte for byte.
        raw "cookie" cookie: Option<RawXml>,
    }
}

element! {
    /// The snapshot that a domain was at before.
    pub struct SnapshotParent {
        /// Its name.
        required_leaf "name" name: String,
    }
}

element! {
    /// What becomes of a guest's memory.
    pub struct SnapshotMemory {
        /// Where it is saved; see [`SnapshotMemory::location`].
        attr "snapshot" snapshot: Option<DiskSnapshot>,
        /// Absolute path of the file that it is saved to, outside of the disks.
        attr "file" file: Option<String>,
    }
}

element! {
    /// What becomes of single disks.
    pub struct SnapshotDisks {
        /// One by one.
        children "disk" disks: Vec<SnapshotDisk>,
    }
}

element! {
    /// What becomes of a disk.
    pub struct SnapshotDisk {
        /// Which: its target such as `vda`, or the absolute path of its image.
        required "name" name: String,
        /// How it is treated; see [`SnapshotDisk::location`].
        attr "snapshot" snapshot: Option<DiskSnapshot>,
        /// What holds the new image; a file when left out.
        attr "type" kind: Option<DiskType>,
        /// Format of the new image.
        child "driver" driver: Option<SourceFormat>,
        /// The new image, which the guest writes to from then on. A name is made up for a file that is not said.
        child "source" source: Option<DiskSourceElement>,
        /// Whether it is being removed, or was when that was interrupted; reported.
        flag "snapshotDeleteInProgress" delete_in_progress: bool,
    }
}

/// A domain as it was when its snapshot was taken.
#[derive(Debug, Clone, PartialEq)]
pub enum SnapshotDomain {
    /// Its definition.
    Whole(Box<Domain>),
    /// Which it was, in documents of old.
    Identity(DomainIdentity),
}

element! {
    /// Which domain it is.
    pub struct DomainIdentity {
        /// Its identity.
        leaf "uuid" uuid: Option<Uuid>,
    }
}

/// A definition has a type, and an identity has nothing but the UUID.
impl Content for SnapshotDomain {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
        match reader.attr::<String>("type")? {
            Some(_) => Content::read(reader).map(Self::Whole),
            None => Content::read(reader).map(Self::Identity),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Whole(domain) => domain.write(writer),
            Self::Identity(identity) => identity.write(writer),
        }
    }
}

impl Document for Snapshot {
    const ROOT: &'static str = "domainsnapshot";
    const NAMESPACES: &'static [Namespace] = Domain::NAMESPACES;

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl SnapshotMemory {
    /// Where memory is saved: as written, else in the file if one is named. `None` leaves it to the service.
    pub fn location(&self) -> Option<DiskSnapshot> {
        self.snapshot.or_else(|| self.file.as_ref().map(|_| DiskSnapshot::External))
    }
}

impl SnapshotDisk {
    /// How the disk is treated: as written, else as a new image asks for. `None` leaves it to the domain.
    pub fn location(&self) -> Option<DiskSnapshot> {
        let new_image = self.source.is_some() || self.driver.is_some() || self.kind.is_some();
        self.snapshot.or_else(|| new_image.then_some(DiskSnapshot::External))
    }
}

#[cfg(test)]
mod tests;
