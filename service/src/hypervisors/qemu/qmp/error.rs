//! What can go wrong on a QMP connection.

use std::io;
use std::time::Duration;

/// Why a QMP command has no result.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// QEMU refused the command. QEMU gives nearly everything the class `GenericError`; the description is for people.
    #[error("QEMU refused {command}: {description}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's error class, as `GenericError` or `DeviceNotFound`.
        class: String,
        /// QEMU's description.
        description: String,
    },
    /// The connection ended before the answer. Whether QEMU carried the command out is unknown.
    #[error("the connection to QEMU ended before {command} was answered: {reason}")]
    Closed {
        /// The command, or `the greeting`.
        command: String,
        /// What ended it.
        reason: String,
    },
    /// QEMU did not answer in time. It may still carry the command out.
    #[error("QEMU did not answer {command} within {} s", after.as_secs_f64())]
    TimedOut {
        /// The command, or `the greeting`.
        command: String,
        /// The time it had.
        after: Duration,
    },
    /// What came is not what QMP says should come.
    #[error("unexpected answer of QEMU to {command}: {reason}")]
    Unexpected {
        /// The command, or `the greeting`.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The arguments of a command cannot be written as JSON.
    #[error("cannot write the arguments of {command} as JSON: {source}")]
    Arguments {
        /// The command.
        command: String,
        /// What serde said.
        source: serde_json::Error,
    },
    /// A file to pass along could not be duplicated.
    #[error("cannot pass a file with {command}: {source}")]
    File {
        /// The command.
        command: String,
        /// What the kernel said.
        source: io::Error,
    },
}
