//! What goes wrong, and how the program ends then.
//!
//! Invariant: a person reads `error: ` and a sentence, the service's own where it answered; never Rust's view of it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use lodge_dbus_interfaces::Error;
use zbus::DBusError as _;

/// Where the service's own messages are.
const MESSAGES: &str = "see its messages with: journalctl --user --unit lodged (of the system's: without --user)";

/// What a command ends with.
pub type Outcome<T = ()> = Result<T, Failure>;

/// The signal that ends a program whose output nobody reads (signal(7)).
const SIGPIPE: u8 = 13;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// A sentence for the person.
    Sentence(String),
    /// Nobody reads the output; there is nobody to tell.
    ClosedPipe,
    /// A signal asked the program to end.
    Signal(u8),
}

impl Failure {
    /// Tells the person and answers with the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Sentence(sentence) => {
                complain("error", sentence);
                ExitCode::FAILURE
            }
            Self::ClosedPipe => ExitCode::from(128 + SIGPIPE),
            Self::Signal(number) => ExitCode::from(128_u8.saturating_add(*number)),
        }
    }
}

/// Prints a line `KIND: SENTENCE` on standard error.
pub fn complain(kind: &str, sentence: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{kind}: {sentence}");
}

impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<&str> for Failure {
    fn from(sentence: &str) -> Self {
        Self::Sentence(sentence.to_owned())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::ZBus(error) => error.into(),
            own => Self::Sentence(own.to_string()),
        }
    }
}

impl From<zbus::fdo::Error> for Failure {
    fn from(error: zbus::fdo::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        Self::Sentence(match answer(&error) {
            Some((name, message)) => explain(&name, &message),
            None => format!("the message bus does not work: {error}"),
        })
    }
}

/// The name and the message of an error that came as an answer.
fn answer(error: &zbus::Error) -> Option<(String, String)> {
    match error {
        zbus::Error::MethodError(name, message, _) => Some((name.to_string(), message.clone().unwrap_or_default())),
        zbus::Error::FDO(standard) => {
            let (name, message) = (standard.name(), standard.description().unwrap_or_default());
            Some((name.to_string(), message.to_owned()))
        }
        _ => None,
    }
}

/// Whether the service answered that there is no object at a path.
pub fn is_no_object(error: &Error) -> bool {
    let Error::ZBus(error) = error else { return false };
    answer(error).is_some_and(|(name, _)| name == "org.freedesktop.DBus.Error.UnknownObject")
}

/// A sentence for an error that the bus answered in the service's place (D-Bus specification, "Standard Error Names").
fn explain(name: &str, message: &str) -> String {
    let standard = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default();
    match standard {
        "ServiceUnknown" | "NameHasNoOwner" => {
            "Lodge does not run on this bus and the bus does not know how to start it; install Lodge, or run: lodged --session (for the machine's: sudo lodged --system)".to_owned()
        }
        spawn if spawn.starts_with("Spawn.") => {
            format!("the bus could not start Lodge: {message}; {MESSAGES}")
        }
        "NoReply" | "Disconnected" => {
            format!(
                "Lodge went away before it answered ({message}); {MESSAGES}; then try again"
            )
        }
        "TimedOut" | "Timeout" => format!("Lodge did not start in time ({message}); try again"),
        "AccessDenied" => format!("the bus does not let you speak to Lodge: {message}"),
        "UnknownObject" => "it is gone: somebody removed or renamed it meanwhile".to_owned(),
        "UnknownMethod" | "UnknownInterface" | "UnknownProperty" => {
            format!("the Lodge that runs does not have this: {message}; compare the versions with: lodgectl version")
        }
        _ if message.is_empty() => format!("the bus answered {name}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(failure: Failure) -> String {
        match failure {
            Failure::Sentence(sentence) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_services_own_sentence_is_not_touched() {
        assert_eq!(sentence(Error::NotFound("there is no domain 'a'".into()).into()), "there is no domain 'a'");
    }

    #[test]
    fn what_the_bus_answers_is_explained() {
        let missing = zbus::fdo::Error::ServiceUnknown("The name is not activatable".into());
        assert!(sentence(missing.into()).contains("lodged --session"));
        assert_eq!(explain("org.example.Error.Strange", ""), "the bus answered org.example.Error.Strange");
        assert_eq!(explain("org.example.Error.Strange", "strange"), "strange");
    }
}
