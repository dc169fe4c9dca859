//! What happens when the guest stops, sleeps or hangs.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::{Outcome, partly};
use super::props::Props;
use super::tree::{Build, element, yes_no};

/// What options say of the guest's end together.
#[derive(Debug, Default)]
pub struct Facts {
    no_reboot: bool,
    no_shutdown: bool,
    crash: Option<&'static str>,
    /// Whether the firmware offers to sleep on disk.
    pub suspend_to_disk: Option<bool>,
}

/// Converts options of the guest's end.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "no-reboot" => {
            to.facts.lifecycle.no_reboot = true;
            Outcome::Done
        }
        "no-shutdown" => {
            to.facts.lifecycle.no_shutdown = true;
            Outcome::Done
        }
        "action" => action(to, &to.props(option, "")?),
        "watchdog" => {
            let watchdog = element("watchdog").with("model", &option.value).with("action", &to.watchdog_action);
            to.device(watchdog);
            Outcome::Done
        }
        "watchdog-action" => Outcome::Silent,
        _ => return Ok(None),
    }))
}

fn action(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    // The other words are what QEMU does by itself.
    to.facts.lifecycle.no_reboot |= props.take("reboot") == Some("shutdown");
    to.facts.lifecycle.no_shutdown |= props.take("shutdown") == Some("pause");
    to.facts.lifecycle.crash = match props.get("panic") {
        Some("pause") => Some("preserve"),
        Some("shutdown" | "exit-failure") => Some("destroy"),
        _ => to.facts.lifecycle.crash,
    };
    if props.get("panic") != Some("none") {
        props.take("panic");
    }
    // Watchdogs have it.
    props.ignore(&["watchdog"]);
    partly(props)
}

/// Writes what happens then.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.lifecycle);
    to.general.push(element("on_poweroff").content(if facts.no_shutdown { "preserve" } else { "destroy" }));
    to.general.push(element("on_reboot").content(if facts.no_reboot { "destroy" } else { "restart" }));
    to.general.push(element("on_crash").content(facts.crash.unwrap_or("destroy")));
    power_management(to, &facts);
    if to.has("watchdog-action") && !to.devices.iter().any(|device| device.name == "watchdog") {
        to.warn_of_all("-watchdog-action is left out: there is no <watchdog>");
    }
}

/// `<pm>` has both switches in one element.
fn power_management(to: &mut Conversion<'_>, facts: &Facts) {
    let Some(disk) = facts.suspend_to_disk else { return };
    let switch = element("suspend-to-disk").with("enabled", yes_no(disk));
    match to.general.iter_mut().find(|element| element.name == "pm") {
        Some(pm) => *pm = std::mem::take(pm).child(switch),
        None => to.general.push(element("pm").child(switch)),
    }
}
