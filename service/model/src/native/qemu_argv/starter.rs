//! What belongs to whoever starts QEMU: the environment, the monitor, logs, confinement.

use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::{ReadError, Warning};
use crate::xml::Position;

/// Variables that matter for the guest, and what is told of the others.
pub fn environment(all: &[(String, String, Position)]) -> (Vec<(String, String)>, Vec<Warning>) {
    const OF_THE_PERSON: &[&str] = &["LC_ALL", "LANG", "LANGUAGE", "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "PWD", "SHELL", "TERM"];
    let (mut kept, mut told) = (Vec::new(), Vec::new());
    let mut left = Vec::new();
    for (name, value, position) in all {
        if OF_THE_PERSON.contains(&name.as_str()) || name.starts_with("XDG_") {
            left.push((name.as_str(), *position));
        } else {
            kept.push((name.clone(), value.clone()));
            told.push(Warning { position: *position, reason: format!("the variable {name} is kept in <qemu:commandline>") });
        }
    }
    if let Some((_, position)) = left.first() {
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        told.push(Warning { position: *position, reason: format!("left out, since the service sets its own: {}", names.join(", ")) });
    }
    (kept, told)
}

/// Converts options that are not the guest's.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    if option.name == "mon"
        && let Some(id) = to.props(option, "chardev")?.take("chardev")
    {
        to.used(id);
    }
    Ok(for_the_starter(&option.name).map(Outcome::Left))
}

/// Options that belong to whoever starts QEMU.
fn for_the_starter(name: &str) -> Option<&'static str> {
    Some(match name {
        "S" => "whether a guest starts paused is said when it is started",
        "daemonize" | "pidfile" | "D" | "d" | "msg" | "trace" | "dfilter" => "the service keeps processes and logs itself",
        "mon" | "monitor" | "qmp" | "qmp-pretty" => "the service has a monitor of its own",
        "nodefaults" | "no-user-config" | "nodefconfig" => "it always holds",
        "sandbox" | "runas" | "chroot" | "run-with" => "the service confines guests itself",
        "incoming" | "loadvm" => "it is for one start, not for the definition",
        "help" | "h" | "version" => "it only prints",
        "no-fd-bootchk"
        | "win2k-hack"
        | "no-quit"
        | "no-frame"
        | "alt-grab"
        | "ctrl-grab"
        | "full-screen"
        | "g"
        | "tdf"
        | "no-kvm-irqchip"
        | "no-kvm-pit"
        | "no-kvm-pit-reinjection"
        | "rtc-td-hack"
        | "tb-size"
        | "bt" => "no guest of today notices it",
        _ => return None,
    })
}
