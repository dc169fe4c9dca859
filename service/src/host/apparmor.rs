//! AppArmor in the kernel: whether it is there, and profiles loaded and removed by apparmor_parser(8).

use std::io;
use std::path::{Path, PathBuf};

use super::process::{Limits, ProcessError, ProcessSpec, run};

/// Where the parser may be.
const PARSERS: [&str; 2] = ["/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"];

/// Whether the kernel enforces AppArmor profiles.
///
/// # Errors
/// The kernel does not tell.
pub fn is_enabled() -> io::Result<bool> {
    match std::fs::read_to_string("/sys/module/apparmor/parameters/enabled") {
        Ok(text) => Ok(text.trim() == "Y"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The program that loads profiles.
pub fn parser() -> Option<PathBuf> {
    PARSERS.into_iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Loads the profiles of a file, in place of those of the same names.
///
/// # Errors
/// The parser says what is wrong with them, or the kernel refuses.
pub async fn load(parser: &Path, file: &Path) -> Result<(), ProcessError> {
    parse(parser, "--replace", file).await
}

/// Removes the profiles of a file from the kernel. What ran under them runs on without.
///
/// # Errors
/// As [`load`]; one that is not loaded is an error too.
pub async fn remove(parser: &Path, file: &Path) -> Result<(), ProcessError> {
    parse(parser, "--remove", file).await
}

async fn parse(parser: &Path, action: &str, file: &Path) -> Result<(), ProcessError> {
    // A cache of profiles that live for one run would only grow.
    let spec = ProcessSpec::new(parser).arguments([action, "--skip-cache", "--"]).arguments([file]);
    run(spec, &[], Limits::default()).await?.require_success()?;
    Ok(())
}
