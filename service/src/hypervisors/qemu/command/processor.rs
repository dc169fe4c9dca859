//! `-cpu`, `-smp` and I/O threads.

use lodge_model::domain::clock::{Timer, TimerName};
use lodge_model::domain::cpu::{AddressBitsMode, Cpu, CpuCacheMode, CpuFallback, CpuFeaturePolicy, CpuMode};
use lodge_model::domain::devices::PanicModel;
use lodge_model::domain::features::{Feature, HyperV, HyperVMode, Kvm};
use lodge_model::xml::{OnOff, YesNo};

use super::draft::Draft;
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;

/// Adds the processor that the guest sees.
///
/// # Errors
/// A model that this QEMU does not have.
pub fn add(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let options = Options::new(&model(draft)?);
    let options = match (&draft.domain.cpu, draft.is_i686() && draft.input.capabilities.target == "x86_64") {
        (cpu, true) if !is_plain(cpu.as_ref()) => options.on("lm", false),
        _ => options,
    };
    let options = described(draft, options);
    let options = timers(draft, options);
    let options = match &draft.domain.features.kvm {
        Some(kvm) if draft.is_kvm() => kvm_features(kvm, options),
        _ => options,
    };
    let options = match &draft.domain.features.hyperv {
        Some(hyperv) if draft.is_kvm() => hyperv_features(hyperv, options),
        Some(_) => {
            draft.warn("<hyperv> is left out: without KVM there is nothing that could offer it to the guest");
            options
        }
        None => options,
    };
    let crash = draft.domain.devices.panics().any(|panic| panic.model == Some(PanicModel::Hyperv));
    let options = options.opt_on("hv-crash", (crash && draft.is_kvm()).then_some(true));
    draft.option("-cpu", options.render());
    Ok(())
}

fn is_plain(cpu: Option<&Cpu>) -> bool {
    cpu.is_none_or(|cpu| mode(cpu) == CpuMode::Custom)
}

/// A `<cpu>` without a mode describes a model if it names one.
fn mode(cpu: &Cpu) -> CpuMode {
    cpu.mode.unwrap_or(CpuMode::Custom)
}

/// The name of the model.
///
/// `host-model` gives what `host-passthrough` gives, less what cannot migrate: QEMU's `host` leaves that out by itself.
/// In emulation the host's processor does not matter, and both give all that can be emulated.
fn model(draft: &Draft<'_>) -> Result<String, Refusal> {
    let plain = if draft.is_i686() { "qemu32" } else { "qemu64" };
    let Some(cpu) = &draft.domain.cpu else { return Ok(plain.to_owned()) };
    let written = cpu.model.as_ref().and_then(|model| model.name.as_deref()).map(str::trim).filter(|name| !name.is_empty());
    match mode(cpu) {
        CpuMode::HostPassthrough | CpuMode::HostModel if draft.is_kvm() => Ok("host".to_owned()),
        CpuMode::HostPassthrough | CpuMode::HostModel | CpuMode::Maximum => Ok("max".to_owned()),
        CpuMode::Custom => {
            let name = written.unwrap_or(plain);
            let capabilities = draft.input.capabilities;
            let fallback = cpu.model.as_ref().and_then(|model| model.fallback) == Some(CpuFallback::Allow);
            match capabilities.has_cpu_model(name) {
                true => Ok(name.to_owned()),
                false if fallback && capabilities.has_cpu_model(plain) => Ok(plain.to_owned()),
                false => Err(Refusal::unsupported(format!(
                    "<cpu> has the model '{name}', which {} does not have: use <cpu mode='host-passthrough'/> or <cpu mode='maximum'/>",
                    capabilities.emulator.display()
                ))),
            }
        }
    }
}

fn described(draft: &Draft<'_>, options: Options) -> Options {
    let Some(cpu) = &draft.domain.cpu else { return options };
    let host = matches!(mode(cpu), CpuMode::HostPassthrough | CpuMode::HostModel) && draft.is_kvm();
    let migratable = if mode(cpu) == CpuMode::HostModel { Some(true) } else { cpu.migratable.map(|OnOff(on)| on) };
    let mut options = options.opt_on("migratable", migratable.filter(|_| host));
    options = options.opt("vendor", cpu.model.as_ref().and_then(|model| model.vendor_id.clone()));
    for feature in &cpu.features {
        let on = match feature.policy.unwrap_or_default() {
            CpuFeaturePolicy::Require | CpuFeaturePolicy::Force | CpuFeaturePolicy::Optional => true,
            CpuFeaturePolicy::Disable | CpuFeaturePolicy::Forbid => false,
        };
        options = options.on(&feature.name.replace('_', "-"), on);
    }
    options = match cpu.cache.as_ref().map(|cache| cache.mode) {
        Some(CpuCacheMode::Emulate) => options.on("l3-cache", true),
        Some(CpuCacheMode::Passthrough) => options.on("host-cache-info", true),
        Some(CpuCacheMode::Disable) => options.on("l3-cache", false),
        None => options,
    };
    match &cpu.max_physical_address {
        Some(bits) if bits.mode == AddressBitsMode::Passthrough => {
            options.on("host-phys-bits", true).opt("host-phys-bits-limit", bits.limit)
        }
        Some(bits) => options.opt("phys-bits", bits.bits),
        None => options,
    }
}

fn timers(draft: &Draft<'_>, options: Options) -> Options {
    let Some(clock) = &draft.domain.clock else { return options };
    let find = |name| clock.timers.iter().find(|timer: &&Timer| timer.name == name);
    let present = |timer: &Timer| timer.present.is_none_or(|YesNo(on)| on);
    let kvmclock = find(TimerName::KvmClock).and_then(|timer| timer.present).map(|YesNo(on)| on);
    let hyperv = find(TimerName::HypervClock).filter(|timer| present(timer) && draft.is_kvm()).map(|_| true);
    let frequency = find(TimerName::Tsc).and_then(|timer| timer.frequency);
    options.opt_on("kvmclock", kvmclock.filter(|_| draft.is_kvm())).opt_on("hv-time", hyperv).opt("tsc-frequency", frequency)
}

