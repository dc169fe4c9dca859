//! QEMU's copy-on-write image: versions 2 and 3, and version 1, which is called `qcow` (QEMU, docs/interop/qcow2.rst).

use std::io;

use lodge_model::encryption::EncryptionFormat;
use lodge_model::storage_volume::VolumeFormat;
use lodge_model::xml::Value as _;

use super::{Header, Image, Qcow2, ReadAt};

const MAGIC: &[u8] = b"QFI\xfb";
/// Length of the header of version 2; later ones say theirs.
const HEADER_2: u32 = 72;
/// Extensions looked at, at most.
const MOST_EXTENSIONS: usize = 32;
const BACKING_FORMAT: u32 = 0xe279_2aca;
/// Bits of the incompatible features.
const EXTERNAL_DATA: u64 = 1 << 2;
const EXTENDED_L2: u64 = 1 << 4;
/// Bit of the compatible features.
const LAZY_REFCOUNTS: u64 = 1 << 0;

/// Reads the header, if it is one.
pub(super) fn read<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Option<Header>> {
    if !image.begins_with(MAGIC) {
        return Ok(None);
    }
    match image.be32(4) {
        Some(1) => version_1(image).map(Some),
        Some(version @ 2..) => later(image, version).map(Some),
        _ => Ok(None),
    }
}

fn version_1<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Header> {
    let name = image.name(image.be64(8).unwrap_or_default(), image.be32(16).unwrap_or_default())?;
    Ok(Header {
        capacity: image.be64(24),
        backing: name.map(|name| (name, None)),
        encryption: encryption(image.be32(36)),
        ..Header::of(VolumeFormat::Qcow)
    })
}

fn later<R: ReadAt + ?Sized>(image: &Image<'_, R>, version: u32) -> io::Result<Header> {
    let of_3 = |at: usize| if version >= 3 { image.be64(at).unwrap_or_default() } else { 0 };
    let (incompatible, compatible) = (of_3(72), of_3(80));
    let header_length = if version >= 3 { image.be32(100).unwrap_or(HEADER_2) } else { HEADER_2 };
    let name = image.name(image.be64(8).unwrap_or_default(), image.be32(16).unwrap_or_default())?;
    let format = backing_format(image, header_length);
    // Larger ones than 2 MiB there are none (QEMU, docs/interop/qcow2.rst).
    let cluster_bits = image.be32(20).filter(|bits| (9..=21).contains(bits)).unwrap_or(16);
    Ok(Header {
        capacity: image.be64(24),
        backing: name.map(|name| (name, format)),
        encryption: encryption(image.be32(32)),
        external_data: incompatible & EXTERNAL_DATA != 0,
        qcow2: Some(Qcow2 {
            version,
            cluster_size: 1 << cluster_bits,
            lazy_refcounts: compatible & LAZY_REFCOUNTS != 0,
            extended_l2: incompatible & EXTENDED_L2 != 0,
        }),
        ..Header::of(VolumeFormat::Qcow2)
    })
}

fn encryption(method: Option<u32>) -> Option<EncryptionFormat> {
    match method {
        Some(1) => Some(EncryptionFormat::Qcow),
        Some(2) => Some(EncryptionFormat::Luks),
        _ => None,
    }
}

/// The format of the backing file stands in an extension behind the header.
fn backing_format<R: ReadAt + ?Sized>(image: &Image<'_, R>, header_length: u32) -> Option<VolumeFormat> {
    let mut at = usize::try_from(header_length).ok()?;
    for _ in 0..MOST_EXTENSIONS {
        let (kind, length) = (image.be32(at)?, usize::try_from(image.be32(at + 4)?).ok()?);
        match kind {
            0 => return None,
            BACKING_FORMAT => {
                let word = image.head.get(at + 8..(at + 8).checked_add(length)?)?;
                return VolumeFormat::parse(std::str::from_utf8(word).ok()?);
            }
            _ => at = at.checked_add(8)?.checked_add(length.checked_next_multiple_of(8)?)?,
        }
    }
    None
}
