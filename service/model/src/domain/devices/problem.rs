//! Why a device cannot be used as it is written.
//!
//! Documents are read leniently, so that an incomplete one can be shown and corrected. The typed
//! views of a device (`source_view` and its like) check what the device's type asks for.

/// What a device lacks or contradicts, as a sentence that says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub String);

impl Problem {
    /// A problem told by a sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// The value, or a problem that says what is needed.
pub(super) fn needed<T>(value: Option<T>, owner: &str, need: &str) -> Result<T, Problem> {
    value.ok_or_else(|| Problem(format!("{owner} needs {need}")))
}
