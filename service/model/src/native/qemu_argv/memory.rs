//! Memory: how much, and what it is made of.

use super::ReadError;
use super::back_ends::Kind;
use super::conversion::Conversion;
use super::options::{Opt, bad};
use super::outcome::{Outcome, partly};
use super::props::{Props, is_on};
use super::tree::{Build, element, keep_last};
use crate::units::{KIB, MIB};
use crate::xml::Element;

/// Memory when nothing is said, in bytes (QEMU's manual page, `-m`).
const DEFAULT_MEMORY: u64 = 128 * MIB;

/// What options say of memory together.
#[derive(Debug, Default)]
pub struct Facts {
    memory: Option<u64>,
    max_memory: Option<(u64, Option<u32>)>,
    /// Whether a core dump of QEMU has the guest's memory.
    pub dumped: bool,
}

/// Converts options of memory.
///
/// # Errors
/// A size is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "m" => memory(to, option)?,
        "mem-path" => {
            let file = in_file(&option.value);
            to.memory_backing.push(file);
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
        to.facts.memory.memory = Some(bytes(text)?);
    }
    if let Some(text) = props.take("maxmem") {
        let slots = match props.take("slots") {
            Some(slots) => Some(slots.parse().map_err(|_| bad(option, "a number of slots", slots))?),
            None => None,
        };
        to.facts.memory.max_memory = Some((bytes(text)?, slots));
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
            let part = part.get(..part.len().min(9)).filter(|part| !part.is_empty())?;
            let denominator = 10_u128.pow(u32::try_from(part.len()).ok()?);
            let fraction = u128::from(scale) * u128::from(part.parse::<u64>().ok()?) / denominator;
            whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(u64::try_from(fraction).ok()?)
        }
    }
}

/// Memory in a file of a folder. What is in /dev/shm has a name only there, and is the same as memory without a name.
fn in_file(path: &str) -> Element {
    if path.contains("hugepages") {
        element("hugepages")
    } else {
        element("source").with("type", if path.starts_with("/dev/shm") { "memfd" } else { "file" })
    }
}

/// The object that the guest's memory is made of. What it is made from is noted; its size is that of `-m`.
pub fn back_end(to: &mut Conversion<'_>, id: &str) -> bool {
    let Some(backing) = backing(to, id) else { return false };
    to.used(Kind::Object, id);
    to.memory_backing.extend(backing);
    true
}

/// What `<memoryBacking>` has of an object; `None` when no element says it.
pub fn backing(to: &Conversion<'_>, id: &str) -> Option<Vec<Element>> {
    let props = &to.back_end(Kind::Object, id)?.props;
    let path = props.take("mem-path").map(str::to_owned);
    let mut backing: Vec<Element> = match props.take("qom-type")? {
        _ if props.take_on("hugetlb") == Some(true) => vec![huge_pages(props.take("hugetlbsize"))?],
        "memory-backend-ram" => Vec::new(),
        "memory-backend-memfd" => vec![element("source").with("type", "memfd")],
        "memory-backend-file" => vec![in_file(&path?)],
        _ => return None,
    };
    if let Some(on) = props.take_on("share") {
        backing.push(element("access").with("mode", if on { "shared" } else { "private" }));
    }
    let threads = props.take("prealloc-threads").map(str::to_owned);
    if props.take_on("prealloc") == Some(true) {
        backing.push(element("allocation").with("mode", "immediate").maybe("threads", threads));
    }
    if props.take_on("merge") == Some(false) {
        backing.push(element("nosharepages"));
    }
    if props.take_on("discard-data") == Some(true) {
        backing.push(element("discard"));
    }
    // The size is that of -m; what is dumped is said of all memory.
    props.ignore(&["id", "size", "dump", "x-use-canonical-path-for-ramblock-id"]);
    props.left().is_empty().then_some(backing)
}

fn huge_pages(size: Option<&str>) -> Option<Element> {
    let page = match size {
        Some(text) => Some(element("page").with("size", size_in_kib(text)?).with("unit", "KiB")),
        None => None,
    };
    Some(element("hugepages").children(page))
}

fn size_in_kib(text: &str) -> Option<u64> {
    size(text, 1).map(|bytes| bytes.div_ceil(KIB))
}

fn overcommit(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if props.take_on("mem-lock") == Some(true) {
        to.memory_backing.push(element("locked"));
    }
    // That it is off is what QEMU does by itself.
    if props.get("cpu-pm").and_then(is_on) == Some(false) {
        props.take("cpu-pm");
    }
    partly(props)
}

/// Writes the sizes.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.memory);
    let kib = |name: &str, bytes: u64| element(name).with("unit", "KiB").content(bytes.div_ceil(KIB));
    let memory = facts.memory.unwrap_or(DEFAULT_MEMORY);
    if let Some((bytes, slots)) = facts.max_memory {
        to.general.push(kib("maxMemory", bytes).maybe("slots", slots));
    }
    to.general.push(kib("memory", memory).maybe("dumpCore", facts.dumped.then_some("on")));
    to.general.push(kib("currentMemory", memory));
    if !to.memory_backing.is_empty() {
        let mut backing = element("memoryBacking").children(to.memory_backing.drain(..));
        keep_last(&mut backing);
        to.general.push(backing);
    }
}
