//! Configurations of Xen.
use super::{Converted, ReadError, WriteError, Written};
use crate::domain::Domain;

/// Reads a configuration.
///
/// # Errors
/// [`ReadError`] for text that is not of the format.
pub fn read(text: &str) -> Result<Converted, ReadError> {
    let _ = text;
    Err(ReadError { position: crate::xml::Position { line: 1, column: 1 }, reason: "nothing is read yet".into() })
}

/// Writes a configuration.
///
/// # Errors
/// [`WriteError`] for a domain that the format cannot describe.
pub fn write(domain: &Domain) -> Result<Written, WriteError> {
    let _ = domain;
    Err(WriteError("nothing is written yet".into()))
}
