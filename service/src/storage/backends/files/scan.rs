//! Looking through the directory: every plain file and directory that is not hidden is a volume. What was seen before and has
//! not changed since is not opened again. Blocks.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lodge_model::encryption::EncryptionFormat;
use lodge_model::storage_volume::{VolumeFormat, VolumeType};
use rustix::fs::{FileType, Stat};
use uuid::Uuid;

use super::{UNFINISHED, failed, mark};
use crate::error::Result;
use crate::host::directory::{Directory, Purpose, kind};
use crate::host::work_lock;
use crate::storage::backends::Volumes;
use crate::storage::formats::{self, Header};
use crate::storage::passphrases::Passphrases;
use crate::storage::volume::{Backing, InodeFacts, Volume};

/// Entries that are too few to be worth a thread.
const LEAST_SHARE: usize = 256;

/// Every volume of a directory.
///
/// # Errors
/// The directory cannot be read. A file that cannot be is shown as far as it can.
pub fn all(directory: &Directory, known: &Volumes, secrets: &Passphrases) -> Result<Volumes> {
    let secrets = secrets.of_volumes();
    let names = directory.names().map_err(|error| failed(format_args!("list {}", directory.path().display()), error))?;
    let look = |names: &[OsString]| -> Vec<_> {
        let texts = names.iter().filter_map(text);
        texts.filter_map(|name| Some((name.to_owned(), entry(directory, name, known, &secrets)?))).collect()
    };
    // Mostly the kernel is at work, which does that for several at once.
    let share = names.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(LEAST_SHARE);
    let found = std::thread::scope(|scope| {
        let others: Vec<_> = names.chunks(share).skip(1).map(|names| scope.spawn(move || look(names))).collect();
        let mut found = names.chunks(share).next().map(look).unwrap_or_default();
        for other in others {
            found.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        found
    });
    Ok(found.into_iter().collect())
}

/// The volume that an entry is, if it is one.
fn entry(directory: &Directory, name: &str, known: &Volumes, secrets: &HashMap<String, Uuid>) -> Option<Arc<Volume>> {
    if name.starts_with(UNFINISHED) {
        sweep(directory, name);
    }
    if name.starts_with('.') {
        return None;
    }
    one(directory, name, known.get(name), secrets)
        // It is gone by now, or nobody may look at it.
        .inspect_err(|error| tracing::debug!("{} is no volume: {error}", directory.path_of(name).display()))
        .ok()
        .flatten()
}

/// Names that are no text, or cannot stand in a document, are not shown.
fn text(name: &OsString) -> Option<&str> {
    let name = name.to_str()?;
    lodge_model::document::file_name_problem("volume", name).is_none().then_some(name)
}

/// Removes what a killed service left of a volume that it was making.
fn sweep(directory: &Directory, name: &str) {
    let Ok(file) = directory.file(name, Purpose::Read) else { return };
    if !work_lock::keep_out(&file).unwrap_or(false) {
        return; // Somebody is at work on it.
    }
    match directory.remove_file(name) {
        Ok(_) => tracing::info!("{} was left by work that was interrupted, and is removed", directory.path_of(name).display()),
        Err(error) => tracing::warn!("{} was left by work that was interrupted, and stays: {error}", directory.path_of(name).display()),
    }
}

fn one(directory: &Directory, name: &str, known: Option<&Arc<Volume>>, secrets: &HashMap<String, Uuid>) -> io::Result<Option<Arc<Volume>>> {
    let Some(stat) = directory.stat(name)? else { return Ok(None) };
    let path = directory.path_of(name).to_string_lossy().into_owned();
    match kind(&stat) {
        FileType::RegularFile => {}
        FileType::Directory => {
            let facts = InodeFacts { ..inode(&stat) };
            return Ok(Some(Arc::new(Volume {
                format: VolumeFormat::Dir,
                inode: Some(facts),
                ..Volume::new(name, VolumeType::Dir, path)
            })));
        }
        _ => return Ok(None),
    }
    let secret = secrets.get(&path).copied();
    if let Some(known) = known.filter(|known| is_the_same(known, &stat, secret)) {
        return Ok(Some(known.clone()));
    }
    let file = directory.file(name, Purpose::Read)?;
    let length = length_of(&stat);
    let mark = mark::read(&file);
    let header = match mark {
        Some(mark) => formats::read_as(mark.format, &file, length)?,
        None => formats::read(&file, length)?,
    };
    let secret = mark.and_then(|mark| mark.secret).or(secret);
    let facts = InodeFacts { label: label(&file), ..inode(&stat) };
    Ok(Some(Arc::new(volume(Found { name, path, header, length, stat: &stat, facts, secret }))))
}

/// Whether a file is the one that was seen, and nothing of it that counts has changed. When it was read does not.
fn is_the_same(known: &Volume, stat: &Stat, secret: Option<Uuid>) -> bool {
    let before = known.inode.as_ref();
    let now = inode(stat);
    let same = before.is_some_and(|before| {
        before.identity == now.identity
            && before.times.get(1..) == now.times.get(1..)
            && (before.uid, before.gid, before.mode) == (now.uid, now.gid, now.mode)
    });
    same && known.physical == length_of(stat)
        && known.allocation == allocated(stat)
        && known.encryption.and_then(|(_, uuid)| uuid) == secret
}

/// A file as it was found.
struct Found<'a> {
    name: &'a str,
    path: String,
    header: Header,
    length: u64,
    stat: &'a Stat,
    facts: InodeFacts,
    secret: Option<Uuid>,
}

