//! What must hold of a definition whatever hypervisor it is for.
//!
//! A document that reads can still contradict itself. All problems are told at once, each with the
//! path of what to change. What a hypervisor cannot do is the driver's to say.

use std::collections::HashSet;

use super::devices::Device;
use super::lifecycle::LifecycleAction;
use super::os::SmbiosMode;
use super::sysinfo::SysinfoType;
use super::{Domain, DomainType};
use crate::document::Problems;

/// Tells every problem of a definition.
pub(super) fn check(domain: &Domain, found: &mut Problems) {
    names(found, domain);
    memory(found, domain);
    vcpus(found, domain);
    cpu_tuning(found, domain);
    numa(found, domain);
    os(found, domain);
    sysinfo(found, domain);
    cpu(found, domain);
    lifecycle(found, domain);
    devices(found, domain);
    seclabels(found, domain);
}

fn names(found: &mut Problems, domain: &Domain) {
    found.name("name", "domain", &domain.name);
    found.title(domain.title.as_deref());
}

fn memory(found: &mut Problems, domain: &Domain) {
    let memory = domain.memory_bytes();
    if memory == 0 {
        found.add("memory", "the domain has no memory; say how much, such as <memory unit='MiB'>512</memory>");
        return;
    }
    if domain.current_memory_bytes() > memory {
        let reason = format!(
            "the current memory ({} KiB) is more than the memory ({} KiB); lower it or raise <memory>",
            domain.current_memory_bytes() / 1024,
            memory / 1024
        );
        found.add("currentMemory", reason);
    }
    let Some(max) = &domain.max_memory else { return };
    if max.bytes < memory {
        let reason = format!(
            "the most memory ({} KiB) is less than the memory ({} KiB); raise it or lower <memory>",
            max.bytes / 1024,
            memory / 1024
        );
        found.add("maxMemory", reason);
    }
    if max.slots.unwrap_or(0) == 0 {
        found.add("maxMemory/@slots", "memory can only be plugged into slots; say how many there are, such as slots='16'");
    }
}

fn vcpus(found: &mut Problems, domain: &Domain) {
    let max = domain.max_vcpus();
    if max == 0 {
        found.add("vcpu", "the domain has no virtual processor; it needs 1 at least");
        return;
    }
    match domain.current_vcpus() {
        0 => found.add("vcpu/@current", "no virtual processor is plugged at boot; plug 1 at least"),
        current if current > max => {
            found.add("vcpu/@current", format!("{current} virtual processors are plugged, but there are only {max}; lower it"));
        }
        _ => {}
    }
    let states = domain.vcpus.iter().flat_map(|vcpus| &vcpus.states);
    for state in states.clone().filter(|state| state.id >= max) {
        found.add("vcpus/vcpu/@id", format!("there is no virtual processor {}; the last one is {}", state.id, max - 1));
    }
    found.unique("vcpus/vcpu/@id", "virtual processor", states.map(|state| state.id));
}

fn cpu_tuning(found: &mut Problems, domain: &Domain) {
    let threads = domain.io_thread_ids.iter().flat_map(|ids| &ids.threads).map(|thread| thread.id);
    if threads.clone().any(|id| id == 0) {
        found.add("iothreadids/iothread/@id", "I/O threads are counted from 1; 0 is none");
    }
    found.unique("iothreadids/iothread/@id", "I/O thread", threads);
    let Some(tune) = &domain.cpu_tune else { return };
    found.unique("cputune/vcpupin/@vcpu", "virtual processor", tune.vcpu_pins.iter().map(|pin| pin.vcpu));
    found.unique("cputune/iothreadpin/@iothread", "I/O thread", tune.io_thread_pins.iter().map(|pin| pin.io_thread));
}

