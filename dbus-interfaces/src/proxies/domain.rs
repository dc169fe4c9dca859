//! The typed proxy of `org.lodge.Lodge1.Domain`; all is documented in its file in `xml/`.

use zbus::{OwnedFd, OwnedObjectPath};

use crate::errors::Result;
use crate::options::{
    AddressOptions, ChangeOptions, ConsoleOptions, DestroyOptions, Dictionary, MetadataOptions, NoOptions, ShutdownOptions, StartOptions,
    UndefineOptions, XmlOptions,
};
use crate::types::{IoErrorAction, IoErrorReason, IoOperation, PanicAction, State, StateReason, WatchdogAction};

/// One virtual machine.
#[zbus::proxy(interface = "org.lodge.Lodge1.Domain", default_service = "org.lodge.Lodge1")]
pub trait Domain {
    /// Unique in this instance.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> Result<String>;

    /// In lower case with dashes.
    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> Result<String>;

    /// The number of this run; 0 while shut off.
    #[zbus(property)]
    fn id(&self) -> Result<u32>;

    /// The Name of its hypervisor.
    #[zbus(property)]
    fn hypervisor(&self) -> Result<String>;

    /// The domain document's type attribute.
    #[zbus(property, name = "Type")]
    fn type_(&self) -> Result<String>;

    /// What it does at present.
    #[zbus(property)]
    fn state(&self) -> Result<State>;

    /// How it got into State.
    #[zbus(property)]
    fn state_reason(&self) -> Result<StateReason>;

    /// A short title for people.
    #[zbus(property)]
    fn title(&self) -> Result<String>;

    /// A longer text for people.
    #[zbus(property)]
    fn description(&self) -> Result<String>;

    /// Whether it has a stored definition.
    #[zbus(property)]
    fn persistent(&self) -> Result<bool>;

    /// Whether it starts with the service.
    #[zbus(property)]
    fn autostart(&self) -> Result<bool>;

    /// Sets [`Self::autostart`].
    #[zbus(property)]
    fn set_autostart(&self, autostart: bool) -> Result<()>;

    /// The memory the guest has in bytes.
    #[zbus(property)]
    fn memory(&self) -> Result<u64>;

    /// The most memory the guest can have in bytes, until its next start.
    #[zbus(property)]
    fn max_memory(&self) -> Result<u64>;

    /// The virtual processors the guest has.
    #[zbus(property)]
    fn vcpus(&self) -> Result<u32>;

    /// The most virtual processors the guest can have, until its next start.
    #[zbus(property)]
    fn max_vcpus(&self) -> Result<u32>;

    /// The guest's architecture.
    #[zbus(property)]
    fn arch(&self) -> Result<String>;

    /// The full name of the machine type.
    #[zbus(property)]
    fn machine(&self) -> Result<String>;

    /// The labels that confine the running guest, as pairs of security model and label.
    #[zbus(property)]
    fn security_labels(&self) -> Result<Vec<(String, String)>>;

    /// The displays, in the order of the definition.
    #[zbus(property)]
    fn graphics(&self) -> Result<Vec<Dictionary>>;

    /// Whether the guest runs with something other than its stored definition, so that its next start differs.
    #[zbus(property)]
    fn pending_changes(&self) -> Result<bool>;

    /// What the definition says that was kept but not understood.
    #[zbus(property)]
    fn warnings(&self) -> Result<Vec<String>>;

    /// Starts the guest.
    #[zbus(allow_interactive_auth)]
    fn start(&self, options: &StartOptions) -> Result<OwnedObjectPath>;

    /// Asks the guest to power off and answers when it was asked.
    #[zbus(allow_interactive_auth)]
    fn shutdown(&self, options: &ShutdownOptions) -> Result<()>;

    /// Asks the guest to restart in good order and answers when it was asked.
    #[zbus(allow_interactive_auth)]
    fn reboot(&self, options: &ShutdownOptions) -> Result<()>;

