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

fn name() -> &'static str {
    if rustix::process::geteuid().is_root() { "trusted.lodge.format" } else { "user.lodge.format" }
}

/// Marks a file.
///
/// # Errors
/// What the kernel says, but that the file system has no attributes.
pub fn write(file: &File, format: VolumeFormat) -> io::Result<()> {
    match fsetxattr(file, name(), format.as_str().as_bytes(), XattrFlags::empty()) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The mark of a file, if it has one.
pub fn read(file: &File) -> Option<VolumeFormat> {
    let mut value = [0_u8; 32];
    let length = fgetxattr(file, name(), &mut value[..]).ok()?;
    VolumeFormat::parse(std::str::from_utf8(value.get(..length)?).ok()?)
}
