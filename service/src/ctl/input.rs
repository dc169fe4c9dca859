//! What a person gives to read: a file, or standard input.

use std::io::Read as _;
use std::path::Path;

use super::failure::{Failure, Outcome};

/// The text of a file; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read(file: &Path) -> Outcome<String> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| Failure::from(format!("cannot read {}: {error}", file.display())))
}
