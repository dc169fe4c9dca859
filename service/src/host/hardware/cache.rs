//! Caches, and which processors share them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{list, number, numbered, text};

/// What a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKind {
    /// Instructions and data.
    Unified,
    /// Instructions.
    Instruction,
    /// Data.
    Data,
}

/// A cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Its level, from 1.
    pub level: u32,
    /// Its number among those of its level and kind.
    pub number: u32,
    /// What it holds.
    pub kind: CacheKind,
    /// Its size in bytes.
    pub size: u64,
    /// The processors that share it.
    pub cpus: BTreeSet<u32>,
}

/// The caches of these processors, each once. Those without a number cannot be told apart and are left out.
pub(super) fn read(sys: &Path, cpus: &[u32]) -> Vec<Cache> {
    let directories = cpus.iter().map(|cpu| sys.join(format!("devices/system/cpu/cpu{cpu}/cache")));
    let found = directories.flat_map(|directory| numbered(&directory, "index")).filter_map(|(_, directory)| cache(&directory));
    let caches: BTreeMap<_, _> = found.map(|cache| ((cache.level, cache.number, cache.kind), cache)).collect();
    caches.into_values().collect()
}

fn cache(directory: &Path) -> Option<Cache> {
    let kind = match text(&directory.join("type"))?.as_str() {
        "Unified" => CacheKind::Unified,
        "Instruction" => CacheKind::Instruction,
        "Data" => CacheKind::Data,
        _ => return None,
    };
    let kib: u64 = text(&directory.join("size"))?.strip_suffix('K')?.parse().ok()?;
    Some(Cache {
        level: number(&directory.join("level"))?,
        number: number(&directory.join("id"))?,
        kind,
        size: kib.checked_mul(1024)?,
        cpus: list(&text(&directory.join("shared_cpu_list"))?),
    })
}
