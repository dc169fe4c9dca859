//! A process that is held before it becomes its program, until the one who starts it has written down that it exists.
//!
//! Whoever is killed between starting a process and recording it has lost the process. [`Held`] closes that gap: the
//! child reports itself, waits, and executes the program only when [`Held::release`] says so. Until then it ends with
//! its parent: the kernel kills it when the parent dies (PR_SET_PDEATHSIG, prctl(2)), and a dropped [`Held`] sends it
//! away.
//!
//! Why not the end of a pipe alone: another child forked at the same moment has a copy of every pipe until it executes
//! its own program, and two that are held would hold each other for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use super::tracked::Stat;
use super::{ChildStep, Process, ProcessError, ProcessSpec, launch};

/// What the child reads.
const GO: u8 = 1;
const GIVE_UP: u8 = 0;

/// A process that is held. Dropping it sends the process away.
#[derive(Debug)]
pub struct Held {
    process: Process,
    decision: Decision,
    /// A task of its own: whatever is dropped here, the process is waited for.
    launching: JoinHandle<Result<Process, ProcessError>>,
}

/// Starts a process that is held behind the last of its steps.
///
/// # Errors
/// Those of [`launch`], but for a program that cannot be executed: [`Held::release`] tells that.
pub async fn hold(mut spec: ProcessSpec) -> Result<Held, ProcessError> {
    let program = spec.program.clone();
    let failed = |source| ProcessError::prepare(&program, source);
    let (mut reports, decision) = add_step(&mut spec).map_err(failed)?;
    let mut launching = tokio::spawn(launch(spec));
    let mut pid = [0; 4];
    if reports.read_exact(&mut pid).await.is_ok()
        && let Some(pid) = Pid::from_raw(i32::from_ne_bytes(pid))
        && let Some(stat) = Stat::read(pid).map_err(failed)?
        && let Some(process) = Process::reopen(pid.as_raw_nonzero().get(), stat.start_time)?
    {
        return Ok(Held { process, decision, launching });
    }
    // It failed before it was held, and the launch knows why.
    match joined(&mut launching, &program).await {
        Err(error) => Err(error),
        Ok(_) => Err(failed(io::ErrorKind::BrokenPipe.into())),
    }
}

impl Held {
    /// The process, for its identity.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Lets the process execute its program.
    ///
    /// # Errors
    /// Those of [`launch`].
    pub async fn release(self) -> Result<Process, ProcessError> {
        let Self { decision, mut launching, .. } = self;
        let program = decision.program.clone();
        decision.go()?;
        joined(&mut launching, &program).await
    }
}

async fn joined(launching: &mut JoinHandle<Result<Process, ProcessError>>, program: &std::path::Path) -> Result<Process, ProcessError> {
    launching.await.map_err(|error| ProcessError::prepare(program, io::Error::other(error)))?
}

/// Whether the child goes on. Dropping it means no.
#[derive(Debug)]
struct Decision {
    program: PathBuf,
    pipe: Option<OwnedFd>,
}

impl Decision {
    fn go(mut self) -> Result<(), ProcessError> {
        match self.pipe.take().map(|pipe| rustix::io::write(&pipe, &[GO])) {
            Some(Err(errno)) => Err(ProcessError::prepare(&self.program, errno.into())),
            _ => Ok(()),
        }
    }
}

impl Drop for Decision {
    fn drop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            // Fails when the child is gone, which is what is wanted.
            rustix::io::write(&pipe, &[GIVE_UP]).ok();
        }
    }
}

fn add_step(spec: &mut ProcessSpec) -> io::Result<(pipe::Receiver, Decision)> {
    let (reports, report) = io::pipe()?;
    let (decided, decision) = io::pipe()?;
    let reports = pipe::Receiver::from_owned_fd(reports.into())?;
    spec.steps.push(step(report.into(), decided.into()));
    Ok((reports, Decision { program: spec.program.clone(), pipe: Some(decision.into()) }))
}

/// The child's side.
fn step(report: OwnedFd, decided: OwnedFd) -> ChildStep {
    let parent = getpid();
    ChildStep::new("wait until it is recorded", move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before.
        if getppid() != Some(parent) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        rustix::io::write(&report, &getpid().as_raw_nonzero().get().to_ne_bytes())?;
        let mut decision = [GIVE_UP];
        let count = loop {
            match rustix::io::read(&decided, &mut decision) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other?,
            }
        };
        if count == 0 || decision != [GO] {
            return Err(rustix::io::Errno::CANCELED.into());
        }
        set_parent_process_death_signal(None)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::Exit;
    use super::*;

    #[tokio::test]
    async fn a_held_process_runs_its_program_only_when_let_go() {
        let held = hold(ProcessSpec::new("/bin/true")).await.unwrap();
        let seen = held.process().clone();
        let program = std::fs::read_link(format!("/proc/{}/exe", seen.pid())).unwrap();
        assert_eq!(program, std::env::current_exe().unwrap(), "it is still this test");
        let process = held.release().await.unwrap();
        assert_eq!((process.pid(), process.start_time()), (seen.pid(), seen.start_time()));
        assert_eq!(process.exited().await, Exit::Code(0));
    }

    #[tokio::test]
    async fn a_dropped_one_is_sent_away_and_reaped() {
        let held = hold(ProcessSpec::new("/bin/true")).await.unwrap();
        let process = held.process().clone();
        drop(held);
        process.exited().await;
    }

    #[tokio::test]
    async fn two_that_are_held_at_once_do_not_hold_each_other() {
        let (one, other) = tokio::join!(hold(ProcessSpec::new("/bin/true")), hold(ProcessSpec::new("/bin/true")));
        let (one, other) = (one.unwrap(), other.unwrap());
        let processes = [one.process().clone(), other.process().clone()];
        drop((one, other));
        for process in processes {
            process.exited().await;
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_told_at_the_release() {
        let held = hold(ProcessSpec::new("/nowhere/qemu")).await.unwrap();
        let error = held.release().await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/qemu"), "{error}");
    }

    #[tokio::test]
    async fn a_failing_step_is_told_at_once() {
        let mut spec = ProcessSpec::new("/bin/true");
        spec.steps.push(ChildStep::new("fail", || Err(io::ErrorKind::PermissionDenied.into())));
        let error = hold(spec).await.unwrap_err();
        assert!(error.to_string().contains("cannot fail in the new process"), "{error}");
    }
}
