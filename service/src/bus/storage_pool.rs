//! `org.lodge.Lodge1.StoragePool`: a pool, and how its volumes come into being.

use std::sync::Arc;

use lodge_dbus_interfaces::options::{BuildOptions, InactiveOptions, NoOptions, PoolStartOptions, Received, VolumeOptions};
use lodge_dbus_interfaces::{Error, Result, paths};
use zbus::message::Header;
use zbus::{Connection, ObjectPath, OwnedObjectPath, fdo};

use super::guarded::Guarded;
use super::published::{Placed, Published as _};
use super::{Call, Shared, convert};
use crate::authorization::{Action, Details, Grant, Subject};
use crate::storage::{CreateVolume, PoolHandle, SourceVolume, StoragePoolView, VolumeDraft};

/// One pool.
pub struct StoragePoolObject {
    name: String,
    shared: Arc<Shared>,
}

/// What making a volume answers: the volume, the job, what was not understood.
type Made = (OwnedObjectPath, OwnedObjectPath, Vec<String>);

impl StoragePoolObject {
    fn pool(&self) -> Result<PoolHandle> {
        Ok(self.shared.storage.registry.find(&self.name)?)
    }

    fn view(&self) -> fdo::Result<Arc<StoragePoolView>> {
        self.pool().map(|pool| pool.view()).map_err(|error| fdo::Error::UnknownObject(error.to_string()))
    }

    async fn authorize(&self, call: &Call<'_>, action: Action, verb: &'static str) -> Result<Grant> {
        Ok(self.shared.authorize(&call.0, call.1, action, self.details(verb)).await?)
    }

    /// Authorizes making a volume, which is about that volume.
    async fn authorize_volume(&self, call: &Call<'_>, name: &str, verb: &'static str) -> Result<Grant> {
        let details = Details::about(verb, Subject::StorageVolume { pool: self.name.clone(), volume: name.to_owned() });
        Ok(self.shared.authorize(&call.0, call.1, Action::VolumeManage, details).await?)
    }

    async fn make(&self, call: &Call<'_>, verb: &'static str, draft: VolumeDraft, create: CreateVolume, wait: bool) -> Result<Made> {
        let (name, warnings) = (draft.volume.name.clone(), draft.warnings.clone());
        let grant = self.authorize_volume(call, &name, verb).await?;
        let job = self.shared.storage.create_volume(&self.pool()?, grant, draft, create, wait).await?;
        Ok((paths::volume(&self.name, &name), job.path(), warnings))
    }
}

impl Placed for StoragePoolView {
    type Object = StoragePoolObject;
    const VIEW: Action = Action::PoolView;

    fn object(&self, shared: Arc<Shared>) -> StoragePoolObject {
        StoragePoolObject { name: self.name.clone(), shared }
    }

    fn subject(&self) -> Subject {
        Subject::StoragePool(self.name.clone())
    }
}

impl Guarded for StoragePoolObject {
    fn view_action(&self) -> Action {
        Action::PoolView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, Subject::StoragePool(self.name.clone()))
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.StoragePool", introspection_docs = false)]
impl StoragePoolObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.name.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn uuid(&self) -> fdo::Result<String> {
        Ok(self.view()?.uuid.to_string())
    }

    #[zbus(property, name = "Type")]
    fn kind(&self) -> fdo::Result<String> {
        Ok(self.view()?.kind.to_owned())
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
        let grant = self.authorize(&(header, connection), Action::PoolDefine, "SetAutostart").await?;
        Ok(self.shared.storage.set_autostart(&self.pool()?, grant, on).await?)
    }

    #[zbus(property)]
    fn path(&self) -> fdo::Result<String> {
        Ok(self.view()?.path.clone())
    }

    #[zbus(property)]
    fn capacity(&self) -> fdo::Result<u64> {
        Ok(self.view()?.contents.capacity)
    }

    #[zbus(property)]
    fn allocation(&self) -> fdo::Result<u64> {
        Ok(self.view()?.contents.allocation)
    }

