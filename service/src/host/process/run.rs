//! Running a short helper program (qemu-img, swtpm_setup) to its end, within limits of time and output.
//!
//! Dropping the future, or the time limit, kills the program with its whole process group: a cancelled job leaves
//! nothing behind.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use super::{Exit, Process, ProcessError, ProcessSpec, Streams, start};

/// What a helper program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time until it is killed.
    pub timeout: Duration,
    /// Bytes kept of each of standard output and standard error; more is read and thrown away.
    pub output_bytes: usize,
}

impl Limits {
    /// For work that takes as long as the data are many; who asked for it can call it off. Output as by default.
    pub fn without_end() -> Self {
        // A hundred years: the clock cannot count to the end of time.
        Self { timeout: Duration::from_secs(100 * 366 * 24 * 3600), ..Self::default() }
    }
}

impl Default for Limits {
    /// 30 seconds, 1 MiB.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), output_bytes: 1 << 20 }
    }
}

/// What a helper program left.
#[derive(Debug)]
pub struct Output {
    /// Path of the program.
    pub program: PathBuf,
    /// How it ended.
    pub exit: Exit,
    /// Standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// Standard error, up to the limit.
    pub stderr: Vec<u8>,
    /// Whether one of the two was longer than the limit.
    pub truncated: bool,
}

impl Output {
    /// The output of a program that exited with status 0.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] with what it said on standard error.
    pub fn require_success(self) -> Result<Self, ProcessError> {
        match self.exit {
            Exit::Code(0) => Ok(self),
            exit => {
                let stderr = String::from_utf8_lossy(&self.stderr).into_owned();
                Err(ProcessError::Failed { program: self.program, exit, stderr })
            }
        }
    }
}

/// Runs a program to its end: `input` on standard input, both outputs captured.
///
/// A program that ends with a failure is an `Ok` here; see [`Output::require_success`].
///
/// # Errors
/// Those of [`super::launch`], [`ProcessError::TimedOut`] and [`ProcessError::Exchange`].
pub async fn run(spec: ProcessSpec, input: &[u8], limits: Limits) -> Result<Output, ProcessError> {
    run_reading(spec, input, limits, |_| {}).await
}

/// Does the same as [`run`], and hands on what comes on standard output while it comes, such as a program's progress.
///
/// # Errors
/// Those of [`run`].
pub async fn run_reading(
    spec: ProcessSpec,
    input: &[u8],
    limits: Limits,
    mut on_output: impl FnMut(&[u8]) + Send,
) -> Result<Output, ProcessError> {
    let program = spec.program.clone();
    let (streams, pipes) = pipes().map_err(|source| ProcessError::prepare(&program, source))?;
    let process = KillOnDrop(start(spec, streams).await?);
    let Pipes { stdin, stdout, stderr } = pipes;
    let exchange = async {
        tokio::try_join!(
            feed(stdin, input),
            read_capped(stdout, limits.output_bytes, &mut on_output),
            read_capped(stderr, limits.output_bytes, |_| {}),
            async { Ok(process.0.exited().await) },
        )
    };
    match tokio::time::timeout(limits.timeout, exchange).await {
        Ok(Ok(((), (stdout, out_cut), (stderr, err_cut), exit))) => {
            Ok(Output { program, exit, stdout, stderr, truncated: out_cut || err_cut })
        }
        Ok(Err(source)) => Err(ProcessError::Exchange { program, source }),
        Err(_) => Err(ProcessError::TimedOut { program, after: limits.timeout }),
    }
}

struct Pipes {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
}

fn pipes() -> io::Result<(Streams, Pipes)> {
    let (child_stdin, stdin) = io::pipe()?;
    let (stdout, child_stdout) = io::pipe()?;
    let (stderr, child_stderr) = io::pipe()?;
    let streams = Streams { stdin: Stdio::from(child_stdin), stdout: Stdio::from(child_stdout), stderr: Stdio::from(child_stderr) };
    let pipes = Pipes {
        stdin: pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?,
        stdout: pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?,
        stderr: pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))?,
    };
    Ok((streams, pipes))
}

async fn feed(mut stdin: pipe::Sender, input: &[u8]) -> io::Result<()> {
    match stdin.write_all(input).await {
        // A program need not read what it is given; its exit status tells whether that was right.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads to the end, keeps the first `limit` bytes, and tells whether there was more.
async fn read_capped(mut from: pipe::Receiver, limit: usize, mut on_output: impl FnMut(&[u8])) -> io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    let mut truncated = false;
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok((kept, truncated));
        }
        on_output(chunk.get(..count).unwrap_or_default());
        let room = limit.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
        truncated |= room < count;
    }
}

struct KillOnDrop(Process);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill_group();
    }
}
