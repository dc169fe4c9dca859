//! The one mapping from the service's errors to those of the contract. Exhaustive by the compiler.

use lodge_dbus_interfaces::Error as WireError;

use crate::error::{Error, ErrorKind};

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound(message),
            ErrorKind::AlreadyExists => Self::AlreadyExists(message),
            ErrorKind::InvalidArgument => Self::InvalidArgument(message),
            ErrorKind::InvalidXml => Self::InvalidXml(message),
            ErrorKind::InvalidOption => Self::InvalidOption(message),
            ErrorKind::InvalidState => Self::InvalidState(message),
            ErrorKind::Busy => Self::Busy(message),
            ErrorKind::NotSupported => Self::NotSupported(message),
            ErrorKind::NotAuthorized => Self::NotAuthorized(message),
            ErrorKind::Cancelled => Self::Cancelled(message),
            ErrorKind::TimedOut => Self::TimedOut(message),
            ErrorKind::InUse => Self::InUse(message),
            ErrorKind::NoSpace => Self::NoSpace(message),
            ErrorKind::HypervisorFailed => Self::HypervisorFailed(message),
            ErrorKind::GuestUnresponsive => Self::GuestUnresponsive(message),
            ErrorKind::HostFailed => Self::HostFailed(message),
            ErrorKind::Internal => Self::Internal(message),
        }
    }
}
