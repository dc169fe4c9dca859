//! Where the processors and the memory of a host are.

use crate::domain::cpuset::CpuSet;
use crate::domain::numa::{Distances, Interconnects, NumaCache};
use crate::element;
use crate::units::{KibSize, ReadSize, WriteSize};

element! {
    /// Where the processors and the memory of a host are.
    pub struct Topology {
        /// NUMA nodes.
        child "cells" cells: Option<HostCells>,
        /// Latencies and bandwidths between them.
        child "interconnects" interconnects: Option<Interconnects>,
    }
}

element! {
    /// NUMA nodes of a host; one without NUMA has one.
    pub struct HostCells {
        /// How many.
        required "num" count: u32,
        /// One by one.
        children "cell" cells: Vec<HostCell>,
    }
}

element! {
    /// A NUMA node.
    pub struct HostCell {
        /// Its number, as the kernel has it.
        required "id" id: u32,
        /// Its memory.
        child "memory" memory: Option<KibSize>,
        /// How many pages of each size it has.
        children "pages" pages: Vec<PagePool>,
        /// How far it is from the nodes.
        child "distances" distances: Option<Distances>,
        /// Caches of its memory.
        children "cache" caches: Vec<NumaCache>,
        /// Its processors.
        child "cpus" cpus: Option<CellCpus>,
    }
}

element! {
    /// The pages of one size.
    pub struct PagePool {
        /// Bytes of a page, whole KiB.
        kib_attr "size" bytes: u64,
        /// How many there are, in use or not.
        text "" count: Option<u64>,
    }
}

element! {
    /// Processors of a NUMA node.
    pub struct CellCpus {
        /// How many.
        required "num" count: u32,
        /// One by one.
        children "cpu" cpus: Vec<CellCpu>,
    }
}

element! {
    /// A logical processor. One that is offline has nothing but its number.
    pub struct CellCpu {
        /// Its number, as `<vcpupin>` and the like have it.
        required "id" id: u32,
        /// The package it is in.
        attr "socket_id" socket: Option<u32>,
        /// The die of the package; 0 where there are none.
        attr "die_id" die: Option<u32>,
        /// The cluster of the die; 0 where there are none.
        attr "cluster_id" cluster: Option<u32>,
        /// The core.
        attr "core_id" core: Option<u32>,
        /// All processors of that core.
        attr "siblings" siblings: Option<CpuSet>,
    }
}
