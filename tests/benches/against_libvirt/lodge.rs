//! Our side: `lodged`.

use std::time::Duration;

use lodge_dbus_interfaces::{BUS_NAME, DOMAIN_INTERFACE, MANAGER_INTERFACE, ROOT_PATH, paths};
use zbus::{Connection, ObjectPath, OwnedObjectPath};

use crate::Result;
use crate::documents::{START_NAME, name};
use crate::process::{Memory, Process};
use crate::sandbox::Sandbox;
use crate::service::{Objects, Properties, Service, managed_objects, until_answered};

/// The service and who calls it.
pub struct Lodge<'a> {
    sandbox: &'a Sandbox,
    connection: Connection,
    process: Option<Process>,
    object: OwnedObjectPath,
}

impl<'a> Lodge<'a> {
    pub fn new(sandbox: &'a Sandbox, connection: Connection) -> Self {
        Self { sandbox, connection, process: None, object: paths::domain(&name(0)) }
    }

    /// Calls a method that takes options only, without any.
    async fn call(&self, path: &OwnedObjectPath, method: &str) -> Result<zbus::Message> {
        Ok(self.connection.call_method(Some(BUS_NAME), path, Some(DOMAIN_INTERFACE), method, &Properties::new()).await?)
    }
}

impl Service for Lodge<'_> {
    const NAME: &'static str = BUS_NAME;

    async fn launch(&mut self) -> Result<Duration> {
        let (sandbox, process) = (self.sandbox, &mut self.process);
        let spawn = || {
            let log = std::fs::File::create(sandbox.path("lodged.log"))?;
            *process = Some(Process::spawn(sandbox.command(&sandbox.lodged).args(["--session", "--idle-timeout=0"]).stderr(log))?);
            Ok(())
        };
        let call = async || {
            self.connection.call_method(Some(BUS_NAME), ROOT_PATH, Some("org.freedesktop.DBus.Peer"), "Ping", &()).await?;
            Ok(())
        };
        until_answered(&self.connection, BUS_NAME, spawn, call).await
    }

    fn end(&mut self) {
        self.process = None;
    }

    fn memory(&self) -> Result<Memory> {
        self.process.as_ref().ok_or("lodged does not run")?.memory()
    }

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn object(&self) -> ObjectPath<'_> {
        self.object.as_ref()
    }

    fn interface(&self) -> &'static str {
        DOMAIN_INTERFACE
    }

    async fn define(&mut self, xml: &str) -> Result<()> {
        let body = (xml, Properties::new());
        let reply = self.connection.call_method(Some(BUS_NAME), ROOT_PATH, Some(MANAGER_INTERFACE), "DefineDomain", &body).await?;
        let body = reply.body();
        let (_, warnings): (ObjectPath<'_>, Vec<&str>) = body.deserialize()?;
        if warnings.is_empty() { Ok(()) } else { Err(format!("not understood: {warnings:?}").into()) }
    }

    async fn inventory(&self) -> Result<usize> {
        let body = managed_objects(&self.connection).await?;
        let objects: Objects<'_> = body.deserialize()?;
        Ok(objects.values().filter(|interfaces| interfaces.contains_key(DOMAIN_INTERFACE)).count())
    }

    async fn document(&self) -> Result<usize> {
        let reply = self.call(&self.object, "GetXml").await?;
        Ok(reply.body().deserialize::<&str>()?.len())
    }

    async fn start_guest(&self) -> Result<()> {
        self.call(&paths::domain(START_NAME), "Start").await?;
        Ok(())
    }

    async fn destroy_guest(&self) -> Result<()> {
        self.call(&paths::domain(START_NAME), "Destroy").await?;
        Ok(())
    }
}