    /// Presses the reset button.
    #[zbus(allow_interactive_auth)]
    fn reset(&self, options: &NoOptions) -> Result<()>;

    /// Pulls the plug.
    #[zbus(allow_interactive_auth)]
    fn destroy(&self, options: &DestroyOptions) -> Result<()>;

    /// Stops the guest's processors.
    #[zbus(allow_interactive_auth)]
    fn suspend(&self, options: &NoOptions) -> Result<()>;

    /// Lets the processors of a paused guest go on.
    #[zbus(allow_interactive_auth)]
    fn resume(&self, options: &NoOptions) -> Result<()>;

    /// Removes the definition with its autostart mark, its firmware variables and its TPM state.
    #[zbus(allow_interactive_auth)]
    fn undefine(&self, options: &UndefineOptions) -> Result<()>;

    /// Gives a domain that is shut off another name.
    #[zbus(allow_interactive_auth)]
    fn rename(&self, name: &str, options: &NoOptions) -> Result<OwnedObjectPath>;

    /// The whole truth about the domain.
    #[zbus(allow_interactive_auth)]
    fn get_xml(&self, options: &XmlOptions) -> Result<String>;

    /// Changes how much memory the guest has.
    #[zbus(allow_interactive_auth)]
    fn set_memory(&self, bytes: u64, options: &ChangeOptions) -> Result<()>;

    /// Changes the limit in the definition.
    #[zbus(allow_interactive_auth)]
    fn set_max_memory(&self, bytes: u64, options: &NoOptions) -> Result<()>;

    /// Changes how many virtual processors the guest has.
    #[zbus(allow_interactive_auth)]
    fn set_vcpus(&self, count: u32, options: &ChangeOptions) -> Result<()>;

    /// Changes the limit in the definition.
    #[zbus(allow_interactive_auth)]
    fn set_max_vcpus(&self, count: u32, options: &NoOptions) -> Result<()>;

    /// Changes Title.
    #[zbus(allow_interactive_auth)]
    fn set_title(&self, title: &str, options: &ChangeOptions) -> Result<()>;

    /// Changes Description.
    #[zbus(allow_interactive_auth)]
    fn set_description(&self, description: &str, options: &ChangeOptions) -> Result<()>;

    /// Replaces an application's element in the domain's metadata.
    #[zbus(allow_interactive_auth)]
    fn set_metadata(&self, uri: &str, prefix: &str, xml: &str, options: &ChangeOptions) -> Result<()>;

    /// An application's element in the domain's metadata.
    #[zbus(allow_interactive_auth)]
    fn get_metadata(&self, uri: &str, options: &MetadataOptions) -> Result<String>;

    /// Opens a text console of the running guest.
    #[zbus(allow_interactive_auth)]
    fn open_console(&self, device: &str, options: &ConsoleOptions) -> Result<OwnedFd>;

    /// The addresses of the guest's interfaces.
    #[zbus(allow_interactive_auth)]
    fn get_interface_addresses(&self, options: &AddressOptions) -> Result<Vec<Dictionary>>;

    /// GetXml with that "inactive" now returns something else.
    #[zbus(signal)]
    fn xml_changed(&self, inactive: bool) -> Result<()>;

    /// The guest was reset.
    #[zbus(signal)]
    fn rebooted(&self) -> Result<()>;

    /// The guest's own kernel reported that it crashed.
    #[zbus(signal)]
    fn guest_panicked(&self, action: PanicAction, message: &str) -> Result<()>;

    /// The guest did not tend its watchdog in time.
    #[zbus(signal)]
    fn watchdog_fired(&self, action: WatchdogAction) -> Result<()>;

    /// A disk of the guest could not be read or written on the host.
    #[zbus(signal)]
    fn io_error(&self, device: &str, operation: IoOperation, reason: IoErrorReason, action: IoErrorAction, message: &str) -> Result<()>;

    /// The guest let go of a device, and it is gone from the machine.
    #[zbus(signal)]
    fn device_removed(&self, device: &str) -> Result<()>;
}
