//! Firmware that is installed, and the choice among it.
//!
//! Packages describe their firmware in JSON files (QEMU, docs/interop/firmware.json). The first that has what the
//! definition asks for is taken.

use serde::Deserialize;

/// A description of firmware.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FirmwareDescriptor {
    /// What the guest can expect: `uefi`, `bios` and others.
    #[serde(default)]
    pub interface_types: Vec<String>,
    /// How it is given to QEMU.
    pub mapping: Mapping,
    /// The machines it is for.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// What it can do, such as `secure-boot`, `enrolled-keys`, `requires-smm`.
    #[serde(default)]
    pub features: Vec<String>,
}

/// How firmware is given to QEMU.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "device", rename_all = "kebab-case")]
pub enum Mapping {
    /// In flash memory.
    #[serde(rename_all = "kebab-case")]
    Flash {
        /// `split` (when absent), `combined` or `stateless`.
        mode: Option<String>,
        /// The code.
        executable: FlashFile,
        /// What a guest's variables are at first.
        nvram_template: Option<FlashFile>,
    },
    /// As a ROM.
    Memory {
        /// The file.
        filename: String,
    },
    /// As a kernel.
    Kernel {
        /// The file.
        filename: String,
    },
    /// In a way that is not known here.
    #[serde(other)]
    Other,
}

/// A file for flash memory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FlashFile {
    /// The file.
    pub filename: String,
    /// Its image format.
    pub format: String,
}

/// Machines that firmware is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// QEMU's name of the architecture.
    pub architecture: String,
    /// Patterns of machine types, with `*`.
    pub machines: Vec<String>,
}

/// What a definition asks of UEFI firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// QEMU's name of the guest's architecture.
    pub architecture: &'a str,
    /// The machine type's own name.
    pub machine: &'a str,
    /// With or without Secure Boot; either when absent.
    pub secure_boot: Option<bool>,
    /// With or without keys; either when absent.
    pub enrolled_keys: Option<bool>,
    /// The guest may have SMM.
    pub smm: bool,
}

impl FirmwareDescriptor {
    /// Reads a description.
    ///
    /// # Errors
    /// It is no description.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether it can do something.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }

    /// Whether it has what is asked for.
    pub fn suits(&self, wish: &Wish<'_>) -> bool {
        let wanted = |feature, wish: Option<bool>| wish.is_none_or(|wish| wish == self.has(feature));
        let target = |target: &Target| {
            target.architecture == wish.architecture && target.machines.iter().any(|pattern| matches(pattern, wish.machine))
        };
        self.interface_types.iter().any(|kind| kind == "uefi")
            && matches!(self.mapping, Mapping::Flash { .. })
            && self.targets.iter().any(target)
            && wanted("secure-boot", wish.secure_boot)
            && wanted("enrolled-keys", wish.enrolled_keys)
            && (wish.smm || !self.has("requires-smm"))
    }
}

/// The first description that fits.
pub fn choose<'a>(installed: &'a [FirmwareDescriptor], wish: &Wish<'_>) -> Option<&'a FirmwareDescriptor> {
    installed.iter().find(|descriptor| descriptor.suits(wish))
}

/// `*` stands for any text. The first place where a part fits is as good as any later one, so nothing is tried twice.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in between.split('*') {
        match text.split_once(part) {
            Some((_, behind)) => text = behind,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("pc-q35-*", "pc-q35-10.0", true),
            ("pc-q35-*", "pc-i440fx-10.0", false),
            ("*", "", true),
            ("q35", "q35x", false),
            ("a*b", "acb", true),
            ("a*b", "ab", true),
            ("a*b", "aab", true),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_of_many_parts_take_no_time() {
        assert!(!matches(&format!("{}b", "a*".repeat(10_000)), &"a".repeat(20_000)));
        assert!(matches(&"*".repeat(100_000), "a"));
    }
}
