//! `org.lodge.Lodge1.Secret`: a passphrase or key, what it is for, and its value.

use std::sync::Arc;

use lodge_dbus_interfaces::Result;
use lodge_dbus_interfaces::options::{NoOptions, Received};
use uuid::Uuid;
use zbus::message::Header;
use zbus::{Connection, fdo};
use zeroize::Zeroizing;

use super::Shared;
use super::guarded::Guarded;
use super::published::Placed;
use crate::authorization::{Action, Details, Grant, Subject};
use crate::secrets::SecretView;

/// One secret.
pub struct SecretObject {
    uuid: Uuid,
    shared: Arc<Shared>,
}

impl SecretObject {
    fn view(&self) -> fdo::Result<Arc<SecretView>> {
        self.shared.secrets.view(self.uuid).map_err(|error| fdo::Error::UnknownObject(error.to_string()))
    }

    async fn authorize(&self, header: &Header<'_>, connection: &Connection, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(header, connection, action, self.details(verb)).await?)
    }
}

impl Placed for SecretView {
    type Object = SecretObject;
    const VIEW: Action = Action::SecretView;

    fn object(&self, shared: Arc<Shared>) -> SecretObject {
        SecretObject { uuid: self.uuid, shared }
    }

    fn subject(&self) -> Subject {
        Subject::Secret(self.uuid)
    }
}

impl Guarded for SecretObject {
    fn view_action(&self) -> Action {
        Action::SecretView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, Subject::Secret(self.uuid))
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.Secret", introspection_docs = false)]
impl SecretObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> String {
        self.uuid.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn usage(&self) -> fdo::Result<String> {
        Ok(self.view()?.usage.clone())
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn usage_id(&self) -> fdo::Result<String> {
        Ok(self.view()?.usage_id.clone())
    }

    #[zbus(property)]
    fn description(&self) -> fdo::Result<String> {
        Ok(self.view()?.description.clone())
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn ephemeral(&self) -> fdo::Result<bool> {
        Ok(self.view()?.ephemeral)
    }

    #[zbus(property)]
    fn private(&self) -> fdo::Result<bool> {
        Ok(self.view()?.private)
    }

    #[zbus(property)]
    fn has_value(&self) -> fdo::Result<bool> {
        Ok(self.view()?.has_value)
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
        NoOptions::read(&options)?;
        self.authorize(&header, connection, Action::SecretView, "GetXml").await?;
        Ok(self.shared.secrets.view(self.uuid)?.definition.to_string())
    }

    async fn set_value(
        &self,
        value: Vec<u8>,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let value = Zeroizing::new(value);
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::SecretDefine, "SetValue").await?;
        Ok(self.shared.secrets.set_value(grant, self.uuid, value).await?)
    }

    #[zbus(out_args("value"))]
    async fn get_value(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<u8>> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::SecretRead, "GetValue").await?;
        // The bus keeps copies of what goes over it in any case.
        Ok(self.shared.secrets.value(grant, self.uuid).await?.to_vec())
    }

    async fn undefine(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::SecretDefine, "Undefine").await?;
        Ok(self.shared.secrets.undefine(grant, self.uuid).await?)
    }
}
