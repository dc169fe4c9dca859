//! The machine: architecture, machine type, program.

use lodge_model::domain::Domain;
use lodge_model::domain::os::{OsKind, OsType};

use super::{Platform, Result, unsupported};

/// The architecture of definitions that name none; the only one of hosts that Lodge runs on so far.
const DEFAULT_ARCHITECTURE: &str = "x86_64";

/// A family of machine types: what is soldered on, and what buses there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Intel 440FX of 1996: PCI, IDE.
    I440fx,
    /// Intel Q35 of 2007: PCI Express, SATA.
    Q35,
}

/// What the other parts of the completion know about the machine.
pub(super) struct Machine<'a> {
    pub family: Family,
    pub platform: &'a dyn Platform,
}

impl Machine<'_> {
    pub fn is_q35(&self) -> bool {
        self.family == Family::Q35
    }

    /// The first of some choices whose device this QEMU has; the last one when it has none of them. Each is a word of
    /// the definition with QEMU's name.
    pub fn first_of(&self, choices: &[(&'static str, &str)]) -> &'static str {
        let found = choices.iter().find(|(_, device)| self.platform.has_device(device)).or(choices.last());
        found.map_or("", |(word, _)| word)
    }
}

/// The architecture of a definition, which says the QEMU to complete it for.
pub fn architecture(domain: &Domain) -> &str {
    domain.os.os_type.as_ref().and_then(|os| os.arch.as_deref()).unwrap_or(DEFAULT_ARCHITECTURE)
}

/// Fills in kind, architecture, machine type and program.
pub(super) fn complete<'a>(domain: &mut Domain, platform: &'a dyn Platform) -> Result<Machine<'a>> {
    let arch = architecture(domain).to_owned();
    if !matches!(arch.as_str(), "x86_64" | "i686") {
        return unsupported(format!("guests of the architecture '{arch}' cannot be run; write arch='x86_64' or 'i686' in <os><type>"));
    }
    let os = domain.os.os_type.get_or_insert_with(OsType::default);
    let kind = *os.kind.get_or_insert(OsKind::Hvm);
    if kind != OsKind::Hvm {
        return unsupported(format!("QEMU does not run guests of <os><type>{}</type></os>; write hvm", kind.as_str()));
    }
    os.arch = Some(arch);
    let wanted = os.machine.as_deref().or_else(|| platform.default_machine()).unwrap_or("pc");
    // A machine type that this QEMU has no more stays as it is written: another QEMU may have it.
    let name = platform.machine(wanted).unwrap_or(wanted).to_owned();
    let Some(family) = family(&name) else {
        return unsupported(format!("the machine type '{name}' cannot be used; write machine='q35' or machine='pc' in <os><type>"));
    };
    os.machine = Some(name);
    if domain.devices.emulator.as_deref().is_none_or(|path| path.trim().is_empty()) {
        domain.devices.emulator = Some(platform.emulator().to_owned());
    }
    Ok(Machine { family, platform })
}

/// The family of a machine type by its name. `pc-0.12` and the like are 440FX machines from before QEMU had others;
/// `rhel6.5.0` and `pc-i440fx-rhel7.6.0` are Red Hat's.
fn family(name: &str) -> Option<Family> {
    let numbered = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    if name == "q35" || name.starts_with("pc-q35-") {
        Some(Family::Q35)
    } else if name == "pc" || name.starts_with("pc-i440fx-") || name.strip_prefix("pc-").is_some_and(numbered) || name.starts_with("rhel6.")
    {
        Some(Family::I440fx)
    } else {
        None
    }
}
