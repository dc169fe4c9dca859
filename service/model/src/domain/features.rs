//! `<features>`: what the machine can do.

use crate::element;
use crate::keywords;
use crate::units::{ReadSize, WriteSize};
use crate::xml::{OnOff, YesNo};

element! {
    /// A feature that is there and can be told to be on or off.
    pub struct Feature {
        /// On or off; the meaning of nothing is that of [`Feature::is_on`].
        attr "state" state: Option<OnOff>,
    }
}

impl Feature {
    /// A feature told to be on or off.
    pub fn new(on: bool) -> Self {
        Self { state: Some(OnOff(on)), ..Self::default() }
    }

    /// Whether it is on; naming it without a state is enough.
    pub fn is_on(&self) -> bool {
        self.state.is_none_or(|state| state.0)
    }
}

element! {
    /// What the machine can do.
    pub struct Features {
        /// Advanced configuration and power interface.
        flag "acpi" acpi: bool,
        /// Programmable interrupt controller.
        child "apic" apic: Option<Apic>,
        /// Physical address extension on 32-bit guests.
        flag "pae" pae: bool,
        /// Hardware assisted paging.
        child "hap" hap: Option<Feature>,
        /// Hyper-V enlightenments on Xen.
        flag "viridian" viridian: bool,
        /// Private network of a container.
        flag "privnet" private_network: bool,
        /// Hyper-V enlightenments.
        child "hyperv" hyperv: Option<HyperV>,
        /// What KVM shows of itself.
        child "kvm" kvm: Option<Kvm>,
        /// Paravirtual spin locks.
        child "pvspinlock" pv_spinlock: Option<Feature>,
        /// Performance monitoring unit.
        child "pmu" pmu: Option<Feature>,
        /// VMware's I/O port.
        child "vmport" vmport: Option<Feature>,
        /// Interrupt controller of ARM.
        child "gic" gic: Option<Gic>,
        /// System management mode.
        child "smm" smm: Option<Smm>,
        /// Who emulates the I/O interrupt controller.
        child "ioapic" ioapic: Option<IoApic>,
        /// Hash page table of pSeries.
        child "hpt" hpt: Option<Hpt>,
        /// Where the guest tells how to read its core dump.
        child "vmcoreinfo" vmcoreinfo: Option<Feature>,
        /// Transactional memory of pSeries.
        child "htm" htm: Option<Feature>,
        /// Nested virtualization of pSeries.
        child "nested-hv" nested_hv: Option<Feature>,
        /// Unknown machine specific registers.
        child "msrs" msrs: Option<Msrs>,
        /// Count cache flush assistance of pSeries.
        child "ccf-assist" ccf_assist: Option<Feature>,
        /// What Xen shows of the host.
        child "xen" xen: Option<Xen>,
        /// Cache flush on privilege change of pSeries.
        child "cfpc" cfpc: Option<Mitigation>,
        /// Speculation barrier bounds checking of pSeries.
        child "sbbc" sbbc: Option<Mitigation>,
        /// Indirect branch speculation of pSeries.
        child "ibs" ibs: Option<Mitigation>,
        /// Software emulation.
        child "tcg" tcg: Option<Tcg>,
        /// Whether a stopped guest's memory is freed in the background.
        child "async-teardown" async_teardown: Option<AsyncTeardown>,
        /// Reporting of memory errors on ARM.
        child "ras" ras: Option<Feature>,
        /// PS/2 controller.
        child "ps2" ps2: Option<Feature>,
        /// Advanced interrupt architecture of RISC-V.
        child "aia" aia: Option<Aia>,
    }
}

element! {
    /// `<apic>`.
    pub struct Apic {
        /// Paravirtual end of interrupt.
        attr "eoi" eoi: Option<OnOff>,
    }
}

