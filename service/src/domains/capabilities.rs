//! The capabilities of the host: its machine, as the kernel describes it, and the guests of all hypervisors.
//!
//! Invariants:
//! - What could not be found out is absent. No model of processor is named, since the kernel knows none by the names that
//!   domains use, and features are left out with it.
//! - Moving a running guest is not there in this version, and so is not announced.

use std::collections::{BTreeMap, BTreeSet};

use lodge_model::capabilities::{
    CacheBank, Capabilities, CellCpu, CellCpus, CpuSignature, Host, HostCaches, HostCell, HostCells, HostCpu, HostCpuFlags, IommuSupport,
    Microcode, PagePool, PageSize, SleepStates, Topology,
};
use lodge_model::domain::cpu::{AddressBitsMode, CpuTopology, MaxPhysicalAddress};
use lodge_model::domain::numa::{Distance, Distances};
use lodge_model::domain::resources::CacheType;
use lodge_model::units::KibSize;
use lodge_model::xml::YesNo;

use super::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::host::hardware::{self, Cache, CacheKind, Core, Cpu, Hardware, Node, Processor, Sleep};

/// Vendors of processors in their own letters, with the words of domains (libvirt, `<vendor>` of `<cpu>`).
const VENDORS: [(&str, &str); 3] = [("GenuineIntel", "Intel"), ("AuthenticAMD", "AMD"), ("HygonGenuine", "Hygon")];

/// Caches below this level belong to single cores, and are no matter of where a guest runs.
const LOWEST_SHARED_LEVEL: u32 = 3;

impl Engine {
    /// What the host is and which guests it can run.
    ///
    /// # Errors
    /// `Internal`: looking at the machine crashed.
    pub async fn capabilities(&self) -> Result<Capabilities> {
        let looking = hardware::look().await;
        let hardware = looking.map_err(|error| Error::new(ErrorKind::Internal, "looking at the machine crashed").caused_by(error))?;
        let mut capabilities = Capabilities { host: host(hardware), ..Capabilities::default() };
        for driver in self.drivers() {
            let offer = driver.offer().await;
            capabilities.guests.extend(offer.guests);
            for model in offer.security_models {
                if !capabilities.host.security_models.contains(&model) {
                    capabilities.host.security_models.push(model);
                }
            }
        }
        Ok(capabilities)
    }
}

fn host(hardware: Hardware) -> Host {
    let Hardware { architecture, uuid, processor, page_sizes, nodes, caches, sleep, iommu } = hardware;
    let pages = page_sizes.into_iter().map(|bytes| PageSize { bytes, ..PageSize::default() }).collect();
    let cpus: Vec<&Cpu> = nodes.iter().flat_map(|node| &node.cpus).collect();
    Host {
        uuid,
        cpu: Some(HostCpu { topology: grouped(&cpus), pages, ..cpu(architecture, &processor) }),
        power_management: sleep.map(sleep_states),
        iommu: Some(IommuSupport { support: Some(YesNo(iommu)), ..IommuSupport::default() }),
        topology: Some(Topology { cells: Some(cells(nodes)), ..Topology::default() }),
        cache: shared(caches),
        ..Host::default()
    }
}

fn cpu(architecture: String, processor: &Processor) -> HostCpu {
    let vendor = VENDORS.iter().find(|(letters, _)| processor.vendor.as_deref() == Some(letters)).map(|(_, word)| (*word).to_owned());
    let has = |flag: &str| processor.flags.contains(flag);
    let flags = HostCpuFlags { pae: has("pae"), vmx: has("vmx"), svm: has("svm"), ..HostCpuFlags::default() };
    let bits = |bits| MaxPhysicalAddress { mode: AddressBitsMode::Emulate, bits: Some(bits), ..MaxPhysicalAddress::default() };
    HostCpu {
        // Of old the kernel tells apart what has the same instructions.
        arch: if matches!(architecture.as_str(), "i386" | "i486" | "i586") { "i686".to_owned() } else { architecture },
        old_features: (flags != HostCpuFlags::default()).then_some(flags),
        vendor,
        // The kernel says 0 where none is known.
        microcode: processor.microcode.filter(|version| *version > 0).map(|version| Microcode { version, ..Microcode::default() }),
        signature: processor.signature.map(|(family, model, stepping)| CpuSignature { family, model, stepping, ..CpuSignature::default() }),
        max_physical_address: processor.physical_address_bits.map(bits),
        ..HostCpu::default()
    }
}

