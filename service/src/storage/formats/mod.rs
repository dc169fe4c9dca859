//! What the header of an image says: format, size, what it is laid over. Read in process, with every length capped.
//!
//! An image is text of an unknown author: a guest writes what it likes into its raw disk. So what is read here is *reported*,
//! and nothing is opened because of it. Which format counts where an image is used is said by a document, or by the mark that
//! the service put on the volume when it made it ([`super::mark`]).
//!
//! | file | source of the facts |
//! |---|---|
//! | `qcow2.rs` | QEMU, docs/interop/qcow2.rst; qcow version 1 in its comments |
//! | `others.rs` | QEMU, docs/interop/qed_spec.rst; the LUKS1 on-disk format 1.2.3; the vendors' descriptions of VMDK, VDI, VHD |

mod others;
mod qcow2;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use lodge_model::encryption::EncryptionFormat;
use lodge_model::storage_volume::VolumeFormat;

/// Bytes looked at in front of an image.
const HEAD: usize = 4096;
/// Longest name of a backing file in bytes (QEMU, docs/interop/qcow2.rst).
const MOST_NAME: u32 = 1023;

/// Bytes that can be read at any place.
pub trait ReadAt {
    /// Reads into the buffer from `offset` on and tells how many bytes there were.
    ///
    /// # Errors
    /// What the kernel says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Ok(count)
    }
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format of the image.
    pub format: VolumeFormat,
    /// Size that a guest sees, in bytes; `None` where only the size of the file tells.
    pub capacity: Option<u64>,
    /// What it is laid over: the name as it stands there, and the format if one is said.
    pub backing: Option<(String, Option<VolumeFormat>)>,
    /// How it is encrypted.
    pub encryption: Option<EncryptionFormat>,
    /// Whether its data are in other files, which it names.
    pub external_data: bool,
    /// Only of qcow2.
    pub qcow2: Option<Qcow2>,
}

/// What only qcow2 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qcow2 {
    /// Version, 2 or 3.
    pub version: u32,
    /// Size of a cluster in bytes.
    pub cluster_size: u64,
    /// Whether reference counts are written late.
    pub lazy_refcounts: bool,
    /// Whether clusters are divided.
    pub extended_l2: bool,
}

impl Qcow2 {
    /// The version as documents say it: by the QEMU that reads it.
    pub const fn compat(self) -> &'static str {
        if self.version >= 3 { "1.1" } else { "0.10" }
    }
}

impl Header {
    /// Nothing but a format.
    pub fn of(format: VolumeFormat) -> Self {
        Self { format, capacity: None, backing: None, encryption: None, external_data: false, qcow2: None }
    }
}

/// Reads the header of an image of `length` bytes. What is no image of a known format is raw.
///
/// # Errors
/// It cannot be read.
pub fn read(image: &(impl ReadAt + ?Sized), length: u64) -> io::Result<Header> {
    let image = Image { head: bytes(image, 0, HEAD)?, length, source: image };
    for format in [qcow2::read, others::read] {
        if let Some(header) = format(&image)? {
            return Ok(header);
        }
    }
    Ok(Header::of(VolumeFormat::Raw))
}

/// The header as the one of an image of this format, which is known; a header of another format says nothing.
///
/// # Errors
/// It cannot be read.
pub fn read_as(format: VolumeFormat, image: &(impl ReadAt + ?Sized), length: u64) -> io::Result<Header> {
    if format == VolumeFormat::Raw {
        return Ok(Header::of(VolumeFormat::Raw));
    }
    let header = read(image, length)?;
    Ok(if header.format == format { header } else { Header::of(format) })
}

/// An image being read.
struct Image<'a, R: ReadAt + ?Sized> {
    /// Its first bytes, at most [`HEAD`].
    head: Vec<u8>,
    /// Its size in bytes.
    length: u64,
    source: &'a R,
}

impl<R: ReadAt + ?Sized> Image<'_, R> {
    fn begins_with(&self, magic: &[u8]) -> bool {
        self.head.starts_with(magic)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.head.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn be32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    fn be64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_be_bytes)
    }

    fn le32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn le64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// A name of this length at this place; `None` when there is none or it is no name.
    fn name(&self, offset: u64, length: u32) -> io::Result<Option<String>> {
        if offset == 0 || length == 0 || length > MOST_NAME {
            return Ok(None);
        }
        let found = bytes(self.source, offset, usize::try_from(length).unwrap_or_default())?;
        let name = String::from_utf8_lossy(&found).trim_end_matches('\0').to_owned();
        // What cannot stand in a document is shown as a question mark would be.
        let name: String = name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
}

/// As many bytes as there are, at most `count`.
fn bytes(from: &(impl ReadAt + ?Sized), offset: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut found = vec![0; count];
    let mut filled = 0;
    while let Some(room) = found.get_mut(filled..).filter(|room| !room.is_empty()) {
        match from.read_at(room, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    found.truncate(filled);
    Ok(found)
}

#[cfg(test)]
mod tests;
