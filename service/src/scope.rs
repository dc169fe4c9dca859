//! What a change is for: what runs, what is stored, or both.

use crate::authorization::Subject;
use crate::error::{Error, ErrorKind, Result};

/// What a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What runs and what is stored, as far as there is such.
    Both,
    /// What runs.
    Live,
    /// What is stored.
    Config,
    /// What runs and what is stored, both of which must be there.
    LiveAndConfig,
}

impl Scope {
    /// From the two options of the bus.
    pub fn from_options(live: bool, config: bool) -> Self {
        match (live, config) {
            (false, false) => Self::Both,
            (true, false) => Self::Live,
            (false, true) => Self::Config,
            (true, true) => Self::LiveAndConfig,
        }
    }

    /// Whether what runs and what is stored of an object are meant.
    ///
    /// # Errors
    /// `InvalidState` when one is meant that is not there.
    pub fn resolve(self, object: &Subject, active: bool, persistent: bool) -> Result<(bool, bool)> {
        let (live, config) = match self {
            Self::Both => (active, persistent),
            Self::Live => (true, false),
            Self::Config => (false, true),
            Self::LiveAndConfig => (true, true),
        };
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidState, format!("cannot change {object}: {why}")));
        if live && !active {
            return refuse("it does not run; change its definition with the option config");
        }
        if config && !persistent {
            return refuse("it is transient: it has no stored definition; define it first");
        }
        Ok((live, config))
    }
}
