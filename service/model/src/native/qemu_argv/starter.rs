//! What belongs to whoever starts QEMU: the environment, the monitor, logs, confinement.

use super::back_ends::Kind;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::Outcome;
use super::{ReadError, Warnings, audio};
use crate::xml::Position;

/// Variables that say who the person is, and where its desktop.
const OF_THE_PERSON: &[&str] = &[
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GDK_BACKEND",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "PWD",
    "SDL_VIDEODRIVER",
    "SHELL",
    "TERM",
    "TMPDIR",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
];

/// Variables that matter for the guest. What becomes of each is told.
pub fn environment(all: &[(String, String, Position)], warnings: &mut Warnings) -> Vec<(String, String)> {
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    for (name, value, position) in all {
        if OF_THE_PERSON.contains(&name.as_str()) || name.starts_with("XDG_") {
            left.push((name.as_str(), *position));
        } else if audio::is_read_by_old_qemu(name) {
            // The back end that it names is an element.
            if name != audio::VARIABLE {
                warnings.tell(*position, format!("{name} is left out: QEMU reads it no longer, see <audio>"));
            }
        } else {
            kept.push((name.clone(), value.clone()));
            warnings.tell(*position, format!("the variable {name} is kept in <qemu:commandline>"));
        }
    }
    if let Some((_, position)) = left.first() {
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        warnings.tell(*position, format!("left out, since the service sets its own: {}", names.join(", ")));
    }
    kept
}

/// Converts options that are not the guest's.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    if option.name == "mon"
        && let Some(id) = to.props(option, "chardev")?.take("chardev")
    {
        // It goes with the monitor.
        to.used(Kind::Chardev, id);
    }
    if matches!(option.name.as_str(), "nodefaults" | "no-user-config" | "nodefconfig") {
        // It holds for all guests of the service.
        return Ok(Some(Outcome::Silent));
    }
    Ok(for_the_starter(&option.name).map(Outcome::Left))
}

/// Options that belong to whoever starts QEMU.
fn for_the_starter(name: &str) -> Option<&'static str> {
    Some(match name {
        "S" => "whether a guest starts paused is said when it is started",
        "daemonize" | "pidfile" | "D" | "d" | "msg" | "trace" | "dfilter" => "the service keeps processes and logs itself",
        "mon" | "monitor" | "qmp" | "qmp-pretty" => "the service has a monitor of its own",
        "sandbox" | "runas" | "chroot" | "run-with" => "the service confines guests itself",
        "incoming" | "loadvm" => "it is for one start, not for the definition",
        "help" | "h" | "version" => "it only prints",
        "id" => "it is of Proxmox's own QEMU, for whoever started it",
        "virtioconsole" => "QEMU has it no longer; write <console> with <target type='virtio'/>",
        "vmchannel" => "QEMU has it no longer; write <channel>",
        "smb" | "tftp" | "bootp" => "QEMU has it no longer; it is a property of -netdev user",
        "clock" | "mtdblock" => "QEMU has it no longer",
        "no-quit" | "no-frame" | "show-cursor" | "portrait" | "alt-grab" | "ctrl-grab" | "full-screen" | "tdf" | "no-kvm-irqchip"
        | "no-kvm-pit" | "kvm-shadow-memory" | "enable-nesting" | "hdachs" | "bt" => "no guest of today notices it",
        _ => return None,
    })
}
