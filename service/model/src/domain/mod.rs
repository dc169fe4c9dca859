//! A domain's definition: the `<domain>` document.
//!
//! The types follow the document: one module per group of elements, fields named as the elements
//! are. Facts: libvirt's formatdomain documentation and its schemas, 11.3. What belongs to other
//! hypervisors than ours (LXC capabilities and namespaces, VMware's datacenter path) is not
//! modelled; like everything unknown it is kept and reported.
//!
//! Invariants:
//! - Reading fills in nothing: an absent element is `None` (or empty). Defaults are the business of
//!   whoever defines the domain.
//! - `Domain::parse(&domain.to_xml())` gives an equal domain. Legacy spellings are accepted and
//!   written in today's form.
//! - Sizes are bytes.

use uuid::Uuid;

use crate::document::{Document, Problems};
use crate::element;
use crate::keywords;
use crate::xml::{Namespace, RawXml, Value};

pub mod clock;
pub mod cpu;
pub mod cpuset;
pub mod devices;
pub mod features;
pub mod launch_security;
pub mod lifecycle;
pub mod memory;
pub mod numa;
pub mod os;
pub mod qemu;
pub mod resources;
pub mod seclabel;
pub mod sysinfo;
mod validate;
pub mod xen;

use clock::Clock;
use cpu::{Cpu, VcpuStates, Vcpus};
use devices::Devices;
use features::Features;
use launch_security::{KeyWrap, LaunchSecurity};
use lifecycle::{LifecycleAction, LockFailureAction, PerformanceEvents, PowerManagement};
use memory::{MaxMemory, Memory, MemoryBacking, MemoryTune};
use numa::NumaTune;
use os::Os;
use resources::{BlockIoTune, CpuTune, DefaultIoThread, IdMap, IoThreadIds, ResourceControl, ThrottleGroups};
use seclabel::Seclabel;
use sysinfo::Sysinfo;

keywords! {
    /// Which hypervisor a domain is for.
    pub enum DomainType {
        /// QEMU with software emulation.
        Qemu = "qemu",
        /// QEMU with KVM.
        Kvm = "kvm",
        /// QEMU with the kqemu module of old; run as software emulation today.
        Kqemu = "kqemu",
        /// QEMU with Apple's Hypervisor framework.
        Hvf = "hvf",
        /// Xen.
        Xen = "xen",
        /// Linux containers.
        Lxc = "lxc",
        /// User mode Linux.
        Uml = "uml",
        /// OpenVZ containers.
        OpenVz = "openvz",
        /// The in-memory test driver.
        Test = "test",
        /// VMware.
        VMware = "vmware",
        /// Microsoft Hyper-V.
        HyperV = "hyperv",
        /// VirtualBox.
        VirtualBox = "vbox",
        /// IBM PowerVM.
        PowerVm = "phyp",
        /// Virtuozzo.
        Virtuozzo = "vz",
        /// bhyve of FreeBSD.
        Bhyve = "bhyve",
    }
}

/// A generation id; an empty element asks for a fresh one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GenerationId(pub Option<Uuid>);

impl Value for GenerationId {
    const EXPECTED: &'static str = Uuid::EXPECTED;
    fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() { Some(Self(None)) } else { <Uuid as Value>::parse(text).map(|id| Self(Some(id))) }
    }
    fn format(&self) -> std::borrow::Cow<'_, str> {
        self.0.as_ref().map_or_else(Default::default, Value::format)
    }
}

