//! A process that is held before it becomes its program, until the one who starts it has written down that it exists.
//!
//! Whoever is killed between starting a process and recording it has lost the process. [`Gate`] closes that gap: the
//! child reports itself, waits, and executes the program only when [`Gate::open`] says so. Until then it ends with its
//! parent: the kernel kills it when the parent dies (PR_SET_PDEATHSIG, prctl(2)), and a dropped gate sends it away.
//!
//! Why not the end of a pipe alone: another child forked at the same moment has a copy of every pipe until it executes
//! its own program, and two that are held would hold each other for ever.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::tracked::Stat;
use super::{ChildStep, Process, ProcessError, ProcessSpec};

/// What the child reads from the gate.
const GO: u8 = 1;
const GIVE_UP: u8 = 0;

/// The parent's side of a held process. Dropping it without [`Gate::open`] sends the child away.
#[derive(Debug)]
pub struct Gate {
    program: PathBuf,
    reports: pipe::Receiver,
    decision: Option<OwnedFd>,
}

impl Gate {
    /// Adds the gate to a process to start, behind its other steps. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ProcessError::Prepare`] when the host is out of files.
    pub fn add_to(spec: &mut ProcessSpec) -> Result<Self, ProcessError> {
        let make = || -> io::Result<(pipe::Receiver, OwnedFd, ChildStep)> {
            let (reports, report) = io::pipe()?;
            let (decided, decision) = io::pipe()?;
            let reports = pipe::Receiver::from_owned_fd(reports.into())?;
            Ok((reports, decision.into(), step(report.into(), decided.into())))
        };
        let (reports, decision, step) = make().map_err(|source| ProcessError::prepare(&spec.program, source))?;
        spec.steps.push(step);
        Ok(Self { program: spec.program.clone(), reports, decision: Some(decision) })
    }

    /// Waits until the child is held at the gate; `None` when it failed before, which the launch explains.
    ///
    /// # Errors
    /// [`ProcessError::Prepare`] when the child cannot be identified.
    pub async fn held(&mut self) -> Result<Option<Process>, ProcessError> {
        let mut pid = [0; 4];
        if self.reports.read_exact(&mut pid).await.is_err() {
            return Ok(None);
        }
        let Some(pid) = Pid::from_raw(i32::from_ne_bytes(pid)) else { return Ok(None) };
        let stat = Stat::read(pid).map_err(|source| ProcessError::prepare(&self.program, source))?;
        match stat {
            Some(stat) => Process::reopen(pid.as_raw_nonzero().get(), stat.start_time),
            None => Ok(None),
        }
    }

    /// Lets the child execute its program.
    ///
    /// # Errors
    /// [`ProcessError::Prepare`] when the child is gone.
    pub fn open(mut self) -> Result<(), ProcessError> {
        match self.decision.take().map(|decision| rustix::io::write(&decision, &[GO])) {
            Some(Err(errno)) => Err(ProcessError::prepare(&self.program, errno.into())),
            _ => Ok(()),
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(decision) = self.decision.take() {
            // Fails when the child is gone, which is what is wanted.
            rustix::io::write(&decision, &[GIVE_UP]).ok();
        }
    }
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
    use super::super::{Exit, launch};
    use super::*;

    fn held_true() -> (ProcessSpec, Gate) {
        let mut spec = ProcessSpec::new("/bin/true");
        let gate = Gate::add_to(&mut spec).unwrap();
        (spec, gate)
    }

    #[tokio::test]
    async fn a_held_process_runs_its_program_only_when_let_go() {
        let (spec, mut gate) = held_true();
        let launching = tokio::spawn(launch(spec));
        let held = gate.held().await.unwrap().unwrap();
        let program = std::fs::read_link(format!("/proc/{}/exe", held.pid())).unwrap();
        assert_eq!(program, std::env::current_exe().unwrap(), "it is still this test");
        gate.open().unwrap();
        let process = launching.await.unwrap().unwrap();
        assert_eq!((process.pid(), process.start_time()), (held.pid(), held.start_time()));
        assert_eq!(process.exited().await, Exit::Code(0));
    }

    #[tokio::test]
    async fn a_dropped_gate_sends_the_child_away() {
        let (spec, mut gate) = held_true();
        let launching = tokio::spawn(launch(spec));
        let held = gate.held().await.unwrap().unwrap();
        drop(gate);
        let error = launching.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("wait until it is recorded"), "{error}");
        held.exited().await;
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_explained_by_the_launch() {
        let mut spec = ProcessSpec::new("/nowhere/qemu");
        let mut gate = Gate::add_to(&mut spec).unwrap();
        let launching = tokio::spawn(launch(spec));
        assert!(gate.held().await.unwrap().is_some());
        gate.open().unwrap();
        let error = launching.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("/nowhere/qemu"), "{error}");
    }
}
