//! How much memory a domain has, what it is made of and what limits it.

use crate::element;
use crate::keywords;
use crate::units::{ReadSize, WriteSize};
use crate::xml::OnOff;

use super::cpuset::CpuSet;

element! {
    /// `<memory>`: memory at boot.
    pub struct Memory {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
        /// Whether a core dump of the domain's process holds the guest's memory.
        attr "dumpCore" dump_core: Option<OnOff>,
    }
}

element! {
    /// `<currentMemory>`: memory after ballooning.
    pub struct CurrentMemory {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
    }
}

element! {
    /// `<maxMemory>`: most memory that can be plugged.
    pub struct MaxMemory {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
        /// Slots for memory devices.
        attr "slots" slots: Option<u32>,
    }
}

impl Memory {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }
}

impl CurrentMemory {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }
}

keywords! {
    /// Where memory comes from.
    pub enum MemorySourceType {
        /// Anonymous memory of the process.
        Anonymous = "anonymous",
        /// A file.
        File = "file",
        /// A file without a name (memfd).
        Memfd = "memfd",
    }
}

keywords! {
    /// Who else can map the memory.
    pub enum MemoryAccess {
        /// Nobody.
        Private = "private",
        /// Helpers such as virtiofsd.
        Shared = "shared",
    }
}

keywords! {
    /// When memory is allocated.
    pub enum MemoryAllocation {
        /// At start.
        Immediate = "immediate",
        /// When it is touched.
        OnDemand = "ondemand",
    }
}

element! {
    /// `<memoryBacking>`: what the guest's memory is made of.
    pub struct MemoryBacking {
        /// Huge pages.
        child "hugepages" huge_pages: Option<HugePages>,
        /// Whether pages are kept out of kernel same-page merging.
        flag "nosharepages" no_share_pages: bool,
        /// Whether the memory is locked in RAM.
        flag "locked" locked: bool,
        /// Where it comes from.
        child "source" source: Option<MemorySource>,
        /// Who else can map it.
        child "access" access: Option<MemoryAccessMode>,
        /// When it is allocated.
        child "allocation" allocation: Option<MemoryAllocationMode>,
        /// Whether its content is dropped before the guest ends.
        flag "discard" discard: bool,
    }
}

element! {
    /// `<hugepages>`; without pages, those of the host's default size.
    pub struct HugePages {
        /// Sizes, and for which of the guest's nodes.
        children "page" pages: Vec<HugePage>,
    }
}

element! {
    /// A size of huge pages.
    pub struct HugePage {
        /// Bytes, whole KiB.
        kib_attr "size" size: u64,
        /// The guest's NUMA nodes that use it; all when absent.
        attr "nodeset" nodes: Option<CpuSet>,
    }
}

element! {
    /// `<source>`.
    pub struct MemorySource {
        /// Where memory comes from.
        attr "type" kind: Option<MemorySourceType>,
    }
}

element! {
    /// `<access>`.
    pub struct MemoryAccessMode {
        /// Who else can map it.
        attr "mode" mode: Option<MemoryAccess>,
    }
}

element! {
    /// `<allocation>`.
    pub struct MemoryAllocationMode {
        /// When.
        attr "mode" mode: Option<MemoryAllocation>,
        /// By how many threads.
        attr "threads" threads: Option<u32>,
    }
}

element! {
    /// `<memtune>`: limits of the domain's process.
    pub struct MemoryTune {
        /// Most memory.
        child "hard_limit" hard_limit: Option<MemoryLimit>,
        /// Most memory while the host is short of it.
        child "soft_limit" soft_limit: Option<MemoryLimit>,
        /// Least memory that is guaranteed.
        child "min_guarantee" min_guarantee: Option<MemoryLimit>,
        /// Most memory and swap together.
        child "swap_hard_limit" swap_hard_limit: Option<MemoryLimit>,
    }
}

element! {
    /// A limit.
    pub struct MemoryLimit {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
    }
}
