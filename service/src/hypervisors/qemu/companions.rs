//! Starts the programs that run beside QEMU: swtpm, passt, virtiofsd.
//!
//! Each is written down before it runs, as QEMU is. QEMU is started when all of them listen.

use std::os::fd::OwnedFd;

use super::plan::Companion;
use super::record::{Identity, Record};
use super::start::environment;
use super::undo::{self, Undo};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Process, ProcessSpec, hold};
use crate::host::sockets;
use crate::hypervisors::Remember;

/// Starts the companions and waits until they listen.
///
/// # Errors
/// One cannot be started or ends at once, with what it said.
pub async fn start(
    companions: &[Companion],
    record: &mut Record,
    remember: &Remember,
    log: &OwnedFd,
    undo: &mut Undo,
) -> Result<Vec<Process>> {
    let mut processes = Vec::new();
    for companion in companions {
        undo::remove(&companion.socket);
        let mut spec = ProcessSpec::new(&companion.program).arguments(&companion.arguments);
        spec.environment = environment(&[]);
        spec.output = Some(duplicate(log)?);
        let held = hold(spec).await?;
        undo.started(held.process());
        undo.made(&companion.socket);
        record.companions.push(Identity::of(held.process()));
        record.sockets.push(companion.socket.clone());
        remember(&record.to_json()?)?;
        let process = held.release().await?;
        listens(companion, &process, record).await?;
        processes.push(process);
    }
    Ok(processes)
}

async fn listens(companion: &Companion, process: &Process, record: &Record) -> Result<()> {
    let ended = |exit: &dyn std::fmt::Display| {
        let words = record.log.last_words();
        let sentence = format!("{} for {} ended at once ({exit}): {words}", companion.program.display(), companion.alias);
        Error::new(ErrorKind::HypervisorFailed, sentence)
    };
    tokio::select! {
        biased;
        exit = process.exited() => Err(ended(&exit)),
        listening = sockets::listening(&companion.socket) => Ok(listening?),
    }
}

/// Another handle of the log.
///
/// # Errors
/// `HostFailed` when the host is out of files.
pub fn duplicate(log: &OwnedFd) -> Result<OwnedFd> {
    log.try_clone().map_err(|error| Error::new(ErrorKind::HostFailed, "cannot hand the log over").caused_by(error))
}
