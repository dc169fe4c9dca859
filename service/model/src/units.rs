//! Sizes with units, as documents write them.
//!
//! In the types a size is a number of bytes. Memory is counted in KiB when no unit is given and is
//! rounded up to whole KiB when read; storage is counted in bytes. Units (any case): `b`, `byte`,
//! `bytes`; `KB`, `MB`, `GB`, `TB`, `PB`, `EB` are powers of 1000; `K` or `KiB`, `M` or `MiB` and so
//! on to `E` are powers of 1024 (libvirt, formatdomain "Memory Allocation").

use crate::element;
use crate::xml::{Reader, Writer, XmlError};

/// Bytes in a KiB.
pub const KIB: u64 = 1 << 10;
/// Bytes in a MiB.
pub const MIB: u64 = 1 << 20;
/// Bytes in a GiB.
pub const GIB: u64 = 1 << 30;

/// The powers, from the first on.
const POWERS: &str = "kmgtpe";

/// How many bytes a unit has; `None` for a word that is no unit.
pub fn bytes_in_unit(unit: &str) -> Option<u64> {
    let unit = unit.trim().to_ascii_lowercase();
    if matches!(unit.as_str(), "b" | "byte" | "bytes") {
        return Some(1);
    }
    let base = match unit.get(1..)? {
        "" | "ib" => 1024_u64,
        "b" => 1000,
        _ => return None,
    };
    let power = POWERS.find(unit.chars().next()?)?;
    base.checked_pow(u32::try_from(power).ok()? + 1)
}

/// The bytes of a number with a unit; `default` is the unit's size where none is given.
///
/// # Errors
/// A clause that says what was expected: the text is no number, the unit is not known, or the size
/// is over 2^64-1 bytes.
pub fn to_bytes(number: &str, unit: Option<&str>, default: u64) -> Result<u64, String> {
    let scale = match unit {
        None => default,
        Some(unit) => match bytes_in_unit(unit) {
            Some(scale) => scale,
            None => return Err(format!("expected a unit such as 'bytes', 'KiB', 'MB' or 'G', found '{unit}'")),
        },
    };
    let Ok(count) = number.trim().parse::<u64>() else {
        return Err(format!("expected a size as a whole number, found '{}'", number.trim()));
    };
    match count.checked_mul(scale) {
        Some(bytes) => Ok(bytes),
        None => Err(format!("the size {count} {} is more than 2^64-1 bytes", unit.unwrap_or("(in units of the default)"))),
    }
}

/// Combinators for [`element!`](crate::element) that read sizes into a `u64` of bytes. Those called
/// `kib` round up to whole KiB. `own` is not used, `name` is that of an attribute that must be there;
/// the unit stands in the attribute `unit`.
///
/// # Errors
/// All fail as [`to_bytes`] does, with the place, or when the attribute is missing.
pub trait ReadSize {
    /// The element's own text, in KiB by default.
    #[allow(clippy::missing_errors_doc)]
    fn kib(&mut self, own: &str) -> Result<u64, XmlError>;
    /// The element's own text, in MiB by default.
    #[allow(clippy::missing_errors_doc)]
    fn kib_from_mib(&mut self, own: &str) -> Result<u64, XmlError>;
    /// An attribute, in KiB by default.
    #[allow(clippy::missing_errors_doc)]
    fn kib_attr(&mut self, name: &str) -> Result<u64, XmlError>;
    /// The element's own text, in bytes by default.
    #[allow(clippy::missing_errors_doc)]
    fn bytes(&mut self, own: &str) -> Result<u64, XmlError>;
    /// An attribute, in bytes by default.
    #[allow(clippy::missing_errors_doc)]
    fn bytes_attr(&mut self, name: &str) -> Result<u64, XmlError>;
}

impl ReadSize for Reader<'_, '_> {
    fn kib(&mut self, _own: &str) -> Result<u64, XmlError> {
        let number = own_text(self)?;
        size(self, &number, KIB, KIB)
    }

    fn kib_from_mib(&mut self, _own: &str) -> Result<u64, XmlError> {
        let number = own_text(self)?;
        size(self, &number, MIB, KIB)
    }

    fn kib_attr(&mut self, name: &str) -> Result<u64, XmlError> {
        let number: String = self.required(name)?;
        size(self, &number, KIB, KIB)
    }

