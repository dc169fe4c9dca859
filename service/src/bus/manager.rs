//! `org.lodge.Lodge1.Manager`: what this instance is, and how domains come into being.

use std::sync::Arc;

use lodge_dbus_interfaces::options::{CreateOptions, CreatePoolOptions, DefineOptions, NoOptions, Received};
use lodge_dbus_interfaces::{Error, Result, paths};
use lodge_model::document::Document as _;
use lodge_model::native::Written;
use lodge_model::storage_pool::{PoolSource, PoolType};
use lodge_model::xml::Value as _;
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath};

use super::guarded::Guarded;
use super::published::Published as _;
use super::{Shared, convert};
use crate::authorization::{Action, Details};
use crate::domains::{Draft, Engine, native};
use crate::{networks, node_devices, secrets, storage};

/// The manager at the root.
pub struct ManagerObject {
    shared: Arc<Shared>,
}

impl ManagerObject {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Guarded for ManagerObject {
    fn view_action(&self) -> Action {
        Action::HypervisorView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::of_verb(verb)
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.Manager", introspection_docs = false)]
impl ManagerObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn instance_kind(&self) -> String {
        self.shared.kind.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn hypervisors(&self) -> Vec<OwnedObjectPath> {
        self.shared.engine.drivers().iter().map(|driver| paths::hypervisor(driver.name())).collect()
    }

    #[zbus(out_args("domain", "warnings"))]
    async fn define_domain(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let options = DefineOptions::read(&options)?;
        let draft = Engine::read(xml)?;
        let details = self.shared.engine.details("DefineDomain", &draft);
        let grant = self.shared.authorize(&header, connection, Action::DomainDefine, details).await?;
        let defined = self.shared.engine.define(grant, draft, options.new).await?;
        Ok((paths::domain(&defined.domain.view().name), defined.warnings))
    }

    #[zbus(out_args("domain", "warnings"))]
    async fn create_domain(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let options = CreateOptions::read(&options)?;
        let draft = Engine::read(xml)?;
        let details = self.shared.engine.details("CreateDomain", &draft);
        let define = self.shared.authorize(&header, connection, Action::DomainDefine, details.clone()).await?;
        let start = self.shared.authorize(&header, connection, Action::DomainManage, details).await?;
        let defined = self.shared.engine.create(define, start, draft, options.paused).await?;
        Ok((paths::domain(&defined.domain.view().name), defined.warnings))
    }

    #[zbus(out_args("normalized", "warnings"))]
    async fn validate_domain(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(String, Vec<String>)> {
        NoOptions::read(&options)?;
        let draft = Engine::read(xml)?;
        let details = self.shared.engine.details("ValidateDomain", &draft);
        self.shared.authorize(&header, connection, Action::HypervisorView, details).await?;
        let draft = self.shared.engine.validate(draft).await?;
        Ok((draft.domain.to_xml(), draft.warnings))
    }

    #[zbus(out_args("xml", "warnings"))]
    async fn domain_from_native(
        &self,
        format: &str,
        config: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(String, Vec<String>)> {
        NoOptions::read(&options)?;
        let details = Details::of_verb("DomainFromNative");
        self.shared.authorize(&header, connection, Action::HypervisorView, details).await?;
        let Draft { domain, warnings } = native::read(format, config)?;
        Ok((domain.to_xml(), warnings))
    }

    #[zbus(out_args("config", "warnings"))]
    async fn domain_to_native(
        &self,
        format: &str,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(String, Vec<String>)> {
        NoOptions::read(&options)?;
        let draft = Engine::read(xml)?;
        let details = self.shared.engine.details("DomainToNative", &draft);
        self.shared.authorize(&header, connection, Action::HypervisorView, details).await?;
        let Written { text, warnings } = self.shared.engine.to_native(format, draft).await?;
        Ok((text, warnings))
    }

    #[zbus(out_args("xml"))]
    async fn get_capabilities(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        NoOptions::read(&options)?;
        let details = Details::of_verb("GetCapabilities");
        self.shared.authorize(&header, connection, Action::HypervisorView, details).await?;
        Ok(self.shared.engine.capabilities().await?.to_xml())
    }

    #[zbus(out_args("domain"))]
    async fn get_domain(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.engine.registry.find(name);
        // That there is none is told only to those who may see all.
        let details = match &found {
            Ok(domain) => domain.view().details("GetDomain"),
            Err(_) => Details::of_verb("GetDomain"),
        };
        self.shared.authorize(&header, connection, Action::DomainView, details).await?;
        Ok(paths::domain(&found?.view().name))
    }

    #[zbus(out_args("network", "warnings"))]
    async fn define_network(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let options = DefineOptions::read(&options)?;
        let draft = networks::Draft::read(xml)?;
        let details = draft.details("DefineNetwork");
        let grant = self.shared.authorize(&header, connection, Action::NetworkDefine, details).await?;
        let view = self.shared.networks.define(grant, draft, options.new).await?.view();
        Ok((view.path(), view.warnings.clone()))
    }

    #[zbus(out_args("network", "warnings"))]
    async fn create_network(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        NoOptions::read(&options)?;
        let draft = networks::Draft::read(xml)?;
        let details = draft.details("CreateNetwork");
        let define = self.shared.authorize(&header, connection, Action::NetworkDefine, details.clone()).await?;
        let start = self.shared.authorize(&header, connection, Action::NetworkManage, details).await?;
        let view = self.shared.networks.create(define, start, draft).await?.view();
        Ok((view.path(), view.warnings.clone()))
    }

    #[zbus(out_args("network"))]
    async fn get_network(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.networks.registry.find(name).map(|network| network.view());
        self.shared.authorize_finding(&header, connection, "GetNetwork", found.as_deref().ok()).await?;
        Ok(found?.path())
    }

    #[zbus(out_args("secret", "warnings"))]
    async fn define_secret(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let options = DefineOptions::read(&options)?;
        let draft = secrets::Draft::read(xml)?;
        let details = self.shared.secrets.details("DefineSecret", &draft);
        let grant = self.shared.authorize(&header, connection, Action::SecretDefine, details).await?;
        let view = self.shared.secrets.define(grant, draft, options.new).await?;
        Ok((view.path(), view.warnings.clone()))
    }

    #[zbus(out_args("xml"))]
    async fn get_pool_capabilities(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        NoOptions::read(&options)?;
        self.shared.authorize(&header, connection, Action::HypervisorView, Details::of_verb("GetPoolCapabilities")).await?;
        Ok(storage::capabilities().to_xml())
    }

    #[zbus(out_args("xml"))]
    async fn find_pool_sources(
        &self,
        kind: &str,
        source: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        NoOptions::read(&options)?;
        let grant = self.shared.authorize(&header, connection, Action::PoolDefine, Details::of_verb("FindPoolSources")).await?;
        let kind = PoolType::parse(kind).ok_or_else(|| Error::InvalidArgument(format!("there are no pools of the type '{kind}'")))?;
        let place = if source.is_empty() { PoolSource::default() } else { PoolSource::parse(source).map_err(crate::error::Error::from)?.0 };
        Ok(self.shared.storage.find_sources(grant, kind, &place).await?.to_xml())
    }

    #[zbus(out_args("pool", "warnings"))]
    async fn define_pool(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let options = DefineOptions::read(&options)?;
        let draft = storage::Draft::read(xml)?;
        let details = self.shared.storage.details("DefinePool", &draft);
        let grant = self.shared.authorize(&header, connection, Action::PoolDefine, details).await?;
        let (pool, warnings) = self.shared.storage.define(grant, draft, options.new).await?;
        Ok((pool.view().path(), warnings))
    }

    #[zbus(out_args("pool", "warnings"))]
    async fn create_pool(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        let CreatePoolOptions { build, overwrite } = CreatePoolOptions::read(&options)?;
        let draft = storage::Draft::read(xml)?;
        let details = self.shared.storage.details("CreatePool", &draft);
        let define = self.shared.authorize(&header, connection, Action::PoolDefine, details.clone()).await?;
        let start = self.shared.authorize(&header, connection, Action::PoolManage, details).await?;
        let build = build.then(|| convert::overwrite(&overwrite));
        let (pool, warnings) = self.shared.storage.create(define, start, draft, build).await?;
        Ok((pool.view().path(), warnings))
    }

    #[zbus(out_args("pool"))]
    async fn get_pool(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.storage.registry.find(name).map(|pool| pool.view());
        self.shared.authorize_finding(&header, connection, "GetPool", found.as_deref().ok()).await?;
        Ok(found?.path())
    }

    #[zbus(out_args("volume"))]
    async fn get_volume(
        &self,
        path_or_key: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.storage.registry.volume(path_or_key);
        self.shared.authorize_finding(&header, connection, "GetVolume", found.as_deref().ok()).await?;
        Ok(found?.path())
    }

    #[zbus(out_args("secret"))]
    async fn get_secret(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.secrets.find(name);
        self.shared.authorize_finding(&header, connection, "GetSecret", found.as_deref().ok()).await?;
        Ok(found?.path())
    }

    #[zbus(out_args("device"))]
    async fn get_device(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.shared.devices.find(name);
        self.shared.authorize_finding(&header, connection, "GetDevice", found.as_deref().ok()).await?;
        Ok(found?.path())
    }

    #[zbus(out_args("device", "warnings"))]
    async fn create_device(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, Vec<String>)> {
        NoOptions::read(&options)?;
        let draft = node_devices::Draft::read(xml)?;
        let details = self.shared.devices.details("CreateDevice", &draft);
        let grant = self.shared.authorize(&header, connection, Action::DeviceManage, details).await?;
        let warnings = draft.warnings.clone();
        let view = self.shared.devices.create(grant, draft).await?;
        Ok((paths::device(&view.name), warnings))
    }
}
