//! The planner: a definition and facts about the host become a [`LaunchPlan`].
//!
//! Pure: it reads nothing and starts nothing. A function for each switch of QEMU, in the order of the command line;
//! devices are in [`devices`](super::devices), images in [`block`](super::block).
//!
//! Invariants:
//! - What is refused is refused here, before anything on the host is changed.
//! - No password is in an argument.
//! - The same definition on the same host gives the same command line, but for ports and the time.

mod boot;
mod clock;
mod draft;
mod flash;
mod lifecycle;
mod machine;
mod memory;
mod processor;
mod smbios;

use lodge_model::domain::Domain;

use super::input::PlanInput;
use super::live::{self, Found};
use super::plan::{LaunchPlan, Slot};
use super::props::Options;
use super::refusal::Refusal;
use super::{alias, block, devices, validate};

pub use boot::boot_index;
pub use draft::{Draft, is_q35};

/// Plans the start of a domain.
///
/// `domain` is a completed definition: its machine type is one that QEMU has, its devices have addresses.
///
/// # Errors
/// What keeps it from starting, with what to change.
pub fn plan(domain: &Domain, input: &PlanInput<'_>) -> Result<LaunchPlan, Refusal> {
    let mut named = domain.clone();
    alias::assign(&mut named);
    let machine = validate::domain(&named, input)?;
    let mut draft = Draft::new(&named, input, machine);
    add_options(&mut draft)?;
    let program = input.capabilities.emulator.clone();
    let Draft { arguments, environment, preparations, companions, resources, consoles, agent, set_up, warnings, sockets, firmware, .. } =
        draft;
    let live = live::definition(&named, input, Found { sockets, firmware });
    Ok(LaunchPlan { program, arguments, environment, preparations, companions, resources, consoles, agent, set_up, warnings, live })
}

fn add_options(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let domain = draft.domain;
    draft.option("-name", Options::of("guest", &domain.name).on("debug-threads", true).render());
    draft.flag("-S");
    let flash = flash::add(draft)?;
    let memory = memory::add(draft)?;
    machine::add(draft, &flash, memory.as_deref());
    machine::add_accelerator(draft);
    processor::add(draft)?;
    memory::add_size(draft);
    processor::add_count(draft)?;
    memory::add_numa(draft)?;
    processor::add_io_threads(draft);
    if let Some(uuid) = domain.uuid {
        draft.option("-uuid", uuid.hyphenated().to_string());
    }
    smbios::add(draft)?;
    draft.flag("-no-user-config");
    draft.flag("-nodefaults");
    draft.option_with("-chardev", "socket,id=qmp,fd=", Slot::Qmp, ",server=on,wait=off");
    draft.option("-mon", "chardev=qmp,mode=control");
    clock::add(draft);
    lifecycle::add(draft);
    boot::add(draft);
    block::add_throttle_groups(draft)?;
    devices::add_all(draft)?;
    if draft.input.capabilities.has_sandbox() {
        draft.option("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    }
    draft.option("-msg", "timestamp=on");
    draft.option("-trace", "qemu_system_shutdown_request");
    draft.option("-trace", "runstate_set");
    add_users_own(draft);
    Ok(())
}

/// `<qemu:commandline>`, as it is.
fn add_users_own(draft: &mut Draft<'_>) {
    let Some(own) = &draft.domain.qemu_command_line else { return };
    for argument in &own.args {
        draft.flag(&argument.value);
    }
    for variable in &own.env {
        draft.variable(&variable.name, variable.value.as_deref().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
