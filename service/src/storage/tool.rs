//! Running the system's own programs for storage: arguments as a list, a known environment, and what they say as the reason.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use crate::error::{Error, ErrorKind, Result};
use crate::host::mounts;
use crate::host::process::{Life, Limits, Output, ProcessError, ProcessSpec, run_reading};
use crate::host::program::of_system;

/// Where programs look for others, such as mount(8) for `mount.nfs`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run.
pub struct Tool {
    spec: ProcessSpec,
    input: Vec<u8>,
    limits: Limits,
}

impl Tool {
    /// A program of the system by name.
    pub fn new(name: &str) -> Self {
        let mut spec = ProcessSpec::new(of_system(name));
        // Messages and numbers as they are documented.
        spec.environment = [("LC_ALL", "C"), ("PATH", PATH)].map(|(key, value)| (key.into(), value.into())).to_vec();
        Self { spec, input: Vec::new(), limits: Limits::default() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, arguments: I) -> Self {
        self.spec = self.spec.arguments(arguments);
        self
    }

    /// Has it mount and unmount for the host, not only for the service.
    ///
    /// # Errors
    /// It cannot be found out how.
    pub fn among_the_hosts_mounts(mut self) -> Result<Self> {
        let step =
            mounts::of_the_host().map_err(|error| Error::new(ErrorKind::HostFailed, "cannot find the host's mounts").caused_by(error))?;
        self.spec.steps.extend(step);
        Ok(self)
    }

    /// What it reads on standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Lets it take as long as it needs.
    #[must_use]
    pub fn patiently(mut self) -> Self {
        self.limits = Limits::without_end();
        self
    }

    /// Has it end with the service, whatever ends that. Not for what changes things that others see.
    #[must_use]
    pub fn ending_with_the_service(mut self) -> Self {
        self.spec.life = Life::OfTheService;
        self
    }

    /// Hands it a file; the answer is the number that the file has there.
    pub fn inherit(&mut self, file: OwnedFd) -> i32 {
        self.spec.inherit(file)
    }

    /// Runs it to its end, however that is.
    ///
    /// # Errors
    /// `NotSupported` when it is not installed, with the package to install.
    pub async fn run(self) -> Result<Output> {
        self.run_reading(|_| {}).await
    }

    /// The same, with its standard output while that comes.
    ///
    /// # Errors
    /// Those of [`Tool::run`].
    pub async fn run_reading(self, on_output: impl FnMut(&[u8]) + Send) -> Result<Output> {
        run_reading(self.spec, &self.input, self.limits, on_output).await.map_err(error)
    }

    /// Runs it and asks for success.
    ///
    /// # Errors
    /// Those of [`Tool::run`]; `HostFailed`, `NoSpace` or `InUse` with what it said.
    pub async fn done(self) -> Result<Output> {
        self.run().await?.require_success().map_err(error)
    }

    /// Runs it, asks for success, and reads what it says as JSON.
    ///
    /// # Errors
    /// Those of [`Tool::done`], and that it says something else.
    pub async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T> {
        let output = self.done().await?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let message = format!("what {} says is not understood; is it of a version that is not known?", output.program.display());
            Error::new(ErrorKind::HostFailed, message).caused_by(error)
        })
    }
}

/// Words of a program by which the reason is known, in the C locale.
const REASONS: &[(&str, ErrorKind)] = &[
    ("No space left on device", ErrorKind::NoSpace),
    ("insufficient free space", ErrorKind::NoSpace),
    ("insufficient free extents", ErrorKind::NoSpace),
    ("target is busy", ErrorKind::InUse),
    ("in use", ErrorKind::InUse),
    ("open logical volume", ErrorKind::InUse),
    ("is being used by", ErrorKind::InUse),
    ("Failed to get \"write\" lock", ErrorKind::InUse),
    ("Failed to get shared", ErrorKind::InUse),
];

/// The error of a program, of the kind that its words tell.
pub fn error(error: ProcessError) -> Error {
    let kind = match &error {
        ProcessError::Exec { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorKind::NotSupported,
        ProcessError::Failed { stderr, .. } => {
            REASONS.iter().find(|(words, _)| stderr.contains(words)).map_or(ErrorKind::HostFailed, |(_, kind)| *kind)
        }
        _ => ErrorKind::HostFailed,
    };
    Error::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_reason_is_known_by_its_words_and_a_missing_program_by_its_package() {
        let failing = |words: &str| Tool::new("sh").args(["-c", &format!("echo '{words}' >&2; exit 1")]).done();
        assert_eq!(failing("write: No space left on device").await.unwrap_err().kind(), ErrorKind::NoSpace);
        assert_eq!(failing("umount: /mnt: target is busy.").await.unwrap_err().kind(), ErrorKind::InUse);
        let other = failing("bad luck").await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::HostFailed);
        assert!(other.to_string().contains("bad luck"), "{other}");
        let missing = Tool::new("mount.glusterfs").done().await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotSupported);
        assert!(missing.to_string().ends_with("install it (package glusterfs-client on Debian)"), "{missing}");
        let heard: serde_json::Value = Tool::new("sh").args(["-c", "echo \"{\\\"path\\\": \\\"$PATH\\\"}\""]).json().await.unwrap();
        assert_eq!(heard["path"], PATH);
    }
}