    #[zbus(property)]
    fn available(&self) -> fdo::Result<u64> {
        Ok(self.view()?.contents.available)
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
        self.authorize(&(header, connection), Action::PoolView, "GetXml").await?;
        let view = self.pool()?.view();
        if inactive && !view.persistent {
            return Err(Error::InvalidState(format!("pool '{}' is transient: it has no stored definition", self.name)));
        }
        Ok(view.xml(inactive))
    }

    #[zbus(out_args("job"))]
    async fn build(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let BuildOptions { overwrite, no_wait } = BuildOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolManage, "Build").await?;
        Ok(self.shared.storage.build(&self.pool()?, grant, convert::overwrite(&overwrite), !no_wait).await?.path())
    }

    #[zbus(out_args("job"))]
    async fn start(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let PoolStartOptions { build, overwrite, no_wait } = PoolStartOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolManage, "Start").await?;
        let build = build.then(|| convert::overwrite(&overwrite));
        Ok(self.shared.storage.start(&self.pool()?, grant, build, !no_wait).await?.path())
    }

    async fn refresh(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolManage, "Refresh").await?;
        Ok(self.shared.storage.refresh(&self.pool()?, grant).await?)
    }

    async fn stop(&self, options: Received, #[zbus(header)] header: Header<'_>, #[zbus(connection)] connection: &Connection) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolManage, "Stop").await?;
        Ok(self.shared.storage.stop(&self.pool()?, grant).await?)
    }

    async fn delete(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolManage, "Delete").await?;
        Ok(self.shared.storage.delete(&self.pool()?, grant).await?)
    }

    async fn undefine(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<()> {
        NoOptions::read(&options)?;
        let grant = self.authorize(&(header, connection), Action::PoolDefine, "Undefine").await?;
        Ok(self.shared.storage.undefine(&self.pool()?, grant).await?)
    }

    #[zbus(out_args("volume", "job", "warnings"))]
    async fn create_volume(
        &self,
        xml: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, OwnedObjectPath, Vec<String>)> {
        let VolumeOptions { preallocate_metadata, no_wait } = VolumeOptions::read(&options)?;
        let draft = VolumeDraft::read(xml)?;
        let create = CreateVolume { source: None, preallocate_metadata };
        self.make(&(header, connection), "CreateVolume", draft, create, !no_wait).await
    }

    #[zbus(out_args("volume", "job", "warnings"))]
    async fn clone_volume(
        &self,
        xml: &str,
        source: ObjectPath<'_>,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(OwnedObjectPath, OwnedObjectPath, Vec<String>)> {
        let VolumeOptions { preallocate_metadata, no_wait } = VolumeOptions::read(&options)?;
        let draft = VolumeDraft::read_clone(xml)?;
        let none = || Error::NotFound(format!("there is no volume at {}", source.as_str()));
        let (pool, volume) = paths::volume_name(source.as_str()).ok_or_else(none)?;
        let call = (header, connection);
        // Who reads the source needs to be trusted with what is in it.
        let may_read = async |pool: &str, volume: &str| {
            let details = Details::about("CloneVolume", Subject::StorageVolume { pool: pool.to_owned(), volume: volume.to_owned() });
            self.shared.authorize(&call.0, call.1, Action::VolumeManage, details).await
        };
        may_read(&pool, &volume).await?;
        let pool = self.shared.storage.registry.find(&pool)?;
        // And with what is in those that it is laid over: its header names them, and somebody else may have written that.
        let chain = self.shared.storage.chain(&pool, &volume)?;
        let below: Vec<_> = chain.levels.iter().map(|level| (level.pool.clone(), level.volume.name.clone())).collect();
        for (pool, volume) in &below {
            may_read(pool, volume).await?;
        }
        let source = Some(SourceVolume { pool, name: volume, below });
        self.make(&call, "CloneVolume", draft, CreateVolume { source, preallocate_metadata }, !no_wait).await
    }

    #[zbus(out_args("volume"))]
    async fn get_volume(
        &self,
        name: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath> {
        let found = self.pool()?.volume(name);
        let details = Details::about("GetVolume", Subject::StorageVolume { pool: self.name.clone(), volume: name.to_owned() });
        self.shared.authorize(&header, connection, Action::VolumeView, details).await?;
        Ok(paths::volume(&self.name, &found?.name))
    }
}
