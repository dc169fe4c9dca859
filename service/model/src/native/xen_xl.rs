//! Files of xl: settings (xl.cfg(5)).

use super::xen::{self, Dialect};
use super::{Converted, ReadError, WriteError, Written};
use crate::domain::Domain;

/// Reads a configuration.
///
/// # Errors
/// [`ReadError`] for text that is not of the format, or a value that a setting cannot have.
pub fn read(text: &str) -> Result<Converted, ReadError> {
    xen::read(text, Dialect::Xl)
}

/// Writes a configuration. What it cannot say is in the warnings.
///
/// # Errors
/// [`WriteError`] for a domain that is not for Xen.
pub fn write(domain: &Domain) -> Result<Written, WriteError> {
    xen::write(domain, Dialect::Xl)
}
