//! The typed proxy of `org.lodge.Lodge1.Secret`; all is documented in its file in `xml/`.

use crate::errors::Result;
use crate::options::NoOptions;

/// A passphrase or key, what it is for, and its value.
#[zbus::proxy(interface = "org.lodge.Lodge1.Secret", default_service = "org.lodge.Lodge1")]
pub trait Secret {
    /// Its identity.
    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> Result<String>;

    /// What kind of thing it is for.
    #[zbus(property(emits_changed_signal = "const"))]
    fn usage(&self) -> Result<String>;

    /// What exactly it is for.
    #[zbus(property(emits_changed_signal = "const"))]
    fn usage_id(&self) -> Result<String>;

    /// Text for people.
    #[zbus(property)]
    fn description(&self) -> Result<String>;

    /// Whether it is kept in memory only.
    #[zbus(property(emits_changed_signal = "const"))]
    fn ephemeral(&self) -> Result<bool>;

    /// Whether its value is shown to nobody.
    #[zbus(property)]
    fn private(&self) -> Result<bool>;

    /// Whether it has a value.
    #[zbus(property)]
    fn has_value(&self) -> Result<bool>;

    /// What its document says that is not understood.
    #[zbus(property)]
    fn warnings(&self) -> Result<Vec<String>>;

    /// The document.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &NoOptions) -> Result<String>;

    /// Gives it its value.
    #[zbus(allow_interactive_auth)]
    fn set_value(&self, value: &[u8], options: &NoOptions) -> Result<()>;

    /// Its value.
    #[zbus(allow_interactive_auth)]
    fn get_value(&self, options: &NoOptions) -> Result<Vec<u8>>;

    /// Removes it and its value.
    #[zbus(allow_interactive_auth)]
    fn undefine(&self, options: &NoOptions) -> Result<()>;
}
