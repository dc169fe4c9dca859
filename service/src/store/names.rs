//! Which names may become names of files.
//!
//! Names come from XML documents of clients. One check, used by everything that turns a name into a path, so that no name
//! can leave its directory.

use super::StoreError;

/// Longest name in bytes. File names end at 255 bytes (`limits.h`, NAME_MAX); the rest is room for extensions.
pub const MAX_NAME_BYTES: usize = 200;

/// Accepts `name` as the stem of a file name.
pub fn check(name: &str) -> Result<(), StoreError> {
    let reason = match name {
        "" => "it is empty",
        "." | ".." => "'.' and '..' are names of directories",
        _ if name.contains('/') => "it contains '/'",
        _ if name.contains('\0') => "it contains a NUL character",
        _ if name.len() > MAX_NAME_BYTES => "it is longer than 200 bytes",
        _ => return Ok(()),
    };
    Err(StoreError::InvalidName { name: name.to_owned(), reason })
}

/// The file that holds the definition called `name`, or the link that starts it.
pub(super) fn xml_file(name: &str) -> Result<String, StoreError> {
    check(name)?;
    Ok(format!("{name}.xml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "x".repeat(MAX_NAME_BYTES);
        for good in ["a", "web server", ".hidden", "...", "a..b", "a.xml", "-rf", "Gäste", "a\nb", &longest] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        let too_long = "x".repeat(MAX_NAME_BYTES + 1);
        let too_many_bytes = "ä".repeat(MAX_NAME_BYTES / 2 + 1);
        for bad in ["", ".", "..", "/", "a/b", "../a", "/etc/passwd", "a\0b", &too_long, &too_many_bytes] {
            assert!(matches!(check(bad), Err(StoreError::InvalidName { .. })), "{bad:?}");
        }
    }
}
