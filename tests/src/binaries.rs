//! The programs under test: where cargo put them.
//!
//! A test of this crate cannot have another package's programs built; `make test` builds them before. Invariant: a program
//! that is missing fails the test with the command that makes it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of a program of this workspace, such as `lodged`, from the same build as the running test.
///
/// # Panics
/// It is not built.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    // TARGET/PROFILE/deps/TEST
    let profile = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let program = profile.join(name);
    assert!(program.is_file(), "{} is missing; run: cargo build --workspace", program.display());
    program
}

/// A command that starts a program; the one place of the tests that does so.
#[allow(clippy::disallowed_methods, reason = "tests start programs as a person's shell does, not as the service does")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// A program of the system, found along `PATH`.
///
/// # Panics
/// It is not installed.
pub fn installed(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| Path::is_file(program));
    found.unwrap_or_else(|| panic!("{name} is missing; install the Debian package {package}"))
}
