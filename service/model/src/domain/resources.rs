//! Shares of the host: block devices, processors, I/O threads, control group and ids.

use crate::element;
use crate::keywords;
use crate::units::{ReadSize, WriteSize};

use super::cpuset::CpuSet;
use super::devices::IoTune;

element! {
    /// `<blkiotune>`.
    pub struct BlockIoTune {
        /// Weight of the domain, 10 to 1000.
        leaf "weight" weight: Option<u32>,
        /// Single block devices of the host.
        children "device" devices: Vec<BlockDeviceTune>,
    }
}

element! {
    /// A block device of the host.
    pub struct BlockDeviceTune {
        /// Its path.
        required_leaf "path" path: String,
        /// Weight of the domain on it, 10 to 1000.
        leaf "weight" weight: Option<u32>,
        /// Most reads in a second.
        leaf "read_iops_sec" read_iops: Option<u32>,
        /// Most writes in a second.
        leaf "write_iops_sec" write_iops: Option<u32>,
        /// Most bytes read in a second.
        leaf "read_bytes_sec" read_bytes: Option<u64>,
        /// Most bytes written in a second.
        leaf "write_bytes_sec" write_bytes: Option<u64>,
    }
}

element! {
    /// `<iothreadids>`.
    pub struct IoThreadIds {
        /// One by one.
        children "iothread" threads: Vec<IoThread>,
    }
}

element! {
    /// An I/O thread.
    pub struct IoThread {
        /// Its number, from 1.
        required "id" id: u32,
        /// Least threads in its pool.
        attr "thread_pool_min" thread_pool_min: Option<u32>,
        /// Most threads in its pool.
        attr "thread_pool_max" thread_pool_max: Option<u32>,
        /// How it polls.
        child "poll" poll: Option<Polling>,
    }
}

element! {
    /// How an I/O thread polls.
    pub struct Polling {
        /// Longest time in nanoseconds; 0 does not poll.
        attr "max" max: Option<u64>,
        /// Factor by which the time grows.
        attr "grow" grow: Option<u64>,
        /// Divisor by which the time shrinks.
        attr "shrink" shrink: Option<u64>,
    }
}

element! {
    /// `<defaultiothread>`: thread pool of the main loop.
    pub struct DefaultIoThread {
        /// Least threads.
        attr "thread_pool_min" thread_pool_min: Option<u32>,
        /// Most threads.
        attr "thread_pool_max" thread_pool_max: Option<u32>,
    }
}

element! {
    /// `<cputune>`. Periods and quotas are microseconds; a negative quota is no limit.
    pub struct CpuTune {
        /// Weight of the domain.
        leaf "shares" shares: Option<u64>,
        /// Period of each virtual processor.
        leaf "period" period: Option<u64>,
        /// Quota of each virtual processor.
        leaf "quota" quota: Option<i64>,
        /// Period of the whole domain.
        leaf "global_period" global_period: Option<u64>,
        /// Quota of the whole domain.
        leaf "global_quota" global_quota: Option<i64>,
        /// Period of the emulator's threads.
        leaf "emulator_period" emulator_period: Option<u64>,
        /// Quota of the emulator's threads.
        leaf "emulator_quota" emulator_quota: Option<i64>,
        /// Period of each I/O thread.
        leaf "iothread_period" io_thread_period: Option<u64>,
        /// Quota of each I/O thread.
        leaf "iothread_quota" io_thread_quota: Option<i64>,
        /// Host processors of virtual processors.
        children "vcpupin" vcpu_pins: Vec<VcpuPin>,
        /// Host processors of the emulator's threads.
        child "emulatorpin" emulator_pin: Option<EmulatorPin>,
        /// Host processors of I/O threads.
        children "iothreadpin" io_thread_pins: Vec<IoThreadPin>,
        /// Scheduling of virtual processors.
        children "vcpusched" vcpu_schedulers: Vec<VcpuScheduling>,
        /// Scheduling of I/O threads.
        children "iothreadsched" io_thread_schedulers: Vec<IoThreadScheduling>,
        /// Scheduling of the emulator's threads.
        child "emulatorsched" emulator_scheduler: Option<EmulatorScheduling>,
        /// Shares of the host's processor caches.
        children "cachetune" caches: Vec<CacheTune>,
        /// Shares of the host's memory bandwidth.
        children "memorytune" memory: Vec<MemoryBandwidthTune>,
    }
}

element! {
    /// Host processors of a virtual processor.
    pub struct VcpuPin {
        /// Which, from 0.
        required "vcpu" vcpu: u32,
        /// Its host processors.
        required "cpuset" cpus: CpuSet,
    }
}

element! {
    /// Host processors of the emulator's threads.
    pub struct EmulatorPin {
        /// Them.
        required "cpuset" cpus: CpuSet,
    }
}

