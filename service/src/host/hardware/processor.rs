//! What a processor says of itself: `/proc/cpuinfo`, of which the first processor counts.

use std::collections::BTreeSet;
use std::path::Path;

use super::text;

/// A processor. What its architecture does not have is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processor {
    /// Who made it, in its own twelve letters, such as `GenuineIntel`.
    pub vendor: Option<String>,
    /// Family, model and stepping.
    pub signature: Option<(u32, u32, u32)>,
    /// Revision of the microcode.
    pub microcode: Option<u32>,
    /// Bits of a physical address.
    pub physical_address_bits: Option<u32>,
    /// Features, in the kernel's words.
    pub flags: BTreeSet<String>,
}

pub(super) fn read(proc: &Path) -> Processor {
    let text = text(&proc.join("cpuinfo")).unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    let find = |key: &str| {
        first.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    };
    let number = |key: &str| find(key)?.parse::<u32>().ok();
    let signature = || Some((number("cpu family")?, number("model")?, number("stepping")?));
    Processor {
        vendor: find("vendor_id").map(str::to_owned),
        signature: signature(),
        microcode: find("microcode").and_then(|revision| u32::from_str_radix(revision.strip_prefix("0x")?, 16).ok()),
        physical_address_bits: find("address sizes").and_then(|sizes| sizes.split_once(" bits physical")?.0.parse().ok()),
        flags: find("flags").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    }
}
