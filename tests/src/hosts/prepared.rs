//! What hosts are started from: directories outside the checkout, made by `scripts/test-host`.
//!
//! Asked once for each host in a test program; the script builds what is missing or was made by another recipe.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::binaries;

static DIRECTORIES: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// The directory of a host.
///
/// # Panics
/// It cannot be built; what is missing stands in the message.
pub fn directory(host: &str) -> PathBuf {
    let mut directories = DIRECTORIES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    directories.get_or_insert_default().entry(host.to_owned()).or_insert_with(|| build(host)).clone()
}

fn build(host: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test-host");
    let built = binaries::command(script).arg(host).output().expect("the script can be run");
    let messages = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the test host '{host}' cannot be built; try: make test-system\n{messages}");
    PathBuf::from(String::from_utf8_lossy(&built.stdout).trim_end())
}