fn volume(found: Found<'_>) -> Volume {
    let Found { name, path, header, length, stat, facts, secret } = found;
    let directory = Path::new(&path).parent().unwrap_or(Path::new("/")).to_owned();
    // A raw volume that a secret is for is encrypted, whatever stands in front of it.
    let encryption = header.encryption.or(secret.filter(|_| header.format == VolumeFormat::Raw).map(|_| EncryptionFormat::Luks));
    let backing = header.backing.map(|(name, format)| {
        let is_address = name.contains(':') && !name.starts_with('/');
        let path = if is_address { name } else { directory.join(name).to_string_lossy().into_owned() };
        Backing { path, format }
    });
    Volume {
        // What is in a container of LUKS is raw.
        format: if header.format == VolumeFormat::Luks { VolumeFormat::Raw } else { header.format },
        external_data: header.external_data,
        capacity: header.capacity.unwrap_or(length),
        allocation: allocated(stat),
        physical: length,
        backing,
        encryption: encryption.map(|format| (format, secret)),
        qcow2: header.qcow2,
        inode: Some(facts),
        ..Volume::new(name, VolumeType::File, path)
    }
}

fn length_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

fn allocated(stat: &Stat) -> u64 {
    // In blocks of 512 bytes, whatever the file system's own are (stat(2)).
    u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(512)
}

fn inode(stat: &Stat) -> InodeFacts {
    let time = |seconds: i64, nanoseconds: u64| {
        Duration::new(u64::try_from(seconds).unwrap_or_default(), u32::try_from(nanoseconds).unwrap_or_default().min(999_999_999))
    };
    InodeFacts {
        identity: (stat.st_dev, stat.st_ino),
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: stat.st_mode,
        label: None,
        times: [time(stat.st_atime, stat.st_atime_nsec), time(stat.st_mtime, stat.st_mtime_nsec), time(stat.st_ctime, stat.st_ctime_nsec)],
    }
}

fn label(file: &File) -> Option<String> {
    let mut value = [0_u8; 256];
    let length = rustix::fs::fgetxattr(file, "security.selinux", &mut value[..]).ok()?;
    Some(String::from_utf8_lossy(value.get(..length)?).trim_end_matches('\0').to_owned())
}
