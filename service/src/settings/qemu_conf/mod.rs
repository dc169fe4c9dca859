//! `qemu.conf` of the system instance: how its guests are confined, and what they get whose definitions leave it open.
//!
//! The names of the keys, their meanings and the syntax are libvirt's, so that an administrator's file of there can be taken
//! over ([`keys`] has the table). A value that cannot be meant stops the service with its line and what is allowed; a key
//! that is not known, or has no effect in this version, is reported.

mod keys;
mod parse;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use self::keys::{Effect, KEYS, Key, Kind, WITHOUT_EFFECT};
use self::parse::{Entry, Problem, Value};
use super::SettingsError;
use crate::confinement::{self, dac, limits::Limits};
use crate::hypervisors::qemu::Choices;

/// Bytes of the file at most.
const MOST_BYTES: u64 = 1 << 20;

/// Which security module confines guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityDriver {
    /// What is active on the host.
    Auto,
    /// None, whatever is active.
    None,
    /// These, which must be active.
    These(Vec<String>),
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuConf {
    /// How guests are confined.
    pub confinement: confinement::Options,
    /// `security_driver`.
    pub security_driver: SecurityDriver,
    /// `cgroup_controllers`; `None` all that the host has.
    pub cgroup_controllers: Option<Vec<String>>,
    /// What guests get whose definitions leave it open.
    pub choices: Choices,
}

impl Default for QemuConf {
    fn default() -> Self {
        let device = |name: &&str| Path::new("/dev").join(name);
        let devices = ["null", "full", "zero", "random", "urandom", "ptmx", "kvm", "rtc", "hpet", "net/tun"];
        let (user, group) = ("lodge-qemu".to_owned(), Some("lodge-qemu".to_owned()));
        Self {
            confinement: confinement::Options {
                dac: dac::Options { user, group, dynamic_ownership: true, remember_owner: true },
                capabilities: true,
                namespaces: true,
                seccomp: true,
                limits: Limits::default(),
                devices: devices.iter().map(device).collect(),
                default_confined: true,
                require_confined: false,
            },
            security_driver: SecurityDriver::Auto,
            cgroup_controllers: None,
            choices: Choices::default(),
        }
    }
}

/// A key that does nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ineffective {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 for what is said of the whole file.
    pub line: usize,
    /// What is the matter, as a clause.
    pub reason: String,
}

impl fmt::Display for Ineffective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.reason),
            line => write!(f, "{}, line {line}: {}", self.path.display(), self.reason),
        }
    }
}

impl QemuConf {
    /// The file as it is shipped: every key with its default, commented out.
    pub fn shipped() -> String {
        keys::shipped()
    }

