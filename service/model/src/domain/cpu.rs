//! Virtual processors: how many, and what the guest sees of them.

use crate::element;
use crate::keywords;
use crate::xml::{OnOff, YesNo};

use super::cpuset::CpuSet;
use super::numa::{NumaTopology, Placement};

element! {
    /// `<vcpu>`: number of virtual processors.
    pub struct Vcpus {
        /// Who chooses the host processors.
        attr "placement" placement: Option<Placement>,
        /// Host processors to run on.
        attr "cpuset" cpus: Option<CpuSet>,
        /// How many are plugged at boot; all when absent.
        attr "current" current: Option<u32>,
        /// The most there can be.
        text "" count: Option<u32>,
    }
}

impl Vcpus {
    /// So many, all plugged.
    pub fn new(count: u32) -> Self {
        Self { count: Some(count), ..Self::default() }
    }
}

element! {
    /// `<vcpus>`: state of single virtual processors.
    pub struct VcpuStates {
        /// One by one.
        children "vcpu" states: Vec<VcpuState>,
    }
}

element! {
    /// State of a virtual processor.
    pub struct VcpuState {
        /// Which, from 0.
        required "id" id: u32,
        /// Whether it is plugged.
        required "enabled" enabled: YesNo,
        /// Whether it can be unplugged.
        attr "hotpluggable" hot_pluggable: Option<YesNo>,
        /// In what order they are plugged, from 1.
        attr "order" order: Option<u32>,
    }
}

keywords! {
    /// Where the guest's processor comes from.
    pub enum CpuMode {
        /// As described.
        Custom = "custom",
        /// The named model nearest to the host's.
        HostModel = "host-model",
        /// The host's own.
        HostPassthrough = "host-passthrough",
        /// Everything that the hypervisor can do.
        Maximum = "maximum",
    }
}

keywords! {
    /// How the description is met.
    pub enum CpuMatch {
        /// Exactly it.
        Exact = "exact",
        /// It and whatever the host has more.
        Minimum = "minimum",
        /// Exactly it, and the host has nothing more.
        Strict = "strict",
    }
}

keywords! {
    /// What is checked before the guest starts.
    pub enum CpuCheck {
        /// Nothing.
        None = "none",
        /// That the host has what is asked for.
        Partial = "partial",
        /// That the guest gets exactly what is asked for.
        Full = "full",
    }
}

keywords! {
    /// What happens when the hypervisor does not know the model.
    pub enum CpuFallback {
        /// The nearest one is taken.
        Allow = "allow",
        /// The domain does not start.
        Forbid = "forbid",
    }
}

keywords! {
    /// What the guest sees of a feature.
    pub enum CpuFeaturePolicy {
        /// It has it, and the host must.
        Require = "require",
        /// It has it, whether or not the host does.
        Force = "force",
        /// It has it if the host does.
        Optional = "optional",
        /// It does not have it.
        Disable = "disable",
        /// It does not have it, and the host must not.
        Forbid = "forbid",
    }
}

keywords! {
    /// What the guest sees of the caches.
    pub enum CpuCacheMode {
        /// The hypervisor's own.
        Emulate = "emulate",
        /// Those of the host.
        Passthrough = "passthrough",
        /// None.
        Disable = "disable",
    }
}

keywords! {
    /// Where the number of physical address bits comes from.
    pub enum AddressBitsMode {
        /// As said.
        Emulate = "emulate",
        /// The host's.
        Passthrough = "passthrough",
    }
}

element! {
    /// `<cpu>`: the processor that the guest sees.
    pub struct Cpu {
        /// Where it comes from.
        attr "mode" mode: Option<CpuMode>,
        /// How the description is met.
        attr "match" match_policy: Option<CpuMatch>,
        /// What is checked before the guest starts.
        attr "check" check: Option<CpuCheck>,
        /// Whether a host processor is stripped of what cannot migrate.
        attr "migratable" migratable: Option<OnOff>,
        /// Whether features that the model deprecates are kept.
        attr "deprecated_features" deprecated_features: Option<OnOff>,
        /// The model.
        child "model" model: Option<CpuModel>,
        /// Vendor that the host must have, such as `Intel`.
        leaf "vendor" vendor: Option<String>,
        /// Sockets, cores and threads.
        child "topology" topology: Option<CpuTopology>,
        /// Caches.
        child "cache" cache: Option<CpuCache>,
        /// Physical address bits.
        child "maxphysaddr" max_physical_address: Option<MaxPhysicalAddress>,
        /// Features that differ from the model.
        children "feature" features: Vec<CpuFeature>,
        /// Cells.
        child "numa" numa: Option<NumaTopology>,
    }
}

element! {
    /// A model of processor.
    pub struct CpuModel {
        /// What happens when the hypervisor does not know it.
        attr "fallback" fallback: Option<CpuFallback>,
        /// Twelve characters that the guest sees as vendor.
        attr "vendor_id" vendor_id: Option<String>,
        /// Its name.
        text "" name: Option<String>,
    }
}

element! {
    /// Sockets, cores and threads.
    pub struct CpuTopology {
        /// Sockets.
        required "sockets" sockets: u32,
        /// Dies of a socket; 1 when absent.
        attr "dies" dies: Option<u32>,
        /// Clusters of a die; 1 when absent.
        attr "clusters" clusters: Option<u32>,
        /// Cores of a cluster.
        required "cores" cores: u32,
        /// Threads of a core.
        required "threads" threads: u32,
    }
}

impl CpuTopology {
    /// How many virtual processors that makes.
    pub fn vcpus(&self) -> u64 {
        let parts = [self.sockets, self.dies.unwrap_or(1), self.clusters.unwrap_or(1), self.cores, self.threads];
        parts.into_iter().fold(1, |product: u64, part| product.saturating_mul(part.into()))
    }
}

element! {
    /// What the guest sees of the caches.
    pub struct CpuCache {
        /// 1 to 3; all when absent.
        attr "level" level: Option<u8>,
        /// What.
        required "mode" mode: CpuCacheMode,
    }
}

element! {
    /// Physical address bits.
    pub struct MaxPhysicalAddress {
        /// Where the number comes from.
        required "mode" mode: AddressBitsMode,
        /// The number, when it is said.
        attr "bits" bits: Option<u32>,
        /// The most, when it is the host's.
        attr "limit" limit: Option<u32>,
    }
}

element! {
    /// A feature that differs from the model.
    pub struct CpuFeature {
        /// What the guest sees of it; require when absent.
        attr "policy" policy: Option<CpuFeaturePolicy>,
        /// Its name, such as `vmx`.
        required "name" name: String,
    }
}
