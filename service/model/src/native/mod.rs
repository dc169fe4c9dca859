//! Native configurations: what hypervisors are told by other means than our documents, to and from
//! the model.
//!
//! Parsers here are data parsers: nothing of a configuration is ever executed, expanded or looked up.
//!
//! Invariants:
//! - What a configuration says is either in the domain or in a warning; nothing is dropped silently.
//! - Reading is bounded: size, nesting and the number of settings are capped, time grows with the
//!   length of the text.
//! - No conversion needs the hypervisor to be there.

use crate::domain::Domain;
use crate::keywords;
use crate::xml::Position;

pub mod qemu_argv;
mod warnings;
mod xen;
pub mod xen_sxpr;
pub mod xen_xl;
pub mod xen_xm;

pub use warnings::Warning;
use warnings::Warnings;

/// Largest configuration that is read, in bytes.
pub const MAX_SIZE: usize = 1 << 20;

keywords! {
    /// A format of native configurations; the names are libvirt's.
    pub enum Format {
        /// QEMU's command line, with environment words before it, quoted as for a shell.
        QemuArgv = "qemu-argv",
        /// Configuration files of xm, in a subset of Python (xmdomain.cfg(5)).
        XenXm = "xen-xm",
        /// Configuration files of xl (xl.cfg(5)).
        XenXl = "xen-xl",
        /// S-expressions of xend.
        XenSxpr = "xen-sxpr",
    }
}

/// A configuration as a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// The domain. What it leaves open is filled in when it is defined.
    pub domain: Domain,
    /// What has no element of its own, and what was done about it.
    pub warnings: Vec<Warning>,
}

/// A domain as a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The configuration.
    pub text: String,
    /// What the domain has and the format cannot say.
    pub warnings: Vec<String>,
}

/// A configuration that cannot be read: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {reason}")]
pub struct ReadError {
    /// Where in the configuration.
    pub position: Position,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// A domain that a format has no way to describe. The sentence says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WriteError(pub String);

/// Reads a configuration.
///
/// # Errors
/// [`ReadError`] for text that is not of the format or is over a limit.
pub fn read(format: Format, text: &str) -> Result<Converted, ReadError> {
    if text.len() > MAX_SIZE {
        let reason = format!("the configuration has {} bytes, more than the {MAX_SIZE} that are read", text.len());
        return Err(ReadError { position: Position { line: 1, column: 1 }, reason });
    }
    match format {
        Format::QemuArgv => qemu_argv::read(text),
        Format::XenXm => xen_xm::read(text),
        Format::XenXl => xen_xl::read(text),
        Format::XenSxpr => xen_sxpr::read(text),
    }
}
