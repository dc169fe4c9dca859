//! `org.lodge.Lodge1.Domain`: one domain.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_dbus_interfaces::options::{
    AddressOptions, ChangeOptions, ConsoleOptions, DestroyOptions, Dictionary, MetadataOptions, NoOptions, Received, ShutdownOptions,
    StartOptions, UndefineOptions, XmlOptions,
};
use lodge_dbus_interfaces::types::ShutdownMode as WireMode;
use lodge_dbus_interfaces::{Error, Result, paths};
use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedFd, OwnedObjectPath, OwnedVariant};

use super::guarded::Guarded;
use super::{Call, Shared, convert};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::domains::{self, AddressSource, DomainHandle, DomainView, Edit, Request, Undefine};
use crate::hypervisors::ShutdownMode;
use crate::scope::Scope;

/// One domain.
pub struct DomainObject {
    domain: DomainHandle,
    shared: Arc<Shared>,
}

impl DomainObject {
    pub fn new(domain: DomainHandle, shared: Arc<Shared>) -> Self {
        Self { domain, shared }
    }

    fn view(&self) -> Arc<DomainView> {
        self.domain.view()
    }

    async fn authorize(&self, call: Call<'_>, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(&call.0, call.1, action, self.view().details(verb)).await?)
    }

    /// Authorizes a request and sends it to the domain.
    async fn request(&self, call: Call<'_>, verb: &'static str, request: Request) -> Result<()> {
        let grant = self.authorize(call, request.action(), verb).await?;
        Ok(self.domain.request(grant, request).await?)
    }

    /// Authorizes a change of the document and sends it to the domain.
    async fn edit(&self, call: Call<'_>, options: &Received, verb: &'static str, edit: Edit) -> Result<()> {
        let ChangeOptions { live, config } = ChangeOptions::read(options)?;
        self.request(call, verb, Request::Edit(edit, Scope::from_options(live, config))).await
    }

    /// The document of the running guest, or the definition.
    fn document(&self, inactive: bool) -> Result<Arc<str>> {
        let view = self.view();
        let document = if inactive { view.definition.clone() } else { view.live.clone().or_else(|| view.definition.clone()) };
        document.ok_or_else(|| Error::InvalidState(format!("domain '{}' is transient: it has no stored definition", view.name)))
    }
}

impl Guarded for DomainObject {
    fn view_action(&self) -> Action {
        Action::DomainView
    }

