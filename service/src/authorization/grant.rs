//! The proof that somebody was allowed to do something.

use super::actions::Action;

/// Proof that a caller may do one thing. Methods that change anything take it by value.
#[derive(Debug)]
pub struct Grant {
    action: Action,
    uid: u32,
}

impl Grant {
    pub(super) fn new(action: Action, uid: u32) -> Self {
        Self { action, uid }
    }

    /// What was granted.
    pub fn action(&self) -> Action {
        self.action
    }

    /// To which user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// A grant for what the service does by itself, such as autostart.
    pub(crate) fn for_the_service(action: Action) -> Self {
        Self { action, uid: rustix::process::getuid().as_raw() }
    }
}
