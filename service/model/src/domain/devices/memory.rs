//! Memory modules: memory that can be plugged, that persists or that an enclave uses.

use super::address::Address;
use super::parts::{Acpi, Alias, KibSize};
use super::problem::{Problem, needed};
pub use crate::domain::memory::MemoryAccess;
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// What a memory module is.
    pub enum MemoryModel {
        /// Memory that can be plugged.
        Dimm = "dimm",
        /// Persistent memory.
        Nvdimm = "nvdimm",
        /// Persistent memory of virtio.
        VirtioPmem = "virtio-pmem",
        /// Memory of virtio whose size can change.
        VirtioMem = "virtio-mem",
        /// Memory of an SGX enclave.
        SgxEpc = "sgx-epc",
    }
}

element! {
    /// A memory module: `<memory>` among the devices.
    pub struct MemoryDevice {
        /// What it is.
        required "model" model: MemoryModel,
        /// Who sees what is written.
        attr "access" access: Option<MemoryAccess>,
        /// Whether the content is thrown away when the guest stops.
        attr "discard" discard: Option<YesNo>,
        /// UUID of persistent memory of a POWER machine.
        leaf "uuid" uuid: Option<uuid::Uuid>,
        /// The host's memory.
        child "source" source: Option<MemorySource>,
        /// What the guest sees.
        child "target" target: Option<MemoryTarget>,
        /// Name for the hypervisor.
        child "alias" alias: Option<Alias>,
        /// Index for the firmware.
        child "acpi" acpi: Option<Acpi>,
        /// Place on the guest's buses.
        child "address" address: Option<Address>,
    }
}

element! {
    /// The host's memory behind a module.
    pub struct MemorySource {
        /// Absolute path of the file of persistent memory.
        leaf "path" path: Option<String>,
        /// Size of its pages; KiB when the unit is left out.
        child "pagesize" page_size: Option<KibSize>,
        /// NUMA nodes of the host such as `1-3`.
        leaf "nodemask" node_mask: Option<String>,
        /// Alignment of the file; KiB when the unit is left out.
        child "alignsize" align_size: Option<KibSize>,
        /// Whether the file is on persistent memory.
        flag "pmem" pmem: bool,
    }
}

element! {
    /// What the guest sees of a module.
    pub struct MemoryTarget {
        /// Whether virtio memory is mapped in several pieces.
        attr "dynamicMemslots" dynamic_memslots: Option<YesNo>,
        /// Its size; KiB when the unit is left out, as below.
        child "size" size: Option<KibSize>,
        /// NUMA node of the guest.
        leaf "node" node: Option<u32>,
        /// Unit by which virtio memory grows.
        child "block" block: Option<KibSize>,
        /// How much of virtio memory the guest shall have.
        child "requested" requested: Option<KibSize>,
        /// How much of virtio memory the guest has; reported, never configured.
        child "current" current: Option<KibSize>,
        /// The label of persistent memory.
        child "label" label: Option<MemoryLabel>,
        /// Whether the guest cannot write.
        flag "readonly" readonly: bool,
        /// Where the guest sees it.
        child "address" address: Option<MemoryBase>,
    }
}

element! {
    /// The label of persistent memory.
    pub struct MemoryLabel {
        /// Its size; KiB when the unit is left out.
        child "size" size: Option<KibSize>,
    }
}

element! {
    /// Where a guest sees a module.
    pub struct MemoryBase {
        /// Guest physical address, in hexadecimal; kept as text because it has 64 bits.
        attr "base" base: Option<String>,
    }
}

impl MemoryDevice {
    /// The size that the guest sees, in bytes.
    ///
    /// # Errors
    /// It is missing.
    pub fn target_bytes(&self) -> Result<u64, Problem> {
        let size = self.target.as_ref().and_then(|target| target.size.as_ref());
        needed(size.map(|size| size.bytes), &format!("<memory> of model '{}'", self.model), "<target> with a <size>")
    }

    /// Absolute path of the file behind persistent memory; `None` for other models.
    ///
    /// # Errors
    /// The model asks for a path and none is written.
    pub fn source_view(&self) -> Result<Option<&str>, Problem> {
        match self.model {
            MemoryModel::Nvdimm | MemoryModel::VirtioPmem => {
                let path = self.source.as_ref().and_then(|source| source.path.as_deref());
                needed(path, &format!("<memory> of model '{}'", self.model), "<source> with a <path>").map(Some)
            }
            MemoryModel::Dimm | MemoryModel::VirtioMem | MemoryModel::SgxEpc => Ok(None),
        }
    }
}
