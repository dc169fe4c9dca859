//! What QEMU does when the guest ends, reboots, crashes or hangs: `-action`.
//!
//! `destroy` is left to QEMU itself, so that it holds even when nobody is watching. `restart` and `preserve` pause the
//! guest, and whoever watches decides.

use lodge_model::domain::devices::WatchdogAction;
use lodge_model::domain::lifecycle::{LifecycleAction, Sleep};
use lodge_model::xml::YesNo;

use super::draft::Draft;
use crate::hypervisors::qemu::props::Options;

/// Adds the actions, and which kinds of sleep the guest has.
pub fn add(draft: &mut Draft<'_>) {
    let domain = draft.domain;
    let shutdown = match domain.on_poweroff.unwrap_or(LifecycleAction::Destroy) {
        LifecycleAction::Destroy => "poweroff",
        _ => "pause",
    };
    let reboot = match domain.on_reboot.unwrap_or(LifecycleAction::Restart) {
        LifecycleAction::Destroy => "shutdown",
        _ => "reset",
    };
    let panic = match domain.on_crash.unwrap_or(LifecycleAction::Destroy) {
        LifecycleAction::Destroy => "shutdown",
        _ => "pause",
    };
    let watchdog = domain.devices.watchdogs().next().map(|watchdog| watchdog.action.unwrap_or_default());
    let watchdog = watchdog.map(|action| match action {
        // Whoever watches makes the dump.
        WatchdogAction::Dump => "pause",
        other => other.as_str(),
    });
    let options = Options::of("reboot", reboot).with("shutdown", shutdown).with("panic", panic).opt("watchdog", watchdog);
    draft.option("-action", options.render());
    if draft.is_by_hand() && (shutdown == "pause" || panic == "pause" || watchdog == Some("pause")) {
        draft.warn(
            "what on_poweroff, on_crash or the watchdog asks for is done by Lodge to a guest that QEMU has paused: run by hand it stays \
             paused, and QEMU is to be ended by hand",
        );
    }
    let device = if draft.is_q35() { "ICH9-LPC" } else { "PIIX4_PM" };
    let pm = domain.pm.as_ref();
    let sleeps =
        [("disable_s3", pm.and_then(|pm| pm.suspend_to_mem.as_ref())), ("disable_s4", pm.and_then(|pm| pm.suspend_to_disk.as_ref()))];
    for (property, sleep) in sleeps {
        if let Some(YesNo(enabled)) = sleep.and_then(|sleep: &Sleep| sleep.enabled) {
            draft.option("-global", format!("{device}.{property}={}", u8::from(!enabled)));
        }
    }
}
