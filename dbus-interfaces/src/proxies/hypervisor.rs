//! The typed proxy of `org.lodge.Lodge1.Hypervisor`; all is documented in its file in `xml/`.

use crate::errors::Result;
use crate::options::{Dictionary, NoOptions};

/// What runs guests, for example QEMU.
#[zbus::proxy(interface = "org.lodge.Lodge1.Hypervisor", default_service = "org.lodge.Lodge1")]
pub trait Hypervisor {
    /// The word by which domains refer to it in their property Hypervisor.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// The version of the program for guests of this machine's own architecture, for example "10.0.2".
    #[zbus(property)]
    fn version(&self) -> Result<String>;

    /// Whether guests can be started with it here.
    #[zbus(property)]
    fn available(&self) -> Result<bool>;

    /// Why it is not Available, as a sentence with the next step.
    #[zbus(property)]
    fn reason(&self) -> Result<String>;

    /// What can execute guest code here, the fastest first.
    #[zbus(property)]
    fn accelerators(&self) -> Result<Vec<String>>;

    /// The guest architectures for which an emulator is installed, as in a domain's os/type arch.
    #[zbus(property)]
    fn architectures(&self) -> Result<Vec<String>>;

    /// The machine types that a domain may ask for.
    #[zbus(allow_interactive_auth)]
    fn get_machines(&self, arch: &str, options: &NoOptions) -> Result<Vec<Dictionary>>;
}