    fn bytes(&mut self, _own: &str) -> Result<u64, XmlError> {
        let number = own_text(self)?;
        size(self, &number, 1, 1)
    }

    fn bytes_attr(&mut self, name: &str) -> Result<u64, XmlError> {
        let number: String = self.required(name)?;
        size(self, &number, 1, 1)
    }
}

fn own_text(reader: &mut Reader<'_, '_>) -> Result<String, XmlError> {
    Ok(reader.text("")?.unwrap_or_default())
}

/// Bytes of a number in the unit that the element says, `default` when it says none, rounded up to
/// a multiple of `granularity`.
fn size(reader: &mut Reader<'_, '_>, number: &str, default: u64, granularity: u64) -> Result<u64, XmlError> {
    let unit: Option<String> = reader.attr("unit")?;
    let bytes = to_bytes(number, unit.as_deref(), default).map_err(|reason| reader.error(reason))?;
    match bytes.checked_next_multiple_of(granularity) {
        Some(bytes) => Ok(bytes),
        None => Err(reader.error(format!("the size of {bytes} bytes, rounded up to whole KiB, is more than 2^64-1 bytes"))),
    }
}

/// Combinators for [`element!`](crate::element) that write sizes, always with their unit.
pub trait WriteSize {
    /// The element's own text in KiB, rounded up.
    fn kib(&mut self, own: &str, bytes: &u64);
    /// The same; the name is that of the reader's combinator.
    fn kib_from_mib(&mut self, own: &str, bytes: &u64);
    /// An attribute in KiB, rounded up.
    fn kib_attr(&mut self, name: &str, bytes: &u64);
    /// The element's own text in bytes.
    fn bytes(&mut self, own: &str, bytes: &u64);
    /// An attribute in bytes.
    fn bytes_attr(&mut self, name: &str, bytes: &u64);
}

impl WriteSize for Writer {
    fn kib(&mut self, own: &str, bytes: &u64) {
        self.required("unit", &"KiB".to_owned());
        self.text(own, &Some(bytes.div_ceil(KIB)));
    }

    fn kib_from_mib(&mut self, own: &str, bytes: &u64) {
        WriteSize::kib(self, own, bytes);
    }

    fn kib_attr(&mut self, name: &str, bytes: &u64) {
        self.required(name, &bytes.div_ceil(KIB));
        self.required("unit", &"KiB".to_owned());
    }

    fn bytes(&mut self, own: &str, bytes: &u64) {
        self.required("unit", &"bytes".to_owned());
        self.text(own, &Some(*bytes));
    }

    fn bytes_attr(&mut self, name: &str, bytes: &u64) {
        self.required(name, bytes);
        self.required("unit", &"bytes".to_owned());
    }
}

element! {
    /// A size in KiB when no unit is given.
    pub struct KibSize {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
    }
}

element! {
    /// A size in bytes when no unit is given.
    pub struct ByteSize {
        /// Bytes.
        bytes "" bytes: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_as_documented() {
        for (number, unit, bytes) in [
            ("1", Some("b"), 1),
            ("7", Some("bytes"), 7),
            ("1", Some("KB"), 1000),
            ("1", Some("k"), 1024),
            ("1", Some("KiB"), 1024),
            ("2", Some("MB"), 2_000_000),
            ("2", Some("m"), 2 << 20),
            ("2", Some("MiB"), 2 << 20),
            ("3", Some("GB"), 3_000_000_000),
            ("3", Some("G"), 3 << 30),
            ("1", Some("TiB"), 1 << 40),
            ("1", Some("PB"), 1_000_000_000_000_000),
            ("1", Some("E"), 1 << 60),
            ("15", Some("EiB"), 15 << 60),
            (" 4 ", None, 4096),
        ] {
            assert_eq!(to_bytes(number, unit, KIB), Ok(bytes), "{number} {unit:?}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_was_expected() {
        for (number, unit, expected) in [
            ("16", Some("EiB"), "more than 2^64-1"),
            ("18446744073709551615", None, "more than 2^64-1"),
            ("1", Some("kilo"), "expected a unit"),
            ("1", Some(""), "expected a unit"),
            ("1", Some("ü"), "expected a unit"),
            ("-1", None, "expected a size"),
            ("1.5", Some("G"), "expected a size"),
            ("", None, "expected a size"),
        ] {
            let reason = to_bytes(number, unit, KIB).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
