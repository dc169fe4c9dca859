//! Starts the programs that run beside QEMU: swtpm, passt, virtiofsd.
//!
//! Each is written down before it runs, as QEMU is. QEMU is started when all of them listen.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use super::confined;
use super::plan::{Companion, CompanionKey};
use super::record::{Identity, Record};
use super::undo::{self, Undo};
use crate::error::{Error, ErrorKind, Result};
use crate::host::process::{Process, ProcessSpec, hold};
use crate::host::{sealed, sockets};
use crate::hypervisors::Remember;
use crate::hypervisors::confine::{Confined, Program};
use crate::hypervisors::secrets::Reveal;

/// What all companions of a guest have in common.
pub struct Company<'a> {
    /// Their environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where their output goes.
    pub log: &'a OwnedFd,
    /// How the guest is confined.
    pub confined: Option<&'a dyn Confined>,
    /// Writes the record down.
    pub remember: &'a Remember,
    /// Tells the values of secrets.
    pub reveal: &'a Reveal,
}

/// Starts the companions and waits until they listen.
///
/// # Errors
/// One cannot be started or ends at once, with what it said.
pub async fn start(companions: &[Companion], company: &Company<'_>, record: &mut Record, undo: &mut Undo) -> Result<Vec<Process>> {
    let Company { environment, log, confined, remember, reveal } = company;
    let mut processes = Vec::new();
    for companion in companions {
        undo::remove_socket(&companion.socket);
        let mut spec = ProcessSpec::new(&companion.program).arguments(&companion.arguments);
        spec.environment.clone_from(environment);
        spec.output = Some(duplicate(log)?);
        spec.steps = confined::steps(*confined, Program::Companion)?;
        if let Some(key) = &companion.key {
            hand_over(key, &mut spec, reveal).await?;
        }
        let held = hold(spec).await?;
        undo.started(held.process());
        undo.made_socket(&companion.socket);
        record.companions.push(Identity::of(held.process()));
        record.sockets.push(companion.socket.clone());
        remember(&record.to_json()?)?;
        if let Some(confined) = confined {
            confined.admit(held.process()).await?;
        }
        let process = held.release().await?;
        listens(companion, &process, record).await?;
        processes.push(process);
    }
    Ok(processes)
}

/// Has a companion read a secret from a descriptor: it is never an argument, nor a file with a name.
async fn hand_over(key: &CompanionKey, spec: &mut ProcessSpec, reveal: &Reveal) -> Result<()> {
    let CompanionKey { name, owner, option, value: (before, after) } = key;
    let value = reveal(name.clone()).await.map_err(|error| error.in_context(format_args!("{owner} is encrypted")))?;
    let pipe = sealed::pipe(&value).map_err(|error| Error::new(ErrorKind::HostFailed, "cannot hand a secret over").caused_by(error))?;
    let number = spec.inherit(pipe);
    spec.arguments.extend([OsString::from(option), format!("{before}{number}{after}").into()]);
    Ok(())
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
