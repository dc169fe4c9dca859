//! What the service manager hands over in confidence: credentials (systemd.exec(5), `LoadCredentialEncrypted=`).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The directory of the service's credentials; `None` when it was given none.
pub fn directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Reads the credential of a name, one byte more than `expected` at most; `None` when there is no such one.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(directory: &Path, name: &str, expected: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(directory.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    file.take(expected as u64 + 1).read_to_end(&mut content)?;
    Ok(Some(content))
}
