//! The typed proxy of `org.lodge.Lodge1.Manager`; all is documented in its file in `xml/`.

use zbus::OwnedObjectPath;

use crate::errors::Result;
use crate::options::{CreateOptions, CreatePoolOptions, DefineOptions, NoOptions};
use crate::types::InstanceKind;

/// The way in, at [`ROOT_PATH`](crate::ROOT_PATH).
#[zbus::proxy(interface = "org.lodge.Lodge1.Manager", default_service = "org.lodge.Lodge1", default_path = "/org/lodge/Lodge1")]
pub trait Manager {
    /// The version of the running service, for example "0.1.0".
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> Result<String>;

    /// Whose service it is.
    #[zbus(property(emits_changed_signal = "const"))]
    fn instance_kind(&self) -> Result<InstanceKind>;

    /// The objects of all hypervisors this service was built with.
    #[zbus(property(emits_changed_signal = "const"))]
    fn hypervisors(&self) -> Result<Vec<OwnedObjectPath>>;

    /// Stores a domain for good, without starting it.
    #[zbus(allow_interactive_auth)]
    fn define_domain(&self, xml: &str, options: &DefineOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Starts a transient domain.
    #[zbus(allow_interactive_auth)]
    fn create_domain(&self, xml: &str, options: &CreateOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// A dry run of DefineDomain.
    #[zbus(allow_interactive_auth)]
    fn validate_domain(&self, xml: &str, options: &NoOptions) -> Result<(String, Vec<String>)>;

    /// A hypervisor's own configuration as a domain document.
    #[zbus(allow_interactive_auth)]
    fn domain_from_native(&self, format: &str, config: &str, options: &NoOptions) -> Result<(String, Vec<String>)>;

    /// A domain document as a hypervisor's own configuration.
    #[zbus(allow_interactive_auth)]
    fn domain_to_native(&self, format: &str, xml: &str, options: &NoOptions) -> Result<(String, Vec<String>)>;

    /// What the host is and which guests it can run.
    fn get_capabilities(&self, options: &NoOptions) -> Result<String>;

    /// Finds a domain.
    #[zbus(allow_interactive_auth)]
    fn get_domain(&self, name: &str) -> Result<OwnedObjectPath>;

    /// Stores a network.
    #[zbus(allow_interactive_auth)]
    fn define_network(&self, xml: &str, options: &DefineOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Starts a network that is stored nowhere.
    #[zbus(allow_interactive_auth)]
    fn create_network(&self, xml: &str, options: &NoOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Finds a network.
    #[zbus(allow_interactive_auth)]
    fn get_network(&self, name: &str) -> Result<OwnedObjectPath>;

    /// Which pools there can be.
    #[zbus(allow_interactive_auth)]
    fn get_pool_capabilities(&self, options: &NoOptions) -> Result<String>;

    /// Looks for what pools could be made of.
    #[zbus(allow_interactive_auth)]
    fn find_pool_sources(&self, kind: &str, source: &str, options: &NoOptions) -> Result<String>;

    /// Stores a storage pool.
    #[zbus(allow_interactive_auth)]
    fn define_pool(&self, xml: &str, options: &DefineOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Starts a storage pool without storing it.
    #[zbus(allow_interactive_auth)]
    fn create_pool(&self, xml: &str, options: &CreatePoolOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Finds a storage pool.
    #[zbus(allow_interactive_auth)]
    fn get_pool(&self, name: &str) -> Result<OwnedObjectPath>;

    /// Finds a volume.
    #[zbus(allow_interactive_auth)]
    fn get_volume(&self, path_or_key: &str) -> Result<OwnedObjectPath>;

    /// Stores a secret.
    #[zbus(allow_interactive_auth)]
    fn define_secret(&self, xml: &str, options: &DefineOptions) -> Result<(OwnedObjectPath, Vec<String>)>;

    /// Finds a secret.
    #[zbus(allow_interactive_auth)]
    fn get_secret(&self, name: &str) -> Result<OwnedObjectPath>;

    /// Finds a device of the host.
    #[zbus(allow_interactive_auth)]
    fn get_device(&self, name: &str) -> Result<OwnedObjectPath>;

    /// Makes a mediated device.
    #[zbus(allow_interactive_auth)]
    fn create_device(&self, xml: &str, options: &NoOptions) -> Result<(OwnedObjectPath, Vec<String>)>;
}
