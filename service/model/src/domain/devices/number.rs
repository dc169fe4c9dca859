//! A number that keeps the notation it was written in.
//!
//! Host addresses are hexadecimal for PCI and decimal for USB and SCSI, in the same attributes and
//! without a type beside them; the notation is kept instead of guessed.

use std::borrow::Cow;

use crate::xml::Value;

/// A number with its notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Number {
    /// The number.
    pub value: u32,
    /// Digits of the hexadecimal notation; 0 means decimal.
    pub hex_digits: u8,
}

impl Number {
    /// A number that is written in decimal.
    pub const fn decimal(value: u32) -> Self {
        Self { value, hex_digits: 0 }
    }

    /// A number that is written as `0x` and at least this many digits.
    pub const fn hex(value: u32, digits: u8) -> Self {
        Self { value, hex_digits: digits }
    }
}

impl Value for Number {
    const EXPECTED: &'static str = "a number such as 0x1f or 31";

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            // More than eight digits are zeros in front; they say nothing.
            Some(digits) => Some(Self::hex(u32::from_str_radix(digits, 16).ok()?, u8::try_from(digits.len().min(8)).ok()?)),
            None => text.parse().ok().map(Self::decimal),
        }
    }

    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(match self.hex_digits {
            0 => self.value.to_string(),
            digits => format!("0x{:0width$x}", self.value, width = usize::from(digits)),
        })
    }
}