/// How all processors are grouped; `None` where that is not known, or the groups are of different sizes.
fn grouped(cpus: &[&Cpu]) -> Option<CpuTopology> {
    let cores: Vec<&Core> = cpus.iter().map(|cpu| cpu.core.as_ref()).collect::<Option<_>>()?;
    let topology = CpuTopology {
        sockets: largest(cores.iter().map(|core| ((), core.package)))?,
        dies: Some(largest(cores.iter().map(|core| (core.package, core.die)))?),
        cores: largest(cores.iter().map(|core| ((core.package, core.die), core.number)))?,
        threads: cores.iter().map(|core| count(&core.cpus)).max()?,
        ..CpuTopology::default()
    };
    Some(topology).filter(|topology| topology.vcpus() == u64::from(count(&cores)))
}

/// Members of the largest group.
fn largest<G: Ord, M: Ord>(members: impl Iterator<Item = (G, M)>) -> Option<u32> {
    let mut groups = BTreeMap::<G, BTreeSet<M>>::new();
    for (group, member) in members {
        groups.entry(group).or_default().insert(member);
    }
    groups.values().map(|group| count(group)).max()
}

fn sleep_states(sleep: Sleep) -> SleepStates {
    let Sleep { to_memory, to_disk, to_both } = sleep;
    SleepStates { to_memory, to_disk, hybrid: to_both, ..SleepStates::default() }
}

fn cells(nodes: Vec<Node>) -> HostCells {
    let cells: Vec<HostCell> = nodes.into_iter().map(cell).collect();
    HostCells { count: count(&cells), cells, ..HostCells::default() }
}

fn cell(node: Node) -> HostCell {
    let pool = |pages: hardware::Pages| PagePool { bytes: pages.size, count: Some(pages.count), ..PagePool::default() };
    let siblings: Vec<Distance> = node.distances.into_iter().map(|(id, value)| Distance { id, value, ..Distance::default() }).collect();
    let cpus: Vec<CellCpu> = node.cpus.into_iter().map(cell_cpu).collect();
    HostCell {
        id: node.number,
        memory: node.memory.map(|bytes| KibSize { bytes, ..KibSize::default() }),
        pages: node.pages.into_iter().map(pool).collect(),
        distances: (!siblings.is_empty()).then(|| Distances { siblings, ..Distances::default() }),
        cpus: Some(CellCpus { count: count(&cpus), cpus, ..CellCpus::default() }),
        ..HostCell::default()
    }
}

fn cell_cpu(cpu: Cpu) -> CellCpu {
    let Some(core) = cpu.core else { return CellCpu { id: cpu.number, ..CellCpu::default() } };
    CellCpu {
        id: cpu.number,
        socket: Some(core.package),
        die: Some(core.die),
        cluster: Some(core.cluster),
        core: Some(core.number),
        siblings: Some(core.cpus.into_iter().collect()),
        ..CellCpu::default()
    }
}

fn shared(caches: Vec<Cache>) -> Option<HostCaches> {
    let bank = |cache: Cache| CacheBank {
        id: cache.number,
        level: cache.level,
        kind: match cache.kind {
            CacheKind::Unified => CacheType::Both,
            CacheKind::Instruction => CacheType::Code,
            CacheKind::Data => CacheType::Data,
        },
        bytes: cache.size,
        cpus: cache.cpus.into_iter().collect(),
        ..CacheBank::default()
    };
    let banks: Vec<CacheBank> = caches.into_iter().filter(|cache| cache.level >= LOWEST_SHARED_LEVEL).map(bank).collect();
    (!banks.is_empty()).then(|| HostCaches { banks, ..HostCaches::default() })
}

fn count<'a, T: 'a>(all: impl IntoIterator<Item = &'a T>) -> u32 {
    all.into_iter().fold(0, |count, _| count + 1)
}

#[cfg(test)]
mod tests;
