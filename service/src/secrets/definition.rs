//! A secret's document on its way in.

use lodge_model::document::Document as _;
use lodge_model::secret::{Secret, UsageView};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// A document that was read and is in itself in order.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says.
    pub secret: Secret,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

impl Draft {
    /// Reads a document.
    ///
    /// # Errors
    /// `InvalidXml` with path and place.
    pub fn read(xml: &str) -> Result<Self> {
        let (secret, warnings) = Secret::parse(xml)?;
        secret.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Self { secret, warnings: warnings.iter().map(ToString::to_string).collect() })
    }

    pub(super) fn with_uuid(mut self, uuid: Uuid) -> Self {
        self.secret.uuid = Some(uuid);
        self
    }

    pub(super) fn usage(&self) -> Result<Option<UsageView<'_>>> {
        Ok(self.secret.view().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?.usage)
    }
}
