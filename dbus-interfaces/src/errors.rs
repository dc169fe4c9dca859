//! Every error that the service answers, and what a client's call comes back with.
//!
//! A closed set, `org.lodge.Lodge1.Error.<Kind>`. The message is a sentence that names the object, the reason and, where
//! there is one, the next step. Clients may tell kinds apart; nobody should take messages apart.

use std::fmt;

/// What calls of the contract return.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the contract; the string is its message.
#[derive(Clone, Debug, zbus::DBusError)]
#[zbus(prefix = "org.lodge.Lodge1.Error", impl_display = false)]
pub enum Error {
    /// The call did not get through, or something else than the service's own code answered it. The service never
    /// answers this.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// No such object.
    NotFound(String),
    /// The name or the UUID is taken.
    AlreadyExists(String),
    /// An argument is out of range or malformed.
    InvalidArgument(String),
    /// A document cannot be read; the message has element path, line and column.
    InvalidXml(String),
    /// An option is not known or has the wrong type.
    InvalidOption(String),
    /// The object is not in the state that this needs.
    InvalidState(String),
    /// Other work holds the object; try again.
    Busy(String),
    /// The host, the hypervisor or this version cannot do it.
    NotSupported(String),
    /// The caller may not do it.
    NotAuthorized(String),
    /// Somebody cancelled it.
    Cancelled(String),
    /// It took too long.
    TimedOut(String),
    /// Something that is needed is in use elsewhere.
    InUse(String),
    /// The host has no room left.
    NoSpace(String),
    /// The hypervisor refused or failed.
    HypervisorFailed(String),
    /// The guest or its agent does not answer.
    GuestUnresponsive(String),
    /// The host's system refused or failed.
    HostFailed(String),
    /// A fault in the service itself.
    Internal(String),
}

impl fmt::Display for Error {
    /// The message alone, as people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZBus(error) => error.fmt(f),
            own => f.write_str(zbus::DBusError::description(own).unwrap_or_default()),
        }
    }
}

impl From<zbus::fdo::Error> for Error {
    /// What setting a property comes back with.
    fn from(error: zbus::fdo::Error) -> Self {
        match error {
            zbus::fdo::Error::ZBus(inner) => Self::from(inner),
            standard => Self::ZBus(zbus::Error::from(standard)),
        }
    }
}

#[cfg(test)]
mod tests {
    use zbus::DBusError;

    use super::Error;

    /// What the other side would make of an error that travelled.
    fn travel(error: &Error) -> Error {
        let call = zbus::Message::method_call("/", "Call").build(&()).unwrap();
        let reply = error.create_reply(&call.header()).unwrap();
        Error::from(zbus::Error::from(reply))
    }

    #[test]
    fn kind_and_message_survive_the_wire() {
        let message = "domain \"a\" is running; stop it first";
        let error = travel(&Error::InvalidState(message.into()));
        assert!(matches!(error, Error::InvalidState(_)), "{error:?}");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.name(), "org.lodge.Lodge1.Error.InvalidState");
    }

    #[test]
    fn a_foreign_error_stays_what_it_is() {
        let foreign = zbus::Error::from(zbus::fdo::Error::ServiceUnknown("gone".into()));
        assert!(matches!(Error::from(foreign), Error::ZBus(_)));
    }
}