keywords! {
    /// Which Hyper-V enlightenments there are.
    pub enum HyperVMode {
        /// Those named.
        Custom = "custom",
        /// All that the hypervisor has.
        Passthrough = "passthrough",
        /// All that the host supports, named when the domain starts (libvirt 12).
        HostModel = "host-model",
    }
}

element! {
    /// Hyper-V enlightenments, named as the specification does.
    pub struct HyperV {
        /// Which there are.
        attr "mode" mode: Option<HyperVMode>,
        /// Relaxed timers.
        child "relaxed" relaxed: Option<Feature>,
        /// Virtual interrupt controller.
        child "vapic" vapic: Option<Feature>,
        /// Spin locks.
        child "spinlocks" spinlocks: Option<Spinlocks>,
        /// Virtual processor index.
        child "vpindex" vpindex: Option<Feature>,
        /// Time spent running.
        child "runtime" runtime: Option<Feature>,
        /// Synthetic interrupt controller.
        child "synic" synic: Option<Feature>,
        /// Synthetic timers.
        child "stimer" stimer: Option<SyntheticTimers>,
        /// Reset of the hypervisor.
        child "reset" reset: Option<Feature>,
        /// Name of the hypervisor's vendor.
        child "vendor_id" vendor_id: Option<VendorId>,
        /// Frequencies in registers.
        child "frequencies" frequencies: Option<Feature>,
        /// Notice of migration.
        child "reenlightenment" reenlightenment: Option<Feature>,
        /// Paravirtual flush of translation buffers.
        child "tlbflush" tlbflush: Option<TlbFlush>,
        /// Paravirtual interrupts between processors.
        child "ipi" ipi: Option<Feature>,
        /// Enlightened control structures for nested guests.
        child "evmcs" evmcs: Option<Feature>,
        /// Hardware assisted interrupt controller along with `synic`.
        child "avic" avic: Option<Feature>,
        /// Enlightened bitmap of machine specific registers.
        child "emsr_bitmap" emsr_bitmap: Option<Feature>,
        /// Hypercall input in XMM registers.
        child "xmm_input" xmm_input: Option<Feature>,
    }
}

element! {
    /// Spin locks.
    pub struct Spinlocks {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Attempts until the hypervisor is told, at least 4095.
        attr "retries" retries: Option<u32>,
    }
}

element! {
    /// Synthetic timers.
    pub struct SyntheticTimers {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Timers that interrupt directly.
        child "direct" direct: Option<Feature>,
    }
}

element! {
    /// Name of the hypervisor's vendor.
    pub struct VendorId {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Up to twelve characters.
        attr "value" value: Option<String>,
    }
}

element! {
    /// Paravirtual flush of translation buffers.
    pub struct TlbFlush {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Directly from nested guests.
        child "direct" direct: Option<Feature>,
        /// With ranges of addresses.
        child "extended" extended: Option<Feature>,
    }
}

element! {
    /// What KVM shows of itself.
    pub struct Kvm {
        /// Whether it hides.
        child "hidden" hidden: Option<Feature>,
        /// Whether the guest is told that it has processors of its own.
        child "hint-dedicated" hint_dedicated: Option<Feature>,
        /// Whether the guest controls polling on halt.
        child "poll-control" poll_control: Option<Feature>,
        /// Paravirtual interrupts between processors.
        child "pv-ipi" pv_ipi: Option<Feature>,
        /// Ring of dirty pages.
        child "dirty-ring" dirty_ring: Option<DirtyRing>,
    }
}

element! {
    /// Ring of dirty pages.
    pub struct DirtyRing {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Entries for each processor, a power of two from 1024 to 65536.
        attr "size" size: Option<u32>,
    }
}

keywords! {
    /// Version of ARM's interrupt controller.
    pub enum GicVersion {
        /// That of the host.
        Host = "host",
        /// 2.
        V2 = "2",
        /// 3.
        V3 = "3",
    }
}

element! {
    /// Interrupt controller of ARM.
    pub struct Gic {
        /// Which.
        attr "version" version: Option<GicVersion>,
    }
}

