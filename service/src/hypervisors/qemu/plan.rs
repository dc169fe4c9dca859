//! What has to be done to start a guest: the planner's result, plain data.
//!
//! # How a guest that nobody watched ended
//! QEMU is given `-msg timestamp=on -trace qemu_system_shutdown_request -trace runstate_set`. The log of a run, read from
//! its end, tells how it ended by the first of these that is found (seen with QEMU 7.2 and 10.0):
//!
//! | line contains | how it ended |
//! |---|---|
//! | `terminating on signal N from pid P` | a signal: 1, 2 or 15 |
//! | `qemu_system_shutdown_request reason=6` | the guest powered itself off |
//! | `qemu_system_shutdown_request reason=8` | the guest crashed, and `on_crash` is `destroy` |
//! | `qemu_system_shutdown_request reason=2` | `quit` over QMP |
//! | `runstate_set` with `new_state N (shutdown)` as the last, and none of the above | the guest rebooted, and `on_reboot` is `destroy` |
//! | none of these | killed (9), or QEMU itself crashed |
//!
//! A line of the trace begins with `PID@SECONDS.MICROSECONDS:`. The reasons are QEMU's `ShutdownCause`
//! (qapi/run-state.json), numbered from 0.

use std::fmt;
use std::path::{Path, PathBuf};

use lodge_model::domain::Domain;
use serde_json::Value;

use crate::hypervisors::resources::HostResource;

/// A descriptor that QEMU inherits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The listening socket that QMP is spoken on.
    Qmp,
    /// A queue of an interface's tap.
    Tap {
        /// The interface's place among the domain's, from 0.
        interface: usize,
        /// The queue, from 0.
        queue: usize,
    },
    /// The same, as the kernel serves it.
    Vhost {
        /// The interface's place among the domain's, from 0.
        interface: usize,
        /// The queue, from 0.
        queue: usize,
    },
}

/// An argument of QEMU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// As it is.
    Text(String),
    /// With numbers of inherited descriptors in it.
    Descriptors {
        /// The descriptors, each with what stands before its number.
        parts: Vec<(String, Slot)>,
        /// What stands after the last.
        after: String,
    },
}

impl Argument {
    /// The text, `number` telling the descriptors' numbers.
    pub fn render(&self, number: impl Fn(Slot) -> i32) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Descriptors { parts, after } => {
                let numbered: String = parts.iter().map(|(before, slot)| format!("{before}{}", number(*slot))).collect();
                format!("{numbered}{after}")
            }
        }
    }
}

/// A file or directory that must be there before anything starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preparation {
    /// A directory for this guest alone, mode 0700, with those above it.
    Directory(PathBuf),
    /// An empty file, unless it is there already: for a log in a directory where the guest's user may make none.
    Log(PathBuf),
    /// A file made by a program, unless it is there already. The program writes `temporary`, which is then renamed.
    File {
        /// The file.
        path: PathBuf,
        /// What the program writes.
        temporary: PathBuf,
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// The value of a secret in a file that QEMU reads when it starts, and that is gone when it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The file, in the directory of the guest's own.
    pub path: PathBuf,
    /// What the secret is asked for by.
    pub name: String,
    /// Whose it is, for a sentence.
    pub owner: String,
}

/// A program that runs beside QEMU, in the foreground, and is started first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// What it is for, such as `tpm0`: the alias of the device.
    pub alias: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The socket it makes: QEMU may be started when this is there.
    pub socket: PathBuf,
    /// A secret that it reads from a descriptor.
    pub key: Option<CompanionKey>,
}

/// A secret of a companion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanionKey {
    /// What the secret is asked for by.
    pub name: String,
    /// Whose it is, for a sentence.
    pub owner: String,
    /// The option that says where it is.
    pub option: &'static str,
    /// What stands before and behind the descriptor's number in the option's value.
    pub value: (&'static str, &'static str),
}

/// A stream in and out of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The device's alias, such as `serial0`.
    pub alias: String,
    /// QEMU's id of the character device, such as `charserial0`: `query-chardev` tells a terminal's path under it.
    pub chardev: String,
    /// The socket to connect to; `None` for a terminal.
    pub socket: Option<PathBuf>,
}

/// A QMP command for after the set-up of the connection, before the guest runs.
#[derive(Clone, PartialEq)]
pub struct SetUp {
    /// The command's name.
    pub execute: &'static str,
    /// Its arguments. They may hold a password, so they are not shown.
    pub arguments: Value,
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUp").field("execute", &self.execute).finish_non_exhaustive()
    }
}

/// What has to be done to start a guest.
#[derive(Debug, Clone)]
pub struct LaunchPlan {
    /// QEMU.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Variables to set in its environment.
    pub environment: Vec<(String, String)>,
    /// What must be made first, in this order.
    pub preparations: Vec<Preparation>,
    /// Values of secrets, which are written when the guest's own directory is there.
    pub secrets: Vec<SecretFile>,
    /// Programs to start first, in this order.
    pub companions: Vec<Companion>,
    /// What of the host is used.
    pub resources: Vec<HostResource>,
    /// Streams that a person can talk to the guest by, the default one first.
    pub consoles: Vec<Stream>,
    /// The socket of the guest agent.
    pub agent: Option<PathBuf>,
    /// QMP commands before the guest runs, in this order.
    pub set_up: Vec<SetUp>,
    /// What is done otherwise than a reader of the definition would think. For the log and the caller.
    pub warnings: Vec<String>,
    /// The definition with what this run added: aliases, ports, socket paths. Terminals are added by
    /// [`set_terminal`](super::live::set_terminal) when QEMU has told their paths.
    pub live: Domain,
}

impl LaunchPlan {
    /// The sockets that must not be there when QEMU starts, since it makes them.
    pub fn sockets(&self) -> impl Iterator<Item = &Path> {
        self.consoles.iter().filter_map(|stream| stream.socket.as_deref()).chain(self.agent.as_deref())
    }
}
