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

/// What fits into a pipe that nobody reads yet, in bytes (pipe(7)).
const PIPE: usize = 64 << 10;

/// A pipe with these bytes and nothing behind them, for a program that reads its descriptor, once. Unlike a file in memory it is
/// something that policies of mandatory access control let the programs of guests inherit.
///
/// # Errors
/// They are more than 64 KiB, or what the kernel says.
pub fn pipe(bytes: &[u8]) -> io::Result<OwnedFd> {
    if bytes.len() > PIPE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is longer than 64 KiB"));
    }
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(bytes)?;
    Ok(reader.into())
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
        let mut piped = Vec::new();
        std::fs::File::from(pipe(&[7; PIPE]).unwrap()).read_to_end(&mut piped).unwrap();
        assert!(piped == [7; PIPE] && pipe(&[7; PIPE + 1]).is_err());
    }
}
