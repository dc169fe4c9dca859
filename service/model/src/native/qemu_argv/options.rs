//! The command line as options: which take a value, and where each stands.

use super::super::{ReadError, Warning};
use super::words::Word;
use crate::xml::Position;

/// An option with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opt {
    /// The name without dashes.
    pub name: String,
    /// The value; empty for those that take none.
    pub value: String,
    /// Whether it has a value.
    pub has_value: bool,
    /// Where it begins.
    pub position: Position,
}

impl Opt {
    /// As arguments of QEMU.
    pub fn arguments(&self) -> Vec<String> {
        let name = format!("-{}", self.name);
        if self.has_value { vec![name, self.value.clone()] } else { vec![name] }
    }
}

/// What one command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Variables of its environment.
    pub environment: Vec<(String, String, Position)>,
    /// The program.
    pub program: Word,
    /// Its options.
    pub options: Vec<Opt>,
}

/// Options that take no value (QEMU's manual page, 2.0 to 10.0, and older ones).
const FLAGS: &[&str] = &[
    "S",
    "alt-grab",
    "async-teardown",
    "ctrl-grab",
    "curses",
    "daemonize",
    "disable-kvm",
    "enable-fips",
    "enable-kqemu",
    "enable-kvm",
    "full-screen",
    "gtk",
    "h",
    "help",
    "hax",
    "kernel-kqemu",
    "localtime",
    "mem-prealloc",
    "no-acpi",
    "no-fd-bootchk",
    "no-frame",
    "no-hpet",
    "no-kqemu",
    "no-kvm",
    "no-kvm-irqchip",
    "no-kvm-pit",
    "no-kvm-pit-reinjection",
    "no-quit",
    "no-reboot",
    "no-shutdown",
    "no-user-config",
    "nodefaults",
    "nodefconfig",
    "nographic",
    "old-param",
    "only-migratable",
    "preconfig",
    "rtc-td-hack",
    "s",
    "sdl",
    "semihosting",
    "singlestep",
    "snapshot",
    "std-vga",
    "usb",
    "version",
    "win2k-hack",
    "xen-attach",
    "xen-domid-restrict",
];

/// Options that take a value.
const WITH_VALUES: &[&str] = &[
    "D",
    "L",
    "M",
    "accel",
    "acpitable",
    "action",
    "add-fd",
    "append",
    "audio",
    "audio-help",
    "audiodev",
    "balloon",
    "bios",
    "blockdev",
    "boot",
    "bt",
    "cdrom",
    "chardev",
    "chroot",
    "compat",
    "cpu",
    "d",
    "debugcon",
    "device",
    "dfilter",
    "display",
    "drive",
    "dtb",
    "echr",
    "fda",
    "fdb",
    "fsdev",
    "fw_cfg",
    "g",
    "gdb",
    "global",
    "hda",
    "hdachs",
    "hdb",
    "hdc",
    "hdd",
    "icount",
    "incoming",
    "initrd",
    "iscsi",
    "k",
    "kernel",
    "loadvm",
    "m",
    "machine",
    "mem-path",
    "mon",
    "monitor",
    "msg",
    "mtdblock",
    "name",
    "net",
    "netdev",
    "nic",
    "numa",
    "object",
    "option-rom",
    "overcommit",
    "parallel",
    "pcidevice",
    "perfmap",
    "pflash",
    "pidfile",
    "plugin",
    "prom-env",
    "qmp",
    "qmp-pretty",
    "readconfig",
    "redir",
    "rotate",
    "rtc",
    "run-with",
    "runas",
    "sandbox",
    "sd",
    "seed",
    "semihosting-config",
    "serial",
    "set",
    "shim",
    "smb",
    "smbios",
    "smp",
    "soundhw",
    "spice",
    "startdate",
    "tb-size",
    "tdf",
    "tftp",
    "tpmdev",
    "trace",
    "uuid",
    "vga",
    "virtfs",
    "virtfs_synth",
    "virtioconsole",
    "vmchannel",
    "vnc",
    "vtd",
    "watchdog",
    "watchdog-action",
    "writeconfig",
    "xen-domid",
];

/// Programs that are told to start the one after them.
const STARTERS: &[&str] = &["$", "exec", "sudo", "nohup", "env", "command", "time", "setsid"];

/// Takes a command apart.
///
/// # Errors
/// It has no program, a word that is no option, or an option whose value is missing.
pub fn read(words: Vec<Word>, warnings: &mut Vec<Warning>) -> Result<CommandLine, ReadError> {
    let mut words = words.into_iter().peekable();
    let mut environment = Vec::new();
    let mut end = Position { line: 1, column: 1 };
    let program = loop {
        let Some(word) = words.next() else {
            return Err(ReadError { position: end, reason: "there is no program; give QEMU's, such as qemu-system-x86_64".to_owned() });
        };
        end = word.position;
        if STARTERS.contains(&word.text.as_str()) {
            warnings.push(Warning { position: word.position, reason: format!("'{}' is left out: the service starts QEMU", word.text) });
        } else if let Some((name, value)) = assignment(&word.text) {
            environment.push((name.to_owned(), value.to_owned(), word.position));
        } else {
            break word;
        }
    };
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let position = word.position;
        let Some(name) = word.text.strip_prefix("--").or_else(|| word.text.strip_prefix('-')).filter(|name| !name.is_empty()) else {
            // QEMU takes a word without a dash for the first disk.
            options.push(Opt { name: "hda".to_owned(), value: word.text, has_value: true, position });
            continue;
        };
        let takes_value = if FLAGS.contains(&name) {
            false
        } else if WITH_VALUES.contains(&name) {
            true
        } else {
            words.peek().is_some_and(|next| !next.text.starts_with('-'))
        };
        let value = if takes_value { words.next() } else { None };
        if takes_value && value.is_none() {
            return Err(ReadError { position, reason: format!("the option -{name} has no value; add one, or take the option out") });
        }
        options.push(Opt {
            name: name.to_owned(),
            has_value: takes_value,
            value: value.map(|word| word.text).unwrap_or_default(),
            position,
        });
    }
    Ok(CommandLine { environment, program, options })
}

/// An error about the value of an option.
pub fn bad(option: &Opt, what: &str, found: &str) -> ReadError {
    ReadError { position: option.position, reason: format!("-{}: expected {what}, found '{found}'", option.name) }
}

/// Whether QEMU has, or had, an option of this name.
pub fn is_known(name: &str) -> bool {
    FLAGS.contains(&name) || WITH_VALUES.contains(&name)
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name =
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    is_name.then_some((name, value))
}
