//! Which boot of the host this is.

use std::io;

/// Where the kernel tells it (random(4)).
pub const ID: &str = "/proc/sys/kernel/random/boot_id";

/// Tells one boot of the host from another.
///
/// # Errors
/// The file cannot be read, as without `/proc`.
pub fn id() -> io::Result<String> {
    Ok(std::fs::read_to_string(ID)?.trim().to_owned())
}
