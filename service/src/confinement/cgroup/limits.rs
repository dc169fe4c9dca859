//! What a definition says of memory, processors and disks, as limits of a control group (libvirt, formatdomain).
//!
//! A group has one limit for all of its processes. So the quota of each virtual processor is enforced as their sum, and
//! the group may use every host processor that one of its threads is pinned to.

use std::collections::BTreeSet;

use lodge_model::domain::Domain;
use lodge_model::domain::cpuset::CpuSet;
use lodge_model::domain::memory::MemoryLimit;
use lodge_model::domain::resources::{BlockDeviceTune, BlockIoTune, CpuTune};

use crate::host::cgroup::{DeviceLimit, Limits};

/// libvirt writes this many KiB, and more, for no limit.
const UNLIMITED: u64 = 9_007_199_254_740_991 << 10;
/// What a period is when only the quota is said, in microseconds: the kernel's default.
const DEFAULT_PERIOD: u64 = 100_000;
/// Shares that mean the default weight, and that weight (cgroup-v2, cpu.weight).
const DEFAULT_SHARES: u64 = 1024;
const DEFAULT_WEIGHT: u64 = 100;
/// Most that a weight can be.
const MAX_WEIGHT: u64 = 10_000;

/// The limits of a domain, by the controllers that are used.
pub fn of(domain: &Domain, uses: impl Fn(&str) -> bool) -> Limits {
    let mut limits = Limits::default();
    if uses("memory") {
        memory(domain, &mut limits);
    }
    if let Some(tune) = domain.cpu_tune.as_ref().filter(|_| uses("cpu")) {
        processors(domain, tune, &mut limits);
    }
    if uses("cpuset") {
        limits.cpus = cpus(domain);
    }
    if let Some(tune) = domain.block_io_tune.as_ref().filter(|_| uses("blkio")) {
        disks(tune, &mut limits);
    }
    limits
}

fn memory(domain: &Domain, limits: &mut Limits) {
    let Some(tune) = &domain.memory_tune else { return };
    limits.memory_max = bytes(tune.hard_limit.as_ref());
    limits.memory_high = bytes(tune.soft_limit.as_ref());
    // It counts memory too, and a group's limit of swap does not.
    limits.swap_max = bytes(tune.swap_hard_limit.as_ref()).map(|both| both.saturating_sub(limits.memory_max.unwrap_or(0)));
}

fn bytes(limit: Option<&MemoryLimit>) -> Option<u64> {
    limit.map(|limit| limit.bytes).filter(|bytes| *bytes < UNLIMITED)
}

fn processors(domain: &Domain, tune: &CpuTune, limits: &mut Limits) {
    limits.cpu_weight = tune.shares.map(|shares| (shares.saturating_mul(DEFAULT_WEIGHT) / DEFAULT_SHARES).clamp(1, MAX_WEIGHT));
    let period = tune.global_period.or(tune.period);
    let vcpus = u64::from(domain.max_vcpus());
    let quota = positive(tune.global_quota).or_else(|| {
        let of_vcpus = positive(tune.quota)?.saturating_mul(vcpus);
        Some(of_vcpus.saturating_add(positive(tune.emulator_quota).unwrap_or(0)))
    });
    limits.cpu_period = quota.and(period);
    limits.cpu_quota = quota.map(|quota| quota.saturating_mul(1_000_000) / period.unwrap_or(DEFAULT_PERIOD).max(1));
}

/// A negative quota is none.
fn positive(quota: Option<i64>) -> Option<u64> {
    quota.and_then(|quota| u64::try_from(quota).ok()).filter(|quota| *quota > 0)
}

/// All processors that one of its threads may run on; none when a thread may run anywhere.
fn cpus(domain: &Domain) -> BTreeSet<u32> {
    let Some(all) = domain.vcpu.as_ref().and_then(|vcpus| vcpus.cpus.as_ref()) else { return BTreeSet::new() };
    let mut cpus: BTreeSet<u32> = all.iter().collect();
    if let Some(tune) = &domain.cpu_tune {
        let vcpus = tune.vcpu_pins.iter().map(|pin| &pin.cpus);
        let io_threads = tune.io_thread_pins.iter().map(|pin| &pin.cpus);
        let emulator = tune.emulator_pin.iter().map(|pin| &pin.cpus);
        cpus.extend(vcpus.chain(io_threads).chain(emulator).flat_map(CpuSet::iter));
    }
    cpus
}

