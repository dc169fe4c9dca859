//! The machine that the service runs on, as its kernel describes it: processors, memory, caches, sleep.
//!
//! Facts: proc(5) and the kernel's documentation of sysfs (`Documentation/ABI/stable/sysfs-devices-node`,
//! `sysfs-devices-system-cpu`, `testing/sysfs-kernel-mm-hugepages`, `admin-guide/cputopology.rst`).
//!
//! Invariants:
//! - What cannot be read is absent; nothing is guessed, and nothing here fails.
//! - Sizes are bytes.
//! - Read anew each time: processors and memory come and go.

mod cache;
mod memory;
mod processor;
mod topology;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use uuid::Uuid;

pub use cache::{Cache, CacheKind};
pub use memory::Pages;
pub use processor::Processor;
pub use topology::{Core, Cpu, Node};

/// The longest file that is read whole: `/proc/cpuinfo` has some 1.5 KiB for each processor.
const LONGEST: u64 = 16 << 20;

/// A machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hardware {
    /// The processors' architecture, as uname(2) has it.
    pub architecture: String,
    /// Identity of the machine by its firmware; readable by root only.
    pub uuid: Option<Uuid>,
    /// What the first processor says of itself.
    pub processor: Processor,
    /// Sizes of pages, the smallest first.
    pub page_sizes: Vec<u64>,
    /// NUMA nodes by number; a machine without NUMA is one node.
    pub nodes: Vec<Node>,
    /// Caches by level and number.
    pub caches: Vec<Cache>,
    /// How it can sleep; absent where the kernel knows no sleep.
    pub sleep: Option<Sleep>,
    /// Whether there is an IOMMU that is turned on.
    pub iommu: bool,
}

/// How a machine can sleep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sleep {
    /// To memory.
    pub to_memory: bool,
    /// To disk.
    pub to_disk: bool,
    /// To both at once.
    pub to_both: bool,
}

/// Looks at this machine, on a thread where that may take its time.
///
/// # Errors
/// The thread crashed.
pub async fn look() -> std::io::Result<Hardware> {
    let sources = Sources { sys: "/sys".into(), proc: "/proc".into() };
    tokio::task::spawn_blocking(move || sources.read()).await.map_err(std::io::Error::other)
}

/// Where the kernel's descriptions are.
struct Sources {
    sys: PathBuf,
    proc: PathBuf,
}

impl Sources {
    fn read(&self) -> Hardware {
        let base_page = u64::try_from(rustix::param::page_size()).unwrap_or_default();
        let nodes = topology::nodes(self, base_page);
        let cpus: Vec<u32> = nodes.iter().flat_map(|node| &node.cpus).map(|cpu| cpu.number).collect();
        Hardware {
            architecture: rustix::system::uname().machine().to_string_lossy().into_owned(),
            uuid: self.uuid(),
            processor: processor::read(&self.proc),
            page_sizes: memory::page_sizes(&self.sys, base_page),
            caches: cache::read(&self.sys, &cpus),
            nodes,
            sleep: self.sleep(),
            iommu: numbered(&self.sys.join("kernel/iommu_groups"), "").next().is_some(),
        }
    }

    /// Some firmware has a number of zeroes or ones for all machines.
    fn uuid(&self) -> Option<Uuid> {
        let uuid = Uuid::try_parse(&text(&self.sys.join("class/dmi/id/product_uuid"))?).ok()?;
        Some(uuid).filter(|uuid| !uuid.is_nil() && !uuid.is_max())
    }

    fn sleep(&self) -> Option<Sleep> {
        let states = text(&self.sys.join("power/state"))?;
        let modes = text(&self.sys.join("power/disk")).unwrap_or_default();
        let has = |list: &str, word| list.split_whitespace().any(|found| found.trim_matches(['[', ']']) == word);
        let to_disk = has(&states, "disk") && !has(&modes, "disabled");
        Some(Sleep { to_memory: has(&states, "mem"), to_disk, to_both: to_disk && has(&modes, "suspend") })
    }
}

/// A file without the white space around its text; `None` when there is none or it cannot be read.
fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

/// A file with a number.
fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    text(path)?.parse().ok()
}

/// The entries of a directory whose names are a prefix and a number, in no order.
fn numbered(directory: &Path, prefix: &'static str) -> impl Iterator<Item = (u32, PathBuf)> + use<> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(move |entry| {
        let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
        Some((number, entry.path()))
    })
}

/// Numbers as the kernel lists them, such as `0-3,8`.
fn list(text: &str) -> BTreeSet<u32> {
    /// More than any machine has; a range that is longer is none.
    const MOST: u32 = 1 << 16;
    let ranges = text.split(',').filter_map(|part| {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        Some(first..=last).filter(|_| last < MOST)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests;
