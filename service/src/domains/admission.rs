//! What a domain may do in which state. Pure; the table of the whole life cycle.

use super::request::Request;
use super::state::State;
use crate::error::{Error, ErrorKind};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is carried out.
    Accept,
    /// It is so already; nothing to do.
    AlreadySo,
    /// The domain is in the wrong state.
    WrongState(&'static str),
    /// Other work is under way.
    Busy(&'static str),
}

/// A domain as far as admission cares.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Its state.
    pub state: State,
    /// Whether it has a stored definition.
    pub persistent: bool,
    /// The verb of the work that is under way.
    pub job: Option<&'static str>,
}

/// Judges a request.
pub fn check(situation: Situation, request: &Request) -> Verdict {
    let Situation { state, persistent, job } = situation;
    if let Some(job) = job {
        // The plug can always be pulled, also while the guest starts.
        return match request {
            Request::Destroy { .. } if job == "start" || state.is_active() => Verdict::Accept,
            Request::Destroy { .. } => Verdict::WrongState("it is shut off"),
            _ => Verdict::Busy(job),
        };
    }
    match (request, state) {
        (Request::Define(_), _) => Verdict::Accept,
        (Request::Start(_), State::ShutOff(_)) => Verdict::Accept,
        (Request::Start(_), _) => Verdict::WrongState("it has been started already"),
        (Request::Undefine(_) | Request::SetAutostart(true), _) if !persistent => {
            Verdict::WrongState("it is transient: it has no stored definition; define it first")
        }
        (Request::Rename(_), _) if !persistent => Verdict::WrongState("it is transient: it has no stored definition; define it first"),
        (Request::Rename(_), _) if state.is_active() => Verdict::WrongState("it is running; shut it down first"),
        (Request::Undefine(_) | Request::SetAutostart(_) | Request::Rename(_) | Request::Edit(..), _) => Verdict::Accept,
        (_, State::ShutOff(_)) => Verdict::WrongState("it is shut off"),
        (Request::Suspend, State::Running(_) | State::ShuttingDown(_)) => Verdict::Accept,
        (Request::Suspend, State::Paused(_)) => Verdict::AlreadySo,
        (Request::Resume, State::Running(_)) => Verdict::AlreadySo,
        (Request::Resume, State::Paused(_) | State::Suspended) => Verdict::Accept,
        (Request::Shutdown(_) | Request::Reboot(_), State::Paused(_)) => {
            Verdict::WrongState("it is paused, so the guest cannot react; resume it first")
        }
        (Request::Shutdown(_) | Request::Reboot(_), State::Running(_) | State::Suspended | State::ShuttingDown(_)) => Verdict::Accept,
        (Request::Reset | Request::Destroy { .. }, _) => Verdict::Accept,
        (Request::Suspend | Request::Resume | Request::Shutdown(_) | Request::Reboot(_), State::Crashed) => {
            Verdict::WrongState("its guest has crashed; reset or destroy it")
        }
        (Request::Suspend, State::Suspended) => Verdict::WrongState("its guest has put itself to sleep; resume wakes it"),
        (Request::Resume, State::ShuttingDown(_)) => Verdict::AlreadySo,
    }
}

impl Verdict {
    /// The error that a refused request is answered with.
    pub fn refusal(self, name: &str, request: &Request) -> Option<Error> {
        let verb = request.verb();
        match self {
            Self::Accept | Self::AlreadySo => None,
            Self::WrongState(why) => Some(Error::new(ErrorKind::InvalidState, format!("cannot {verb} domain '{name}': {why}"))),
            Self::Busy(job) => Some(Error::new(
                ErrorKind::Busy,
                format!("cannot {verb} domain '{name}' now: to {job} it is under way; try again when that is done"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::{Definition, Start, Undefine};
    use super::super::state::{Running, ShutOff, ShuttingDown};
    use super::*;
    use crate::hypervisors::{PauseReason, ShutdownMode};

    const STATES: [State; 6] = [
        State::ShutOff(ShutOff::Unknown),
        State::Running(Running::Booted),
        State::Paused(PauseReason::User),
        State::ShuttingDown(ShuttingDown::Guest),
        State::Suspended,
        State::Crashed,
    ];

    fn letters(request: &Request, persistent: bool, job: Option<&'static str>) -> String {
        STATES
            .iter()
            .map(|&state| match check(Situation { state, persistent, job }, request) {
                Verdict::Accept => 'A',
                Verdict::AlreadySo => '=',
                Verdict::WrongState(_) => '-',
                Verdict::Busy(_) => 'B',
            })
            .collect()
    }

    /// One letter a state, in the order off, running, paused, shutting down, suspended, crashed.
    #[test]
    fn every_request_in_every_state() {
        let start = Request::Start(Start::default());
        let destroy = Request::Destroy { graceful: false };
        for (request, persistent, job, expected) in [
            (&Request::Define(Definition::default()), true, None, "AAAAAA"),
            (&Request::Undefine(Undefine::default()), true, None, "AAAAAA"),
            (&Request::Undefine(Undefine::default()), false, None, "------"),
            (&start, true, None, "A-----"),
            (&Request::Shutdown(ShutdownMode::Acpi), true, None, "-A-AA-"),
            (&Request::Reboot(ShutdownMode::Acpi), true, None, "-A-AA-"),
            (&Request::Reset, true, None, "-AAAAA"),
            (&destroy, true, None, "-AAAAA"),
            (&Request::Suspend, true, None, "-A=A--"),
            (&Request::Resume, true, None, "-=A=A-"),
            (&Request::SetAutostart(true), true, None, "AAAAAA"),
            (&Request::SetAutostart(true), false, None, "------"),
            (&Request::SetAutostart(false), false, None, "AAAAAA"),
            (&Request::Rename("b".into()), true, None, "A-----"),
            (&start, true, Some("start"), "BBBBBB"),
            (&destroy, true, Some("start"), "AAAAAA"),
            (&destroy, true, Some("suspend"), "-AAAAA"),
            (&Request::Reset, true, Some("suspend"), "BBBBBB"),
        ] {
            assert_eq!(letters(request, persistent, job), expected, "{request:?} persistent={persistent} job={job:?}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let shutdown = Request::Shutdown(ShutdownMode::Auto);
        let verdict = check(Situation { state: STATES[2], persistent: true, job: None }, &shutdown);
        let error = verdict.refusal("web", &shutdown).unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidState);
        assert_eq!(error.to_string(), "cannot shut down domain 'web': it is paused, so the guest cannot react; resume it first");
    }
}
