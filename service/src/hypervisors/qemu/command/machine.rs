//! `-machine` and `-accel`.

use lodge_model::domain::clock::TimerName;
use lodge_model::domain::features::{Feature, IoApicDriver};
use lodge_model::xml::{OnOff, YesNo};

use super::draft::Draft;
use super::flash::Flash;
use crate::hypervisors::qemu::props::Options;

/// Adds the machine with what is part of it.
pub fn add(draft: &mut Draft<'_>, flash: &Flash, memory: Option<&str>) {
    let features = &draft.domain.features;
    let state = |feature: &Option<Feature>| feature.as_ref().map(Feature::is_on);
    let dump = draft.domain.memory.as_ref().and_then(|memory| memory.dump_core).map_or(draft.input.choices.dump_guest_core, |OnOff(on)| on);
    let options = Options::new(draft.machine).on("usb", false).opt_on("vmport", state(&features.vmport));
    let options = options.opt_on("smm", flash.smm.or_else(|| features.smm.as_ref().map(|smm| smm.state.is_none_or(|OnOff(on)| on))));
    let options = options.on("dump-guest-core", dump);
    let options = options.opt(
        "kernel_irqchip",
        features.ioapic.as_ref().and_then(|ioapic| ioapic.driver).map(|driver| match driver {
            IoApicDriver::Kvm => "on",
            IoApicDriver::Qemu => "split",
        }),
    );
    let options = options.opt("pflash0", flash.code.as_deref()).opt("pflash1", flash.variables.as_deref());
    let timers = draft.domain.clock.iter().flat_map(|clock| &clock.timers);
    let hpet = timers.filter(|timer| timer.name == TimerName::Hpet).find_map(|timer| timer.present).map(|YesNo(on)| on);
    let options = options.opt_on("hpet", hpet).on("acpi", features.acpi).opt("memory-backend", memory);
    let serial_graphics = draft.domain.os.bios.as_ref().and_then(|bios| bios.use_serial) == Some(YesNo(true));
    let options = options.opt_on("graphics", serial_graphics.then_some(false));
    draft.option("-machine", options.opt_on("i8042", state(&features.ps2)).render());
    if features.vmcoreinfo.as_ref().is_some_and(Feature::is_on) {
        draft.option("-device", "vmcoreinfo");
    }
    if let Some(tseg) = features.smm.as_ref().and_then(|smm| smm.tseg.as_ref()).filter(|_| draft.is_q35()) {
        draft.option("-global", format!("mch.extended-tseg-mbytes={}", tseg.bytes >> 20));
    }
    if flash.secure {
        draft.option("-global", "driver=cfi.pflash01,property=secure,value=on");
    }
}

/// Adds what runs the guest's instructions.
pub fn add_accelerator(draft: &mut Draft<'_>) {
    let options = if draft.is_kvm() { kvm(draft) } else { tcg(draft) };
    draft.option("-accel", options.render());
}

fn kvm(draft: &Draft<'_>) -> Options {
    let ring = draft.domain.features.kvm.as_ref().and_then(|kvm| kvm.dirty_ring.as_ref());
    let size = ring.filter(|ring| ring.state.is_some_and(|OnOff(on)| on)).and_then(|ring| ring.size);
    Options::new("kvm").opt("dirty-ring-size", size)
}

fn tcg(draft: &Draft<'_>) -> Options {
    let cache = draft.domain.features.tcg.as_ref().and_then(|tcg| tcg.tb_cache.as_ref());
    Options::new("tcg").with("thread", "multi").opt("tb-size", cache.map(|cache| cache.bytes >> 20))
}
