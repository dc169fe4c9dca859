//! `org.lodge.Lodge1.StorageVolume`: an image, partition or unit of a pool, and what is done with it.

use std::sync::Arc;

use lodge_dbus_interfaces::options::{Dictionary, NoOptions, Received, ResizeOptions, TransferOptions, WipeOptions};
use lodge_dbus_interfaces::{Result, paths};
use lodge_model::document::Document as _;
use zbus::message::Header;
use zbus::{Connection, OwnedFd, OwnedObjectPath, fdo};

use super::guarded::Guarded;
use super::published::{Placed, Published as _};
use super::{Shared, convert};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::storage::{PoolHandle, Range, ResizeVolume, Resizing, Volume, VolumeView, stream};

/// One volume.
pub struct StorageVolumeObject {
    pool: String,
    name: String,
    shared: Arc<Shared>,
}

impl StorageVolumeObject {
    fn pool_handle(&self) -> Result<PoolHandle> {
        Ok(self.shared.storage.registry.find(&self.pool)?)
    }

    fn volume(&self) -> fdo::Result<Arc<Volume>> {
        let found = self.shared.storage.registry.find(&self.pool).and_then(|pool| pool.volume(&self.name));
        found.map_err(|error| fdo::Error::UnknownObject(error.to_string()))
    }

    fn subject(&self) -> Subject {
        Subject::StorageVolume { pool: self.pool.clone(), volume: self.name.clone() }
    }

    async fn authorize(&self, header: &Header<'_>, connection: &Connection, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(header, connection, action, self.details(verb)).await?)
    }
}

impl Placed for VolumeView {
    type Object = StorageVolumeObject;
    const VIEW: Action = Action::VolumeView;

    fn object(&self, shared: Arc<Shared>) -> StorageVolumeObject {
        StorageVolumeObject { pool: self.pool.clone(), name: self.volume.name.clone(), shared }
    }

    fn subject(&self) -> Subject {
        Subject::StorageVolume { pool: self.pool.clone(), volume: self.volume.name.clone() }
    }
}

impl Guarded for StorageVolumeObject {
    fn view_action(&self) -> Action {
        Action::VolumeView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, self.subject())
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.StorageVolume", introspection_docs = false)]
impl StorageVolumeObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.name.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn pool(&self) -> OwnedObjectPath {
        paths::pool(&self.pool)
    }

    #[zbus(property)]
    fn key(&self) -> fdo::Result<String> {
        Ok(self.volume()?.key.clone())
    }

    #[zbus(property)]
    fn path(&self) -> fdo::Result<String> {
        Ok(self.volume()?.path.clone())
    }

    #[zbus(property, name = "Type")]
    fn kind(&self) -> fdo::Result<String> {
        Ok(self.volume()?.kind.to_string())
    }

    #[zbus(property)]
    fn format(&self) -> fdo::Result<String> {
        Ok(self.volume()?.format.to_string())
    }

    #[zbus(property)]
    fn capacity(&self) -> fdo::Result<u64> {
        Ok(self.volume()?.capacity)
    }

    #[zbus(property)]
    fn allocation(&self) -> fdo::Result<u64> {
        Ok(self.volume()?.allocation)
    }

    #[zbus(property)]
    fn physical(&self) -> fdo::Result<u64> {
        Ok(self.volume()?.physical)
    }

    #[zbus(property)]
    fn backing_path(&self) -> fdo::Result<String> {
        Ok(self.volume()?.backing.as_ref().map(|backing| backing.path.clone()).unwrap_or_default())
    }

    #[zbus(property)]
    fn encrypted(&self) -> fdo::Result<bool> {
        Ok(self.volume()?.encryption.is_some())
    }

    #[zbus(out_args("xml"))]
    async fn get_xml(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        NoOptions::read(&options)?;
        self.authorize(&header, connection, Action::VolumeView, "GetXml").await?;
        Ok(self.shared.storage.document(&self.pool_handle()?, &self.name)?.to_xml())
    }

    #[zbus(out_args("levels"))]
    async fn get_backing_chain(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<Dictionary>> {
        NoOptions::read(&options)?;
        self.authorize(&header, connection, Action::VolumeView, "GetBackingChain").await?;
        Ok(convert::chain(self.shared.storage.chain(&self.pool_handle()?, &self.name)?))
    }

    #[zbus(out_args("job"))]
    async fn resize(
        &self,
        capacity: u64,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let ResizeOptions { shrink, allocate, no_wait } = ResizeOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::VolumeManage, "Resize").await?;
        let to = ResizeVolume { capacity, how: Resizing { shrink, allocate } };
        Ok(self.shared.storage.resize_volume(&self.pool_handle()?, &self.name, grant, to, !no_wait).await?.path())
    }

    #[zbus(out_args("job"))]
    async fn wipe(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let WipeOptions { algorithm, no_wait } = WipeOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::VolumeManage, "Wipe").await?;
        let algorithm = convert::algorithm(&algorithm);
        Ok(self.shared.storage.wipe_volume(&self.pool_handle()?, &self.name, grant, algorithm, !no_wait).await?.path())
    }

    async fn delete(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::VolumeManage, "Delete").await?;
        Ok(self.shared.storage.delete_volume(&self.pool_handle()?, &self.name, grant).await?)
    }

    #[zbus(out_args("job"))]
    async fn upload(
        &self,
        source: OwnedFd,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let TransferOptions { offset, length, no_wait } = TransferOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::VolumeManage, "Upload").await?;
        let (from, range) = (stream(source.into())?, Range { offset, length });
        Ok(self.shared.storage.upload(&self.pool_handle()?, &self.name, grant, from, range, !no_wait).await?.path())
    }

    #[zbus(out_args("job"))]
    async fn download(
        &self,
        target: OwnedFd,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let TransferOptions { offset, length, no_wait } = TransferOptions::read(&options)?;
        let grant = self.authorize(&header, connection, Action::VolumeManage, "Download").await?;
        let (to, range) = (stream(target.into())?, Range { offset, length });
        Ok(self.shared.storage.download(&self.pool_handle()?, &self.name, grant, to, range, !no_wait).await?.path())
    }
}
