//! A few bytes for one process only: a file in memory that has no name, and that nobody can change (memfd_create(2)).
//!
//! So a secret reaches a program without being an argument, a variable or a file.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A file with these bytes. The process that inherits it opens it as `/proc/self/fd/N`.
///
/// # Errors
/// What the kernel says.
pub fn file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = std::fs::File::from(memfd_create("lodge", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::host::directory::path_of;

    #[test]
    fn it_can_be_read_and_not_changed() {
        let sealed = file(b"s3cret").unwrap();
        let mut text = String::new();
        std::fs::File::open(path_of(&sealed)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "s3cret");
        assert!(std::fs::File::from(sealed).write_all(b"x").is_err());
    }
}