    /// Reads the file at `path`; without one, everything has its default. What has no effect comes in order of lines, for
    /// the log.
    ///
    /// # Errors
    /// [`SettingsError`], with the line where there is one.
    pub fn load(path: &Path) -> Result<(Self, Vec<Ineffective>), SettingsError> {
        let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
        let metadata = match path.metadata() {
            Ok(metadata) if metadata.len() > MOST_BYTES => return Err(unreadable(io::ErrorKind::FileTooLarge.into())),
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Self::default(), Vec::new())),
            Err(source) => return Err(unreadable(source)),
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let (settings, mut told) =
            Self::read(path, &text).map_err(|Problem { line, reason }| SettingsError::Invalid { path: path.to_owned(), line, reason })?;
        let Choices { vnc_password, spice_password, .. } = &settings.choices;
        if vnc_password.as_ref().or(spice_password.as_ref()).is_some() && metadata.mode() & 0o044 != 0 {
            let reason = format!("it holds a password that others can read: chmod go-r {}", path.display());
            told.push(Ineffective { path: path.to_owned(), line: 0, reason });
        }
        Ok((settings, told))
    }

    fn read(path: &Path, text: &str) -> Result<(Self, Vec<Ineffective>), Problem> {
        let (mut settings, mut told) = (Self::default(), Vec::new());
        for entry in parse::parse(text)? {
            let reason = match KEYS.iter().find(|key| key.name == entry.key) {
                Some(key) => {
                    check(key, &entry)?;
                    settings.set(&entry)?;
                    continue;
                }
                None if WITHOUT_EFFECT.contains(&&*entry.key) => format!("{} has no effect in this version", entry.key),
                None => format!("the key '{}' is not known and has no effect", entry.key),
            };
            told.push(Ineffective { path: path.to_owned(), line: entry.line, reason });
        }
        settings.check_ranges()?;
        Ok((settings, told))
    }

    /// Takes a setting that is of the right kind.
    fn set(&mut self, entry: &Entry) -> Result<(), Problem> {
        let Self { confinement, choices, .. } = self;
        let (on, number) = (entry.number() == 1, entry.number().unsigned_abs());
        let at_most = (number > 0).then_some(number);
        match entry.key.as_str() {
            "user" => confinement.dac.user = entry.name()?,
            "group" => confinement.dac.group = Some(entry.name()?),
            "dynamic_ownership" => confinement.dac.dynamic_ownership = on,
            "remember_owner" => confinement.dac.remember_owner = on,
            "security_driver" => self.security_driver = security_driver(entry)?,
            "security_default_confined" => confinement.default_confined = on,
            "security_require_confined" => confinement.require_confined = on,
            "clear_emulator_capabilities" => confinement.capabilities = on,
            "namespaces" => confinement.namespaces = !entry.texts().is_empty(),
            "seccomp_sandbox" => {
                confinement.seccomp = entry.number() != 0;
                choices.sandbox = entry.number() != 0;
            }
            "cgroup_controllers" => self.cgroup_controllers = Some(entry.texts()),
            "cgroup_device_acl" => confinement.devices = devices(entry)?,
            "max_processes" => confinement.limits.processes = at_most,
            "max_files" => confinement.limits.files = at_most,
            "max_core" => confinement.limits.core = matches!(entry.value, Value::Number(_)).then_some(number),
            "dump_guest_core" => choices.dump_guest_core = on,
            "vnc_listen" => choices.vnc_listen = entry.text(),
            "vnc_password" => choices.vnc_password = Some(entry.text()).filter(|text| !text.is_empty()),
            "spice_listen" => choices.spice_listen = entry.text(),
            "spice_password" => choices.spice_password = Some(entry.text()).filter(|text| !text.is_empty()),
            "remote_display_port_min" => choices.display_ports = entry.port()..=*choices.display_ports.end(),
            "remote_display_port_max" => choices.display_ports = *choices.display_ports.start()..=entry.port(),
            "remote_websocket_port_min" => choices.websocket_ports = entry.port()..=*choices.websocket_ports.end(),
            "remote_websocket_port_max" => choices.websocket_ports = *choices.websocket_ports.start()..=entry.port(),
            "nvram" => choices.firmware = firmware(entry)?,
            "log_timestamp" => choices.log_timestamp = on,
            // It is off, and that is how it is.
            _ => {}
        }
        Ok(())
    }

    /// What only several settings together can get wrong.
    fn check_ranges(&self) -> Result<(), Problem> {
        let ranges = [("remote_display_port", &self.choices.display_ports), ("remote_websocket_port", &self.choices.websocket_ports)];
        let empty = ranges.into_iter().find(|(_, range): &(_, &RangeInclusive<u16>)| range.is_empty());
        empty.map_or(Ok(()), |(name, range)| {
            let reason = format!("{name}_min is {}, above {name}_max, which is {}", range.start(), range.end());
            Err(Problem { line: 1, reason })
        })
    }
}

