//! Starting programs: the only place of the service that spawns.
//!
//! A [`ProcessSpec`] is a plain value that says everything about the new process; nothing else is inherited:
//! - the environment is exactly `environment`, the working directory is `/`, standard input is `/dev/null`;
//! - open are only the three standard streams and `inherited_fds`, each under the number it has in this process;
//! - it leads a session and process group of its own, without a controlling terminal, so it outlives the daemon;
//! - every signal has its default disposition and the signal mask is empty.
//!
//! [`launch`] starts a program that runs on, [`run`] one that answers and ends. Both answer with an error when the
//! program could not be executed, never with a process that is about to fail.
//!
//! Why fds keep their number: a target number could be the one that the standard library took for reporting a failed
//! exec, and a file `dup2`ed over that would turn failures into successes.

mod error;
mod hold;
pub mod maker;
mod run;
mod tied;
mod tracked;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

use nix::libc;

pub use error::ProcessError;
pub use hold::{Held, hold};
pub use run::{Limits, Output, run, run_reading};
pub use rustix::process::Signal;
pub use tracked::{Exit, Process};

/// What a step in the child does; see [`ChildStep`].
type StepAction = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

/// A step done in the child between fork and exec, in the order of [`ProcessSpec::steps`]: change of user, dropped
/// capabilities, a security label.
///
/// The action runs after a fork of a program with threads: it may make system calls and nothing else. It must not
/// allocate, lock, or format; whatever it needs is prepared before and moved into it. An `Err` stops the launch with
/// [`ProcessError::Step`], which carries only the error number.
pub struct ChildStep {
    name: &'static str,
    action: StepAction,
}

impl ChildStep {
    /// A step; `name` completes the sentence "cannot NAME in the new process".
    pub fn new(name: &'static str, action: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { name, action: Box::new(action) }
    }
}

impl fmt::Debug for ChildStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChildStep").field(&self.name).finish()
    }
}

/// Everything about a process to start.
#[derive(Debug)]
pub struct ProcessSpec {
    /// Absolute path of the program; no search along `PATH`.
    pub program: PathBuf,
    /// Its arguments, without the program's name. Never a secret: every user of the host can read them.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Files it gets, each under the number it has here ([`ProcessSpec::inherit`] tells it). Ours are closed when the
    /// launch is over, well or not.
    pub inherited_fds: Vec<OwnedFd>,
    /// Where standard output and standard error go; `None` is `/dev/null`. [`run`] captures both and ignores this.
    pub output: Option<OwnedFd>,
    /// What is done in the child before the program is executed.
    pub steps: Vec<ChildStep>,
    /// How long it may live.
    pub life: Life,
}

/// How long a process may live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// Until it ends by itself or is told to.
    #[default]
    ItsOwn,
    /// At most as long as the service, whatever ends that: also `kill -9`.
    OfTheService,
}

