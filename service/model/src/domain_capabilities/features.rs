//! What a domain can have besides devices.

use super::Support;
use crate::element;
use crate::units::{KibSize, ReadSize, WriteSize};
use crate::xml::YesNo;

element! {
    /// Features.
    pub struct FeatureSupport {
        /// Interrupt controllers of ARM; words: `version`.
        child "gic" gic: Option<Support>,
        /// Notes for the host's crash dumps.
        child "vmcoreinfo" vmcoreinfo: Option<Support>,
        /// Generation ids.
        child "genid" genid: Option<Support>,
        /// Whether `<backingStore>` of a disk is obeyed.
        child "backingStoreInput" backing_store_input: Option<Support>,
        /// Backups and checkpoints.
        child "backup" backup: Option<Support>,
        /// Giving memory back after the hypervisor has ended.
        child "async-teardown" async_teardown: Option<Support>,
        /// Protected guests of S/390.
        child "s390-pv" s390_pv: Option<Support>,
        /// Leaving out the PS/2 controller.
        child "ps2" ps2: Option<Support>,
        /// Memory encryption of AMD.
        child "sev" sev: Option<SevSupport>,
        /// Enclaves of Intel.
        child "sgx" sgx: Option<SgxSupport>,
        /// What guests may take for Hyper-V; words: `features`.
        child "hyperv" hyperv: Option<Support>,
        /// Encryption of the guest's memory; words: `sectype`.
        child "launchSecurity" launch_security: Option<Support>,
    }
}

element! {
    /// Memory encryption of AMD.
    pub struct SevSupport {
        /// Whether there is.
        required "supported" supported: YesNo,
        /// The bit of a physical address that marks an encrypted page.
        leaf "cbitpos" c_bit_position: Option<u32>,
        /// Bits of a physical address that are lost.
        leaf "reducedPhysBits" reduced_physical_bits: Option<u32>,
        /// Guests that can be encrypted at once.
        leaf "maxGuests" max_guests: Option<u32>,
        /// Guests whose registers can be encrypted too, at once.
        leaf "maxESGuests" max_es_guests: Option<u32>,
        /// Identity of the first processor.
        leaf "cpu0Id" cpu0_id: Option<String>,
    }
}

element! {
    /// Enclaves of Intel.
    pub struct SgxSupport {
        /// Whether there are.
        required "supported" supported: YesNo,
        /// Whether the launch can be controlled by the guest.
        leaf "flc" flexible_launch: Option<YesNo>,
        /// Version 1.
        leaf "sgx1" sgx1: Option<YesNo>,
        /// Version 2.
        leaf "sgx2" sgx2: Option<YesNo>,
        /// Memory for enclaves, of all nodes.
        child "section_size" section_size: Option<KibSize>,
        /// That of each node.
        child "sections" sections: Option<SgxSections>,
    }
}

element! {
    /// Memory for enclaves.
    pub struct SgxSections {
        /// By node.
        children "section" sections: Vec<SgxSection>,
    }
}

element! {
    /// Memory of a node for enclaves.
    pub struct SgxSection {
        /// The node.
        required "node" node: u32,
        /// Bytes, whole KiB.
        kib_attr "size" bytes: u64,
    }
}

impl FeatureSupport {
    /// All that are said in one way, by the names of their elements.
    pub fn all(&self) -> [(&'static str, &Option<Support>); 10] {
        [
            ("gic", &self.gic),
            ("vmcoreinfo", &self.vmcoreinfo),
            ("genid", &self.genid),
            ("backingStoreInput", &self.backing_store_input),
            ("backup", &self.backup),
            ("async-teardown", &self.async_teardown),
            ("s390-pv", &self.s390_pv),
            ("ps2", &self.ps2),
            ("hyperv", &self.hyperv),
            ("launchSecurity", &self.launch_security),
        ]
    }
}