    fn details(&self, verb: &'static str) -> Details {
        self.view().details(verb)
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.Domain", introspection_docs = false)]
impl DomainObject {
    // Signals come first: busctl of systemd 252 takes their arguments for those of a method before them, and complains.
    #[zbus(signal)]
    pub async fn xml_changed(emitter: &SignalEmitter<'_>, inactive: bool) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn rebooted(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn guest_panicked(emitter: &SignalEmitter<'_>, action: &str, message: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn watchdog_fired(emitter: &SignalEmitter<'_>, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn io_error(
        emitter: &SignalEmitter<'_>,
        device: &str,
        operation: &str,
        reason: &str,
        action: &str,
        message: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    pub async fn device_removed(emitter: &SignalEmitter<'_>, device: &str) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.view().name.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> String {
        self.view().uuid.to_string()
    }

    #[zbus(property)]
    fn id(&self) -> u32 {
        self.view().id
    }

    #[zbus(property)]
    fn hypervisor(&self) -> &'static str {
        self.view().hypervisor
    }

    #[zbus(property, name = "Type")]
    fn kind(&self) -> String {
        self.view().facts.kind.clone()
    }

    #[zbus(property)]
    fn state(&self) -> &'static str {
        self.view().state.as_str()
    }

    #[zbus(property)]
    fn state_reason(&self) -> &'static str {
        self.view().state.reason()
    }

    #[zbus(property)]
    fn title(&self) -> String {
        self.view().facts.title.clone()
    }

    #[zbus(property)]
    fn description(&self) -> String {
        self.view().facts.description.clone()
    }

    #[zbus(property)]
    fn persistent(&self) -> bool {
        self.view().persistent
    }

    #[zbus(property)]
    fn autostart(&self) -> bool {
        self.view().autostart
    }

    #[zbus(property)]
    async fn set_autostart(
        &self,
        on: bool,
        #[zbus(header)] header: Option<Header<'_>>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let header = header.ok_or_else(|| Error::Internal("a property was set without a message".to_owned()))?;
        self.request((header, connection), "SetAutostart", Request::SetAutostart(on)).await
    }

    #[zbus(property)]
    fn memory(&self) -> u64 {
        self.view().facts.memory
    }

    #[zbus(property)]
    fn max_memory(&self) -> u64 {
        self.view().facts.max_memory
    }

    #[zbus(property)]
    fn vcpus(&self) -> u32 {
        self.view().facts.vcpus
    }

    #[zbus(property)]
    fn max_vcpus(&self) -> u32 {
        self.view().facts.max_vcpus
    }

    #[zbus(property)]
    fn arch(&self) -> String {
        self.view().facts.arch.clone()
    }

    #[zbus(property)]
    fn machine(&self) -> String {
        self.view().facts.machine.clone()
    }

    #[zbus(property)]
    fn security_labels(&self) -> Vec<(String, String)> {
        self.view().security_labels.clone()
    }

    #[zbus(property)]
    fn graphics(&self) -> Vec<HashMap<String, OwnedVariant>> {
        convert::graphics(&self.view().facts.graphics)
    }

    #[zbus(property)]
    fn pending_changes(&self) -> bool {
        self.view().pending_changes
    }

    #[zbus(property)]
    fn warnings(&self) -> Vec<String> {
        self.view().warnings.clone()
    }

    #[zbus(out_args("job"))]
    async fn start(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let StartOptions { paused, no_wait } = StartOptions::read(&options)?;
        let grant = self.authorize((header, connection), Action::DomainManage, "Start").await?;
        let job = self.shared.engine.start(self.domain.clone(), grant, paused, !no_wait).await?;
        Ok(paths::job(job.number))
    }

    async fn shutdown(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let mode = mode(&options)?;
        self.request((header, connection), "Shutdown", Request::Shutdown(mode)).await
    }

    async fn reboot(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let mode = mode(&options)?;
        self.request((header, connection), "Reboot", Request::Reboot(mode)).await
    }

    async fn reset(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Reset", Request::Reset).await
    }

    async fn destroy(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let DestroyOptions { graceful } = DestroyOptions::read(&options)?;
        self.request((header, connection), "Destroy", Request::Destroy { graceful }).await
    }

    async fn suspend(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Suspend", Request::Suspend).await
    }

    async fn resume(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Resume", Request::Resume).await
    }

    async fn undefine(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let UndefineOptions { keep_nvram, keep_tpm } = UndefineOptions::read(&options)?;
        self.request((header, connection), "Undefine", Request::Undefine(Undefine { keep_nvram, keep_tpm })).await
    }

    #[zbus(out_args("domain"))]
    async fn rename(
        &self,
        name: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        NoOptions::read(&options)?;
        let call = (header, connection);
        let grant = self.authorize(call.clone(), Action::DomainDefine, "Rename").await?;
        // Under its new name, too: who may change one domain does not thereby own the names of others.
        let renamed = Details { subject: Some(Subject::Domain(name.to_owned())), ..self.view().details("Rename") };
        self.shared.authorize(&call.0, call.1, Action::DomainDefine, renamed).await?;
        self.shared.engine.rename(&self.domain, grant, name).await?;
        Ok(paths::domain(name))
    }

    #[zbus(out_args("xml"))]
    async fn get_xml(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        let XmlOptions { inactive, secure } = XmlOptions::read(&options)?;
        let action = if secure { Action::DomainDefine } else { Action::DomainView };
        self.authorize((header, connection), action, "GetXml").await?;
        let xml = self.document(inactive)?;
        Ok(if secure { xml.to_string() } else { domains::without_secrets(&xml)?.into_owned() })
    }

    async fn set_memory(
        &self,
        bytes: u64,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        self.edit((header, connection), &options, "SetMemory", Edit::Memory(bytes)).await
    }

    async fn set_max_memory(
        &self,
        bytes: u64,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "SetMaxMemory", Request::Edit(Edit::MaxMemory(bytes), Scope::Config)).await
    }