element! {
    /// Host processors of an I/O thread.
    pub struct IoThreadPin {
        /// Which, from 1.
        required "iothread" io_thread: u32,
        /// Its host processors.
        required "cpuset" cpus: CpuSet,
    }
}

keywords! {
    /// A scheduler of the host.
    pub enum Scheduler {
        /// For work in the background.
        Batch = "batch",
        /// For work when nothing else runs.
        Idle = "idle",
        /// Real time, first come first served.
        Fifo = "fifo",
        /// Real time, in turn.
        RoundRobin = "rr",
    }
}

element! {
    /// Scheduling of virtual processors.
    pub struct VcpuScheduling {
        /// Which; all when absent.
        attr "vcpus" vcpus: Option<CpuSet>,
        /// By what scheduler.
        required "scheduler" scheduler: Scheduler,
        /// Priority in real time, 1 to 99.
        attr "priority" priority: Option<u16>,
    }
}

element! {
    /// Scheduling of I/O threads.
    pub struct IoThreadScheduling {
        /// Which; all when absent.
        attr "iothreads" io_threads: Option<CpuSet>,
        /// By what scheduler.
        required "scheduler" scheduler: Scheduler,
        /// Priority in real time, 1 to 99.
        attr "priority" priority: Option<u16>,
    }
}

element! {
    /// Scheduling of the emulator's threads.
    pub struct EmulatorScheduling {
        /// By what scheduler.
        required "scheduler" scheduler: Scheduler,
        /// Priority in real time, 1 to 99.
        attr "priority" priority: Option<u16>,
    }
}

keywords! {
    /// What a cache holds.
    pub enum CacheType {
        /// Code and data.
        Both = "both",
        /// Code.
        Code = "code",
        /// Data.
        Data = "data",
    }
}

element! {
    /// Shares of the host's processor caches.
    pub struct CacheTune {
        /// Virtual processors that have them.
        required "vcpus" vcpus: CpuSet,
        /// Name of the group on the host.
        attr "id" id: Option<String>,
        /// The shares.
        children "cache" caches: Vec<CacheShare>,
        /// What is measured.
        children "monitor" monitors: Vec<CacheMonitor>,
    }
}

element! {
    /// A share of a cache.
    pub struct CacheShare {
        /// Which cache of the host.
        required "id" id: u32,
        /// Its level.
        required "level" level: u32,
        /// What it holds.
        required "type" kind: CacheType,
        /// Bytes.
        bytes_attr "size" size: u64,
    }
}

element! {
    /// Measures the use of a cache.
    pub struct CacheMonitor {
        /// Level of the cache.
        required "level" level: u32,
        /// By which virtual processors.
        required "vcpus" vcpus: CpuSet,
    }
}

element! {
    /// Shares of the host's memory bandwidth.
    pub struct MemoryBandwidthTune {
        /// Virtual processors that have them.
        required "vcpus" vcpus: CpuSet,
        /// Name of the group on the host.
        attr "id" id: Option<String>,
        /// The shares.
        children "node" nodes: Vec<BandwidthShare>,
        /// What is measured.
        children "monitor" monitors: Vec<BandwidthMonitor>,
    }
}

element! {
    /// A share of a node's memory bandwidth.
    pub struct BandwidthShare {
        /// Which node of the host.
        required "id" id: u32,
        /// Percent.
        required "bandwidth" bandwidth: u32,
    }
}

element! {
    /// Measures the use of memory bandwidth.
    pub struct BandwidthMonitor {
        /// By which virtual processors.
        required "vcpus" vcpus: CpuSet,
    }
}

element! {
    /// `<resource>`: the control group that the domain belongs to.
    pub struct ResourceControl {
        /// Path of a partition, such as `/virtualmachines/production`.
        leaf "partition" partition: Option<String>,
        /// Identity on a Fibre Channel network.
        child "fibrechannel" fibre_channel: Option<FibreChannel>,
    }
}

element! {
    /// Identity on a Fibre Channel network.
    pub struct FibreChannel {
        /// 1 to 128 printable characters.
        required "appid" app_id: String,
    }
}

element! {
    /// `<idmap>`: user and group ids of a container.
    pub struct IdMap {
        /// Users.
        children "uid" uids: Vec<IdRange>,
        /// Groups.
        children "gid" gids: Vec<IdRange>,
    }
}

element! {
    /// A range of ids.
    pub struct IdRange {
        /// First id in the container.
        required "start" start: u32,
        /// The id on the host that it becomes.
        required "target" target: u32,
        /// How many.
        required "count" count: u32,
    }
}

element! {
    /// `<throttlegroups>`: limits that disks can share, by the name of the group.
    pub struct ThrottleGroups {
        /// One by one.
        children "throttlegroup" groups: Vec<IoTune>,
    }
}
