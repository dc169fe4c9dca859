//! When a volume was used: `<timestamps>` (libvirt, formatstorage). Storage reports them; nothing is
//! configured with them.

use std::borrow::Cow;
use std::time::Duration;

use crate::element;
use crate::xml::Value;

element! {
    /// When a file was used.
    pub struct Timestamps {
        /// Last access.
        leaf "atime" atime: Option<Timestamp>,
        /// Last change of its content.
        leaf "mtime" mtime: Option<Timestamp>,
        /// Last change of its content or attributes.
        leaf "ctime" ctime: Option<Timestamp>,
        /// When it was made.
        leaf "btime" btime: Option<Timestamp>,
    }
}

/// A point in time, as what has passed since the beginning of 1970 in universal time. It is written
/// in seconds; nanoseconds follow after a point, unless they are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub Duration);

impl Value for Timestamp {
    const EXPECTED: &'static str = "seconds since 1970 such as 1341933637.273190990, with up to nine digits after the point";

    fn parse(text: &str) -> Option<Self> {
        let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
            return None;
        }
        let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
        Some(Self(Duration::new(seconds.parse().ok()?, nanoseconds)))
    }

    fn format(&self) -> Cow<'_, str> {
        let seconds = self.0.as_secs();
        Cow::Owned(match self.0.subsec_nanos() {
            0 => seconds.to_string(),
            nanoseconds => format!("{seconds}.{nanoseconds:09}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_a_fraction() {
        for (text, seconds, nanoseconds, written) in [
            ("1341933637.273190990", 1_341_933_637, 273_190_990, "1341933637.273190990"),
            ("1341930622", 1_341_930_622, 0, "1341930622"),
            ("5.", 5, 0, "5"),
            (" 5.5 ", 5, 500_000_000, "5.500000000"),
            ("0.000000001", 0, 1, "0.000000001"),
            ("18446744073709551615", u64::MAX, 0, "18446744073709551615"),
        ] {
            let timestamp = Timestamp::parse(text).unwrap();
            assert_eq!(timestamp, Timestamp(Duration::new(seconds, nanoseconds)), "{text}");
            assert_eq!(timestamp.format(), written, "{text}");
        }
        for text in ["", ".5", "-1", "1.0000000001", "1.2.3", "1,5", "now", "+1", "18446744073709551616"] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }
}
