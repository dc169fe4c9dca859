//! One question to polkit, by libpolkit-gobject.
//!
//! libpolkit speaks D-Bus by GLib, which wants a main loop. That loop has a thread of its own; questions go there over a
//! channel and answers come back over one each. Whoever no longer waits for an answer takes the question back, which
//! libpolkit tells polkitd, which withdraws it from the person who is being asked.

use std::thread;

use futures_util::future::{Either, select};
use glib::MainContext;
use polkit_rs::{Authority, AuthorizationResult, CheckAuthorizationFlags, SystemBusName};
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, ErrorKind, Result};

/// Questions on their way to the thread at most; it takes them up at once.
const QUEUE: usize = 64;

/// What is asked.
#[derive(Debug)]
pub struct Question {
    /// The unique bus name of whoever calls.
    pub subject: String,
    /// The whole name of the action.
    pub action: String,
    /// What the action is about.
    pub details: Vec<(&'static str, String)>,
    /// Whether a person may be asked.
    pub interactive: bool,
}

/// What polkit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The subject may.
    Yes,
    /// The subject may not.
    No,
    /// The subject may after an authentication.
    Challenge,
    /// A person was asked and declined.
    Dismissed,
}

/// The answer, or why there is none, as a clause.
type Reply = Result<Answer, String>;

/// The way to the thread that asks. It ends when this is dropped.
#[derive(Debug)]
pub struct Asker(mpsc::Sender<(Question, oneshot::Sender<Reply>)>);

impl Asker {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn start() -> Result<Self> {
        let (questions, asked) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("polkit".to_owned())
            .spawn(move || serve(asked))
            .map_err(|error| Error::new(ErrorKind::HostFailed, "cannot start the thread that asks polkit").caused_by(error))?;
        Ok(Self(questions))
    }

    /// Asks. Dropping the future takes the question back.
    pub async fn ask(&self, question: Question) -> Reply {
        let ended = || Err("the thread that asks it has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        match self.0.send((question, reply)).await {
            Ok(()) => answer.await.unwrap_or_else(|_| ended()),
            Err(_) => ended(),
        }
    }
}

fn serve(mut asked: mpsc::Receiver<(Question, oneshot::Sender<Reply>)>) {
    let context = MainContext::new();
    let loop_ = context.clone();
    let serving = async move {
        // A bus that goes away is the service's own affair; GLib would end the process.
        match gio::bus_get_future(gio::BusType::System).await {
            Ok(bus) => bus.set_exit_on_close(false),
            Err(error) => tracing::warn!("polkit will not be reached: {error}"),
        }
        while let Some((question, mut reply)) = asked.recv().await {
            loop_.spawn_local(async move {
                let answer = match select(Box::pin(question.put()), Box::pin(reply.closed())).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => return,
                };
                // Whoever asked may have gone at this very moment.
                drop(reply.send(answer));
            });
        }
    };
    if let Err(error) = context.with_thread_default(|| context.block_on(serving)) {
        tracing::error!("polkit cannot be asked: {error}");
    }
}

impl Question {
    async fn put(&self) -> Reply {
        // One object for all questions, made by the first; polkitd may come and go behind it.
        let authority = Authority::async__future().await.map_err(|error| clause(&error))?;
        let details = polkit_rs::Details::new();
        for (key, value) in &self.details {
            details.insert(key, Some(value));
        }
        let flags = match self.interactive {
            true => CheckAuthorizationFlags::ALLOW_USER_INTERACTION,
            false => CheckAuthorizationFlags::NONE,
        };
        let subject = SystemBusName::new(&self.subject);
        let result = authority.check_authorization_future(&subject, &self.action, Some(&details), flags).await;
        result.map(|result| Answer::of(&result)).map_err(|error| clause(&error))
    }
}

impl Answer {
    fn of(result: &AuthorizationResult) -> Self {
        match (result.is_authorized(), result.is_challenge(), result.is_dismissed()) {
            (true, ..) => Self::Yes,
            (false, _, true) => Self::Dismissed,
            (false, true, false) => Self::Challenge,
            (false, false, false) => Self::No,
        }
    }
}

/// The words of an error without the bus's name of it.
fn clause(error: &glib::Error) -> String {
    let message = error.message();
    let words = message.strip_prefix("GDBus.Error:").and_then(|rest| rest.split_once(": ")).map_or(message, |(_, words)| words);
    words.trim_end_matches('.').to_owned()
}
