//! The settings file `lodged.toml` of the configuration directory.
//!
//! It is optional, and so is everything in it. A value that cannot be meant stops the daemon with its line and what is
//! allowed; a key that is not known is reported and ignored, so that a file written for another version still works.
//!
//! ```toml
//! idle_timeout_seconds = 120
//! start_timeout_seconds = 60
//!
//! [console]
//! ring_size_bytes = 65536
//!
//! [qemu]
//! emulator = "/opt/qemu/bin/qemu-system-x86_64"
//! ```

mod qemu_conf;

use std::fmt;
use std::io;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

pub use qemu_conf::{Ineffective, QemuConf, SecurityDriver};

/// What can be set, with the defaults for what the file leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds without a running guest, a client or a job after which the daemon ends; D-Bus starts it again when it is
    /// needed. 0 means never. Default 120, at most a year.
    pub idle_timeout_seconds: u64,
    /// Seconds an emulator may take from its launch to its first answer before the start is given up. Default 60, 1 to 3600.
    pub start_timeout_seconds: u64,
    /// Serial and other text consoles.
    pub console: ConsoleSettings,
    /// The QEMU driver.
    pub qemu: QemuSettings,
}

/// `[console]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsoleSettings {
    /// Bytes of output kept of each console, for whoever opens it later. Default 65536 (64 KiB), 4096 to 16777216 (16 MiB).
    pub ring_size_bytes: usize,
}

/// `[qemu]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QemuSettings {
    /// The emulator for definitions that name none, as an absolute path. Default: the installed one for the architecture.
    pub emulator: Option<PathBuf>,
}

/// Ranges of the numbers: table and key, what is allowed, and in words.
const RANGES: [(&str, &str, RangeInclusive<i64>, &str); 3] = [
    ("", "idle_timeout_seconds", 0..=31_536_000, "0 (never) to 31536000 seconds"),
    ("", "start_timeout_seconds", 1..=3600, "1 to 3600 seconds"),
    ("console", "ring_size_bytes", 4096..=16_777_216, "4096 to 16777216 bytes"),
];

impl Default for Settings {
    fn default() -> Self {
        Self { idle_timeout_seconds: 120, start_timeout_seconds: 60, console: ConsoleSettings::default(), qemu: QemuSettings::default() }
    }
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { ring_size_bytes: 64 << 10 }
    }
}

/// The settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file exists but cannot be read.
    #[error("cannot read {}: {source}; make it readable for the user who runs lodged, or remove it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file is not TOML, or a value is not of the right kind or out of range.
    #[error("{}, line {line}: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what is allowed, as a clause.
        reason: String,
    },
}

/// A key in the settings file that means nothing to this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The key with its table, such as `qemu.emulatr`.
    pub key: String,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: the key '{}' is not known and has no effect", self.path.display(), self.line, self.key)
    }
}

impl Settings {
    /// Reads the text of a settings file; `path` is for messages.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn read(path: &Path, text: &str) -> Result<(Self, Vec<UnknownKey>), SettingsError> {
        Document { path, text }.read()
    }

    /// Reads the file at `path`; without one, everything has its default. The unknown keys come in order of lines, for the log.
    ///
    /// # Errors
    /// [`SettingsError`], with the line where there is one.
    pub fn load(path: &Path) -> Result<(Self, Vec<UnknownKey>), SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Self::default(), Vec::new())),
            Err(source) => Err(SettingsError::Unreadable { path: path.to_owned(), source }),
        }
    }
}

