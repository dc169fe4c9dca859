//! The guest's NUMA topology and where on the host its memory comes from.

use crate::element;
use crate::keywords;
use crate::units::{ReadSize, WriteSize};
use crate::xml::YesNo;

use super::cpuset::CpuSet;
use super::memory::MemoryAccess;

keywords! {
    /// How host nodes are used.
    pub enum NumaMode {
        /// These nodes only.
        Strict = "strict",
        /// This node if it has room.
        Preferred = "preferred",
        /// These nodes in turn.
        Interleave = "interleave",
        /// These nodes only, by control group.
        Restrictive = "restrictive",
    }
}

keywords! {
    /// Who chooses host nodes or processors.
    pub enum Placement {
        /// The document.
        Static = "static",
        /// numad, when the domain starts.
        Auto = "auto",
    }
}

element! {
    /// `<numatune>`.
    pub struct NumaTune {
        /// For the whole domain.
        child "memory" memory: Option<NumaMemory>,
        /// For single cells of the guest.
        children "memnode" nodes: Vec<NumaMemoryNode>,
    }
}

element! {
    /// Host nodes of the whole domain.
    pub struct NumaMemory {
        /// How they are used.
        attr "mode" mode: Option<NumaMode>,
        /// Which.
        attr "nodeset" nodes: Option<CpuSet>,
        /// Who chooses them.
        attr "placement" placement: Option<Placement>,
    }
}

element! {
    /// Host nodes of one cell.
    pub struct NumaMemoryNode {
        /// The guest's cell.
        required "cellid" cell: u32,
        /// How they are used.
        required "mode" mode: NumaMode,
        /// Which.
        required "nodeset" nodes: CpuSet,
    }
}

element! {
    /// `<numa>` of the guest's processor.
    pub struct NumaTopology {
        /// Its cells.
        children "cell" cells: Vec<NumaCell>,
        /// Latencies and bandwidths between them.
        child "interconnects" interconnects: Option<Interconnects>,
    }
}

element! {
    /// A cell of the guest.
    pub struct NumaCell {
        /// Number, from 0; by position when absent.
        attr "id" id: Option<u32>,
        /// Its virtual processors.
        attr "cpus" cpus: Option<CpuSet>,
        /// Its memory in bytes, whole KiB.
        kib_attr "memory" memory: u64,
        /// Who else can map its memory.
        attr "memAccess" access: Option<MemoryAccess>,
        /// Whether its content is dropped before the guest ends.
        attr "discard" discard: Option<YesNo>,
        /// How far it is from other cells.
        child "distances" distances: Option<Distances>,
        /// Caches of its memory.
        children "cache" caches: Vec<NumaCache>,
    }
}

element! {
    /// How far a cell is from others.
    pub struct Distances {
        /// One by one.
        children "sibling" siblings: Vec<Distance>,
    }
}

element! {
    /// How far a cell is from another.
    pub struct Distance {
        /// The other cell.
        required "id" id: u32,
        /// 10 to 255; 10 is the distance to itself.
        required "value" value: u32,
    }
}

keywords! {
    /// How a memory cache is addressed.
    pub enum CacheAssociativity {
        /// Not told.
        None = "none",
        /// Directly.
        Direct = "direct",
        /// By any index.
        Full = "full",
    }
}

keywords! {
    /// When a memory cache writes.
    pub enum CachePolicy {
        /// Not told.
        None = "none",
        /// Late.
        WriteBack = "writeback",
        /// At once.
        WriteThrough = "writethrough",
    }
}

element! {
    /// A cache of a cell's memory.
    pub struct NumaCache {
        /// Level, from 1.
        required "level" level: u32,
        /// How it is addressed.
        required "associativity" associativity: CacheAssociativity,
        /// When it writes.
        required "policy" policy: CachePolicy,
        /// Its size.
        child "size" size: Option<CacheSize>,
        /// The size of a line.
        child "line" line: Option<CacheLine>,
    }
}

element! {
    /// A size.
    pub struct CacheSize {
        /// Bytes, whole KiB.
        kib_attr "value" bytes: u64,
    }
}

element! {
    /// The size of a line.
    pub struct CacheLine {
        /// Bytes.
        bytes_attr "value" bytes: u64,
    }
}

element! {
    /// Latencies and bandwidths between cells.
    pub struct Interconnects {
        /// Latencies.
        children "latency" latencies: Vec<Latency>,
        /// Bandwidths.
        children "bandwidth" bandwidths: Vec<Bandwidth>,
    }
}

keywords! {
    /// What is measured.
    pub enum MemoryOperation {
        /// Any access.
        Access = "access",
        /// Reading.
        Read = "read",
        /// Writing.
        Write = "write",
    }
}

element! {
    /// Latency between two cells.
    pub struct Latency {
        /// The cell whose processors access.
        required "initiator" initiator: u32,
        /// The cell whose memory is accessed.
        required "target" target: u32,
        /// Level of the cache that is accessed.
        attr "cache" cache: Option<u32>,
        /// What is measured.
        required "type" kind: MemoryOperation,
        /// Nanoseconds.
        required "value" value: u32,
    }
}

element! {
    /// Bandwidth between two cells.
    pub struct Bandwidth {
        /// The cell whose processors access.
        required "initiator" initiator: u32,
        /// The cell whose memory is accessed.
        required "target" target: u32,
        /// Level of the cache that is accessed.
        attr "cache" cache: Option<u32>,
        /// What is measured.
        required "type" kind: MemoryOperation,
        /// Bytes per second, whole KiB.
        kib_attr "value" bytes: u64,
    }
}
