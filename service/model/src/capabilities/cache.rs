//! What processors share on their way to the memory, and how it can be divided (Linux, resctrl).

use crate::domain::cpuset::CpuSet;
use crate::domain::resources::CacheType;
use crate::element;
use crate::units::{ReadSize, WriteSize};

element! {
    /// Caches that processors share.
    pub struct HostCaches {
        /// One by one.
        children "bank" banks: Vec<CacheBank>,
        /// What can be watched of them.
        child "monitor" monitor: Option<ResourceMonitor>,
    }
}

element! {
    /// A cache.
    pub struct CacheBank {
        /// Its number among those of its level.
        required "id" id: u32,
        /// Its level, from 1.
        required "level" level: u32,
        /// What it holds.
        required "type" kind: CacheType,
        /// Bytes, whole KiB.
        kib_attr "size" bytes: u64,
        /// The processors that share it.
        required "cpus" cpus: CpuSet,
        /// How it can be divided.
        children "control" controls: Vec<CacheControl>,
    }
}

element! {
    /// How a cache can be divided.
    pub struct CacheControl {
        /// The smallest step, in the unit.
        required "granularity" granularity: u64,
        /// The least that a part can have, in the unit.
        attr "min" minimum: Option<u64>,
        /// The unit of both, such as `KiB`.
        required "unit" unit: String,
        /// What the parts hold.
        required "type" kind: CacheType,
        /// How many parts there can be.
        required "maxAllocs" max_allocations: u32,
    }
}

element! {
    /// What can be watched.
    pub struct ResourceMonitor {
        /// Level of the cache that it watches.
        attr "level" level: Option<u32>,
        /// What is left in the cache of a group, in bytes, when its number can be given away again.
        attr "reuseThreshold" reuse_threshold: Option<u32>,
        /// How many groups of processors can be watched at once.
        required "maxMonitors" max_monitors: u32,
        /// What is counted.
        children "feature" features: Vec<MonitorFeature>,
    }
}

element! {
    /// What is counted.
    pub struct MonitorFeature {
        /// Its name, such as `llc_occupancy` or `mbm_total_bytes`.
        required "name" name: String,
    }
}

element! {
    /// Limits of memory bandwidth.
    pub struct MemoryBandwidth {
        /// By memory controller.
        children "node" nodes: Vec<BandwidthNode>,
        /// What can be watched.
        child "monitor" monitor: Option<ResourceMonitor>,
    }
}

element! {
    /// A memory controller.
    pub struct BandwidthNode {
        /// Its number.
        required "id" id: u32,
        /// The processors that reach the memory through it.
        required "cpus" cpus: CpuSet,
        /// How its bandwidth can be divided.
        children "control" controls: Vec<BandwidthControl>,
    }
}

element! {
    /// How a bandwidth can be divided.
    pub struct BandwidthControl {
        /// The smallest step, in percent.
        required "granularity" granularity: u32,
        /// The least that a part can have, in percent.
        attr "min" minimum: Option<u32>,
        /// How many parts there can be.
        required "maxAllocs" max_allocations: u32,
    }
}
