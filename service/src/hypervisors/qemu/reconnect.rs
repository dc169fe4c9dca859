//! Finds a guest that an earlier run of the service has started.

use std::sync::Arc;
use std::time::Duration;

use super::confined;
use super::guest::{Found, Guest};
use super::machine::QemuMachine;
use super::qmp::{self, Connected, QmpError};
use super::record::{Identity, Record, boot_id};
use super::start::{consoles, note_agent, on_poweroff, with_own_terminals};
use super::undo;
use super::watch::{Watch, end_companions, run_state, unannounced};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Exit, Process};
use crate::hypervisors::confine::{Confine, Confined};
use crate::hypervisors::{Console, ExitReason, Launch, PauseReason, Reconnected, RunState};

/// Time for a QEMU to greet: the start of the service waits for the slowest.
const GREETING: Duration = Duration::from_secs(5);

/// Looks for the guest that `record` tells of.
///
/// # Errors
/// The record is not one of ours, or the host does not tell whether the process is there.
pub async fn reconnect(launch: Launch, record: serde_json::Value, confine: &dyn Confine) -> Result<Reconnected> {
    let record: Record = serde_json::from_value(record)
        .map_err(|error| Error::new(ErrorKind::Internal, "the record of the guest cannot be read").caused_by(error))?;
    let confined = record.confinement.clone().map(|decided| confine.recall(decided)).transpose()?;
    let same_boot = record.boot == boot_id()?;
    let reopen = |identity: &Identity| if same_boot { identity.reopen() } else { Ok(None) };
    let companions = record.companions.iter().map(reopen).filter_map(Result::transpose).collect::<Result<Vec<_>>>()?;
    let process = record.qemu.as_ref().map(reopen).transpose()?.flatten();
    match process {
        Some(process) => Ok(take_over(launch, Reopened { record, process, companions, confined }).await),
        None => {
            let reason = clean_up(&record, same_boot, &companions).await;
            if let Some(confined) = confined {
                undo::release(&*confined).await;
            }
            Ok(Reconnected::Gone(reason))
        }
    }
}

/// The guest ended while nobody watched.
async fn clean_up(record: &Record, same_boot: bool, companions: &[Process]) -> ExitReason {
    end_companions(companions).await;
    record.remove_files();
    match (same_boot, &record.qemu) {
        (true, Some(_)) => unannounced(Exit::Unknown, &record.log),
        (true, None) => ExitReason::Failed("the service ended in the middle of the start".to_owned()),
        // The host went down with the guest in it, unless the log tells of an earlier end.
        (false, _) => record.log.exit_reason().unwrap_or(ExitReason::Unknown),
    }
}

/// A guest that runs.
struct Reopened {
    record: Record,
    process: Process,
    companions: Vec<Process>,
    confined: Option<Arc<dyn Confined>>,
}

async fn take_over(launch: Launch, reopened: Reopened) -> Reconnected {
    let Reopened { record, process, companions, confined } = reopened;
    let name = launch.domain.name.clone();
    let streams = record.consoles.clone();
    let on_poweroff = on_poweroff(&launch.domain);
    let (guest, attached) = Guest::new(Found { name: name.clone(), process, on_poweroff, record, confined });
    let (events, state, consoles) = match find_out(&guest, &streams).await {
        Ok((connected, state, consoles)) => {
            guest.connected(connected.client);
            (Some(connected.events), state, consoles)
        }
        Err(error) => {
            tracing::warn!(domain = %name, "QEMU runs and does not answer; it is asked again with the next order: {error}");
            (None, RunState::Running, Vec::new())
        }
    };
    let guest = Arc::new(guest);
    let watch = Watch::new(guest.clone(), launch.events, events, attached, companions);
    // Shut down in order to reboot, while nobody watched: the task finishes the reboot.
    let rebooting = state == RunState::ShutDown && guest.is_rebooting();
    tokio::spawn(watch.run(rebooting));
    let state = if rebooting { RunState::Paused(PauseReason::Unknown) } else { state };
    Reconnected::Alive { machine: Arc::new(QemuMachine::new(guest, consoles)), state }
}

async fn find_out(guest: &Guest, streams: &[super::record::StreamRecord]) -> Result<(Connected, RunState, Vec<Console>)> {
    let stream = confined::connect(&guest.record().qmp, guest.confined.as_deref()).await?;
    let connected = qmp::connect(stream, GREETING).await.map_err(|error| guest.failed(error))?;
    let client = connected.client.clone().with_timeout(GREETING);
    let ask = async {
        let status = client.query_status().await?;
        Ok::<_, QmpError>((status, with_own_terminals(client.query_chardev().await?, &guest.process)))
    };
    let (status, chardevs) = ask.await.map_err(|error| guest.failed(error))?;
    note_agent(guest, &chardevs);
    Ok((connected, run_state(status.status), consoles(streams, &chardevs)))
}
