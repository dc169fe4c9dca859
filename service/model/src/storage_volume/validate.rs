//! What must hold of a volume, whatever pool it is in.

use super::{StorageVolume, VolumeBackingStore, VolumeFormat, VolumeTarget, VolumeType};
use crate::document::{Document, Problems, file_name_problem};
use crate::domain::devices::TypeName;
use crate::encryption::EncryptionFormat;
use crate::units::{KIB, MIB};
use crate::xml::Value;

/// Smallest and largest cluster of qcow2 in bytes, as QEMU implements it (qemu, interop/qcow2).
const CLUSTER_SIZES: (u64, u64) = (512, 2 * MIB);
/// Smallest cluster that can be divided.
const SMALLEST_DIVIDED_CLUSTER: u64 = 16 * KIB;
/// Cluster of qcow2 when nothing is said.
const DEFAULT_CLUSTER: u64 = 64 * KIB;

/// Tells every problem of a volume.
pub(super) fn check(volume: &StorageVolume, found: &mut Problems) {
    if let Some(reason) = file_name_problem("volume", &volume.name) {
        found.add("name", reason);
    }
    if let Some(source) = &volume.source {
        found.each("source/device", &source.devices, |found, device| {
            found.absolute("@path", &device.path);
            found.each("extent", &device.extents, |found, extent| extent.check(found));
        });
    }
    if volume.capacity.is_none() && volume.backing_path().is_none() {
        found.add("capacity", "the size of the volume is not said; write it, such as <capacity unit='GiB'>20</capacity>");
    }
    if let Some(target) = &volume.target {
        let on_host = matches!(volume.kind, Some(VolumeType::File | VolumeType::Block | VolumeType::Dir | VolumeType::Ploop));
        found.inside("target", |found| check_target(target, on_host, found));
    }
    if let Some(backing) = &volume.backing_store {
        found.inside("backingStore", |found| check_backing(backing, volume, found));
    }
}

fn check_target(target: &VolumeTarget, on_host: bool, found: &mut Problems) {
    if let Some(path) = target.path.as_deref().filter(|path| on_host || !is_address(path)) {
        found.absolute("path", path);
    }
    let format = check_format(target.format.as_ref(), found);
    if let Some(encryption) = &target.encryption {
        found.inside("encryption", |found| encryption.check(found));
        check_encrypted_format(encryption.format.as_deref(), format, found);
    }
    check_qcow2(target, format, found);
}

fn check_format(element: Option<&TypeName>, found: &mut Problems) -> Option<VolumeFormat> {
    found.needed_word("format/@type", element?.kind.as_deref())
}

/// Tells when images of the format cannot be encrypted in this way.
fn check_encrypted_format(encryption: Option<&str>, format: Option<VolumeFormat>, found: &mut Problems) {
    let Some((encryption, format)) = encryption.and_then(EncryptionFormat::parse).zip(format) else { return };
    let fitting: &[VolumeFormat] = match encryption {
        EncryptionFormat::Default => return,
        EncryptionFormat::Qcow => &[VolumeFormat::Qcow, VolumeFormat::Qcow2],
        EncryptionFormat::Luks | EncryptionFormat::Luks2 | EncryptionFormat::LuksAny => {
            &[VolumeFormat::Raw, VolumeFormat::Luks, VolumeFormat::Qcow2, VolumeFormat::Unknown]
        }
    };
    if !fitting.contains(&format) {
        let reason = format!("a volume of the format '{format}' cannot be encrypted with '{encryption}'; write format='{}'", fitting[0]);
        found.add("format/@type", reason);
    }
}

fn check_qcow2(target: &VolumeTarget, format: Option<VolumeFormat>, found: &mut Problems) {
    let features = target.features.as_ref();
    let (lazy, divided) = (features.is_some_and(|f| f.lazy_refcounts), features.is_some_and(|f| f.extended_l2));
    if let Some(format) = format.filter(|format| *format != VolumeFormat::Qcow2) {
        let parts = [("compat", target.compat.is_some()), ("clusterSize", target.cluster_size.is_some()), ("features", lazy || divided)];
        for (part, _) in parts.into_iter().filter(|(_, there)| *there) {
            found.add(part, format!("it is for volumes of the format 'qcow2', and this one has '{format}'; remove it"));
        }
        return;
    }
    match target.compat.as_deref() {
        None | Some("1.1") => {}
        Some("0.10") if lazy || divided => {
            found.add("compat", "the features need version 1.1; write <compat>1.1</compat>, or remove <features>");
        }
        Some("0.10") => {}
        Some(other) => found.add("compat", format!("'{other}' is no version of qcow2; write 0.10 or 1.1")),
    }
    let cluster = target.cluster_size.as_ref().map_or(DEFAULT_CLUSTER, |size| size.bytes);
    let (smallest, largest) = CLUSTER_SIZES;
    if !cluster.is_power_of_two() || !(smallest..=largest).contains(&cluster) {
        let reason = format!("a cluster cannot have {cluster} bytes; write a power of two from {smallest} to {largest}");
        found.add("clusterSize", reason);
    } else if divided && cluster < SMALLEST_DIVIDED_CLUSTER {
        let reason = format!(
            "<extended_l2/> divides clusters of {SMALLEST_DIVIDED_CLUSTER} bytes at least; write <clusterSize unit='KiB'>128</clusterSize>"
        );
        found.add("clusterSize", reason);
    }
}

fn check_backing(backing: &VolumeBackingStore, volume: &StorageVolume, found: &mut Problems) {
    let format = check_format(backing.format.as_ref(), found);
    if let Some(encryption) = &backing.encryption {
        found.inside("encryption", |found| encryption.check(found));
    }
    let Some(path) = &backing.path else {
        if format.is_some() {
            found.add("path", "it is not said what the volume is laid over; write its <path>, or remove <backingStore>");
        }
        return;
    };
    if !is_address(path) {
        found.absolute("path", path);
    }
    // A logical volume can be a snapshot of another, whatever is in it.
    let is_file = matches!(volume.kind, None | Some(VolumeType::File));
    if let Some(format) = volume.format().filter(|format| is_file && format.stands_alone()) {
        let reason = format!(
            "a volume of the format '{format}' cannot be laid over another; write <format type='qcow2'/>, or remove <backingStore>"
        );
        found.add("path", reason);
    }
}

/// Whether a path is the address of something on a server, such as `gluster://host/volume/image` or
/// `rbd:pool/image` (RFC 3986, 3.1).
fn is_address(path: &str) -> bool {
    let Some((scheme, _)) = path.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}
