//! Owner and mode of a directory or of a volume: `<permissions>` (libvirt, formatstorage).

use std::borrow::Cow;

use crate::element;
use crate::xml::Value;

element! {
    /// Owner and mode.
    pub struct Permissions {
        /// Mode. When left out, 0711 for the directory of a pool and 0600 for a volume.
        leaf "mode" mode: Option<Mode>,
        /// User; the service's own when left out.
        leaf "owner" owner: Option<OwnerId>,
        /// Group; the service's own when left out.
        leaf "group" group: Option<OwnerId>,
        /// Label of mandatory access control, such as SELinux has.
        leaf "label" label: Option<String>,
    }
}

/// The mode of a file: an octal number from 0 to 7777 (chmod(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode(u16);

impl Mode {
    /// The largest: all bits of chmod(2).
    pub const MAX: u16 = 0o7777;

    /// A mode, of which nothing above [`Mode::MAX`] counts.
    pub const fn new(bits: u16) -> Self {
        Self(bits & Self::MAX)
    }

    /// The bits, as for chmod(2).
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl Value for Mode {
    const EXPECTED: &'static str = "an octal mode from 0 to 7777, such as 0644";

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let bits = u16::from_str_radix(text, 8).ok().filter(|bits| digits && *bits <= Self::MAX)?;
        Some(Self(bits))
    }

    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{:04o}", self.0))
    }
}

/// The number of a user or group; `None` is written -1 and means the service's own. 4294967295 is
/// the same, since system calls cannot tell them apart (chown(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnerId(Option<u32>);

impl OwnerId {
    /// This user or group.
    pub const fn new(id: u32) -> Self {
        Self(if id == u32::MAX { None } else { Some(id) })
    }

    /// The number; `None` for the service's own.
    pub const fn get(self) -> Option<u32> {
        self.0
    }
}

impl Value for OwnerId {
    const EXPECTED: &'static str = "a number from 0 to 4294967294, or -1 for the service's own";

    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "-1" => Some(Self(None)),
            number => number.parse().ok().map(Self::new),
        }
    }

    fn format(&self) -> Cow<'_, str> {
        self.0.map_or(Cow::Borrowed("-1"), |id| Cow::Owned(id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        for (text, bits, written) in
            [("0744", 0o744, "0744"), ("600", 0o600, "0600"), ("00", 0, "0000"), (" 02775 ", 0o2775, "2775"), ("7777", 0o7777, "7777")]
        {
            let mode = Mode::parse(text).unwrap();
            assert_eq!((mode.bits(), mode.format().as_ref()), (bits, written), "{text}");
        }
        for text in ["", "0800", "10000", "-1", "+7", "0o644", "rwx", "0644 0644", "77777777777777"] {
            assert_eq!(Mode::parse(text), None, "{text:?}");
        }
        assert_eq!(Mode::new(0o17_7777), Mode::new(0o7777));
    }

    #[test]
    fn owners_are_numbers_or_the_service_itself() {
        for (text, id, written) in [
            ("0", Some(0), "0"),
            (" 107\n", Some(107), "107"),
            ("4294967294", Some(u32::MAX - 1), "4294967294"),
            ("4294967295", None, "-1"),
            ("-1", None, "-1"),
        ] {
            let owner = OwnerId::parse(text).unwrap();
            assert_eq!((owner.get(), owner.format().as_ref()), (id, written), "{text}");
        }
        for text in ["", "-2", "4294967296", "root", "1.5", "0x10"] {
            assert_eq!(OwnerId::parse(text), None, "{text:?}");
        }
    }
}
