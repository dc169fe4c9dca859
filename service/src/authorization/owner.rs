//! The rule of a session instance: its owner may do everything, nobody else anything.
//!
//! The session bus already refuses other users; this check does not rely on that.

use async_trait::async_trait;

use super::{Action, Authorizer, Caller, Details, Grant};
use crate::error::{Error, ErrorKind, Result};

/// Admits the user that the service runs as.
#[derive(Debug)]
pub struct OwnerOnly {
    uid: u32,
}

impl OwnerOnly {
    /// For the user of this process.
    pub fn of_this_process() -> Self {
        Self { uid: rustix::process::getuid().as_raw() }
    }

    /// For a user.
    pub fn new(uid: u32) -> Self {
        Self { uid }
    }
}

#[async_trait]
impl Authorizer for OwnerOnly {
    async fn require(&self, caller: &Caller, action: Action, details: &Details) -> Result<Grant> {
        if caller.uid == self.uid {
            return Ok(Grant::new(action, caller.uid));
        }
        Err(Error::new(
            ErrorKind::NotAuthorized,
            format!("user {} may not do {details}: this is the session service of user {}", caller.uid, self.uid),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Subject;
    use super::*;

    #[tokio::test]
    async fn only_the_owner_is_admitted() {
        let details = Details { verb: "Start", subject: Some(Subject::Domain("a".into())), ..Details::default() };
        for (uid, admitted) in [(1000, true), (0, false), (1001, false)] {
            let caller = Caller { bus_name: None, uid, interactive: true };
            let answer = OwnerOnly::new(1000).require(&caller, Action::DomainManage, &details).await;
            assert_eq!(answer.as_ref().err().map(Error::kind), (!admitted).then_some(ErrorKind::NotAuthorized), "uid {uid}");
        }
    }
}