fn kvm_features(kvm: &Kvm, options: Options) -> Options {
    let is_on = |feature: &Option<Feature>| feature.as_ref().is_some_and(Feature::is_on);
    options
        .opt_on("kvm", is_on(&kvm.hidden).then_some(false))
        .opt_on("kvm-hint-dedicated", is_on(&kvm.hint_dedicated).then_some(true))
        .opt_on("kvm-poll-control", is_on(&kvm.poll_control).then_some(true))
        .opt_on("kvm-pv-ipi", is_on(&kvm.pv_ipi).then_some(true))
}

fn hyperv_features(hyperv: &HyperV, options: Options) -> Options {
    if matches!(hyperv.mode, Some(HyperVMode::Passthrough | HyperVMode::HostModel)) {
        return options.on("hv-passthrough", true);
    }
    let switches = [
        ("hv-relaxed", &hyperv.relaxed),
        ("hv-vapic", &hyperv.vapic),
        ("hv-vpindex", &hyperv.vpindex),
        ("hv-runtime", &hyperv.runtime),
        ("hv-synic", &hyperv.synic),
        ("hv-reset", &hyperv.reset),
        ("hv-frequencies", &hyperv.frequencies),
        ("hv-reenlightenment", &hyperv.reenlightenment),
        ("hv-ipi", &hyperv.ipi),
        ("hv-evmcs", &hyperv.evmcs),
        ("hv-avic", &hyperv.avic),
        ("hv-emsr-bitmap", &hyperv.emsr_bitmap),
        ("hv-xmm-input", &hyperv.xmm_input),
    ];
    let is_on = |feature: &Option<Feature>| feature.as_ref().is_some_and(Feature::is_on);
    let mut options = switches.iter().filter(|(_, feature)| is_on(feature)).fold(options, |options, (name, _)| options.on(name, true));
    let on = |state: Option<OnOff>| state.is_none_or(|OnOff(on)| on);
    if let Some(spinlocks) = hyperv.spinlocks.as_ref().filter(|spinlocks| on(spinlocks.state)) {
        options = options.with("hv-spinlocks", format!("{:#x}", spinlocks.retries.unwrap_or(0x1fff)));
    }
    if let Some(timers) = hyperv.stimer.as_ref().filter(|timers| on(timers.state)) {
        options = options.on("hv-stimer", true).opt_on("hv-stimer-direct", is_on(&timers.direct).then_some(true));
    }
    if let Some(vendor) = hyperv.vendor_id.as_ref().filter(|vendor| on(vendor.state)) {
        options = options.opt("hv-vendor-id", vendor.value.clone());
    }
    if let Some(flush) = hyperv.tlbflush.as_ref().filter(|flush| on(flush.state)) {
        options = options.on("hv-tlbflush", true);
        options = options.opt_on("hv-tlbflush-direct", is_on(&flush.direct).then_some(true));
        options = options.opt_on("hv-tlbflush-ext", is_on(&flush.extended).then_some(true));
    }
    options
}

/// Adds the number of processors and how they are grouped.
///
/// # Errors
/// Groups that do not make that number.
pub fn add_count(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let (current, most) = (draft.domain.current_vcpus(), draft.domain.max_vcpus());
    let options = Options::new(&current.to_string()).opt("maxcpus", (current != most).then_some(most));
    let options = match draft.domain.cpu.as_ref().and_then(|cpu| cpu.topology.as_ref()) {
        None => options.with("sockets", most).with("cores", 1).with("threads", 1),
        Some(topology) => {
            let (made, sockets, cores, threads) = (topology.vcpus(), topology.sockets, topology.cores, topology.threads);
            if made != u64::from(most) {
                return Err(Refusal::invalid(format!(
                    "<topology> makes {made} processors ({sockets} sockets, {cores} cores, {threads} threads), and <vcpu> is {most}: make \
                     them equal"
                )));
            }
            if topology.clusters.unwrap_or(1) != 1 {
                return Err(Refusal::unsupported("<topology clusters='…'> cannot be on a PC: take clusters out, or set it to 1"));
            }
            options.with("sockets", sockets).with("dies", topology.dies.unwrap_or(1)).with("cores", cores).with("threads", threads)
        }
    };
    draft.option("-smp", options.render());
    Ok(())
}

/// Adds I/O threads, which disks and controllers name.
pub fn add_io_threads(draft: &mut Draft<'_>) {
    let written = draft.domain.io_thread_ids.as_ref().map_or(&[][..], |ids| ids.threads.as_slice());
    let count = draft.domain.io_threads.unwrap_or(0);
    let free = (1..).filter(|id| !written.iter().any(|thread| thread.id == *id));
    let missing = usize::try_from(count).unwrap_or(0).saturating_sub(written.len());
    for thread in written {
        let poll = thread.poll.as_ref();
        let object = Props::object("iothread", &format!("iothread{}", thread.id))
            .opt("thread-pool-min", thread.thread_pool_min)
            .opt("thread-pool-max", thread.thread_pool_max)
            .opt("poll-max-ns", poll.and_then(|poll| poll.max))
            .opt("poll-grow", poll.and_then(|poll| poll.grow))
            .opt("poll-shrink", poll.and_then(|poll| poll.shrink));
        draft.object(object);
    }
    for id in free.take(missing) {
        draft.object(Props::object("iothread", &format!("iothread{id}")));
    }
}
