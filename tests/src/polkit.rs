//! An authority in polkit's place, for what the real one does not do on demand: think long, refuse, end in the middle.
//!
//! It serves `org.freedesktop.PolicyKit1.Authority` of polkit 0.122 as far as the service uses it, and keeps what it was
//! asked. Rules, agents and the real thing are tested in a host of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use zbus::fdo;
use zbus::{Connection, OwnedVariant, connection};

const NAME: &str = "org.freedesktop.PolicyKit1";
const PATH: &str = "/org/freedesktop/PolicyKit1/Authority";
/// The flag of a question that may be put to a person.
const ALLOW_USER_INTERACTION: u32 = 1;
/// How long a test waits for a question before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the authority says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The caller may.
    Yes,
    /// The caller may not.
    No,
    /// After an authentication only. A question that may be put to a person is not answered before it is taken back.
    Challenge,
    /// Somebody was asked and declined.
    Dismissed,
    /// Nothing, until the question is taken back.
    Silence,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Kind of the subject and what identifies it.
    pub subject: (String, String),
    /// The action.
    pub action: String,
    /// What it is about.
    pub details: HashMap<String, String>,
    /// Whether a person may be asked.
    pub interactive: bool,
}

impl Question {
    /// A detail, empty without one.
    pub fn detail(&self, key: &str) -> &str {
        self.details.get(key).map_or("", String::as_str)
    }
}

type Rule = Box<dyn Fn(&Question) -> Answer + Send + Sync>;

/// An authority on a bus; gone when dropped.
pub struct Authority {
    connection: Connection,
    state: Arc<State>,
}

struct State {
    rule: Mutex<Rule>,
    asked: watch::Sender<Vec<Question>>,
    cancelled: watch::Sender<Vec<String>>,
}

impl Authority {
    /// Serves on a bus, with what it answers.
    ///
    /// # Panics
    /// The bus cannot be connected to.
    pub async fn on(address: &str, rule: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        let state =
            Arc::new(State { rule: Mutex::new(Box::new(rule)), asked: watch::Sender::default(), cancelled: watch::Sender::default() });
        let builder = connection::Builder::address(address).serve_at(PATH, Served(state.clone())).name(NAME);
        Self { connection: builder.build().await.expect("the private bus takes a service"), state }
    }

    /// Answers otherwise from now on.
    pub fn answer(&self, rule: impl Fn(&Question) -> Answer + Send + Sync + 'static) {
        *self.state.rule.lock().expect("no rule panics") = Box::new(rule);
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Question> {
        self.state.asked.borrow().clone()
    }

    /// Waits for a question.
    ///
    /// # Panics
    /// It does not come.
    pub async fn until_asked(&self, which: impl Fn(&Question) -> bool) {
        let mut asked = self.state.asked.subscribe();
        let waited = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| asked.iter().any(&which))).await;
        assert!(waited.is_ok(), "the question does not come; those that came: {:#?}", self.asked());
    }

    /// Waits until so many questions were taken back.
    ///
    /// # Panics
    /// They are not.
    pub async fn until_cancelled(&self, count: usize) {
        let mut cancelled = self.state.cancelled.subscribe();
        let waited = tokio::time::timeout(PATIENCE, cancelled.wait_for(|cancelled| cancelled.len() >= count)).await;
        assert!(waited.is_ok(), "questions are not taken back: {:#?}", self.asked());
    }

    /// Ends in the middle of whatever it does.
    ///
    /// # Panics
    /// The bus does not work.
    pub async fn die(self) {
        self.connection.close().await.expect("a connection can be closed");
    }
}

/// What is on the bus.
struct Served(Arc<State>);

/// Whether authorized, whether a challenge, details.
type Outcome = (bool, bool, HashMap<String, String>);

#[zbus::interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Served {
    async fn check_authorization(
        &self,
        subject: (String, HashMap<String, OwnedVariant>),
        action_id: String,
        details: HashMap<String, String>,
        flags: u32,
        cancellation_id: String,
    ) -> fdo::Result<(Outcome,)> {
        let (kind, identity) = subject;
        let name = identity.get("name").and_then(|name| <&str>::try_from(&**name).ok()).unwrap_or_default();
        let subject = (kind, name.to_owned());
        let question = Question { subject, action: action_id, details, interactive: flags & ALLOW_USER_INTERACTION != 0 };
        let answer = (self.0.rule.lock().expect("no rule panics"))(&question);
        let interactive = question.interactive;
        self.0.asked.send_modify(|asked| asked.push(question));
        let dismissed = HashMap::from([("polkit.dismissed".to_owned(), "true".to_owned())]);
        match answer {
            Answer::Yes => Ok(((true, false, HashMap::new()),)),
            Answer::No => Ok(((false, false, HashMap::new()),)),
            Answer::Dismissed => Ok(((false, false, dismissed),)),
            Answer::Challenge if !interactive => Ok(((false, true, HashMap::new()),)),
            Answer::Challenge | Answer::Silence => {
                let mut cancelled = self.0.cancelled.subscribe();
                // The sender is ours.
                let _ = cancelled.wait_for(|cancelled| cancelled.contains(&cancellation_id)).await;
                Err(fdo::Error::Failed("the question was taken back".into()))
            }
        }
    }

    fn cancel_check_authorization(&self, cancellation_id: String) {
        self.0.cancelled.send_modify(|cancelled| cancelled.push(cancellation_id));
    }

    #[zbus(property)]
    fn backend_name(&self) -> &str {
        "test"
    }

    #[zbus(property)]
    fn backend_version(&self) -> &str {
        "122"
    }

    #[zbus(property)]
    fn backend_features(&self) -> u32 {
        1
    }
}
