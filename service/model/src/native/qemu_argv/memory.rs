//! Memory: how much, and what it is made of.

use super::ReadError;
use super::conversion::Conversion;
use super::options::{Opt, bad};
use super::outcome::{Outcome, partly};
use super::props::{Props, is_on};
use super::tree::{Build, element, keep_last};
use crate::units::{KIB, MIB};

/// Memory when nothing is said, in bytes (QEMU's manual page, `-m`).
const DEFAULT_MEMORY: u64 = 128 * MIB;

/// What options say of memory together.
#[derive(Debug, Default)]
pub struct Facts {
    memory: Option<u64>,
    max_memory: Option<(u64, u32)>,
}

/// Converts options of memory.
///
/// # Errors
/// A size is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "m" => memory(to, option)?,
        "mem-path" if option.value.contains("hugepages") => {
            to.memory_backing.push(element("hugepages"));
            Outcome::Done
        }
        "mem-prealloc" => {
            to.memory_backing.push(element("allocation").with("mode", "immediate"));
            Outcome::Done
        }
        "overcommit" => overcommit(to, &to.props(option, "")?),
        _ => return Ok(None),
    }))
}

fn memory(to: &mut Conversion<'_>, option: &Opt) -> Result<Outcome, ReadError> {
    let props = to.props(option, "size")?;
    let bytes = |text: &str| size(text, MIB).ok_or_else(|| bad(option, "a size such as 512M or 4G", text));
    if let Some(text) = props.take("size") {
        to.memory.memory = Some(bytes(text)?);
    }
    if let Some(text) = props.take("maxmem") {
        let slots = props.take("slots").and_then(|slots| slots.parse().ok()).unwrap_or(0);
        to.memory.max_memory = Some((bytes(text)?, slots));
    }
    Ok(partly(&props))
}

/// Bytes of a size with QEMU's suffixes; `unit` is that of a number without one.
pub fn size(text: &str, unit: u64) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => unit,
        "b" => 1,
        "k" | "kb" => KIB,
        "m" | "mb" => MIB,
        "g" | "gb" => MIB << 10,
        "t" | "tb" => MIB << 20,
        _ => return None,
    };
    match digits.parse::<u64>() {
        Ok(number) => number.checked_mul(scale),
        // QEMU takes fractions such as 1.5G.
        Err(_) => {
            let (whole, part) = digits.split_once('.')?;
            let tenths: u64 = part.get(..1)?.parse().ok()?;
            whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(scale / 10 * tenths)
        }
    }
}

/// The object that the guest's memory is made of. What it is made from is noted; its size is that of `-m`.
pub fn back_end(to: &mut Conversion<'_>, id: &str) -> bool {
    let Some(back_end) = to.back_end(id) else { return false };
    let props = &back_end.props;
    let kind = props.take("qom-type").unwrap_or_default().to_owned();
    let path = props.take("mem-path").map(str::to_owned);
    let share = props.take("share").and_then(is_on);
    let prealloc = props.take("prealloc").and_then(is_on) == Some(true);
    let hugepages = props.take("hugetlb").and_then(is_on) == Some(true) || path.as_deref().is_some_and(|path| path.contains("hugepages"));
    props.ignore(&[
        "id",
        "size",
        "prealloc-threads",
        "discard-data",
        "dump",
        "merge",
        "x-use-canonical-path-for-ramblock-id",
        "hugetlbsize",
    ]);
    let source = match kind.as_str() {
        "memory-backend-ram" => None,
        "memory-backend-memfd" => Some("memfd"),
        "memory-backend-file" => Some("file"),
        _ => return false,
    };
    if !props.left().is_empty() {
        return false;
    }
    to.used(id);
    if hugepages {
        to.memory_backing.push(element("hugepages"));
    } else {
        to.memory_backing.extend(source.map(|source| element("source").with("type", source)));
    }
    to.memory_backing.extend(share.map(|share| element("access").with("mode", if share { "shared" } else { "private" })));
    if prealloc {
        to.memory_backing.push(element("allocation").with("mode", "immediate"));
    }
    true
}

fn overcommit(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if props.take("mem-lock").and_then(is_on) == Some(true) {
        to.memory_backing.push(element("locked"));
    }
    if props.take("cpu-pm").and_then(is_on) == Some(true) {
        return Outcome::Kept("no element says cpu-pm=on".to_owned());
    }
    partly(props)
}

/// Writes the sizes.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.memory);
    let kib = |name: &str, bytes: u64| element(name).with("unit", "KiB").content(bytes.div_ceil(KIB));
    let memory = facts.memory.unwrap_or(DEFAULT_MEMORY);
    if let Some((bytes, slots)) = facts.max_memory {
        to.general.push(kib("maxMemory", bytes).with("slots", slots));
    }
    to.general.push(kib("memory", memory));
    to.general.push(kib("currentMemory", memory));
    if !to.memory_backing.is_empty() {
        let mut backing = element("memoryBacking").children(to.memory_backing.drain(..));
        keep_last(&mut backing);
        to.general.push(backing);
    }
}
