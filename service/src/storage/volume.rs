//! A volume as it was found: one immutable record, and the document that tells it.

use std::time::Duration;

use lodge_model::domain::devices::TypeName;
use lodge_model::encryption::{Encryption, EncryptionFormat, SecretReference};
use lodge_model::permissions::{Mode, OwnerId, Permissions};
use lodge_model::storage_pool::Extent;
use lodge_model::storage_volume::{
    StorageVolume, VolumeBackingStore, VolumeDevice, VolumeFeatures, VolumeFormat, VolumeSource, VolumeTarget, VolumeType,
};
use lodge_model::timestamps::{Timestamp, Timestamps};
use lodge_model::units::ByteSize;
use uuid::Uuid;

use super::formats::Qcow2;

/// A volume of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Its name, unique in the pool.
    pub name: String,
    /// What it is on the host.
    pub kind: VolumeType,
    /// Absolute path.
    pub path: String,
    /// What tells it from all volumes.
    pub key: String,
    /// Its format.
    pub format: VolumeFormat,
    /// Whether its header names files that hold its data.
    pub external_data: bool,
    /// Size that a guest sees, in bytes.
    pub capacity: u64,
    /// What it takes of the pool, in bytes.
    pub allocation: u64,
    /// Size of the file or device, in bytes.
    pub physical: u64,
    /// What it is laid over.
    pub backing: Option<Backing>,
    /// How it is encrypted, and the secret that opens it, if the service has one.
    pub encryption: Option<(EncryptionFormat, Option<Uuid>)>,
    /// Only of qcow2.
    pub qcow2: Option<Qcow2>,
    /// Owner, mode and times.
    pub inode: Option<InodeFacts>,
    /// The parts of devices that it is made of.
    pub extents: Vec<(String, Extent)>,
}

/// What a volume is laid over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backing {
    /// Absolute path, or an address.
    pub path: String,
    /// Format, if one is said.
    pub format: Option<VolumeFormat>,
}

/// What the file system says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InodeFacts {
    /// Device and number: the file's identity.
    pub identity: (u64, u64),
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permissions, as chmod(2) has them.
    pub mode: u32,
    /// Label of mandatory access control.
    pub label: Option<String>,
    /// Last access, last change of the content, last change at all, since 1970.
    pub times: [Duration; 3],
}

impl Volume {
    /// A volume of which nothing is known but what it is and where.
    pub fn new(name: impl Into<String>, kind: VolumeType, path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            name: name.into(),
            kind,
            key: path.clone(),
            path,
            format: VolumeFormat::Raw,
            external_data: false,
            capacity: 0,
            allocation: 0,
            physical: 0,
            backing: None,
            encryption: None,
            qcow2: None,
            inode: None,
            extents: Vec::new(),
        }
    }

    /// The document that tells it.
    pub fn document(&self) -> StorageVolume {
        StorageVolume {
            kind: Some(self.kind),
            name: self.name.clone(),
            key: Some(self.key.clone()),
            source: self.source(),
            capacity: size(self.capacity),
            allocation: size(self.allocation),
            physical: size(self.physical),
            target: Some(self.target()),
            backing_store: self.backing.as_ref().map(|backing| VolumeBackingStore {
                path: Some(backing.path.clone()),
                format: backing.format.map(type_name),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn source(&self) -> Option<VolumeSource> {
        let device =
            |(path, extent): &(String, Extent)| VolumeDevice { path: path.clone(), extents: vec![extent.clone()], ..Default::default() };
        let devices: Vec<_> = self.extents.iter().map(device).collect();
        (!devices.is_empty()).then(|| VolumeSource { devices, ..Default::default() })
    }

    fn target(&self) -> VolumeTarget {
        let features = self.qcow2.filter(|qcow2| qcow2.lazy_refcounts || qcow2.extended_l2).map(|qcow2| VolumeFeatures {
            lazy_refcounts: qcow2.lazy_refcounts,
            extended_l2: qcow2.extended_l2,
            ..Default::default()
        });
        VolumeTarget {
            path: Some(self.path.clone()),
            format: Some(type_name(self.format)),
            permissions: self.inode.as_ref().map(permissions),
            timestamps: self.inode.as_ref().map(timestamps),
            encryption: self.encryption.map(|(format, secret)| encryption(format, secret)),
            compat: self.qcow2.map(|qcow2| qcow2.compat().to_owned()),
            cluster_size: self.qcow2.and_then(|qcow2| size(qcow2.cluster_size)),
            features,
            ..Default::default()
        }
    }
}

/// The encryption of a volume as an element, with the secret that opens it; `None` when it is not encrypted.
pub fn encryption_of(volume: &Volume) -> Option<Encryption> {
    volume.encryption.map(|(format, secret)| encryption(format, secret))
}

/// A size in bytes.
pub fn size(bytes: u64) -> Option<ByteSize> {
    Some(ByteSize { bytes, ..Default::default() })
}

/// A format as an element.
pub fn type_name(format: VolumeFormat) -> TypeName {
    TypeName { kind: Some(format.as_str().to_owned()), ..Default::default() }
}

/// Encryption as an element, with the secret that opens the image.
pub fn encryption(format: EncryptionFormat, secret: Option<Uuid>) -> Encryption {
    let reference = |uuid| SecretReference { kind: Some("passphrase".to_owned()), uuid: Some(uuid), ..Default::default() };
    Encryption { format: Some(format.as_str().to_owned()), secrets: secret.map(reference).into_iter().collect(), ..Default::default() }
}

fn permissions(inode: &InodeFacts) -> Permissions {
    Permissions {
        mode: Some(Mode::new(u16::try_from(inode.mode & u32::from(Mode::MAX)).unwrap_or_default())),
        owner: Some(OwnerId::new(inode.uid)),
        group: Some(OwnerId::new(inode.gid)),
        label: inode.label.clone(),
        ..Default::default()
    }
}

fn timestamps(inode: &InodeFacts) -> Timestamps {
    let [atime, mtime, ctime] = inode.times.map(|time| Some(Timestamp(time)));
    Timestamps { atime, mtime, ctime, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    #[test]
    fn its_document_is_valid_and_tells_all_of_it() {
        let volume = Volume {
            format: VolumeFormat::Qcow2,
            capacity: 20,
            allocation: 30,
            physical: 40,
            backing: Some(Backing { path: "/images/base.qcow2".into(), format: Some(VolumeFormat::Qcow2) }),
            encryption: Some((EncryptionFormat::Luks, Some(Uuid::nil()))),
            qcow2: Some(Qcow2 { version: 3, cluster_size: 65536, lazy_refcounts: true, extended_l2: false }),
            inode: Some(InodeFacts { identity: (1, 2), uid: 3, gid: 4, mode: 0o100_600, label: None, times: [Duration::new(5, 6); 3] }),
            extents: vec![("/dev/sda".into(), Extent { start: 1, end: 2, ..Default::default() })],
            ..Volume::new("a.qcow2", VolumeType::File, "/images/a.qcow2")
        };
        let document = volume.document();
        document.validate().unwrap();
        let xml = document.to_xml();
        for part in [
            "<capacity unit='bytes'>20</capacity>",
            "<path>/images/base.qcow2</path>",
            "<secret type='passphrase' uuid='00000000-0000-0000-0000-000000000000'/>",
            "<mode>0600</mode>",
            "<atime>5.000000006</atime>",
            "<extent start='1' end='2'/>",
            "<compat>1.1</compat>",
            "<lazy_refcounts/>",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
    }
}