fn disks(tune: &BlockIoTune, limits: &mut Limits) {
    limits.io_weight = tune.weight.map(u64::from);
    let of = |amount: fn(&BlockDeviceTune) -> Option<u64>| {
        let limit =
            |device: &BlockDeviceTune| Some(DeviceLimit { path: device.path.clone().into(), amount: amount(device).filter(|a| *a > 0)? });
        tune.devices.iter().filter_map(limit).collect::<Vec<_>>()
    };
    limits.io_device_weights = of(|device| device.weight.map(u64::from));
    limits.io_read_bytes = of(|device| device.read_bytes);
    limits.io_write_bytes = of(|device| device.write_bytes);
    limits.io_read_operations = of(|device| device.read_iops.map(u64::from));
    limits.io_write_operations = of(|device| device.write_iops.map(u64::from));
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    fn limits(inside: &str) -> Limits {
        let text = format!("<domain type='kvm'><name>a</name><memory>1</memory>{inside}</domain>");
        of(&Domain::parse(&text).unwrap().0, |_| true)
    }

    #[test]
    fn a_controller_that_is_not_used_limits_nothing() {
        let text = "<domain type='kvm'><name>a</name><memory>1</memory><memtune><hard_limit>1</hard_limit></memtune><vcpu cpuset='0'>1</vcpu>\
                    <cputune><shares>2</shares></cputune><blkiotune><weight>10</weight></blkiotune></domain>";
        let domain = Domain::parse(text).unwrap().0;
        assert_eq!(of(&domain, |_| false), Limits::default());
        let of_memory = Limits { memory_max: Some(1024), ..Limits::default() };
        assert_eq!(of(&domain, |controller| controller == "memory"), of_memory);
    }

    #[test]
    fn definitions_become_limits() {
        let device = |amount| vec![DeviceLimit { path: "/dev/sda".into(), amount }];
        for (inside, expected) in [
            ("", Limits::default()),
            (
                "<memtune><hard_limit unit='M'>4</hard_limit><soft_limit>2048</soft_limit><swap_hard_limit unit='M'>6</swap_hard_limit></memtune>",
                Limits { memory_max: Some(4 << 20), memory_high: Some(2 << 20), swap_max: Some(2 << 20), ..Limits::default() },
            ),
            ("<memtune><hard_limit>9007199254740991</hard_limit></memtune>", Limits::default()),
            ("<cputune><shares>2048</shares></cputune>", Limits { cpu_weight: Some(200), ..Limits::default() }),
            ("<cputune><shares>2</shares></cputune>", Limits { cpu_weight: Some(1), ..Limits::default() }),
            (
                "<vcpu>4</vcpu><cputune><period>50000</period><quota>25000</quota></cputune>",
                Limits { cpu_quota: Some(2_000_000), cpu_period: Some(50_000), ..Limits::default() },
            ),
            ("<cputune><global_quota>50000</global_quota></cputune>", Limits { cpu_quota: Some(500_000), ..Limits::default() }),
            ("<cputune><quota>-1</quota><period>50000</period></cputune>", Limits::default()),
            ("<vcpu cpuset='0-1'>2</vcpu>", Limits { cpus: [0, 1].into_iter().collect(), ..Limits::default() }),
            ("<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/></cputune>", Limits::default()),
            (
                "<vcpu cpuset='0'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='3'/><emulatorpin cpuset='5'/></cputune>",
                Limits { cpus: [0, 3, 5].into_iter().collect(), ..Limits::default() },
            ),
            (
                "<blkiotune><weight>500</weight><device><path>/dev/sda</path><weight>10</weight><read_bytes_sec>7</read_bytes_sec>\
                 <write_iops_sec>9</write_iops_sec><write_bytes_sec>0</write_bytes_sec></device></blkiotune>",
                Limits {
                    io_weight: Some(500),
                    io_device_weights: device(10),
                    io_read_bytes: device(7),
                    io_write_operations: device(9),
                    ..Limits::default()
                },
            ),
        ] {
            assert_eq!(limits(inside), expected, "{inside}");
        }
    }
}
