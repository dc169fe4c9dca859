//! Values that stand in an attribute or as an element's text.

use std::borrow::Cow;

use uuid::Uuid;

/// A value with one textual form.
pub trait Value: Sized {
    /// What a reader expects, to complete "expected …".
    const EXPECTED: &'static str;
    /// Reads the value; `None` when the text is not one.
    fn parse(text: &str) -> Option<Self>;
    /// The text of the value.
    fn format(&self) -> Cow<'_, str>;
}

impl Value for String {
    const EXPECTED: &'static str = "text";
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

/// Whole numbers without a sign; hexadecimal ones with `0x` are read too, and written in decimal.
macro_rules! unsigned {
    ($($type:ty, $expected:literal;)*) => {$(
        impl Value for $type {
            const EXPECTED: &'static str = $expected;
            fn parse(text: &str) -> Option<Self> {
                let text = text.trim();
                match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => <$type>::from_str_radix(digits, 16).ok(),
                    None => text.parse().ok(),
                }
            }
            fn format(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        }
    )*};
}

unsigned! {
    u8, "a number from 0 to 255";
    u16, "a number from 0 to 65535";
    u32, "a number from 0 to 4294967295";
    u64, "a number from 0 to 18446744073709551615";
}

macro_rules! numbers {
    ($($type:ty, $expected:literal;)*) => {$(
        impl Value for $type {
            const EXPECTED: &'static str = $expected;
            fn parse(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }
            fn format(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        }
    )*};
}

numbers! {
    i32, "a number from -2147483648 to 2147483647";
    i64, "a whole number";
}

impl Value for f64 {
    const EXPECTED: &'static str = "a number";
    /// Infinity and what is no number are none.
    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|number: &Self| number.is_finite())
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl Value for Uuid {
    const EXPECTED: &'static str = "a UUID such as 4dea22b3-1d52-d8f3-2516-782e98ab3fa0 (RFC 4122)";
    /// Accepts the form without dashes too.
    fn parse(text: &str) -> Option<Self> {
        Self::try_parse(text.trim()).ok()
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(self.hyphenated().to_string())
    }
}

/// A boolean written `yes` or `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct YesNo(pub bool);

impl Value for YesNo {
    const EXPECTED: &'static str = "'yes' or 'no'";
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "yes" => Some(Self(true)),
            "no" => Some(Self(false)),
            _ => None,
        }
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.0 { "yes" } else { "no" })
    }
}

/// A boolean written `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnOff(pub bool);

impl Value for OnOff {
    const EXPECTED: &'static str = "'on' or 'off'";
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "on" => Some(Self(true)),
            "off" => Some(Self(false)),
            _ => None,
        }
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Borrowed(if self.0 { "on" } else { "off" })
    }
}

/// A number written in hexadecimal with `0x` and at least `DIGITS` digits; decimal is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hex<const DIGITS: usize>(pub u32);

impl<const DIGITS: usize> Value for Hex<DIGITS> {
    const EXPECTED: &'static str = "a number such as 0x1f or 31";
    fn parse(text: &str) -> Option<Self> {
        <u32 as Value>::parse(text).map(Self)
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(format!("0x{:0DIGITS$x}", self.0))
    }
}

/// The content of an element, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawXml(pub String);
