//! The bytes of a volume in and out, and over with other ones: upload, download, wipe.
//!
//! In pieces, so that each can be called off, tells how far it is, and leaves the threads that must not be held up.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use lodge_model::keywords;

use super::backends::{blocking, failed};
use super::image::Report;
use crate::error::{Error, ErrorKind, Result};
use crate::host::stream::Stream;

/// Bytes that are moved at a time.
const PIECE: u64 = 1 << 20;

/// A part of a volume in bytes; `length` 0 means up to its end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Range {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub length: u64,
}

keywords! {
    /// How a volume is wiped: with which passes of which bytes (scrub(1) has the sources of the schemes).
    pub enum Algorithm {
        /// One pass of zeros.
        Zero = "zero",
        /// Four passes of the US National Nuclear Security Administration, policy letter NAP-14.1-C.
        Nnsa = "nnsa",
        /// Four passes of the US Department of Defense, 5220.22-M section 8-306 (d).
        Dod = "dod",
        /// Nine passes of the German Federal Office for Information Security.
        Bsi = "bsi",
        /// 35 passes of Gutmann's paper.
        Gutmann = "gutmann",
        /// Seven passes of Schneier's "Applied Cryptography".
        Schneier = "schneier",
        /// Seven random passes.
        Pfitzner7 = "pfitzner7",
        /// 33 random passes.
        Pfitzner33 = "pfitzner33",
        /// One random pass.
        Random = "random",
        /// The blocks are given back to the device or file system; what is read then is its affair.
        Trim = "trim",
    }
}

/// What one pass writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Bytes([u8; 3]),
    Random,
}

impl Algorithm {
    fn passes(self) -> Vec<Pass> {
        let same = |byte| Pass::Bytes([byte; 3]);
        match self {
            Self::Zero => vec![same(0)],
            Self::Nnsa => vec![Pass::Random, Pass::Random, same(0), same(0)],
            Self::Dod => vec![Pass::Random, same(0), same(0xff), same(0)],
            Self::Bsi => [0xff, 0xfe, 0xfd, 0xfb, 0xf7, 0xef, 0xdf, 0xbf, 0x7f].map(same).to_vec(),
            Self::Gutmann => gutmann(),
            Self::Schneier => [vec![same(0), same(0xff)], vec![Pass::Random; 5]].concat(),
            Self::Pfitzner7 => vec![Pass::Random; 7],
            Self::Pfitzner33 => vec![Pass::Random; 33],
            Self::Random => vec![Pass::Random],
            Self::Trim => Vec::new(),
        }
    }
}

/// Four random passes, 27 patterns, four random passes (Gutmann, "Secure Deletion of Data", 1996, table 1).
fn gutmann() -> Vec<Pass> {
    const THREE: [[u8; 3]; 3] = [[0x92, 0x49, 0x24], [0x49, 0x24, 0x92], [0x24, 0x92, 0x49]];
    const LAST: [[u8; 3]; 6] =
        [[0x92, 0x49, 0x24], [0x49, 0x24, 0x92], [0x24, 0x92, 0x49], [0x6d, 0xb6, 0xdb], [0xb6, 0xdb, 0x6d], [0xdb, 0x6d, 0xb6]];
    let same = (0_u8..16).map(|nibble| Pass::Bytes([nibble * 0x11; 3]));
    let mut passes = vec![Pass::Random; 4];
    passes.extend([Pass::Bytes([0x55; 3]), Pass::Bytes([0xaa; 3])]);
    passes.extend(THREE.map(Pass::Bytes));
    passes.extend(same);
    passes.extend(LAST.map(Pass::Bytes));
    passes.extend(vec![Pass::Random; 4]);
    passes
}

/// A descriptor of a client, to read from or to write to.
///
/// # Errors
/// `InvalidArgument` for one that cannot be, such as a directory.
pub fn stream(descriptor: std::os::fd::OwnedFd) -> Result<Stream> {
    Stream::new(descriptor).map_err(|error| {
        let message = "the file descriptor cannot be used; hand over a file, a pipe or a socket";
        Error::new(ErrorKind::InvalidArgument, message).caused_by(error)
    })
}

/// Writes what comes from a stream into a volume, up to its end.
///
/// # Errors
/// More comes than there is room for, or the host fails; what was written until then stays.
pub async fn upload(from: &Stream, to: Arc<File>, size: u64, range: Range, grows: bool, report: Report<'_>) -> Result<()> {
    let room = size.saturating_sub(range.offset);
    let most = match (range.length, grows) {
        (0, true) => u64::MAX,
        (0, false) => room,
        (length, _) => length,
    };
    if range.offset > size || (!grows && most > room) {
        return Err(outside(range, size));
    }
    let mut done = 0;
    while done < most {
        let piece = usize::try_from(PIECE.min(most - done)).unwrap_or(usize::MAX);
        let bytes = from.read(piece).await.map_err(|error| failed("read what is to be uploaded", error))?;
        if bytes.is_empty() {
            break;
        }
        let (file, at, length) = (to.clone(), range.offset.saturating_add(done), bytes.len() as u64);
        blocking(move || file.write_all_at(&bytes, at).map_err(|error| failed("write to the volume", error))).await?;
        done += length;
        report(done, if range.length == 0 { 0 } else { most });
    }
    if range.length == 0 && done == most && !from.read(1).await.map_err(|error| failed("read what is to be uploaded", error))?.is_empty() {
        let message = format!("the volume has {size} bytes and more came; make it larger first, or send less");
        return Err(Error::new(ErrorKind::NoSpace, message));
    }
    blocking(move || to.sync_all().map_err(|error| failed("write the volume to the disk", error))).await
}