/// Whether a value is of the kind that the key has.
fn check(key: &Key, entry: &Entry) -> Result<(), Problem> {
    let allowed = match (key.kind, &entry.value) {
        (Kind::Switch, Value::Number(0 | 1)) => Ok(()),
        (Kind::Switch, _) => Err("0 or 1".to_owned()),
        (Kind::Number(least, most), Value::Number(number)) if (least..=most).contains(number) => Ok(()),
        (Kind::Number(least, most), _) => Err(format!("a number from {least} to {most}")),
        (Kind::Bytes, Value::Number(0..)) => Ok(()),
        (Kind::Bytes, Value::Text(text)) if text == "unlimited" => Ok(()),
        (Kind::Bytes, _) => Err("a number of bytes, or \"unlimited\"".to_owned()),
        (Kind::Text, Value::Text(_)) => Ok(()),
        (Kind::Text, _) => Err("a text in quotes".to_owned()),
        (Kind::Address, Value::Text(text)) if text.parse::<IpAddr>().is_ok() => Ok(()),
        (Kind::Address, _) => Err("an IP address in quotes".to_owned()),
        (Kind::Words(words), _) if entry.all_texts(|text| words.contains(&text)) => Ok(()),
        (Kind::Words(words), _) => Err(format!("some of {}, in quotes", words.join(", "))),
        (Kind::List, Value::List(_)) if entry.all_texts(|_| true) => Ok(()),
        (Kind::List, _) => Err("a list of texts, as [ \"one\", \"two\" ]".to_owned()),
    };
    let invalid = |allowed| entry.problem(format!("{} may be {allowed}", key.name));
    allowed.map_err(invalid)?;
    if key.effect == Effect::OnlyOff && entry.number() != 0 {
        return Err(entry.problem(format!("this version cannot do what {} asks for; it may be 0", key.name)));
    }
    Ok(())
}

fn security_driver(entry: &Entry) -> Result<SecurityDriver, Problem> {
    let words = entry.texts();
    match &words[..] {
        [] => Ok(SecurityDriver::Auto),
        [one] if one == "auto" => Ok(SecurityDriver::Auto),
        [one] if one == "none" => Ok(SecurityDriver::None),
        words if words.iter().any(|word| word == "none" || word == "auto") => {
            Err(entry.problem("security_driver may have \"auto\" or \"none\" only by itself"))
        }
        words => Ok(SecurityDriver::These(words.to_vec())),
    }
}

fn devices(entry: &Entry) -> Result<Vec<PathBuf>, Problem> {
    let is_one =
        |path: &Path| path.starts_with("/dev") && path != Path::new("/dev") && !path.components().any(|part| part.as_os_str() == "..");
    let device = |text: String| match PathBuf::from(&text) {
        path if is_one(&path) => Ok(path),
        _ => Err(entry.problem(format!("cgroup_device_acl has '{text}'; it may have paths below /dev"))),
    };
    entry.texts().into_iter().map(device).collect()
}

fn firmware(entry: &Entry) -> Result<Vec<(PathBuf, PathBuf)>, Problem> {
    let pair = |text: String| match text.split_once(':') {
        Some((code, variables)) if code.starts_with('/') && variables.starts_with('/') => Ok((code.into(), variables.into())),
        _ => Err(entry.problem(format!("nvram has '{text}'; it may have two absolute paths with a ':' between them"))),
    };
    entry.texts().into_iter().map(pair).collect()
}

impl Entry {
    fn problem(&self, reason: impl Into<String>) -> Problem {
        Problem { line: self.line, reason: reason.into() }
    }

    /// The number; 0 for what is none.
    fn number(&self) -> i64 {
        if let Value::Number(number) = self.value { number } else { 0 }
    }

    fn port(&self) -> u16 {
        u16::try_from(self.number()).unwrap_or(u16::MAX)
    }

    /// The text; empty for what is none.
    fn text(&self) -> String {
        if let Value::Text(text) = &self.value { text.clone() } else { String::new() }
    }

    fn name(&self) -> Result<String, Problem> {
        match self.text().trim() {
            "" => Err(self.problem(format!("{} is empty; it may be a name, or a number after a '+'", self.key))),
            name => Ok(name.to_owned()),
        }
    }

    /// The texts of a list, or the text.
    fn texts(&self) -> Vec<String> {
        let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
        match &self.value {
            Value::List(values) => values.iter().filter_map(text).collect(),
            value => text(value).into_iter().collect(),
        }
    }

    /// Whether it is a text or a list of texts that are all so.
    fn all_texts(&self, so: impl Fn(&str) -> bool) -> bool {
        let is_so = |value: &Value| matches!(value, Value::Text(text) if so(text));
        match &self.value {
            Value::List(values) => values.iter().all(is_so),
            value => is_so(value),
        }
    }
}

#[cfg(test)]
mod tests;