    async fn set_vcpus(
        &self,
        count: u32,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        self.edit((header, connection), &options, "SetVcpus", Edit::Vcpus(count)).await
    }

    async fn set_max_vcpus(
        &self,
        count: u32,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "SetMaxVcpus", Request::Edit(Edit::MaxVcpus(count), Scope::Config)).await
    }

    async fn set_title(
        &self,
        title: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        self.edit((header, connection), &options, "SetTitle", Edit::Title(title.to_owned())).await
    }

    async fn set_description(
        &self,
        description: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        self.edit((header, connection), &options, "SetDescription", Edit::Description(description.to_owned())).await
    }

    async fn set_metadata(
        &self,
        uri: &str,
        prefix: &str,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let edit = Edit::Metadata { uri: uri.to_owned(), prefix: prefix.to_owned(), xml: xml.to_owned() };
        self.edit((header, connection), &options, "SetMetadata", edit).await
    }

    #[zbus(out_args("xml"))]
    async fn get_metadata(
        &self,
        uri: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        let MetadataOptions { inactive } = MetadataOptions::read(&options)?;
        self.authorize((header, connection), Action::DomainView, "GetMetadata").await?;
        let (domain, _) = Domain::parse(&self.document(inactive)?).map_err(crate::error::Error::from)?;
        Ok(domains::metadata(&domain, uri)?)
    }

    #[zbus(out_args("stream"))]
    async fn open_console(
        &self,
        device: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedFd> {
        let ConsoleOptions { no_replay } = ConsoleOptions::read(&options)?;
        let grant = self.authorize((header, connection), Action::DomainConsole, "OpenConsole").await?;
        let view = self.view();
        if !view.state.is_active() {
            return Err(Error::InvalidState(format!("domain '{}' has no console now: it is shut off; start it first", view.name)));
        }
        let stream = view.consoles.open(grant, device, !no_replay)?;
        Ok(stream.into())
    }

    #[zbus(out_args("interfaces"))]
    async fn get_interface_addresses(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<Dictionary>> {
        let AddressOptions { source } = AddressOptions::read(&options)?;
        let source = address_source(&source)?;
        // A guest is asked by who may do something to it only: it notices.
        let action = if source == AddressSource::Agent { Action::DomainManage } else { Action::DomainView };
        self.authorize((header, connection), action, "GetInterfaceAddresses").await?;
        let found = self.shared.engine.interface_addresses(&self.view(), source).await?;
        Ok(found.into_iter().map(convert::interface_addresses).collect())
    }
}

fn mode(options: &Received) -> Result<ShutdownMode> {
    Ok(match ShutdownOptions::read(options)?.mode {
        WireMode::Acpi => ShutdownMode::Acpi,
        WireMode::Agent => ShutdownMode::Agent,
        _ => ShutdownMode::Auto,
    })
}

/// Where addresses are to be known from.
fn address_source(word: &str) -> Result<AddressSource> {
    match word {
        "" | "lease" => Ok(AddressSource::Lease),
        "arp" => Ok(AddressSource::Arp),
        "agent" => Ok(AddressSource::Agent),
        other => Err(Error::InvalidOption(format!("option \"source\" must be one of the words lease, arp, agent (s), not \"{other}\""))),
    }
}
