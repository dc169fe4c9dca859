//! The rule of the system instance: polkit decides, call by call.
//!
//! [`ask`] is one question by libpolkit, on a GLib main loop with a thread of its own; here is when and how often it is
//! put.
//!
//! - A question is put first without leave to ask a person. Most answers come from polkit's rules and defaults and take a
//!   millisecond. Only when polkit then wants somebody to authenticate, and the message allows it, it is put again.
//! - The bus allows a connection 128 unanswered calls, and polkit is asked by one connection. So each user has
//!   [`QUICK`] questions at a time, and [`ASKING`] that wait for a person: nobody can use up everybody's.
//! - Nothing is remembered: rules, sessions and groups change. What a person's authentication is good for after the call
//!   is polkit's to remember.
//! - There is no short way for root: polkit admits root by itself.

mod ask;
mod turns;

use std::time::Duration;

use async_trait::async_trait;

use self::ask::{Answer, Asker, Question};
use self::turns::Turns;
use super::{Action, Authorizer, Caller, Details, Grant};
use crate::error::{Error, ErrorKind, Result};

/// Questions of one user that rules answer, at a time; further ones wait.
const QUICK: usize = 12;
/// Questions of one user that a person answers, at a time; further ones are `Busy`.
const ASKING: usize = 4;
/// How long rules may take. polkitd itself ends a rule after 15 seconds.
const RULES: Duration = Duration::from_secs(30);
/// How long a person may take.
const PERSON: Duration = Duration::from_secs(300);

/// Asks polkit.
#[derive(Debug)]
pub struct Polkit {
    asker: Asker,
    quick: Turns,
    asking: Turns,
}

impl Polkit {
    /// Begins; polkit itself is looked for with each question.
    ///
    /// # Errors
    /// There is no room for another thread.
    pub fn start() -> Result<Self> {
        Ok(Self { asker: Asker::start()?, quick: Turns::new(QUICK), asking: Turns::new(ASKING) })
    }

    async fn ask(&self, question: Question, patience: Duration) -> Result<Answer, String> {
        match tokio::time::timeout(patience, self.asker.ask(question)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("it did not answer within {} seconds", patience.as_secs())),
        }
    }
}

#[async_trait]
impl Authorizer for Polkit {
    async fn require(&self, caller: &Caller, action: Action, details: &Details) -> Result<Grant> {
        let refuse = |why: Refused| Error::new(ErrorKind::NotAuthorized, why.sentence(caller.uid, action, details));
        let Some(subject) = &caller.bus_name else { return Err(refuse(Refused::Nameless)) };
        let question = |interactive| Question { subject: subject.clone(), action: action.id(), details: details.pairs(), interactive };
        let mut answer = {
            let _turn = self.quick.wait(caller.uid).await;
            self.ask(question(false), RULES).await
        };
        if answer == Ok(Answer::Challenge) && caller.interactive {
            let _turn = self.asking.take(caller.uid).ok_or_else(|| too_many(caller.uid))?;
            answer = self.ask(question(true), PERSON).await;
        }
        match answer {
            Ok(Answer::Yes) => Ok(Grant::new(action, caller.uid)),
            Ok(Answer::No) => Err(refuse(Refused::No)),
            Ok(Answer::Challenge) if caller.interactive => Err(refuse(Refused::NoAgent)),
            Ok(Answer::Challenge) => Err(refuse(Refused::MayNotAsk)),
            Ok(Answer::Dismissed) => Err(refuse(Refused::Dismissed)),
            Err(reason) => Err(refuse(Refused::NoAnswer(reason))),
        }
    }
}

fn too_many(uid: u32) -> Error {
    let message = format!("{ASKING} calls of user {uid} wait for an authentication already; answer those first");
    Error::new(ErrorKind::Busy, message)
}

/// Why somebody may not.
enum Refused {
    No,
    MayNotAsk,
    NoAgent,
    Dismissed,
    NoAnswer(String),
    Nameless,
}

impl Refused {
    fn sentence(&self, uid: u32, action: Action, details: &Details) -> String {
        let action = action.id();
        let why = match self {
            Self::No => format!("polkit refuses {action}; a rule in /etc/polkit-1/rules.d can allow it"),
            Self::MayNotAsk => format!("{action} needs an authentication, and the call does not allow to ask for one"),
            Self::NoAgent => format!(
                "{action} needs an authentication, and it failed, or nobody could be asked: no agent runs in the caller's session; in a terminal, start pkttyagent"
            ),
            Self::Dismissed => format!("the authentication for {action} was dismissed"),
            Self::NoAnswer(reason) => format!("polkit cannot be asked for {action}: {reason}; see: systemctl status polkit"),
            Self::Nameless => {
                format!("polkit knows callers by their bus name, and this connection has none, so {action} cannot be granted")
            }
        };
        format!("user {uid} may not do {details}: {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Subject;
    use super::*;

    #[test]
    fn refusals_say_who_what_why_and_what_next() {
        let details = Details { verb: "Start", subject: Some(Subject::Domain("web".into())), ..Details::default() };
        for (why, part) in [
            (Refused::No, "polkit refuses org.lodge.Lodge1.domain.manage; a rule in"),
            (Refused::MayNotAsk, "does not allow to ask"),
            (Refused::NoAgent, "pkttyagent"),
            (Refused::Dismissed, "was dismissed"),
            (Refused::NoAnswer("it is away".into()), "it is away; see: systemctl status polkit"),
            (Refused::Nameless, "this connection has none"),
        ] {
            let sentence = why.sentence(1000, Action::DomainManage, &details);
            assert!(sentence.starts_with("user 1000 may not do Start on domain 'web': ") && sentence.contains(part), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_caller_without_a_bus_name_is_refused_unasked() {
        let caller = Caller { bus_name: None, uid: 0, interactive: true };
        let answer = Polkit::start().unwrap().require(&caller, Action::DomainView, &Details::of_verb("Get")).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotAuthorized);
    }
}