fn numa(found: &mut Problems, domain: &Domain) {
    let ids = || domain.numa_cells().zip(0..).map(|(cell, at)| cell.id.unwrap_or(at));
    found.unique("cpu/numa/cell/@id", "cell", ids());
    let ids: HashSet<u32> = ids().collect();
    let mut seen = HashSet::new();
    for cpus in domain.numa_cells().filter_map(|cell| cell.cpus.as_ref()) {
        // One of several is enough to tell, and looking on would make work of every further cell.
        if let Some(cpu) = cpus.iter().find(|cpu| !seen.insert(*cpu)) {
            found.add("cpu/numa/cell/@cpus", format!("virtual processor {cpu} is there twice; remove one"));
        }
    }
    let Some(tune) = &domain.numa_tune else { return };
    let nodes = tune.nodes.iter().map(|node| node.cell);
    for cell in nodes.clone().filter(|cell| !ids.contains(cell)) {
        found.add("numatune/memnode/@cellid", format!("there is no cell {cell}; add it to <numa> of <cpu> or remove the node"));
    }
    found.unique("numatune/memnode/@cellid", "cell", nodes);
}

/// Of QEMU's and the test driver's domains there is one kind only, and a boot loader on the host is for one kind only; others must say it.
fn os(found: &mut Problems, domain: &Domain) {
    let one_kind = matches!(domain.kind, DomainType::Qemu | DomainType::Kvm | DomainType::Kqemu | DomainType::Hvf | DomainType::Test);
    let said = domain.os.os_type.as_ref().is_some_and(|os_type| os_type.kind.is_some());
    if !one_kind && !said && domain.bootloader.is_none() {
        let reason = format!("a domain of type {} can be of several kinds; say which, such as <type>hvm</type>", domain.kind);
        found.add("os/type", reason);
    }
}

fn sysinfo(found: &mut Problems, domain: &Domain) {
    let wanted = domain.os.smbios.as_ref().is_some_and(|smbios| smbios.mode == SmbiosMode::Sysinfo);
    if wanted && !domain.sysinfo.iter().any(|sysinfo| sysinfo.kind == SysinfoType::Smbios) {
        found.add("os/smbios/@mode", "the tables are to come from <sysinfo type='smbios'>, which is not there; add it");
    }
}

fn cpu(found: &mut Problems, domain: &Domain) {
    let Some(cpu) = &domain.cpu else { return };
    if let Some(topology) = &cpu.topology {
        let (vcpus, max) = (topology.vcpus(), domain.max_vcpus());
        if vcpus != u64::from(max) {
            found.add("cpu/topology", format!("the topology has {vcpus} virtual processors, <vcpu> has {max}; make them equal"));
        }
    }
    found.unique("cpu/feature/@name", "feature", cpu.features.iter().map(|feature| &feature.name));
}

fn lifecycle(found: &mut Problems, domain: &Domain) {
    let timers = domain.clock.iter().flat_map(|clock| &clock.timers);
    found.unique("clock/timer/@name", "timer", timers.map(|timer| timer.name));
    for (path, action) in [("on_poweroff", domain.on_poweroff), ("on_reboot", domain.on_reboot)] {
        if let Some(action @ (LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart)) = action {
            found.add(path, format!("{action} is for crashes only; use destroy or restart"));
        }
    }
    let events = domain.perf.iter().flat_map(|perf| &perf.events);
    found.unique("perf/event/@name", "event", events.map(|event| &event.name));
}

fn devices(found: &mut Problems, domain: &Domain) {
    let devices = &domain.devices;
    let targets = devices.disks().filter_map(|disk| disk.target.as_ref()?.dev.as_ref());
    found.unique("devices/disk/target/@dev", "disk", targets);
    let aliases = devices.list.iter().filter_map(Device::alias);
    found.unique("devices/*/alias/@name", "alias", aliases);
    let disks = devices.disks().filter_map(|disk| disk.boot.as_ref());
    let interfaces = devices.interfaces().filter_map(|interface| interface.boot.as_ref());
    let orders: Vec<u32> = disks.chain(interfaces).filter_map(|boot| boot.order).collect();
    if !orders.is_empty() && !domain.os.boot.is_empty() {
        found.add("os/boot", "single devices have a boot order as well; remove these or those");
    }
    if orders.contains(&0) {
        found.add("devices/*/boot/@order", "the boot order begins with 1");
    }
    found.unique("devices/*/boot/@order", "place in the boot order", orders);
}

fn seclabels(found: &mut Problems, domain: &Domain) {
    found.unique("seclabel/@model", "model", domain.seclabels.iter().filter_map(|label| label.model.as_ref()));
}
