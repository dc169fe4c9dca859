//! The other side: Debian's `libvirt-dbus`, which starts `libvirtd` by itself, both of the user's session.

use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use zbus::{Connection, ObjectPath, OwnedObjectPath};

use crate::Result;
use crate::documents::{START_NAME, uuid};
use crate::process::{Memory, Process};
use crate::sandbox::Sandbox;
use crate::service::{PROPERTIES, Properties, Service, until_answered};

const BUS_NAME: &str = "org.libvirt";
const CONNECT_PATH: &str = "/org/libvirt/QEMU";
const CONNECT: &str = "org.libvirt.Connect";
const DOMAIN: &str = "org.libvirt.Domain";

/// No flags.
const NONE: u32 = 0;

/// Both daemons and who calls them.
pub struct Libvirt<'a> {
    sandbox: &'a Sandbox,
    connection: Connection,
    /// libvirt-dbus, then libvirtd.
    processes: Vec<Process>,
    object: OwnedObjectPath,
    startable: OwnedObjectPath,
}

impl<'a> Libvirt<'a> {
    pub fn new(sandbox: &'a Sandbox, connection: Connection) -> Self {
        // libvirt-dbus makes paths of UUIDs; the guest that is started has the number that its document has.
        let path = |number| format!("{CONNECT_PATH}/domain/_{}", uuid(number).replace('-', "_"));
        let object = |number| OwnedObjectPath::try_from(path(number)).unwrap_or_default();
        Self { sandbox, connection, processes: Vec::new(), object: object(0), startable: object(0xffff) }
    }

    async fn call<B>(&self, path: &OwnedObjectPath, interface: &str, method: &str, body: &B) -> Result<zbus::Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        Ok(self.connection.call_method(Some(BUS_NAME), path, Some(interface), method, body).await?)
    }

    async fn list(&self) -> Result<Vec<OwnedObjectPath>> {
        let reply = self.connection.call_method(Some(BUS_NAME), CONNECT_PATH, Some(CONNECT), "ListDomains", &NONE).await?;
        Ok(reply.body().deserialize()?)
    }

    /// What one domain tells of itself.
    async fn look_at(&self, domain: &OwnedObjectPath) -> Result<()> {
        let reply = self.call(domain, PROPERTIES, "GetAll", &DOMAIN).await?;
        let body = reply.body();
        let properties: Properties<'_> = body.deserialize()?;
        let reply = self.call(domain, DOMAIN, "GetState", &NONE).await?;
        let _: (i32, i32) = reply.body().deserialize()?;
        if properties.is_empty() { Err(format!("{domain} has no properties").into()) } else { Ok(()) }
    }

    /// The inventory with 16 calls under way at any time, instead of one after the other.
    pub async fn inventory_at_once(&self) -> Result<usize> {
        let domains = self.list().await?;
        stream::iter(&domains).map(|domain| self.look_at(domain)).buffer_unordered(16).try_for_each(|()| async { Ok(()) }).await?;
        Ok(domains.len())
    }

    /// Starts the guest with virsh.
    pub fn virsh_start(&self) -> Result<()> {
        let mut virsh = self.sandbox.command("virsh");
        virsh.args(["--quiet", "--connect", "qemu:///session", "start", START_NAME]);
        let status = virsh.status()?;
        if status.success() { Ok(()) } else { Err(format!("virsh start: {status}").into()) }
    }
}

impl Service for Libvirt<'_> {
    const NAME: &'static str = BUS_NAME;

    async fn launch(&mut self) -> Result<Duration> {
        let (sandbox, processes) = (self.sandbox, &mut self.processes);
        let spawn = || {
            let log = std::fs::File::create(sandbox.path("libvirt-dbus.log"))?;
            processes.push(Process::spawn(sandbox.command("libvirt-dbus").arg("--session").stderr(log))?);
            Ok(())
        };
        let call = async || {
            self.connection.call_method(Some(BUS_NAME), CONNECT_PATH, Some(CONNECT), "DomainLookupByID", &1i32).await.map(drop).or_else(
                |error| match error {
                    // There is no such domain. Only libvirtd knows that.
                    zbus::Error::MethodError(..) => Ok(()),
                    error => Err(error.into()),
                },
            )
        };
        let taken = until_answered(&self.connection, BUS_NAME, spawn, call).await?;
        let pid = std::fs::read_to_string(self.sandbox.path("run/libvirt/libvirtd.pid"))?;
        self.processes.push(Process::adopt(pid.trim().parse()?)?);
        Ok(taken)
    }

    fn end(&mut self) {
        self.processes.clear();
    }

    fn memory(&self) -> Result<Memory> {
        self.processes.iter().try_fold(Memory::default(), |sum, process| Ok(sum + process.memory()?))
    }

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn object(&self) -> ObjectPath<'_> {
        self.object.as_ref()
    }

    fn interface(&self) -> &'static str {
        DOMAIN
    }

    async fn define(&mut self, xml: &str) -> Result<()> {
        let reply = self.connection.call_method(Some(BUS_NAME), CONNECT_PATH, Some(CONNECT), "DomainDefineXML", &xml).await?;
        let _: OwnedObjectPath = reply.body().deserialize()?;
        Ok(())
    }

    async fn inventory(&self) -> Result<usize> {
        let domains = self.list().await?;
        for domain in &domains {
            self.look_at(domain).await?;
        }
        Ok(domains.len())
    }

    async fn document(&self) -> Result<usize> {
        let reply = self.call(&self.object, DOMAIN, "GetXMLDesc", &NONE).await?;
        Ok(reply.body().deserialize::<&str>()?.len())
    }

    async fn start_guest(&self) -> Result<()> {
        self.call(&self.startable, DOMAIN, "Create", &NONE).await?;
        Ok(())
    }

    async fn destroy_guest(&self) -> Result<()> {
        self.call(&self.startable, DOMAIN, "Destroy", &NONE).await?;
        Ok(())
    }
}
