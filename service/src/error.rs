//! The one error type of the service: a closed kind, a sentence, and what caused it.
//!
//! Every module has its own leaf errors; they become this type at the module's edge. The sentence
//! names the object, the reason and, where there is one, the next step. The bus layer maps the kind
//! to a D-Bus error name; nothing else may depend on the text.

use std::error::Error as StdError;
use std::fmt;

use lodge_model::document::Problem;
use lodge_model::xml::XmlError;

use crate::host::process::ProcessError;
use crate::host::sockets::SocketError;
use crate::host::terminal::TerminalError;
use crate::store::StoreError;

/// What went wrong, for programs. The set is closed: clients match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no such object.
    NotFound,
    /// The name or identity is taken.
    AlreadyExists,
    /// An argument has a value that is never right.
    InvalidArgument,
    /// The document cannot be read or contradicts itself.
    InvalidXml,
    /// An option is not known or has the wrong type.
    InvalidOption,
    /// The object is in a state in which this cannot be done.
    InvalidState,
    /// Other work on the object is under way.
    Busy,
    /// The host, the hypervisor or this version cannot do it.
    NotSupported,
    /// The caller may not do it.
    NotAuthorized,
    /// It was called off.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// Something needed is used by somebody else.
    InUse,
    /// There is no room for it.
    NoSpace,
    /// The hypervisor refused or failed.
    HypervisorFailed,
    /// The guest does not answer.
    GuestUnresponsive,
    /// The host's system refused or failed.
    HostFailed,
    /// A defect of the service.
    Internal,
}

/// An error of the service.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind with its sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error of a kind whose sentence is all that is wrong with a document.
    pub fn of_problems(kind: ErrorKind, problems: &[Problem]) -> Self {
        Self::new(kind, problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    /// The same error with what caused it, which its text then ends with.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error with a sentence put before its own.
    #[must_use]
    pub fn in_context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut source = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {}

impl From<XmlError> for Error {
    fn from(error: XmlError) -> Self {
        Self::new(ErrorKind::InvalidXml, error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        // The sentence of a store error is whole by itself.
        let kind = match &error {
            StoreError::NoSpace { .. } => ErrorKind::NoSpace,
            StoreError::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            StoreError::InvalidName { .. } => ErrorKind::InvalidArgument,
            _ => ErrorKind::HostFailed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ProcessError> for Error {
    fn from(error: ProcessError) -> Self {
        Self::new(ErrorKind::HostFailed, error.to_string())
    }
}

impl From<SocketError> for Error {
    fn from(error: SocketError) -> Self {
        Self::new(ErrorKind::HostFailed, error.to_string())
    }
}

impl From<TerminalError> for Error {
    fn from(error: TerminalError) -> Self {
        Self::new(ErrorKind::HostFailed, error.to_string())
    }
}

/// What most functions of the service return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