/// Writes a volume into a stream.
///
/// # Errors
/// The range is not in the volume, or the host fails.
pub async fn download(from: Arc<File>, size: u64, to: &Stream, range: Range, report: Report<'_>) -> Result<()> {
    let room = size.checked_sub(range.offset).ok_or_else(|| outside(range, size))?;
    let total = if range.length == 0 { room } else { range.length };
    if total > room {
        return Err(outside(range, size));
    }
    let mut done = 0;
    while done < total {
        let (file, at, piece) = (from.clone(), range.offset + done, PIECE.min(total - done));
        let bytes = blocking(move || read_at(&file, at, piece)).await?;
        if bytes.is_empty() {
            return Err(Error::new(ErrorKind::HostFailed, format!("the volume ended after {done} of {total} bytes")));
        }
        let length = bytes.len() as u64;
        to.write_all(bytes).await.map_err(|error| failed("write what is downloaded", error))?;
        done += length;
        report(done, total);
    }
    Ok(())
}

/// Overwrites all of a volume.
///
/// # Errors
/// `NotSupported` where blocks cannot be given back; those of the host.
pub async fn wipe(file: Arc<File>, size: u64, algorithm: Algorithm, report: Report<'_>) -> Result<()> {
    if algorithm == Algorithm::Trim {
        return blocking(move || trim(&file, size)).await;
    }
    let passes = algorithm.passes();
    let total = size.saturating_mul(passes.len() as u64);
    let mut done = 0;
    for pass in passes {
        let mut at = 0;
        while at < size {
            let piece = PIECE.min(size - at);
            let (file, from) = (file.clone(), at);
            blocking(move || {
                let bytes = pattern(pass, from, piece)?;
                file.write_all_at(&bytes, from).map_err(|error| failed("wipe the volume", error))
            })
            .await?;
            at += piece;
            done += piece;
            report(done, total);
        }
        // A pass that only reached memory would not count.
        let file = file.clone();
        blocking(move || file.sync_data().map_err(|error| failed("wipe the volume", error))).await?;
    }
    Ok(())
}

fn pattern(pass: Pass, at: u64, length: u64) -> Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or_default();
    match pass {
        Pass::Bytes(bytes) => {
            let skip = usize::try_from(at % 3).unwrap_or_default();
            Ok(bytes.iter().copied().cycle().skip(skip).take(length).collect())
        }
        Pass::Random => {
            let mut bytes = vec![0; length];
            let random = File::open("/dev/urandom").map_err(|error| failed("open /dev/urandom", error))?;
            io::Read::read_exact(&mut &random, &mut bytes).map_err(|error| failed("read /dev/urandom", error))?;
            Ok(bytes)
        }
    }
}

fn trim(file: &File, size: u64) -> Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    if size == 0 {
        return Ok(());
    }
    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, size).map_err(|error| match error {
        rustix::io::Errno::OPNOTSUPP => Error::new(ErrorKind::NotSupported, "what the volume is on cannot take blocks back; use zero"),
        error => failed("trim the volume", error.into()),
    })
}

fn read_at(file: &File, at: u64, most: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(most).unwrap_or_default()];
    let count = loop {
        match file.read_at(&mut bytes, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other.map_err(|error| failed("read the volume", error))?,
        }
    };
    bytes.truncate(count);
    Ok(bytes)
}

fn outside(range: Range, size: u64) -> Error {
    let Range { offset, length } = range;
    Error::new(ErrorKind::InvalidArgument, format!("the volume has {size} bytes; {length} from {offset} on are not in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_have_their_passes() {
        for (algorithm, passes) in [
            (Algorithm::Zero, 1),
            (Algorithm::Nnsa, 4),
            (Algorithm::Dod, 4),
            (Algorithm::Bsi, 9),
            (Algorithm::Gutmann, 35),
            (Algorithm::Schneier, 7),
            (Algorithm::Pfitzner7, 7),
            (Algorithm::Pfitzner33, 33),
            (Algorithm::Random, 1),
            (Algorithm::Trim, 0),
        ] {
            assert_eq!(algorithm.passes().len(), passes, "{algorithm}");
        }
        // The pattern goes on where the last piece ended.
        let pass = Pass::Bytes([1, 2, 3]);
        assert_eq!(pattern(pass, 0, 4).unwrap(), [1, 2, 3, 1]);
        assert_eq!(pattern(pass, 4, 4).unwrap(), [2, 3, 1, 2]);
    }

    #[tokio::test]
    async fn every_byte_is_overwritten_and_the_size_stays() {
        let size = PIECE * 2 + 7;
        for algorithm in [Algorithm::Zero, Algorithm::Random, Algorithm::Bsi, Algorithm::Trim] {
            let image = tempfile::tempfile().unwrap();
            image.write_all_at(&vec![0x11; usize::try_from(size).unwrap()], 0).unwrap();
            let image = Arc::new(image);
            wipe(image.clone(), size, algorithm, &|done, total| assert!(done <= total)).await.unwrap();
            assert_eq!(image.metadata().unwrap().len(), size);
            let bytes = read_at(&image, 0, size).unwrap();
            let left = bytes.iter().filter(|byte| **byte == 0x11).count();
            assert!(left < bytes.len() / 100, "{algorithm}: {left} bytes are left");
            if algorithm == Algorithm::Bsi {
                assert!(bytes.iter().all(|byte| *byte == 0x7f));
            }
        }
    }
}
