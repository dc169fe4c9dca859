//! What the three formats of Xen have in common: the same settings, in two notations.
//!
//! ```text
//!  xm, xl files ── config ──┐            ┌── boot, disk, vif, … ──▶ Domain
//!                           ├── Input ───┤
//!  s-expressions ── sxpr ───┘            └── what nobody took ────▶ warnings
//! ```
//!
//! Writing goes the same way back through [`Output`](output::Output); then the text is read again, and
//! what of the domain did not come back is told. Facts: xl.cfg(5), xl-disk-configuration(5),
//! xl-network-configuration(5), xmdomain.cfg(5), and libvirt's drvxen and formatdomain documentation.
//!
//! Invariants:
//! - Each module reads and writes its settings side by side, so that they cannot drift apart.
//! - What a domain says and its text does not is in [`Written::warnings`], because it was compared.

mod boot;
mod chardev;
mod clock;
mod config;
mod cpu;
mod cursor;
mod disk;
mod disk_spec;
mod features;
mod fields;
mod general;
mod graphics;
mod input;
mod lost;
mod numa;
mod output;
mod pci;
mod sound;
mod spice;
mod sxpr;
#[cfg(test)]
mod tests;
mod usb;
mod value;
mod video;
mod vif;

use super::{Converted, ReadError, WriteError, Written};
use crate::domain::os::OsKind;
use crate::domain::{Domain, DomainType};
use input::Input;
use output::Output;

/// One of the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Files of xm.
    Xm,
    /// Files of xl.
    Xl,
    /// S-expressions of xend.
    Sxpr,
}

impl Dialect {
    /// What a configuration of the format is called in sentences.
    fn name(self) -> &'static str {
        match self {
            Self::Xm => "a file of xm",
            Self::Xl => "a file of xl",
            Self::Sxpr => "an s-expression of xend",
        }
    }
}

type Read = fn(&mut Input, &mut Domain) -> Result<(), ReadError>;
type Write = fn(&Domain, &mut Output);

/// What is read, in the order of the devices in the domain; what decides about others comes first.
const READ: [Read; 14] = [
    general::read,
    boot::read,
    cpu::read,
    numa::read,
    features::read,
    clock::read,
    disk::read,
    vif::read,
    chardev::read,
    usb::read,
    graphics::read,
    video::read,
    sound::read,
    pci::read,
];

/// What is written, in the order in which people write it.
const WRITE: [Write; 15] = [
    general::write,
    cpu::write,
    numa::write,
    boot::write,
    features::write,
    clock::write,
    general::write_lifecycle,
    graphics::write,
    video::write,
    chardev::write,
    usb::write,
    sound::write,
    disk::write,
    vif::write,
    pci::write,
];

/// Reads a configuration.
///
/// # Errors
/// [`ReadError`] for text that is not of the format, a setting with a value that it cannot have, or a
/// limit that is passed.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<Converted, ReadError> {
    let mut input = match dialect {
        Dialect::Xm | Dialect::Xl => config::parse(text, dialect)?,
        Dialect::Sxpr => sxpr::parse(text)?,
    };
    let mut domain = Domain { kind: DomainType::Xen, ..Domain::default() };
    for step in READ {
        step(&mut input, &mut domain)?;
    }
    Ok(Converted { domain, warnings: input.finish() })
}

/// Writes a domain.
///
/// # Errors
/// [`WriteError`] for a domain that is not for Xen, or whose text would not be read again.
pub(super) fn write(domain: &Domain, dialect: Dialect) -> Result<Written, WriteError> {
    check(domain, dialect)?;
    let mut output = Output::new(dialect);
    for step in WRITE {
        step(domain, &mut output);
    }
    let text = match dialect {
        Dialect::Xm | Dialect::Xl => config::print(&output),
        Dialect::Sxpr => sxpr::print(&output),
    };
    match read(&text, dialect) {
        Ok(again) => Ok(Written { warnings: lost::warnings(domain, &again.domain, dialect), text }),
        Err(error) => Err(WriteError(format!("{} cannot hold a value of the domain: {}; change it", dialect.name(), error.reason))),
    }
}

/// Whether a format describes domains of such a type and kind.
fn check(domain: &Domain, dialect: Dialect) -> Result<(), WriteError> {
    if domain.kind != DomainType::Xen {
        let reason =
            format!("the domain is of type '{}', and {} describes domains of type 'xen'; change the type", domain.kind, dialect.name());
        return Err(WriteError(reason));
    }
    let kind = domain.os.os_type.as_ref().and_then(|os_type| os_type.kind);
    match kind {
        Some(OsKind::Hvm | OsKind::Linux) => {}
        Some(OsKind::XenPvh) if dialect == Dialect::Xl => {}
        Some(other) => {
            let reason =
                format!("{} cannot describe a guest of type '{other}'; its <os> needs the <type> 'hvm' or 'linux'", dialect.name());
            return Err(WriteError(reason));
        }
        None => {
            return Err(WriteError("the domain does not say what kind of guest it is; give its <os> the <type> 'hvm' or 'linux'".into()));
        }
    }
    Ok(())
}

/// Whether the guest is fully virtualized.
fn is_hvm(domain: &Domain) -> bool {
    kind(domain) == OsKind::Hvm
}

/// The kind of guest.
fn kind(domain: &Domain) -> OsKind {
    domain.os.os_type.as_ref().and_then(|os_type| os_type.kind).unwrap_or(OsKind::Linux)
}
