//! What must hold of a definition whatever hypervisor it is for.
//!
//! A document that reads can still contradict itself. All problems are told at once, each with the
//! path of what to change. What a hypervisor cannot do is the driver's to say.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::hash::Hash;

use super::Domain;
use super::devices::Device;
use super::lifecycle::LifecycleAction;
use super::os::SmbiosMode;
use super::sysinfo::SysinfoType;

/// Longest name in bytes: it becomes part of file names, which have 255.
pub const MAX_NAME_BYTES: usize = 200;

/// Something to change in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the element or attribute, such as `/domain/vcpu/@current`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl Domain {
    /// Checks the definition.
    ///
    /// # Errors
    /// Every [`Problem`] found, in the order of the document.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut found = Problems(Vec::new());
        found.names(self);
        found.memory(self);
        found.vcpus(self);
        found.cpu_tuning(self);
        found.numa(self);
        found.sysinfo(self);
        found.cpu(self);
        found.lifecycle(self);
        found.devices(self);
        found.seclabels(self);
        if found.0.is_empty() { Ok(()) } else { Err(found.0) }
    }
}

/// Why a text cannot be a domain's name; `None` when it can.
pub fn name_problem(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("the name is empty; give the domain a name".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!("the name has {} bytes; it becomes a file name and may have {MAX_NAME_BYTES}", name.len()));
    }
    if name == "." || name == ".." {
        return Some(format!("'{name}' cannot be a name, since it means a directory; choose another"));
    }
    let bad = name.chars().find(|c| *c == '/' || c.is_control())?;
    Some(format!("the name holds the character {bad:?}, which a file name cannot hold; leave it out"))
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Display, reason: impl Into<String>) {
        self.0.push(Problem { path: format!("/domain/{path}"), reason: reason.into() });
    }

    /// Tells each value that is there a second time; `what` names such a value.
    fn unique<T: Hash + Eq + Display>(&mut self, path: &str, what: &str, values: impl IntoIterator<Item = T>) {
        let mut seen = HashSet::new();
        for value in values {
            if seen.contains(&value) {
                self.add(path, format!("{what} {value} is there twice; remove one"));
            }
            seen.insert(value);
        }
    }

    fn names(&mut self, domain: &Domain) {
        if let Some(reason) = name_problem(&domain.name) {
            self.add("name", reason);
        }
        if domain.title.as_ref().is_some_and(|title| title.contains('\n')) {
            self.add("title", "the title has more than one line; put the rest into <description>");
        }
    }

    fn memory(&mut self, domain: &Domain) {
        let memory = domain.memory_bytes();
        if memory == 0 {
            self.add("memory", "the domain has no memory; say how much, such as <memory unit='MiB'>512</memory>");
            return;
        }
        if domain.current_memory_bytes() > memory {
            let reason = format!(
                "the current memory ({} KiB) is more than the memory ({} KiB); lower it or raise <memory>",
                domain.current_memory_bytes() / 1024,
                memory / 1024
            );
            self.add("currentMemory", reason);
        }
        let Some(max) = &domain.max_memory else { return };
        if max.bytes < memory {
            let reason = format!(
                "the most memory ({} KiB) is less than the memory ({} KiB); raise it or lower <memory>",
                max.bytes / 1024,
                memory / 1024
            );
            self.add("maxMemory", reason);
        }
        if max.slots.unwrap_or(0) == 0 {
            self.add("maxMemory/@slots", "memory can only be plugged into slots; say how many there are, such as slots='16'");
        }
    }

    fn vcpus(&mut self, domain: &Domain) {
        let max = domain.max_vcpus();
        if max == 0 {
            self.add("vcpu", "the domain has no virtual processor; it needs 1 at least");
            return;
        }
        match domain.current_vcpus() {
            0 => self.add("vcpu/@current", "no virtual processor is plugged at boot; plug 1 at least"),
            current if current > max => {
                self.add("vcpu/@current", format!("{current} virtual processors are plugged, but there are only {max}; lower it"));
            }
            _ => {}
        }
        let states = domain.vcpus.iter().flat_map(|vcpus| &vcpus.states);
        for state in states.clone().filter(|state| state.id >= max) {
            self.add("vcpus/vcpu/@id", format!("there is no virtual processor {}; the last one is {}", state.id, max - 1));
        }
        self.unique("vcpus/vcpu/@id", "virtual processor", states.map(|state| state.id));
    }

    fn cpu_tuning(&mut self, domain: &Domain) {
        let threads = domain.io_thread_ids.iter().flat_map(|ids| &ids.threads).map(|thread| thread.id);
        if threads.clone().any(|id| id == 0) {
            self.add("iothreadids/iothread/@id", "I/O threads are counted from 1; 0 is none");
        }
        self.unique("iothreadids/iothread/@id", "I/O thread", threads);
        let Some(tune) = &domain.cpu_tune else { return };
        self.unique("cputune/vcpupin/@vcpu", "virtual processor", tune.vcpu_pins.iter().map(|pin| pin.vcpu));
        self.unique("cputune/iothreadpin/@iothread", "I/O thread", tune.io_thread_pins.iter().map(|pin| pin.io_thread));
    }

    fn numa(&mut self, domain: &Domain) {
        let ids = || domain.numa_cells().zip(0..).map(|(cell, at)| cell.id.unwrap_or(at));
        self.unique("cpu/numa/cell/@id", "cell", ids());
        let processors = domain.numa_cells().filter_map(|cell| cell.cpus.as_ref()).flat_map(|cpus| &cpus.0);
        self.unique("cpu/numa/cell/@cpus", "virtual processor", processors);
        let Some(tune) = &domain.numa_tune else { return };
        let nodes = tune.nodes.iter().map(|node| node.cell);
        for cell in nodes.clone().filter(|cell| !ids().any(|id| id == *cell)) {
            self.add("numatune/memnode/@cellid", format!("there is no cell {cell}; add it to <numa> of <cpu> or remove the node"));
        }
        self.unique("numatune/memnode/@cellid", "cell", nodes);
    }

    fn sysinfo(&mut self, domain: &Domain) {
        let wanted = domain.os.smbios.as_ref().is_some_and(|smbios| smbios.mode == SmbiosMode::Sysinfo);
        if wanted && !domain.sysinfo.iter().any(|sysinfo| sysinfo.kind == SysinfoType::Smbios) {
            self.add("os/smbios/@mode", "the tables are to come from <sysinfo type='smbios'>, which is not there; add it");
        }
    }

    fn cpu(&mut self, domain: &Domain) {
        let Some(cpu) = &domain.cpu else { return };
        if let Some(topology) = &cpu.topology {
            let (vcpus, max) = (topology.vcpus(), domain.max_vcpus());
            if vcpus != u64::from(max) {
                self.add("cpu/topology", format!("the topology has {vcpus} virtual processors, <vcpu> has {max}; make them equal"));
            }
        }
        self.unique("cpu/feature/@name", "feature", cpu.features.iter().map(|feature| &feature.name));
    }

    fn lifecycle(&mut self, domain: &Domain) {
        let timers = domain.clock.iter().flat_map(|clock| &clock.timers);
        self.unique("clock/timer/@name", "timer", timers.map(|timer| timer.name));
        for (path, action) in [("on_poweroff", domain.on_poweroff), ("on_reboot", domain.on_reboot)] {
            if let Some(action @ (LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart)) = action {
                self.add(path, format!("{action} is for crashes only; use destroy or restart"));
            }
        }
        let events = domain.perf.iter().flat_map(|perf| &perf.events);
        self.unique("perf/event/@name", "event", events.map(|event| &event.name));
    }

    fn devices(&mut self, domain: &Domain) {
        let devices = &domain.devices;
        let targets = devices.disks().filter_map(|disk| disk.target.as_ref()?.dev.as_ref());
        self.unique("devices/disk/target/@dev", "disk", targets);
        let aliases = devices.list.iter().filter_map(Device::alias);
        self.unique("devices/*/alias/@name", "alias", aliases);
        let disks = devices.disks().filter_map(|disk| disk.boot.as_ref());
        let interfaces = devices.interfaces().filter_map(|interface| interface.boot.as_ref());
        let orders: Vec<u32> = disks.chain(interfaces).filter_map(|boot| boot.order).collect();
        if !orders.is_empty() && !domain.os.boot.is_empty() {
            self.add("os/boot", "single devices have a boot order as well; remove these or those");
        }
        if orders.contains(&0) {
            self.add("devices/*/boot/@order", "the boot order begins with 1");
        }
        self.unique("devices/*/boot/@order", "place in the boot order", orders);
    }

    fn seclabels(&mut self, domain: &Domain) {
        self.unique("seclabel/@model", "model", domain.seclabels.iter().filter_map(|label| label.model.as_ref()));
    }
}