element! {
    /// System management mode.
    pub struct Smm {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// Memory for it above that of the machine.
        child "tseg" tseg: Option<Tseg>,
    }
}

element! {
    /// Memory for system management mode; MiB when no unit is given, and always written.
    pub struct Tseg {
        /// Bytes, whole KiB.
        kib_from_mib "" bytes: u64,
    }
}

keywords! {
    /// Who emulates the I/O interrupt controller.
    pub enum IoApicDriver {
        /// KVM.
        Kvm = "kvm",
        /// QEMU.
        Qemu = "qemu",
    }
}

element! {
    /// I/O interrupt controller.
    pub struct IoApic {
        /// Who emulates it.
        attr "driver" driver: Option<IoApicDriver>,
    }
}

keywords! {
    /// Whether the hash page table can change its size.
    pub enum HptResizing {
        /// If the guest can.
        Enabled = "enabled",
        /// No.
        Disabled = "disabled",
        /// The guest must be able to.
        Required = "required",
    }
}

element! {
    /// Hash page table.
    pub struct Hpt {
        /// Whether it can change its size.
        attr "resizing" resizing: Option<HptResizing>,
        /// Largest page.
        child "maxpagesize" max_page_size: Option<PageSize>,
    }
}

element! {
    /// Size of a page.
    pub struct PageSize {
        /// Bytes, whole KiB.
        kib "" bytes: u64,
    }
}

keywords! {
    /// What happens on an unknown machine specific register.
    pub enum MsrPolicy {
        /// Nothing.
        Ignore = "ignore",
        /// The guest gets a fault.
        Fault = "fault",
    }
}

element! {
    /// Machine specific registers.
    pub struct Msrs {
        /// What happens on an unknown one.
        required "unknown" unknown: MsrPolicy,
    }
}

element! {
    /// What Xen shows of the host.
    pub struct Xen {
        /// The host's memory map.
        child "e820_host" e820_host: Option<Feature>,
        /// Passing devices through.
        child "passthrough" passthrough: Option<XenPassthrough>,
    }
}

keywords! {
    /// How Xen maps devices that are passed through.
    pub enum XenPassthroughMode {
        /// With page tables of their own.
        SyncPt = "sync_pt",
        /// With the guest's page tables.
        SharePt = "share_pt",
    }
}

element! {
    /// Passing devices through.
    pub struct XenPassthrough {
        /// On or off.
        attr "state" state: Option<OnOff>,
        /// How.
        attr "mode" mode: Option<XenPassthroughMode>,
    }
}

element! {
    /// A mitigation of pSeries.
    pub struct Mitigation {
        /// `broken`, `workaround`, `fixed`, `fixed-ibs`, `fixed-ccd` or `fixed-na`.
        required "value" value: String,
    }
}

element! {
    /// Software emulation.
    pub struct Tcg {
        /// Room for translated code; MiB when no unit is given.
        child "tb-cache" tb_cache: Option<TranslationCache>,
    }
}

element! {
    /// Room for translated code; MiB when no unit is given.
    pub struct TranslationCache {
        /// Bytes, whole KiB.
        kib_from_mib "" bytes: u64,
    }
}

element! {
    /// Whether a stopped guest's memory is freed in the background.
    pub struct AsyncTeardown {
        /// On or off; on when absent.
        attr "enabled" enabled: Option<YesNo>,
    }
}

keywords! {
    /// Advanced interrupt architecture of RISC-V.
    pub enum AiaMode {
        /// None.
        None = "none",
        /// For wired interrupts.
        Aplic = "aplic",
        /// For message signalled interrupts too.
        AplicImsic = "aplic-imsic",
    }
}

element! {
    /// Advanced interrupt architecture of RISC-V.
    pub struct Aia {
        /// How much of it.
        required "value" value: AiaMode,
    }
}
