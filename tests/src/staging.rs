//! What people install: the built programs and all their data, by the scripts that people use.

use std::path::{Path, PathBuf};

use crate::binaries;

/// Installs the built programs with a prefix, below a destination; answers with the paths that were written.
///
/// # Panics
/// The programs are not built, or the script fails.
pub fn install(prefix: &str, destination: &str) -> Vec<PathBuf> {
    let build = binaries::built("lodged");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/install");
    let mut command = binaries::command(script);
    command.arg(build.parent().expect("a program lies in a directory")).env("PREFIX", prefix).env("DESTDIR", destination);
    let installed = command.output().expect("the script can be run");
    assert!(installed.status.success(), "{installed:?}");
    String::from_utf8_lossy(&installed.stdout).lines().map(PathBuf::from).collect()
}

/// Makes the Debian package of the built programs in a directory; answers with its path.
///
/// # Panics
/// The programs are not built, or the script fails.
pub fn package(directory: &Path) -> PathBuf {
    let build = binaries::built("lodged");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/debian-package");
    let mut command = binaries::command(script);
    command.arg(build.parent().expect("a program lies in a directory")).arg(directory);
    let packed = command.output().expect("the script can be run");
    assert!(packed.status.success(), "{packed:?}");
    PathBuf::from(String::from_utf8_lossy(&packed.stdout).trim_end())
}
