//! The processors of a host, as far as they are all the same.

use crate::domain::cpu::{CpuTopology, MaxPhysicalAddress};
use crate::element;
use crate::units::{ReadSize, WriteSize};
use crate::xml::YesNo;

element! {
    /// Processors of a host.
    pub struct HostCpu {
        /// Architecture, such as `x86_64`.
        required_leaf "arch" arch: String,
        /// Features of old, by elements of their own.
        child "features" old_features: Option<HostCpuFlags>,
        /// The nearest model that is known by name.
        leaf "model" model: Option<String>,
        /// Who made it, such as `Intel`.
        leaf "vendor" vendor: Option<String>,
        /// Its microcode.
        child "microcode" microcode: Option<Microcode>,
        /// How it names itself.
        child "signature" signature: Option<CpuSignature>,
        /// Its time stamp counter.
        child "counter" counter: Option<TimeCounter>,
        /// How many there are, and how they are grouped.
        child "topology" topology: Option<CpuTopology>,
        /// Bits of a physical address.
        child "maxphysaddr" max_physical_address: Option<MaxPhysicalAddress>,
        /// Features that it has besides those of the model.
        children "feature" features: Vec<HostCpuFeature>,
        /// Sizes of pages that it can have.
        children "pages" pages: Vec<PageSize>,
    }
}

element! {
    /// Features that have elements of their own.
    pub struct HostCpuFlags {
        /// Physical address extension.
        flag "pae" pae: bool,
        /// It works without that.
        flag "nonpae" nonpae: bool,
        /// Virtualization of Intel.
        flag "vmx" vmx: bool,
        /// Virtualization of AMD.
        flag "svm" svm: bool,
    }
}

element! {
    /// Microcode of a processor.
    pub struct Microcode {
        /// Its revision.
        required "version" version: u32,
    }
}

element! {
    /// How a processor names itself (CPUID, leaf 1).
    pub struct CpuSignature {
        /// Family, with the extended part added.
        required "family" family: u32,
        /// Model, likewise.
        required "model" model: u32,
        /// Stepping.
        required "stepping" stepping: u32,
    }
}

element! {
    /// A counter that guests read the time from.
    pub struct TimeCounter {
        /// Its name: `tsc`.
        required "name" name: String,
        /// How fast it counts, in Hz.
        required "frequency" frequency: u64,
        /// Whether a guest can be shown another frequency.
        required "scaling" scaling: YesNo,
    }
}

element! {
    /// A feature of a processor.
    pub struct HostCpuFeature {
        /// Its name.
        required "name" name: String,
    }
}

element! {
    /// A size of pages.
    pub struct PageSize {
        /// Bytes, whole KiB.
        kib_attr "size" bytes: u64,
    }
}
