//! The proof that somebody was allowed to do something.

use super::actions::Action;
use crate::error::{Error, ErrorKind, Result};

/// Proof that a caller may do one thing. Methods that change or reveal anything take it by value.
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

    /// Checks that this is the grant for what is about to be done.
    ///
    /// # Errors
    /// `Internal` when it is for something else: the wrong question was asked, so nothing may be done.
    pub(crate) fn covers(&self, needed: Action) -> Result<()> {
        match self.action == needed {
            true => Ok(()),
            false => {
                let message = format!("{} was authorized where {needed} is needed; please report this defect", self.action);
                Err(Error::new(ErrorKind::Internal, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_for_one_action_only() {
        for needed in Action::ALL {
            for granted in Action::ALL {
                let answer = Grant::new(*granted, 0).covers(*needed);
                assert_eq!(
                    answer.err().map(|error| error.kind()),
                    (granted != needed).then_some(ErrorKind::Internal),
                    "{granted}, {needed}"
                );
            }
        }
    }
}
