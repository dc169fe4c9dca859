//! Programs: where those of the system are, and of those that somebody else names, whether only root decides what they do.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Permissions of group and others to write.
const OTHERS_WRITE: u32 = 0o022;

/// Why a program is not to be run with rights that its author may not have.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// It cannot be looked at.
    #[error("cannot examine {}: {source}", .path.display())]
    Unknown {
        /// The program.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Somebody besides root can put something else there.
    #[error("{} may be changed by others than root; use a program that is installed for all users, or have root own that", .path.display())]
    Changeable {
        /// The program, or a directory above it.
        path: PathBuf,
    },
}

/// The real path of a program that nobody but root can have put there, or can exchange before it is started.
///
/// # Errors
/// It is not there, or it or a directory above it belongs to, or may be written by, somebody else.
pub fn of_root(program: &Path) -> Result<PathBuf, Untrusted> {
    let real = program.canonicalize().map_err(|source| Untrusted::Unknown { path: program.to_owned(), source })?;
    for path in real.ancestors() {
        let found = path.symlink_metadata().map_err(|source| Untrusted::Unknown { path: path.to_owned(), source })?;
        if found.uid() != 0 || found.mode() & OTHERS_WRITE != 0 {
            return Err(Untrusted::Changeable { path: path.to_owned() });
        }
    }
    Ok(real)
}

/// Where programs of the system are, in the order of preference.
const DIRECTORIES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The program of the system of that name, if it is installed.
pub fn find(name: &str) -> Option<PathBuf> {
    let executable = |path: &PathBuf| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(executable)
}

/// The same; where it is not installed a path at which it would be, so that starting it says what is missing.
pub fn of_system(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| Path::new("/usr/bin").join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_others_can_exchange_is_refused() {
        assert_eq!(of_root(Path::new("/usr/bin/env")).unwrap(), Path::new("/usr/bin/env").canonicalize().unwrap());
        assert!(matches!(of_root(Path::new("/nowhere/qemu")), Err(Untrusted::Unknown { .. })));
        // Root's or not, it lies where everybody may write.
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        let program = directory.path().join("qemu");
        std::fs::copy("/usr/bin/env", &program).unwrap();
        assert!(matches!(of_root(&program), Err(Untrusted::Changeable { .. })));
        // A link from there is taken for where it leads, and what is answered cannot be led elsewhere any more.
        let link = directory.path().join("link");
        symlink("/usr/bin/env", &link).unwrap();
        assert!(of_root(&link).unwrap().starts_with("/usr"));
    }
}
