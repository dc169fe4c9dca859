//! The other formats: of each as much as tells it from others, its size, and what it is laid over.

use std::io;

use lodge_model::encryption::EncryptionFormat;
use lodge_model::storage_volume::VolumeFormat;

use super::{Header, Image, ReadAt, bytes};

/// Bytes in a sector.
const SECTOR: u64 = 512;
/// Longest descriptor of a VMDK that is looked through, in bytes.
const MOST_DESCRIPTOR: usize = 20 << 10;
/// Where an ISO 9660 image says what it is (ECMA-119, 8.4).
const ISO_MARK: u64 = 16 * 2048 + 1;

/// Reads the header, if it is one.
pub(super) fn read<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Option<Header>> {
    let with = |format, capacity| Some(Header { capacity, ..Header::of(format) });
    if image.begins_with(b"QED\0") {
        return qed(image).map(Some);
    }
    if image.begins_with(b"LUKS\xba\xbe") {
        return Ok(Some(luks(image)));
    }
    if image.begins_with(b"KDMV") {
        return vmdk(image).map(Some);
    }
    if image.begins_with(b"COWD") {
        return Ok(with(VolumeFormat::Vmdk, image.le32(12).map(|sectors| u64::from(sectors) * SECTOR)));
    }
    if image.begins_with(b"# Disk DescriptorFile") {
        return Ok(Some(Header { external_data: true, ..described(&image.head) }));
    }
    if image.le32(64) == Some(0xbeda_107f) {
        return Ok(with(VolumeFormat::Vdi, image.le64(368)));
    }
    if image.begins_with(b"conectix") {
        return Ok(with(VolumeFormat::Vpc, image.be64(48)));
    }
    if image.begins_with(b"vhdxfile") {
        return Ok(with(VolumeFormat::Unknown, None));
    }
    if image.begins_with(b"Bochs Virtual HD Image") {
        let at = if image.le32(64) == Some(0x0001_0000) { 84 } else { 88 };
        return Ok(with(VolumeFormat::Bochs, image.le64(at)));
    }
    if image.begins_with(b"#!/bin/sh\n#V2.0 Format\n") {
        let size = image.be32(128).zip(image.be32(132)).map(|(block, count)| u64::from(block) * u64::from(count));
        return Ok(with(VolumeFormat::Cloop, size));
    }
    at_other_places(image)
}

/// Formats that say what they are elsewhere than in front.
fn at_other_places<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Option<Header>> {
    if image.length > ISO_MARK && bytes(image.source, ISO_MARK, 5)? == b"CD001" {
        return Ok(Some(Header::of(VolumeFormat::Iso)));
    }
    let Some(end) = image.length.checked_sub(SECTOR) else { return Ok(None) };
    let foot = bytes(image.source, end, 56)?;
    if foot.starts_with(b"conectix") {
        let capacity = foot.get(48..56).and_then(|size| size.try_into().ok()).map(u64::from_be_bytes);
        return Ok(Some(Header { capacity, ..Header::of(VolumeFormat::Vpc) }));
    }
    Ok(foot.starts_with(b"koly").then(|| Header::of(VolumeFormat::Dmg)))
}

fn qed<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Header> {
    let features = image.le64(16).unwrap_or_default();
    let name = match features & 1 {
        0 => None,
        _ => image.name(image.le32(56).unwrap_or_default().into(), image.le32(60).unwrap_or_default())?,
    };
    let format = (features & 4 != 0).then_some(VolumeFormat::Raw);
    Ok(Header { capacity: image.le64(48), backing: name.map(|name| (name, format)), ..Header::of(VolumeFormat::Qed) })
}

fn luks<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> Header {
    let version = image.array(6).map(u16::from_be_bytes);
    let payload = image.be32(104).filter(|_| version == Some(1)).map(|sectors| u64::from(sectors) * SECTOR);
    let encryption = if version == Some(1) { EncryptionFormat::Luks } else { EncryptionFormat::Luks2 };
    let capacity = payload.and_then(|payload| image.length.checked_sub(payload));
    Header { capacity, encryption: Some(encryption), ..Header::of(VolumeFormat::Luks) }
}

fn vmdk<R: ReadAt + ?Sized>(image: &Image<'_, R>) -> io::Result<Header> {
    let (at, size) = (image.le64(28).unwrap_or_default(), image.le64(36).unwrap_or_default());
    let length = usize::try_from(size.saturating_mul(SECTOR)).unwrap_or(usize::MAX).min(MOST_DESCRIPTOR);
    let descriptor = if at == 0 { Vec::new() } else { bytes(image.source, at.saturating_mul(SECTOR), length)? };
    let capacity = image.le64(12).and_then(|sectors| sectors.checked_mul(SECTOR));
    Ok(Header { capacity, ..described(&descriptor) })
}

/// What the text that describes a VMDK says: what it is laid over, and how large its parts are.
fn described(descriptor: &[u8]) -> Header {
    let text = String::from_utf8_lossy(descriptor);
    let text = text.split('\0').next().unwrap_or_default();
    let value = |key: &str| text.lines().find_map(|line| Some(line.trim().strip_prefix(key)?.trim().strip_prefix('=')?.trim()));
    let has_parent = value("parentCID").is_some_and(|parent| parent != "ffffffff");
    let parent = value("parentFileNameHint").map(|name| name.trim_matches('"').to_owned());
    let parent = parent.filter(|name| has_parent && !name.is_empty() && !name.contains(char::is_control));
    let parts = text.lines().filter(|line| ["RW ", "RDONLY ", "NOACCESS "].iter().any(|access| line.starts_with(access)));
    let sectors: u64 = parts.filter_map(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).fold(0, u64::saturating_add);
    Header {
        capacity: (sectors > 0).then(|| sectors.saturating_mul(SECTOR)),
        backing: parent.map(|name| (name, Some(VolumeFormat::Vmdk))),
        ..Header::of(VolumeFormat::Vmdk)
    }
}
