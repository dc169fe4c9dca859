//! A definition as a script that a person can run without the service.
//!
//! The planner plans for a person ([`Operator::Person`]) what it plans for a start, and [`shell`] writes the plan down. What
//! this host has is taken as it is; where that does not do, [`assumed`] has everything, and a warning says what is missing
//! here.
//!
//! Invariants:
//! - Pure: it reads nothing and starts nothing.
//! - QEMU is the last command of the script, and nothing before it changes more than the guest's own directories.
//! - No password is in it.

pub mod assumed;
mod shell;

use lodge_model::domain::Domain;
use lodge_model::native::Written;

use super::choices::Choices;
use super::command;
use super::complete::complete;
use super::devices::ports_needed;
use super::input::{Host, Nics, Operator, PlanInput, Ports};
use super::plan::LaunchPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::Places;

/// Where VNC's display 0 is; SPICE has no first port of its own.
const FIRST_DISPLAY: u16 = 5900;
/// Where VNC over WebSocket is.
const WEBSOCKET: u16 = 5700;

/// What is drawn and looked up for a script, so that the rest is a function.
pub struct Chances<'a> {
    /// Uniform numbers, for Ethernet addresses.
    pub random: &'a mut dyn FnMut() -> u32,
    /// The time, in seconds since 1970 UTC.
    pub now: u64,
    /// Context id for a vsock device that leaves the choice to the service.
    pub vsock_cid: u32,
}

/// Writes the script for a definition, which is completed first.
///
/// # Errors
/// `InvalidXml`, or `NotSupported` for what no QEMU can do.
pub fn write(domain: &Domain, places: &Places, host: &Host, chances: &mut Chances<'_>) -> Result<Written> {
    let (plan, problem) = match plan(domain, places, host, chances) {
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            (plan(domain, places, &assumed::host(domain, host), chances)?, Some(error))
        }
        other => (other?, None),
    };
    let mut warnings: Vec<_> = problem.iter().map(|problem| format!("this host cannot run the command as it is now: {problem}")).collect();
    let (text, odd) = shell::script(&plan, &places.sockets);
    warnings.extend(plan.warnings);
    warnings.extend(plan.set_up.iter().map(|command| {
        format!("QEMU is not told {} {}, which takes a monitor: add -monitor or -qmp to do it by hand", command.execute, command.arguments)
    }));
    warnings.extend(odd.iter().map(|name| format!("a shell cannot set the variable '{name}' of <qemu:env>: it is left out")));
    Ok(Written { text, warnings })
}

fn plan(domain: &Domain, places: &Places, host: &Host, chances: &mut Chances<'_>) -> Result<LaunchPlan> {
    let mut domain = domain.clone();
    complete(&mut domain, &*host.capabilities, chances.random).map_err(Error::from)?;
    let input = PlanInput {
        capabilities: &host.capabilities,
        firmware: &host.firmware,
        programs: &host.programs,
        host: &host.devices,
        operator: Operator::Person,
        session: true,
        choices: &Choices::default(),
        runtime: &places.sockets,
        nvram: &places.nvram,
        tpm: &places.tpm,
        ports: ports(&domain),
        vsock_cid: Some(chances.vsock_cid),
        nics: &Nics::new(),
        now: chances.now,
    };
    Ok(command::plan(&domain, &input)?)
}

/// The same ports every time, whatever is free now: the script may run tomorrow.
fn ports(domain: &Domain) -> Ports {
    let needed = ports_needed(domain);
    let taken: Vec<_> = domain.devices.graphics().filter_map(|graphics| graphics.fixed_port()).collect();
    let mut free = (FIRST_DISPLAY..=u16::MAX).filter(|port| !taken.contains(port));
    let vnc = needed.vnc.then(|| free.next()).flatten();
    let spice = needed.spice.then(|| free.next()).flatten();
    Ports { vnc, spice, websocket: needed.websocket.then_some(WEBSOCKET) }
}

#[cfg(test)]
mod tests;
