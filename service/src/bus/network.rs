//! `org.lodge.Lodge1.Network`: one virtual network.

use std::sync::Arc;

use lodge_dbus_interfaces::options::{Dictionary, InactiveOptions, NetworkUpdateOptions, NoOptions, Received};
use lodge_dbus_interfaces::{Error, Result};
use uuid::Uuid;
use zbus::message::Header;
use zbus::{Connection, fdo};

use super::guarded::Guarded;
use super::published::Placed;
use super::{Call, Shared, convert};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::ErrorKind;
use crate::networks::{NetworkHandle, NetworkView, Request, Update};
use crate::scope::Scope;

/// One network.
pub struct NetworkObject {
    name: String,
    uuid: Uuid,
    shared: Arc<Shared>,
}

impl NetworkObject {
    /// The network, which may just have vanished.
    fn network(&self) -> crate::error::Result<NetworkHandle> {
        let gone = || crate::error::Error::new(ErrorKind::NotFound, format!("network '{}' no longer exists", self.name));
        self.shared.networks.registry.by_uuid(self.uuid).ok_or_else(gone)
    }

    fn view(&self) -> fdo::Result<Arc<NetworkView>> {
        self.network().map(|network| network.view()).map_err(|error| fdo::Error::UnknownObject(error.to_string()))
    }

    async fn authorize(&self, (header, connection): &Call<'_>, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(header, connection, action, self.details(verb)).await?)
    }

    async fn request(&self, call: Call<'_>, verb: &'static str, request: Request) -> Result<()> {
        let grant = self.authorize(&call, request.action(), verb).await?;
        Ok(self.network()?.request(grant, request).await?)
    }
}

impl Placed for NetworkView {
    type Object = NetworkObject;
    const VIEW: Action = Action::NetworkView;

    fn object(&self, shared: Arc<Shared>) -> NetworkObject {
        NetworkObject { name: self.name.clone(), uuid: self.uuid, shared }
    }

    fn subject(&self) -> Subject {
        Subject::Network(self.name.clone())
    }
}

impl Guarded for NetworkObject {
    fn view_action(&self) -> Action {
        Action::NetworkView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, Subject::Network(self.name.clone()))
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.Network", introspection_docs = false)]
impl NetworkObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.name.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> String {
        self.uuid.to_string()
    }

    #[zbus(property)]
    fn active(&self) -> fdo::Result<bool> {
        Ok(self.view()?.active)
    }

    #[zbus(property)]
    fn persistent(&self) -> fdo::Result<bool> {
        Ok(self.view()?.persistent)
    }

    #[zbus(property)]
    fn autostart(&self) -> fdo::Result<bool> {
        Ok(self.view()?.autostart)
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
    fn mode(&self) -> fdo::Result<String> {
        Ok(self.view()?.facts.mode.clone())
    }

    #[zbus(property)]
    fn bridge(&self) -> fdo::Result<String> {
        Ok(self.view()?.facts.bridge.clone())
    }

    #[zbus(property)]
    fn domain(&self) -> fdo::Result<String> {
        Ok(self.view()?.facts.domain.clone())
    }

    #[zbus(property)]
    fn addresses(&self) -> fdo::Result<Vec<String>> {
        Ok(self.view()?.facts.addresses.clone())
    }

    #[zbus(property)]
    fn title(&self) -> fdo::Result<String> {
        Ok(self.view()?.facts.title.clone())
    }

    #[zbus(property)]
    fn description(&self) -> fdo::Result<String> {
        Ok(self.view()?.facts.description.clone())
    }

    #[zbus(property)]
    fn connections(&self) -> fdo::Result<u32> {
        Ok(self.view()?.connections)
    }

    #[zbus(property)]
    fn pending_changes(&self) -> fdo::Result<bool> {
        Ok(self.view()?.pending_changes)
    }

    #[zbus(property)]
    fn warnings(&self) -> fdo::Result<Vec<String>> {
        Ok(self.view()?.warnings.clone())
    }

    #[zbus(out_args("xml"))]
    async fn get_xml(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        let InactiveOptions { inactive } = InactiveOptions::read(&options)?;
        self.authorize(&(header, connection), Action::NetworkView, "GetXml").await?;
        let view = self.network()?.view();
        match (inactive, &view.definition) {
            (false, _) => Ok(view.document().to_owned()),
            (true, Some(definition)) => Ok(definition.to_string()),
            (true, None) => {
                let message = format!("network '{}' has no stored definition: it is gone when it is stopped", view.name);
                Err(crate::error::Error::new(ErrorKind::InvalidState, message).into())
            }
        }
    }

    async fn start(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Start", Request::Start).await
    }

    async fn destroy(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Destroy", Request::Destroy).await
    }

    async fn undefine(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        self.request((header, connection), "Undefine", Request::Undefine).await
    }

    async fn update(
        &self,
        command: &str,
        section: &str,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let NetworkUpdateOptions { live, config, parent } = NetworkUpdateOptions::read(&options)?;
        let parent = parent.and_then(|index| usize::try_from(index).ok());
        let update = Box::new(Update::read(command, section, parent, xml)?);
        self.request((header, connection), "Update", Request::Update(update, Scope::from_options(live, config))).await
    }

    #[zbus(out_args("leases"))]
    async fn get_leases(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<Dictionary>> {
        NoOptions::read(&options)?;
        self.authorize(&(header, connection), Action::NetworkView, "GetLeases").await?;
        let leases = self.shared.networks.leases(self.uuid).await?;
        Ok(leases.into_iter().map(convert::lease).collect())
    }
}
