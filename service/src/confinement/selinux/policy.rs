//! What the policy of the host has for guests.

use super::context::{Context, Range};
use crate::error::{Error, ErrorKind, Result};
use crate::host::selinux::{self, Selinux};

/// Types for emulated guests, whose emulator makes code at run time: what a policy has that names none that it knows.
/// Debian's has these (refpolicy, virt.te), Fedora's the second line of `virtual_domain_context`, svirt_tcg_t.
const MAKES_CODE: (&str, &str) = ("svirt_prot_exec_t", "svirt_prot_exec_image_t");

/// Types of a kind of guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Of its processes.
    pub process: Context,
    /// Of its files.
    pub image: Context,
}

/// What the policy has for guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Guests whose code the processor executes.
    pub virtual_machine: Kind,
    /// Guests whose code the emulator translates.
    pub emulator: Kind,
    /// What all guests may read.
    pub content: Context,
    /// Categories that guests may have.
    pub range: Range,
    /// Whether a process that can gain no privileges may still enter the guests' domain when it executes a program.
    pub transition_without_privileges: bool,
}

impl Policy {
    /// Reads the policy of this host.
    ///
    /// # Errors
    /// `HostFailed` when the policy has nothing for guests.
    pub fn read(selinux: &Selinux) -> Result<Self> {
        let own = selinux::own_context()
            .map_err(|error| Error::new(ErrorKind::HostFailed, "SELinux does not tell the service's own context").caused_by(error))?;
        let failed = |error| Error::new(ErrorKind::HostFailed, "SELinux does not answer").caused_by(error);
        let contexts = |name: &str| contexts(name, selinux.contexts(name).map_err(failed)?.as_deref());
        let domains = contexts("virtual_domain_context")?;
        let images = contexts("virtual_image_context")?;
        let knows = |context: &Context| selinux.knows(&context.to_string()).map_err(failed);
        let virtual_machine = Kind { process: domains.0, image: images.0 };
        let emulator = emulator(&virtual_machine, domains.1, knows)?;
        let level = Context::parse(&own).and_then(|own| own.level().map(str::to_owned));
        let range = Range::of_level(level.as_deref()).map_err(|sentence| Error::new(ErrorKind::HostFailed, sentence))?;
        let target = virtual_machine.process.to_string();
        let transition = selinux.allows(&own, &target, "process2", "nnp_transition").map_err(failed)?;
        let content = images.1.unwrap_or_else(|| virtual_machine.image.clone());
        Ok(Self { virtual_machine, emulator, content, range, transition_without_privileges: transition })
    }
}

/// The contexts of a file, a line each: one, and perhaps another.
fn contexts(name: &str, text: Option<&str>) -> Result<(Context, Option<Context>)> {
    let mut lines = text.unwrap_or_default().lines().filter_map(Context::parse);
    let first = lines.next().ok_or_else(|| {
        let sentence = format!("the SELinux policy has no contexts/{name}, which tells how to label guests; write security_driver = \"none\" into qemu.conf to run them without");
        Error::new(ErrorKind::HostFailed, sentence)
    })?;
    Ok((first, lines.next()))
}

/// The types of emulated guests: what the policy names if it knows that, else what it has instead, else those of all.
fn emulator(all: &Kind, named: Option<Context>, knows: impl Fn(&Context) -> Result<bool>) -> Result<Kind> {
    if let Some(process) = named
        && knows(&process)?
    {
        return Ok(Kind { process, image: all.image.clone() });
    }
    let other = Kind { process: all.process.with_type(MAKES_CODE.0), image: all.image.with_type(MAKES_CODE.1) };
    if knows(&other.process)? && knows(&other.image)? { Ok(other) } else { Ok(all.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(text: &str) -> Context {
        Context::parse(text).unwrap()
    }

    #[test]
    fn emulated_guests_have_types_of_their_own_where_the_policy_has_them() {
        let all = Kind { process: context("u:r:svirt_t:s0"), image: context("u:r:svirt_image_t:s0") };
        let named = Some(context("u:r:svirt_tcg_t:s0"));
        for (known, process, image) in [
            (&["svirt_tcg_t", "svirt_prot_exec_t", "svirt_prot_exec_image_t"][..], "svirt_tcg_t", "svirt_image_t"),
            (&["svirt_prot_exec_t", "svirt_prot_exec_image_t"], "svirt_prot_exec_t", "svirt_prot_exec_image_t"),
            (&["svirt_prot_exec_t"], "svirt_t", "svirt_image_t"),
            (&[], "svirt_t", "svirt_image_t"),
        ] {
            let knows = |context: &Context| Ok(known.iter().any(|kind| context.to_string().contains(&format!(":{kind}:"))));
            let found = emulator(&all, named.clone(), knows).unwrap();
            assert_eq!((found.process, found.image), (all.process.with_type(process), all.image.with_type(image)), "{known:?}");
        }
    }

    #[test]
    fn a_policy_without_guests_says_what_to_do() {
        let (first, second) = contexts("x", Some("\na:b:c:s0\n  a:b:d:s0  \n")).unwrap();
        assert_eq!((first, second), (context("a:b:c:s0"), Some(context("a:b:d:s0"))));
        for text in [None, Some(""), Some("nonsense")] {
            let error = contexts("virtual_domain_context", text).unwrap_err().to_string();
            assert!(error.contains("security_driver"), "{error}");
        }
    }
}