/// A settings file being read.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn read(&self) -> Result<(Settings, Vec<UnknownKey>), SettingsError> {
        let table = DeTable::parse(self.text).map_err(|error| self.syntax(&error))?;
        self.check_ranges(table.get_ref())?;
        let settings: Settings = toml::from_str(self.text).map_err(|error| self.syntax(&error))?;
        self.check_emulator(&settings, table.get_ref())?;
        // What serde knows is what it would write: no second list of keys to keep.
        let known = serde_json::to_value(Settings::default()).unwrap_or_default();
        let mut unknown = Vec::new();
        self.find_unknown(table.get_ref(), &known, "", &mut unknown);
        unknown.sort_by_key(|key| key.line);
        Ok((settings, unknown))
    }

    fn check_ranges(&self, root: &DeTable<'_>) -> Result<(), SettingsError> {
        for (section, key, range, words) in RANGES {
            let table = if section.is_empty() { Some(root) } else { root.get(section).and_then(|value| value.get_ref().as_table()) };
            let Some(value) = table.and_then(|table| table.get(key)) else { continue };
            // What is no integer at all is for serde to refuse.
            let Some(integer) = value.get_ref().as_integer() else { continue };
            if !i64::from_str_radix(integer.as_str(), integer.radix()).is_ok_and(|number| range.contains(&number)) {
                return Err(self.invalid(value.span(), format!("{key} is {integer}; it may be {words}")));
            }
        }
        Ok(())
    }

    fn check_emulator(&self, settings: &Settings, root: &DeTable<'_>) -> Result<(), SettingsError> {
        match &settings.qemu.emulator {
            Some(emulator) if !emulator.is_absolute() => {
                let span = root.get("qemu").and_then(|qemu| qemu.get_ref().get("emulator")).map_or(0..0, |value| value.span());
                Err(self.invalid(span, format!("emulator is '{}'; it must be an absolute path", emulator.display())))
            }
            _ => Ok(()),
        }
    }

    fn find_unknown(&self, table: &DeTable<'_>, known: &serde_json::Value, prefix: &str, unknown: &mut Vec<UnknownKey>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match (known.get(key.get_ref().as_ref()), value.get_ref()) {
                (None, _) => unknown.push(UnknownKey { path: self.path.to_owned(), line: self.line(&key.span()), key: name }),
                (Some(inner), DeValue::Table(table)) => self.find_unknown(table, inner, &format!("{name}."), unknown),
                (Some(_), _) => {}
            }
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> SettingsError {
        self.invalid(error.span().unwrap_or(0..0), error.message().replace('\n', ", "))
    }

    fn invalid(&self, span: Range<usize>, reason: String) -> SettingsError {
        SettingsError::Invalid { path: self.path.to_owned(), line: self.line(&span), reason }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Settings, Vec<UnknownKey>), SettingsError> {
        Settings::read(Path::new("/c/lodged.toml"), text)
    }

    #[test]
    fn no_file_and_an_empty_file_are_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let defaults = (Settings::default(), Vec::new());
        assert_eq!(Settings::load(&directory.path().join("lodged.toml")).unwrap(), defaults);
        assert_eq!(read("").unwrap(), defaults);
        assert!(matches!(Settings::load(directory.path()), Err(SettingsError::Unreadable { .. })));
    }

    #[test]
    fn every_key_is_read() {
        let text = "idle_timeout_seconds = 0\nstart_timeout_seconds = 5\n[console]\nring_size_bytes = 0x2000\n[qemu]\nemulator = '/q'\n";
        let expected = Settings {
            idle_timeout_seconds: 0,
            start_timeout_seconds: 5,
            console: ConsoleSettings { ring_size_bytes: 8192 },
            qemu: QemuSettings { emulator: Some("/q".into()) },
        };
        assert_eq!(read(text).unwrap(), (expected, Vec::new()));
    }

    #[test]
    fn unknown_keys_are_named_and_do_not_stop_the_rest() {
        let (settings, unknown) = read("idle_timeout = 5\nstart_timeout_seconds = 5\n\n[qemu]\nemulatr = '/q'\n[zebra]\na = 1\n").unwrap();
        assert_eq!(settings.start_timeout_seconds, 5);
        let messages: Vec<_> = unknown.iter().map(|key| key.to_string()).collect();
        let expected = [("1", "idle_timeout"), ("5", "qemu.emulatr"), ("6", "zebra")]
            .map(|(line, key)| format!("/c/lodged.toml, line {line}: the key '{key}' is not known and has no effect"));
        assert_eq!(messages, expected);
    }

    #[test]
    fn errors_name_the_line_and_what_is_allowed() {
        let table = [
            ("\nidle_timeout_seconds = -1", 2, "idle_timeout_seconds is -1; it may be 0 (never) to 31536000 seconds"),
            ("start_timeout_seconds = 0", 1, "start_timeout_seconds is 0; it may be 1 to 3600 seconds"),
            ("start_timeout_seconds = 99999999999999999999", 1, "it may be 1 to 3600 seconds"),
            ("[console]\nring_size_bytes = 4095", 2, "ring_size_bytes is 4095; it may be 4096 to 16777216 bytes"),
            ("console.ring_size_bytes = 16777217", 1, "it may be 4096 to 16777216 bytes"),
            ("\n\nidle_timeout_seconds = '2 minutes'", 3, "expected u64"),
            ("idle_timeout_seconds = 1.5", 1, "expected u64"),
            ("console = 3", 1, "expected struct ConsoleSettings"),
            ("[qemu]\nemulator = 'qemu-system-x86_64'", 2, "it must be an absolute path"),
            ("a = 1\nb = ", 2, ""),
            ("a = 1\n\na = 2", 3, "duplicate key"),
        ];
        for (text, expected_line, expected) in table {
            match read(text) {
                Err(SettingsError::Invalid { line, reason, .. }) => {
                    assert_eq!(line, expected_line, "{text:?}: {reason}");
                    assert!(reason.contains(expected) && !reason.contains('\n'), "{text:?}: {reason}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn ranges_name_existing_keys_and_hold_the_defaults() {
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        for (section, key, range, _) in RANGES {
            let table = if section.is_empty() { &defaults } else { &defaults[section] };
            assert!(range.contains(&table[key].as_i64().unwrap()), "{key}");
        }
    }
}
