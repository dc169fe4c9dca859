//! Memory: `-m`, its back end, `-numa` and `-overcommit`.

use lodge_model::domain::devices::{FilesystemDriverType, MemoryModel};
use lodge_model::domain::memory::{MemoryAccess, MemoryAllocation, MemoryBacking, MemorySourceType};
use lodge_model::domain::numa::NumaCell;
use lodge_model::units::{KIB, MIB};

use super::draft::Draft;
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;

/// Adds the object that the guest's memory is made of, unless NUMA cells each have their own. Returns its id.
///
/// # Errors
/// A kind of memory that cannot be.
pub fn add(draft: &mut Draft<'_>) -> Result<Option<String>, Refusal> {
    let domain = draft.domain;
    if domain.numa_cells().next().is_some() {
        return Ok(None);
    }
    let machine = draft.input.capabilities.machine(draft.machine);
    let id = machine.and_then(|machine| machine.default_ram_id.clone()).unwrap_or_else(|| "pc.ram".to_owned());
    let object = backend(draft, &id, boot_bytes(draft), None)?;
    draft.object(object);
    Ok(Some(id))
}

/// What the guest boots with: whole MiB, rounded up, since guests' firmware takes no less.
fn boot_bytes(draft: &Draft<'_>) -> u64 {
    if draft.domain.numa_cells().next().is_some() {
        return draft.domain.numa_cells().fold(0, |sum: u64, cell| sum.saturating_add(whole_mib(cell.memory)));
    }
    // The sizes of modules are part of <memory>.
    let modules = draft.domain.devices.memories().filter(|memory| memory.model == MemoryModel::Dimm);
    let modules = modules.filter_map(|memory| memory.target_bytes().ok()).fold(0, u64::saturating_add);
    whole_mib(draft.domain.memory_bytes().saturating_sub(modules))
}

fn whole_mib(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(MIB).unwrap_or(bytes)
}

fn backend(draft: &Draft<'_>, id: &str, size: u64, access: Option<MemoryAccess>) -> Result<Props, Refusal> {
    let empty = MemoryBacking::default();
    let backing = draft.domain.memory_backing.as_ref().unwrap_or(&empty);
    let source = backing.source.as_ref().and_then(|source| source.kind);
    let access = access.or_else(|| backing.access.as_ref().and_then(|access| access.mode));
    let share = access == Some(MemoryAccess::Shared) || needs_sharing(draft);
    let huge = backing.huge_pages.as_ref();
    let allocation = backing.allocation.as_ref();
    let prealloc = allocation.and_then(|allocation| allocation.mode) == Some(MemoryAllocation::Immediate) || huge.is_some();
    let object = match source {
        _ if huge.is_some() => Props::object("memory-backend-memfd", id).with("hugetlb", true),
        Some(MemorySourceType::File) => {
            return Err(Refusal::unsupported("<memoryBacking> has <source type='file'/>, which this version cannot do: use type='memfd'"));
        }
        Some(MemorySourceType::Memfd) => Props::object("memory-backend-memfd", id),
        _ if share => Props::object("memory-backend-memfd", id),
        _ => Props::object("memory-backend-ram", id),
    };
    let page = huge.and_then(|huge| huge.pages.first()).map(|page| page.size);
    let object = object.opt("hugetlbsize", page).with("size", size).opt("share", share.then_some(true));
    let threads = allocation.and_then(|allocation| allocation.threads);
    let object = object.opt("prealloc", prealloc.then_some(true)).opt("prealloc-threads", threads.filter(|_| prealloc));
    Ok(object.opt("merge", backing.no_share_pages.then_some(false)))
}

/// virtiofsd reads the guest's memory, so it must be shared with it.
fn needs_sharing(draft: &Draft<'_>) -> bool {
    draft.domain.devices.filesystems().any(|filesystem| filesystem.driver_type() == FilesystemDriverType::Virtiofs)
}

/// Adds how much memory there is.
pub fn add_size(draft: &mut Draft<'_>) {
    let options = Options::of("size", format!("{}k", boot_bytes(draft) / KIB));
    let options = match &draft.domain.max_memory {
        Some(most) => options.with("slots", most.slots.unwrap_or(16)).with("maxmem", format!("{}k", most.bytes / KIB)),
        None => options,
    };
    draft.option("-m", options.render());
    let locked = draft.domain.memory_backing.as_ref().is_some_and(|backing| backing.locked);
    draft.option("-overcommit", Options::of("mem-lock", if locked { "on" } else { "off" }).render());
    let written = draft.domain.memory_backing.as_ref().and_then(|backing| backing.access.as_ref()).and_then(|access| access.mode);
    if needs_sharing(draft) && written != Some(MemoryAccess::Shared) {
        draft.warn("the guest's memory is shared with virtiofsd, as a <filesystem> with the driver 'virtiofs' needs it");
    }
}

/// Adds the cells of a guest with NUMA.
///
/// # Errors
/// Cells of a kind that cannot be.
pub fn add_numa(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let domain = draft.domain;
    let id = |index: usize, cell: &NumaCell| cell.id.unwrap_or(u32::try_from(index).unwrap_or(0));
    for (index, cell) in domain.numa_cells().enumerate() {
        let number = id(index, cell);
        let memory = format!("ram-node{number}");
        let object = backend(draft, &memory, whole_mib(cell.memory), cell.access)?;
        draft.object(object);
        let mut options = Options::new("node").with("nodeid", number);
        // A comma in the set separates ranges, and each range is a key of its own.
        for range in cell.cpus.as_ref().map(ToString::to_string).unwrap_or_default().split(',').filter(|range| !range.is_empty()) {
            options = options.with("cpus", range);
        }
        draft.option("-numa", options.with("memdev", memory).render());
    }
    for (index, cell) in domain.numa_cells().enumerate() {
        for sibling in cell.distances.iter().flat_map(|distances| &distances.siblings) {
            let options = Options::new("dist").with("src", id(index, cell)).with("dst", sibling.id).with("val", sibling.value);
            draft.option("-numa", options.render());
        }
    }
    Ok(())
}
