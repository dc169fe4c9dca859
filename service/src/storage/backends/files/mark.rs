//! The mark on a volume that says in which format the service made it: an extended attribute, which a guest that writes to its
//! disk cannot change.
//!
//! Only root can read and write those named `trusted`; a user's own instance uses `user`. File systems without extended
//! attributes keep no mark, and then a header counts as somebody else's.

use std::fs::File;
use std::io;

use lodge_model::storage_volume::VolumeFormat;
use lodge_model::xml::Value as _;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use rustix::io::Errno;
use uuid::Uuid;

fn name() -> &'static str {
    if rustix::process::geteuid().is_root() { "trusted.lodge.format" } else { "user.lodge.format" }
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The format in which the volume was made; `luks` for a raw one that is encrypted.
    pub format: VolumeFormat,
    /// The secret that opens it.
    pub secret: Option<Uuid>,
}

/// Marks a file.
///
/// # Errors
/// What the kernel says, but that the file system has no attributes.
pub fn write(file: &File, mark: Mark) -> io::Result<()> {
    let secret = mark.secret.map(|secret| format!(" {secret}")).unwrap_or_default();
    match fsetxattr(file, name(), format!("{}{secret}", mark.format).as_bytes(), XattrFlags::empty()) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The mark of a file, if it has one.
pub fn read(file: &File) -> Option<Mark> {
    let mut value = [0_u8; 64];
    let length = fgetxattr(file, name(), &mut value[..]).ok()?;
    let text = std::str::from_utf8(value.get(..length)?).ok()?;
    let (format, secret) = text.split_once(' ').map_or((text, None), |(format, secret)| (format, Some(secret)));
    Some(Mark { format: VolumeFormat::parse(format)?, secret: secret.and_then(|secret| Uuid::try_parse(secret).ok()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let file = tempfile::tempfile_in(".").unwrap();
        assert_eq!(read(&file), None);
        for mark in [Mark { format: VolumeFormat::Raw, secret: None }, Mark { format: VolumeFormat::Luks, secret: Some(Uuid::max()) }] {
            write(&file, mark).unwrap();
            assert_eq!(read(&file), Some(mark));
        }
    }
}
