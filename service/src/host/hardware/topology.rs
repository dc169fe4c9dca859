//! Which processors and how much memory are near each other.

use std::collections::BTreeSet;
use std::path::Path;

use super::memory::{self, Pages};
use super::{Sources, list, number, numbered, text};

/// A NUMA node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: u32,
    /// Its memory in bytes.
    pub memory: Option<u64>,
    /// Its pages by size, the smallest first.
    pub pages: Vec<Pages>,
    /// How far it is from each node; 10 is the distance to itself.
    pub distances: Vec<(u32, u32)>,
    /// Its processors that are online, by number.
    pub cpus: Vec<Cpu>,
}

/// A logical processor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: u32,
    /// The core that it is a part of, where the kernel tells it.
    pub core: Option<Core>,
}

/// A core and where it is. Numbers are the kernel's own; 0 stands for what the machine does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Core {
    /// The package.
    pub package: u32,
    /// The die of the package.
    pub die: u32,
    /// The cluster of the die.
    pub cluster: u32,
    /// The core of the package.
    pub number: u32,
    /// Its logical processors.
    pub cpus: BTreeSet<u32>,
}

/// All nodes. A kernel without NUMA has none; all that there is makes one then.
pub(super) fn nodes(sources: &Sources, base_page: u64) -> Vec<Node> {
    let mut found: Vec<_> = numbered(&sources.sys.join("devices/system/node"), "node").collect();
    if found.is_empty() {
        let online = text(&sources.sys.join("devices/system/cpu/online")).unwrap_or_default();
        let meminfo = sources.proc.join("meminfo");
        return vec![node(0, &meminfo, &sources.sys.join("kernel/mm/hugepages"), cpus(&sources.sys, &online), base_page)];
    }
    found.sort();
    let numbers: Vec<u32> = found.iter().map(|(number, _)| *number).collect();
    let nodes = found.into_iter().map(|(number, path)| {
        let online = text(&path.join("cpulist")).unwrap_or_default();
        let node = node(number, &path.join("meminfo"), &path.join("hugepages"), cpus(&sources.sys, &online), base_page);
        let distances = text(&path.join("distance")).unwrap_or_default();
        let distances = distances.split_whitespace().filter_map(|distance| distance.parse().ok());
        Node { distances: numbers.iter().copied().zip(distances).collect(), ..node }
    });
    nodes.collect()
}

fn node(number: u32, meminfo: &Path, hugepages: &Path, cpus: Vec<Cpu>, base_page: u64) -> Node {
    let memory = memory::total(meminfo);
    let pages = memory.map_or_else(Vec::new, |total| memory::pages(total, base_page, hugepages));
    Node { number, memory, pages, distances: Vec::new(), cpus }
}

fn cpus(sys: &Path, online: &str) -> Vec<Cpu> {
    list(online)
        .into_iter()
        .map(|number| Cpu { number, core: core(&sys.join(format!("devices/system/cpu/cpu{number}/topology"))) })
        .collect()
}

fn core(directory: &Path) -> Option<Core> {
    // The kernel says -1, and of clusters 65535, where it does not know.
    let part = |name: &str| number::<i32>(&directory.join(name)).and_then(|number| u32::try_from(number).ok());
    // `thread_siblings_list` is the name of old.
    let cpus = text(&directory.join("core_cpus_list")).or_else(|| text(&directory.join("thread_siblings_list")))?;
    Some(Core {
        package: part("physical_package_id").unwrap_or_default(),
        die: part("die_id").unwrap_or_default(),
        cluster: part("cluster_id").filter(|cluster| *cluster != u32::from(u16::MAX)).unwrap_or_default(),
        number: part("core_id")?,
        cpus: list(&cpus),
    })
}
