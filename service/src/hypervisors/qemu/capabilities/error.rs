//! Why the capabilities of a QEMU are not known.

use std::io;
use std::path::PathBuf;

use super::super::qmp::{QmpError, Release};
use crate::error::Error;
use crate::host::process::ProcessError;
use crate::host::sockets::SocketError;

/// Why the capabilities of a QEMU are not known.
#[derive(Debug, thiserror::Error)]
pub enum CapabilitiesError {
    /// No QEMU for this architecture is installed.
    #[error("no QEMU for {arch} guests found (looked for {looked_for}); install it (package qemu-system-x86 on Debian)")]
    NotFound {
        /// The architecture asked for.
        arch: &'static str,
        /// The paths that were tried.
        looked_for: String,
    },
    /// The binary cannot be looked at.
    #[error("cannot examine the emulator {}: {source}", emulator.display())]
    Examine {
        /// Path of the binary.
        emulator: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The binary could not be started.
    #[error("cannot ask {} what it can do: {source}", emulator.display())]
    Start {
        /// Path of the binary.
        emulator: PathBuf,
        /// What went wrong.
        source: ProcessError,
    },
    /// It could not be confined as everything is that runs here.
    #[error("cannot ask {} what it can do: {source}", emulator.display())]
    Confine {
        /// Path of the binary.
        emulator: PathBuf,
        /// What went wrong.
        source: Box<Error>,
    },
    /// No connection to it could be made.
    #[error("cannot ask {} what it can do: {source}", emulator.display())]
    Socket {
        /// Path of the binary.
        emulator: PathBuf,
        /// What went wrong.
        source: SocketError,
    },
    /// It ran, and did not answer as a QEMU does.
    #[error("cannot ask {} what it can do: {source}{}", emulator.display(), said(output))]
    Ask {
        /// Path of the binary.
        emulator: PathBuf,
        /// What went wrong.
        source: QmpError,
        /// What it printed.
        output: String,
    },
    /// It is older than what the service is made for.
    #[error("{} is QEMU {found}, and 7.2 or later is needed; upgrade it", emulator.display())]
    TooOld {
        /// Path of the binary.
        emulator: PathBuf,
        /// Its version.
        found: Release,
    },
}

fn said(output: &str) -> String {
    match output.trim() {
        "" => String::new(),
        text => format!("; it said: {text}"),
    }
}
