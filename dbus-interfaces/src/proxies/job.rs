//! The typed proxy of `org.lodge.Lodge1.Job`; all is documented in its file in `xml/`.

use zbus::OwnedObjectPath;

use crate::errors::Result;
use crate::options::NoOptions;
use crate::types::JobState;

/// Work that takes a while.
#[zbus::proxy(interface = "org.lodge.Lodge1.Job", default_service = "org.lodge.Lodge1")]
pub trait Job {
    /// What is done, as object and verb.
    #[zbus(property(emits_changed_signal = "const"))]
    fn operation(&self) -> Result<String>;

    /// How far it is.
    #[zbus(property)]
    fn state(&self) -> Result<JobState>;

    /// Why it failed, the sentence that the method answered.
    #[zbus(property)]
    fn message(&self) -> Result<String>;

    /// From 0.0 to 1.0.
    #[zbus(property)]
    fn progress(&self) -> Result<f64>;

    /// Whether Progress is known.
    #[zbus(property)]
    fn progress_valid(&self) -> Result<bool>;

    /// How many bytes the work handles in all.
    #[zbus(property)]
    fn bytes(&self) -> Result<u64>;

    /// Bytes per second at present.
    #[zbus(property)]
    fn rate(&self) -> Result<u64>;

    /// When it began, microseconds since 1970-01-01 UTC.
    #[zbus(property(emits_changed_signal = "const"))]
    fn start_time(&self) -> Result<u64>;

    /// When it will probably end, microseconds since 1970-01-01 UTC.
    #[zbus(property)]
    fn expected_end_time(&self) -> Result<u64>;

    /// The objects it works on.
    #[zbus(property(emits_changed_signal = "const"))]
    fn objects(&self) -> Result<Vec<OwnedObjectPath>>;

    /// The user who asked for it.
    #[zbus(property(emits_changed_signal = "const"))]
    fn started_by_uid(&self) -> Result<u32>;

    /// Whether Cancel has a chance at present.
    #[zbus(property)]
    fn cancelable(&self) -> Result<bool>;

    /// Asks the work to stop and undo what it did.
    #[zbus(allow_interactive_auth)]
    fn cancel(&self, options: &NoOptions) -> Result<()>;

    /// The work ended.
    #[zbus(signal)]
    fn completed(&self, success: bool, message: &str) -> Result<()>;
}
