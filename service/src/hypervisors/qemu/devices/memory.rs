//! `<memory>` among the devices: memory modules.

use lodge_model::domain::devices::{Address, MemoryAccess, MemoryDevice, MemoryModel};

use crate::hypervisors::qemu::alias;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;

/// Adds a memory module.
///
/// # Errors
/// A model that cannot be in this version, or no `<maxMemory>`.
pub fn add(draft: &mut Draft<'_>, memory: &MemoryDevice) -> Result<(), Refusal> {
    let name = alias::of(memory.alias.as_ref());
    if memory.model != MemoryModel::Dimm {
        return Err(Refusal::unsupported(format!("<memory model='{}'> cannot be in this version: use model='dimm'", memory.model)));
    }
    if draft.domain.max_memory.is_none() {
        return Err(Refusal::invalid("<memory model='dimm'> needs <maxMemory slots='…'>: add it, with room for the module"));
    }
    let size = memory.target_bytes()?;
    let id = format!("mem{name}");
    let share = memory.access == Some(MemoryAccess::Shared);
    draft.object(Props::object("memory-backend-ram", &id).with("size", size).opt("share", share.then_some(true)));
    let slot = match &memory.address {
        Some(Address::Dimm(address)) => address.slot,
        _ => None,
    };
    let node = memory.target.as_ref().and_then(|target| target.node);
    draft.device("<memory>", Props::device("pc-dimm").opt("node", node).with("memdev", id).with("id", name).opt("slot", slot))
}
