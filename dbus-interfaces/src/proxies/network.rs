//! The typed proxy of `org.lodge.Lodge1.Network`; all is documented in its file in `xml/`.

use crate::errors::Result;
use crate::options::{Dictionary, InactiveOptions, NetworkUpdateOptions, NoOptions};

/// A virtual network.
#[zbus::proxy(interface = "org.lodge.Lodge1.Network", default_service = "org.lodge.Lodge1")]
pub trait Network {
    /// Its name.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// Its identity.
    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> Result<String>;

    /// Whether it runs.
    #[zbus(property)]
    fn active(&self) -> Result<bool>;

    /// Whether its definition is stored.
    #[zbus(property)]
    fn persistent(&self) -> Result<bool>;

    /// Whether it starts with the service.
    #[zbus(property)]
    fn autostart(&self) -> Result<bool>;

    /// Sets [`Self::autostart`].
    #[zbus(property)]
    fn set_autostart(&self, autostart: bool) -> Result<()>;

    /// How guests reach the world.
    #[zbus(property)]
    fn mode(&self) -> Result<String>;

    /// The bridge that guests are connected to.
    #[zbus(property)]
    fn bridge(&self) -> Result<String>;

    /// The name that guests' names end with.
    #[zbus(property)]
    fn domain(&self) -> Result<String>;

    /// Addresses of the host in it.
    #[zbus(property)]
    fn addresses(&self) -> Result<Vec<String>>;

    /// One line for people.
    #[zbus(property)]
    fn title(&self) -> Result<String>;

    /// Text for people.
    #[zbus(property)]
    fn description(&self) -> Result<String>;

    /// Interfaces of guests in it.
    #[zbus(property)]
    fn connections(&self) -> Result<u32>;

    /// Whether the stored definition differs from what runs.
    #[zbus(property)]
    fn pending_changes(&self) -> Result<bool>;

    /// What is not understood, and what keeps guests from what is promised.
    #[zbus(property)]
    fn warnings(&self) -> Result<Vec<String>>;

    /// The document.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &InactiveOptions) -> Result<String>;

    /// Starts it.
    #[zbus(allow_interactive_auth)]
    fn start(&self, options: &NoOptions) -> Result<()>;

    /// Stops it.
    #[zbus(allow_interactive_auth)]
    fn destroy(&self, options: &NoOptions) -> Result<()>;

    /// Removes its definition.
    #[zbus(allow_interactive_auth)]
    fn undefine(&self, options: &NoOptions) -> Result<()>;

    /// Changes one part of it.
    #[zbus(allow_interactive_auth)]
    fn update(&self, command: &str, section: &str, xml: &str, options: &NetworkUpdateOptions) -> Result<()>;

    /// The addresses that are lent.
    #[zbus(allow_interactive_auth)]
    fn get_leases(&self, options: &NoOptions) -> Result<Vec<Dictionary>>;
}
