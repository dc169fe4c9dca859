//! File systems: how full they are, and where they are mounted.

use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// How full a file system is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Its size.
    pub capacity: u64,
    /// What a caller without privileges may still use of it.
    pub available: u64,
}

/// How full the file system is that a path is on (statvfs(3)).
///
/// # Errors
/// What the kernel says.
pub fn space(path: &Path) -> io::Result<Space> {
    let found = rustix::fs::statvfs(path)?;
    Ok(Space { capacity: found.f_blocks.saturating_mul(found.f_frsize), available: found.f_bavail.saturating_mul(found.f_frsize) })
}

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The device, or what a file system without one calls its source.
    pub source: PathBuf,
    /// The device's number, as stat(2) has it.
    pub device: u64,
    /// The kind of file system, such as `ext4`.
    pub kind: String,
}

/// What is mounted at exactly this path; of several mounts above each other the topmost.
///
/// # Errors
/// `/proc/self/mountinfo` cannot be read.
pub fn mounted_at(path: &Path) -> io::Result<Option<Mounted>> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let table = std::fs::read("/proc/self/mountinfo")?;
    Ok(table.split(|byte| *byte == b'\n').filter_map(entry).filter(|(at, _)| *at == path).map(|(_, mounted)| mounted).next_back())
}

/// Reads a line of mountinfo (proc_pid_mountinfo(5)).
fn entry(line: &[u8]) -> Option<(PathBuf, Mounted)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let number = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = number.split_once(':')?;
    let device = rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?);
    let at = unescaped(fields.nth(1)?);
    let mut behind = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(behind.next()?).into_owned();
    Some((at, Mounted { source: unescaped(behind.next()?), device, kind }))
}

/// Blanks and backslashes are written as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// Whether a name begins with these bytes; names need not be text.
pub fn begins_with(name: &std::ffi::OsStr, prefix: &str) -> bool {
    name.as_bytes().starts_with(prefix.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo_are_read() {
        let (at, mounted) = entry(b"36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 - ext3 /dev/root rw,errors=continue").unwrap();
        assert_eq!(at, Path::new("/mnt/a b\\c"));
        assert_eq!(mounted, Mounted { source: "/dev/root".into(), device: rustix::fs::makedev(98, 0), kind: "ext3".into() });
        for line in ["", "36", "36 35 x:0 / /a rw - ext3 /dev/root rw", "36 35 98:0 / /a rw ext3"] {
            assert_eq!(entry(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn the_root_is_mounted_and_has_room() {
        assert!(mounted_at(Path::new("/proc")).unwrap().is_some_and(|mounted| mounted.kind == "proc"));
        assert_eq!(mounted_at(Path::new("/nowhere/at/all")).unwrap(), None);
        let space = space(Path::new("/")).unwrap();
        assert!(space.available <= space.capacity && space.capacity > 0);
    }
}
