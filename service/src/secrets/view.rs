//! How a secret looks from outside: one immutable snapshot, without its value.

use std::sync::Arc;

use lodge_model::secret::UsageView;
use uuid::Uuid;

use super::definition::Draft;
use crate::authorization::Subject;
use crate::error::{Error, ErrorKind, Result};

/// A snapshot of a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretView {
    /// Its identity.
    pub uuid: Uuid,
    /// The word for what it is for, `none` where that is not said.
    pub usage: String,
    /// What it is for: the path of a volume, or a name.
    pub usage_id: String,
    /// Text for people.
    pub description: String,
    /// Whether it is kept in memory only.
    pub ephemeral: bool,
    /// Whether its value is shown to nobody.
    pub private: bool,
    /// Whether it has a value.
    pub has_value: bool,
    /// What is kept without being understood.
    pub warnings: Vec<String>,
    /// The document.
    pub definition: Arc<str>,
}

impl SecretView {
    pub(super) fn of(uuid: Uuid, draft: &Draft, definition: Arc<str>, has_value: bool) -> Result<Self> {
        let view = draft.secret.view().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Self {
            uuid,
            usage: view.usage.map_or_else(|| "none".to_owned(), |usage| usage.kind.to_string()),
            usage_id: view.usage.map(|usage| usage.name.to_owned()).unwrap_or_default(),
            description: draft.secret.description.clone().unwrap_or_default(),
            ephemeral: view.ephemeral,
            private: view.private,
            has_value,
            warnings: draft.warnings.clone(),
            definition,
        })
    }

    /// What it is, for authorizers and jobs.
    pub fn subject(&self) -> Subject {
        Subject::Secret(self.uuid)
    }

    pub(super) fn is_for(&self, usage: UsageView<'_>) -> bool {
        self.usage == usage.kind.to_string() && self.usage_id == usage.name
    }

    /// The use by which it can be named, as in `volume:/srv/images/mail.qcow2`.
    pub(super) fn named(&self) -> String {
        format!("{}:{}", self.usage, self.usage_id)
    }

    pub(super) fn is_named(&self, text: &str) -> bool {
        Uuid::try_parse(text).is_ok_and(|uuid| uuid == self.uuid) || (!self.usage_id.is_empty() && text == self.named())
    }

    /// A secret cannot lose what others rely on.
    pub(super) fn check_successor_of(&self, old: &Self) -> Result<()> {
        let refused = |why: &str| {
            let message = format!("secret {} {why}; undefine it first, or choose another UUID", self.uuid);
            Err(Error::new(ErrorKind::InvalidArgument, message))
        };
        if old.private && !self.private {
            return refused("is private, and stays so");
        }
        if old.ephemeral != self.ephemeral {
            return refused(if old.ephemeral { "is ephemeral, and stays so" } else { "is kept on disk, and stays so" });
        }
        if (&old.usage, &old.usage_id) != (&self.usage, &self.usage_id) {
            return refused("is for another use, which stays as it is");
        }
        Ok(())
    }
}
