//! What can be asked of a domain, and how it answers.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::edit::Edit;
use super::view::Facts;
use crate::authorization::Action;
use crate::error::Result;
use crate::hypervisors::ShutdownMode;
use crate::scope::Scope;

/// A request to one domain. Reading a domain is not a request: its view is always at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Take a new definition, normalized XML with its warnings.
    Define(Definition),
    /// Give up the definition.
    Undefine(Undefine),
    /// Start the guest.
    Start(Start),
    /// Ask the guest to power off.
    Shutdown(ShutdownMode),
    /// Ask the guest to restart.
    Reboot(ShutdownMode),
    /// Press the reset button.
    Reset,
    /// End the machine; gracefully means without force.
    Destroy {
        /// Do not use force.
        graceful: bool,
    },
    /// Hold the guest.
    Suspend,
    /// Let the guest go on.
    Resume,
    /// Start with the service, or not.
    SetAutostart(bool),
    /// Take another name, which the registry has set aside.
    Rename(String),
    /// Change something in the definition, the running guest, or both.
    Edit(Edit, Scope),
}

/// A stored definition: what `GetXml` shows and what was not understood in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Definition {
    /// The name in it.
    pub name: String,
    /// Normalized XML.
    pub xml: Arc<str>,
    /// What clients read daily.
    pub facts: Arc<Facts>,
    /// What is kept without being understood.
    pub warnings: Vec<String>,
}

/// How to start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Hold the guest before its first instruction.
    pub paused: bool,
    /// The number of the job that shows the work.
    pub job: u32,
}

/// What stays when a definition goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undefine {
    /// Keep the firmware variables.
    pub keep_nvram: bool,
    /// Keep the emulated TPM's state.
    pub keep_tpm: bool,
}

impl Request {
    /// What a caller needs for it.
    pub const fn action(&self) -> Action {
        match self {
            Self::Define(_) | Self::Undefine(_) | Self::SetAutostart(_) | Self::Rename(_) | Self::Edit(..) => Action::DomainDefine,
            Self::Start(_) | Self::Shutdown(_) | Self::Reboot(_) | Self::Reset | Self::Destroy { .. } | Self::Suspend | Self::Resume => {
                Action::DomainManage
            }
        }
    }

    /// The verb, for messages.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Define(_) => "define",
            Self::Undefine(_) => "undefine",
            Self::Start(_) => "start",
            Self::Shutdown(_) => "shut down",
            Self::Reboot(_) => "reboot",
            Self::Reset => "reset",
            Self::Destroy { .. } => "destroy",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::SetAutostart(_) => "set autostart of",
            Self::Rename(_) => "rename",
            Self::Edit(..) => "change",
        }
    }
}

/// How a request is answered.
pub type Reply = oneshot::Sender<Result<()>>;

/// A request on its way.
pub struct Message {
    /// What is asked.
    pub request: Request,
    /// Where the answer goes.
    pub reply: Reply,
}
