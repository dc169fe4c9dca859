//! Memory and its pages.

use std::path::Path;

use super::text;

/// The pages of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// Bytes of a page.
    pub size: u64,
    /// How many there are, in use or not.
    pub count: u64,
}

/// Sizes of pages, the smallest first.
pub(super) fn page_sizes(sys: &Path, base: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = huge_pages(&sys.join("kernel/mm/hugepages")).into_iter().map(|pages| pages.size).collect();
    sizes.insert(0, base);
    sizes
}

/// Memory in bytes by a `meminfo`; each line of a node's begins with `Node N`.
pub(super) fn total(meminfo: &Path) -> Option<u64> {
    let text = text(meminfo)?;
    let line = text.lines().find_map(|line| line.split_once("MemTotal:"))?.1;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Pages of every size in some memory: what is not set aside for huge pages is in pages of the base size.
pub(super) fn pages(total: u64, base: u64, hugepages: &Path) -> Vec<Pages> {
    let mut pages = huge_pages(hugepages);
    let huge = pages.iter().fold(0_u64, |sum, pages| sum.saturating_add(pages.size.saturating_mul(pages.count)));
    let count = total.saturating_sub(huge).checked_div(base).unwrap_or_default();
    pages.insert(0, Pages { size: base, count });
    pages
}

/// Huge pages by size: directories such as `hugepages-2048kB`.
fn huge_pages(directory: &Path) -> Vec<Pages> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut pages: Vec<Pages> = entries
        .filter_map(|entry| {
            let kib: u64 = entry.file_name().to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            Some(Pages { size: kib.checked_mul(1024)?, count: super::number(&entry.path().join("nr_hugepages"))? })
        })
        .collect();
    pages.sort_by_key(|pages| pages.size);
    pages
}
