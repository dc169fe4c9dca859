//! `org.lodge.Lodge1.NodeDevice`: a device of the host.

use std::sync::Arc;

use lodge_dbus_interfaces::Result;
use lodge_dbus_interfaces::options::{DetachOptions, NoOptions, Received, ResetOptions};
use zbus::message::Header;
use zbus::{Connection, fdo};

use super::Shared;
use super::guarded::Guarded;
use super::properties::iommu_group;
use super::published::Placed;
use crate::authorization::{Action, Details, Grant, Subject};
use crate::node_devices::{Detaching, DeviceView};

/// One device.
pub struct NodeDeviceObject {
    name: String,
    shared: Arc<Shared>,
}

impl NodeDeviceObject {
    fn view(&self) -> fdo::Result<Arc<DeviceView>> {
        self.shared.devices.view(&self.name).map_err(|error| fdo::Error::UnknownObject(error.to_string()))
    }

    async fn authorize(&self, header: &Header<'_>, connection: &Connection, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(header, connection, action, self.details(verb)).await?)
    }
}

impl Placed for DeviceView {
    type Object = NodeDeviceObject;
    const VIEW: Action = Action::DeviceView;

    fn object(&self, shared: Arc<Shared>) -> NodeDeviceObject {
        NodeDeviceObject { name: self.name.clone(), shared }
    }

    fn subject(&self) -> Subject {
        self.subject()
    }
}

impl Guarded for NodeDeviceObject {
    fn view_action(&self) -> Action {
        Action::DeviceView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, Subject::Device(self.name.clone()))
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.NodeDevice", introspection_docs = false)]
impl NodeDeviceObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.name.clone()
    }

    #[zbus(property)]
    fn parent(&self) -> fdo::Result<String> {
        Ok(self.view()?.parent.clone())
    }

    #[zbus(property)]
    fn capabilities(&self) -> fdo::Result<Vec<String>> {
        Ok(self.view()?.capabilities.clone())
    }

    #[zbus(property)]
    fn path(&self) -> fdo::Result<String> {
        Ok(self.view()?.path.clone())
    }

    #[zbus(property)]
    fn device_files(&self) -> fdo::Result<Vec<String>> {
        Ok(self.view()?.files.clone())
    }

    #[zbus(property)]
    fn driver(&self) -> fdo::Result<String> {
        Ok(self.view()?.driver.clone())
    }

    #[zbus(property)]
    fn vendor(&self) -> fdo::Result<String> {
        Ok(self.view()?.vendor.clone())
    }

    #[zbus(property)]
    fn product(&self) -> fdo::Result<String> {
        Ok(self.view()?.product.clone())
    }

    #[zbus(property)]
    fn iommu_group(&self) -> fdo::Result<i32> {
        Ok(iommu_group(&*self.view()?))
    }

    #[zbus(property)]
    fn used_by(&self) -> fdo::Result<String> {
        Ok(self.view()?.used_by.clone())
    }

    #[zbus(out_args("xml"))]
    async fn get_xml(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        NoOptions::read(&options)?;
        self.authorize(&header, connection, Action::DeviceView, "GetXml").await?;
        Ok(self.shared.devices.xml(&self.name).await?)
    }

    async fn detach(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let DetachOptions { driver, force } = DetachOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::DeviceManage, "Detach").await?;
        Ok(self.shared.devices.detach(grant, &self.name, Detaching { driver, force }).await?)
    }

    async fn reattach(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::DeviceManage, "Reattach").await?;
        Ok(self.shared.devices.reattach(grant, &self.name).await?)
    }

    async fn reset(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        let ResetOptions { force } = ResetOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::DeviceManage, "Reset").await?;
        Ok(self.shared.devices.reset(grant, &self.name, force).await?)
    }

    async fn destroy(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::DeviceManage, "Destroy").await?;
        Ok(self.shared.devices.destroy(grant, &self.name).await?)
    }
}
