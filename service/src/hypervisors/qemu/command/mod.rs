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
use super::props::{Options, on_off};
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
    let Draft {
        arguments,
        environment,
        preparations,
        secrets,
        companions,
        resources,
        consoles,
        agent,
        set_up,
        warnings,
        sockets,
        firmware,
        ..
    } = draft;
    let live = live::definition(&named, input, Found { sockets, firmware });
    Ok(LaunchPlan {
        program,
        arguments,
        environment,
        preparations,
        secrets,
        companions,
        resources,
        consoles,
        agent,
        set_up,
        warnings,
        live,
    })
}

fn add_options(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let domain = draft.domain;
    draft.option("-name", Options::of("guest", &domain.name).on("debug-threads", true).render());
    if !draft.is_by_hand() {
        // It is held until it is set up.
        draft.flag("-S");
    }
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
    if !draft.is_by_hand() {
        draft.option_with("-chardev", vec![("socket,id=qmp,fd=".to_owned(), Slot::Qmp)], ",server=on,wait=off");
        draft.option("-mon", "chardev=qmp,mode=control");
    }
    clock::add(draft);
    lifecycle::add(draft);
    boot::add(draft);
    block::add_throttle_groups(draft)?;
    devices::add_all(draft)?;
    if !draft.is_by_hand() {
        add_sandbox_and_traces(draft);
    }
    add_users_own(draft);
    Ok(())
}

/// What QEMU may not do when it has set itself up: old system calls, new privileges, new programs, changes of its priority.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// The traces tell how a guest ended that nobody watched (see [`plan`](super::plan)). Nobody reads those of a person's QEMU,
/// and its sandbox would keep it from starting the helper that connects it to a bridge.
fn add_sandbox_and_traces(draft: &mut Draft<'_>) {
    if draft.input.capabilities.has_sandbox() {
        let sandbox = if draft.input.choices.sandbox { SANDBOX } else { "off" };
        draft.option("-sandbox", sandbox);
    }
    draft.option("-msg", Options::of("timestamp", on_off(draft.input.choices.log_timestamp)).render());
    draft.option("-trace", "qemu_system_shutdown_request");
    draft.option("-trace", "runstate_set");
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
pub(super) mod tests;