element! {
    /// A domain: its name, what it is made of, and how it runs.
    pub struct Domain {
        /// Which hypervisor it is for.
        required "type" kind: DomainType,
        /// Number of the running domain; of a definition it says nothing.
        attr "id" id: Option<u32>,
        /// Name, unique on a host. [`Domain::validate`] says what it may hold.
        required_leaf "name" name: String,
        /// Identity. Made up when the domain is defined without one.
        leaf "uuid" uuid: Option<Uuid>,
        /// UUID that the guest's firmware tables show instead of the domain's.
        leaf "hwuuid" hardware_uuid: Option<Uuid>,
        /// Virtual machine generation id, changed when a guest goes back in time.
        leaf "genid" genid: Option<GenerationId>,
        /// One line that says what it is.
        leaf "title" title: Option<String>,
        /// Free text.
        leaf "description" description: Option<String>,
        /// Elements of applications, kept byte for byte.
        raw "metadata" metadata: Option<RawXml>,
        /// Most memory that can be plugged.
        child "maxMemory" max_memory: Option<MaxMemory>,
        /// Memory at boot.
        child "memory" memory: Option<Memory>,
        /// Memory after ballooning, at most that at boot.
        child "currentMemory" current_memory: Option<memory::CurrentMemory>,
        /// Weights and limits of block devices.
        child "blkiotune" block_io_tune: Option<BlockIoTune>,
        /// Limits of memory.
        child "memtune" memory_tune: Option<MemoryTune>,
        /// What the guest's memory is made of on the host.
        child "memoryBacking" memory_backing: Option<MemoryBacking>,
        /// Number of virtual processors.
        child "vcpu" vcpu: Option<Vcpus>,
        /// State of single virtual processors.
        child "vcpus" vcpus: Option<VcpuStates>,
        /// Number of I/O threads.
        leaf "iothreads" io_threads: Option<u32>,
        /// The I/O threads one by one.
        child "iothreadids" io_thread_ids: Option<IoThreadIds>,
        /// Thread pool of the main loop.
        child "defaultiothread" default_io_thread: Option<DefaultIoThread>,
        /// Pinning, scheduling and bandwidth of processors.
        child "cputune" cpu_tune: Option<CpuTune>,
        /// Where on the host's NUMA nodes the memory comes from.
        child "numatune" numa_tune: Option<NumaTune>,
        /// The control group that the domain belongs to.
        child "resource" resource: Option<ResourceControl>,
        /// Firmware tables and firmware configuration files that the guest sees.
        children "sysinfo" sysinfo: Vec<Sysinfo>,
        /// Program on the host that picks the kernel of a paravirtual Xen guest. An empty one asks
        /// for the default.
        leaf "bootloader" bootloader: Option<String>,
        /// Arguments of the boot loader, one string.
        leaf "bootloader_args" bootloader_args: Option<String>,
        /// What is booted, and how.
        section "os" os: Os,
        /// User and group ids of a container.
        child "idmap" id_map: Option<IdMap>,
        /// What the machine can do.
        section "features" features: Features,
        /// The processor that the guest sees.
        child "cpu" cpu: Option<Cpu>,
        /// The guest's clock and timers.
        child "clock" clock: Option<Clock>,
        /// What happens when the guest switches itself off; destroy by default.
        leaf "on_poweroff" on_poweroff: Option<LifecycleAction>,
        /// What happens when the guest reboots; restart by default.
        leaf "on_reboot" on_reboot: Option<LifecycleAction>,
        /// What happens when the guest crashes; destroy by default.
        leaf "on_crash" on_crash: Option<LifecycleAction>,
        /// What happens when the lock on its disks is lost.
        leaf "on_lockfailure" on_lock_failure: Option<LockFailureAction>,
        /// Whether the guest may sleep.
        child "pm" pm: Option<PowerManagement>,
        /// Performance counters to keep.
        child "perf" perf: Option<PerformanceEvents>,
        /// Limits that disks can share.
        child "throttlegroups" throttle_groups: Option<ThrottleGroups>,
        /// The devices.
        section "devices" devices: Devices,
        /// Confinement, one for each security model.
        children "seclabel" seclabels: Vec<Seclabel>,
        /// Key wrapping of S/390 guests.
        child "keywrap" key_wrap: Option<KeyWrap>,
        /// Encryption of the guest's memory.
        child "launchSecurity" launch_security: Option<LaunchSecurity>,
        /// Arguments and environment added to QEMU's.
        child "qemu:commandline" qemu_command_line: Option<qemu::CommandLine>,
        /// Capabilities of QEMU to believe in or not.
        child "qemu:capabilities" qemu_capabilities: Option<qemu::Capabilities>,
        /// What QEMU does with deprecated commands.
        child "qemu:deprecation" qemu_deprecation: Option<qemu::Deprecation>,
        /// Properties of devices to set otherwise than we would.
        child "qemu:override" qemu_override: Option<qemu::Override>,
        /// Arguments added to those of Xen's device model.
        child "xen:commandline" xen_command_line: Option<xen::CommandLine>,
    }
}

impl Document for Domain {
    const ROOT: &'static str = "domain";
    const NAMESPACES: &'static [Namespace] = &[qemu::NAMESPACE, xen::NAMESPACE];

    fn check(&self, found: &mut Problems) {
        validate::check(self, found);
    }
}

impl Domain {
    /// Memory at boot in bytes: `<memory>`, or else the sum of the NUMA cells; 0 when neither says.
    pub fn memory_bytes(&self) -> u64 {
        match &self.memory {
            Some(memory) => memory.bytes,
            None => self.numa_cells().fold(0, |sum: u64, cell| sum.saturating_add(cell.memory)),
        }
    }

    /// Memory after ballooning in bytes; all of it when nothing is said.
    pub fn current_memory_bytes(&self) -> u64 {
        self.current_memory.as_ref().map_or_else(|| self.memory_bytes(), |memory| memory.bytes)
    }

    /// The most virtual processors it can have; 1 when nothing is said.
    pub fn max_vcpus(&self) -> u32 {
        self.vcpu.as_ref().and_then(|vcpu| vcpu.count).unwrap_or(1)
    }

    /// The virtual processors it starts with.
    pub fn current_vcpus(&self) -> u32 {
        self.vcpu.as_ref().and_then(|vcpu| vcpu.current).unwrap_or_else(|| self.max_vcpus())
    }

    /// The cells of the guest's NUMA topology.
    pub fn numa_cells(&self) -> impl Iterator<Item = &numa::NumaCell> {
        self.cpu.iter().filter_map(|cpu| cpu.numa.as_ref()).flat_map(|numa| &numa.cells)
    }
}

#[cfg(test)]
mod tests;