impl ProcessSpec {
    /// A spec for `program` with an empty environment, no arguments, no fds and no steps.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            inherited_fds: Vec::new(),
            output: None,
            steps: Vec::new(),
            life: Life::ItsOwn,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<I, A>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString>,
    {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Lets the process inherit `fd` and answers with the number it will have there, for use in an argument.
    pub fn inherit(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.inherited_fds.push(fd);
        number
    }
}

/// Starts a program that runs on and outlives the daemon.
///
/// The process is followed from here on (see [`Process`]); it is reaped when it ends, watched or not.
///
/// # Errors
/// [`ProcessError::Exec`] when the program is missing or cannot be executed, [`ProcessError::Step`] when a step in the
/// child failed, [`ProcessError::Prepare`] when the host is out of processes or files.
pub async fn launch(mut spec: ProcessSpec) -> Result<Process, ProcessError> {
    let output = spec.output.take();
    let streams = Streams::of_launch(output).map_err(|source| ProcessError::prepare(&spec.program, source))?;
    start(spec, streams).await
}

/// The three standard streams of a process to start.
struct Streams {
    stdin: Stdio,
    stdout: Stdio,
    stderr: Stdio,
}

impl Streams {
    fn of_launch(output: Option<OwnedFd>) -> io::Result<Self> {
        let (stdout, stderr) = match output {
            Some(file) => (Stdio::from(file.try_clone()?), Stdio::from(file)),
            None => (Stdio::null(), Stdio::null()),
        };
        Ok(Self { stdin: Stdio::null(), stdout, stderr })
    }
}

/// Starts the process and follows it. Fork and exec block, so they leave the async threads.
async fn start(spec: ProcessSpec, streams: Streams) -> Result<Process, ProcessError> {
    if spec.life == Life::OfTheService {
        return tied::spawn(spec, streams).await?.follow();
    }
    let program = spec.program.clone();
    let started = tokio::task::spawn_blocking(move || spawn(spec, streams)).await;
    started.map_err(|join| ProcessError::prepare(&program, io::Error::other(join)))??.follow()
}

#[allow(clippy::disallowed_methods, reason = "this is the one place")]
fn spawn(spec: ProcessSpec, streams: Streams) -> Result<tracked::Identity, ProcessError> {
    let ProcessSpec { program, arguments, environment, inherited_fds, output: _, steps, life: _ } = spec;
    let (progress, progress_in_child) = io::pipe().map_err(|source| ProcessError::prepare(&program, source))?;
    rustix::io::ioctl_fionbio(&progress, true).map_err(|errno| ProcessError::prepare(&program, errno.into()))?;
    let step_names: Vec<&'static str> = steps.iter().map(|step| step.name).collect();

    let mut command = std::process::Command::new(&program);
    command
        .args(&arguments)
        .env_clear()
        .envs(environment)
        .current_dir("/")
        .stdin(streams.stdin)
        .stdout(streams.stdout)
        .stderr(streams.stderr);
    let mut child_setup = ChildSetup { inherited_fds, steps, progress: progress_in_child.into() };
    // SAFETY: `ChildSetup::apply` makes system calls only; it neither allocates nor takes a lock, and what it uses was
    // made before the fork. Steps are bound to the same rule by their documentation.
    unsafe { command.pre_exec(move || child_setup.apply()) };

    let spawned = command.spawn();
    // Closes our copies of the inherited fds, so that their other ends see it when the process ends.
    drop(command);
    match spawned {
        Ok(child) => tracked::Identity::of_child(child, &program),
        Err(source) => Err(explain_failure(program, source, progress, &step_names)),
    }
}

/// Progress bytes of the child: nothing yet, step number n (from [`FIRST_STEP`]), or the exec itself.
const SESSION_AND_SIGNALS: u8 = 0;
const FIRST_STEP: u8 = 1;
const EXEC: u8 = u8::MAX;

/// What the child does before it becomes the program.
struct ChildSetup {
    inherited_fds: Vec<OwnedFd>,
    steps: Vec<ChildStep>,
    /// One byte is written before each part, so that a failure can be named: the standard library passes on an error
    /// number alone.
    progress: OwnedFd,
}

impl ChildSetup {
    fn apply(&mut self) -> io::Result<()> {
        report(&self.progress, SESSION_AND_SIGNALS)?;
        rustix::process::setsid()?;
        reset_signals()?;
        close_all_on_exec();
        for fd in &self.inherited_fds {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?;
        }
        let mut number = FIRST_STEP;
        for step in &mut self.steps {
            report(&self.progress, number)?;
            (step.action)()?;
            number = number.saturating_add(1).min(EXEC - 1);
        }
        report(&self.progress, EXEC)
    }
}

fn report(progress: impl AsFd, part: u8) -> io::Result<()> {
    rustix::io::write(progress, &[part])?;
    Ok(())
}

/// Signals are numbered from 1 to this (signal(7)).
const LAST_SIGNAL: libc::c_int = 64;

/// Default dispositions (a parent's "ignore" passes an exec, signal(7)) and an empty mask.
fn reset_signals() -> io::Result<()> {
    // The kernel's own call: the C library's refuses the two signals that it keeps for itself.
    let default_action = [0_u64; 4];
    let mask_size = size_of::<u64>();
    for number in 1..=LAST_SIGNAL {
        // SAFETY: the kernel reads a `struct sigaction` (handler, flags, restorer, mask of 64 bits), for which all zero
        // is the default disposition, and with a null pointer writes nothing. SIGKILL and SIGSTOP are refused, as is
        // right.
        unsafe {
            let nothing = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, number, default_action.as_ptr(), nothing, mask_size)
        };
    }
    nix::sys::signal::SigSet::empty().thread_set_mask()?;
    Ok(())
}

/// Marks every fd above the standard streams close-on-exec, whoever opened it. Best effort: kernels before 5.11 refuse,
/// and everything this service opens is close-on-exec anyway.
fn close_all_on_exec() {
    let first: libc::c_uint = 3;
    // SAFETY: a system call with integers only; it closes nothing now.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Names the part that failed: the last byte of the child's progress.
fn explain_failure(program: PathBuf, source: io::Error, progress: impl AsFd, steps: &[&'static str]) -> ProcessError {
    let mut last = None;
    let mut bytes = [0; 64];
    // The child has ended, so all it wrote is there; the pipe does not block.
    while let Ok(count @ 1..) = rustix::io::read(&progress, &mut bytes) {
        last = bytes.get(count - 1).copied();
    }
    match last {
        Some(EXEC) => ProcessError::Exec { program, source },
        Some(SESSION_AND_SIGNALS) => ProcessError::Step { program, step: "start a session", source },
        Some(number) => {
            let step = steps.get(usize::from(number - FIRST_STEP)).copied().unwrap_or("finish the setup");
            ProcessError::Step { program, step, source }
        }
        None => ProcessError::Prepare { program, source },
    }
}

#[cfg(test)]
mod tests;
