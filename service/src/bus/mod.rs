//! The D-Bus front door: the only place that serves the bus.
//!
//! A call comes in at an object ([`manager`], [`hypervisor`], [`domain`], [`job`]), which decodes it,
//! asks the authorizer, hands it to the engine and encodes the answer. What the engine tells goes out
//! through one [`publisher`], which also keeps the tree of objects. [`object_manager`] answers with
//! the whole inventory from snapshots, without asking any object; [`guarded`] lets properties be read by those who may.
//!
//! Invariants: no decisions here besides decoding and authorization; objects take `&self` only,
//! because the object server holds a lock around `&mut self`; no lock is held over an await.

mod clients;
mod convert;
mod domain;
mod errors;
mod guarded;
mod hypervisor;
mod job;
mod manager;
mod network;
mod node_device;
mod object_manager;
mod properties;
mod published;
mod publisher;
mod secret;
mod storage_pool;
mod storage_volume;
mod value;
mod visible;

use std::sync::Arc;

use lodge_dbus_interfaces::types::InstanceKind;
use lodge_dbus_interfaces::{ROOT_PATH, paths};
use tokio::sync::mpsc;
use zbus::Connection;

pub use clients::Clients;

use crate::authorization::{Action, Authorizer, Caller, Details, Grant};
use crate::domains::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Publication;
use crate::networks::Networks;
use crate::node_devices::NodeDevices;
use crate::secrets::Secrets;
use crate::storage::Storage;
use published::Placed;

/// A message and the connection it came from.
type Call<'a> = (zbus::message::Header<'a>, &'a Connection);

/// What every object needs.
pub(crate) struct Shared {
    engine: Arc<Engine>,
    networks: Arc<Networks>,
    secrets: Arc<Secrets>,
    storage: Arc<Storage>,
    devices: Arc<NodeDevices>,
    authorizer: Arc<dyn Authorizer>,
    clients: Clients,
    kind: InstanceKind,
}

impl Shared {
    /// Asks whether the sender of a message may do something.
    async fn authorize(
        &self,
        header: &zbus::message::Header<'_>,
        connection: &Connection,
        action: Action,
        details: Details,
    ) -> Result<Grant> {
        let caller = self.clients.caller(header, connection).await?;
        self.require(&caller, action, &details).await
    }

    /// Asks whether the sender may see what it looked for by name. That there is no such thing is told only to those who may
    /// see all of the kind.
    async fn authorize_finding<T: Placed>(
        &self,
        header: &zbus::message::Header<'_>,
        connection: &Connection,
        verb: &'static str,
        found: Option<&T>,
    ) -> Result<Grant> {
        let details = found.map_or_else(|| Details::of_verb(verb), |view| view.details(verb));
        self.authorize(header, connection, T::VIEW, details).await
    }

    /// Asks for a caller, as long as the caller is there: nobody is asked on behalf of one that has gone.
    async fn require(&self, caller: &Caller, action: Action, details: &Details) -> Result<Grant> {
        tokio::select! {
            biased;
            answer = self.authorizer.require(caller, action, details) => answer,
            () = self.clients.gone(caller) => Err(Error::new(ErrorKind::Cancelled, format!("whoever asked for {details} has gone"))),
        }
    }
}

/// What is served.
pub struct Served {
    /// The domains.
    pub engine: Arc<Engine>,
    /// The networks.
    pub networks: Arc<Networks>,
    /// The secrets.
    pub secrets: Arc<Secrets>,
    /// The pools.
    pub storage: Arc<Storage>,
    /// The devices of the host.
    pub devices: Arc<NodeDevices>,
}

/// Prepares a connection that [`serve`] is to use.
///
/// zbus begins to dispatch calls some time after the first object is there; a call that comes before is
/// never answered. Only an object that is there before the connection spares us that moment.
pub fn answering(builder: zbus::connection::Builder<'_>) -> zbus::connection::Builder<'_> {
    builder.serve_at(ROOT_PATH, Placeholder)
}

/// Keeps a place in the tree until the object is there.
struct Placeholder;

#[zbus::interface(name = "org.lodge.Lodge1.Placeholder", introspection_docs = false)]
impl Placeholder {}

/// Puts all objects on a connection made by [`answering`] and publishes what happens to them there. The well-known name is
/// the caller's to request, afterwards: whoever sees the name sees a complete tree.
///
/// # Errors
/// The connection does not work.
pub async fn serve(
    connection: &Connection,
    served: Served,
    authorizer: Arc<dyn Authorizer>,
    publications: mpsc::Receiver<Publication>,
    kind: InstanceKind,
) -> Result<Clients> {
    let clients = Clients::watch(connection).await.map_err(broken)?;
    let Served { engine, networks, secrets, storage, devices } = served;
    let shared =
        Arc::new(Shared { engine: engine.clone(), networks, secrets, storage, devices, authorizer, clients: clients.clone(), kind });
    let server = connection.object_server();
    for driver in engine.drivers() {
        let object = hypervisor::HypervisorObject::new(driver.clone(), shared.clone());
        guarded::put(server, &shared, paths::hypervisor(driver.name()), object).await.map_err(broken)?;
    }
    for domain in engine.registry.all() {
        let path = paths::domain(&domain.view().name);
        guarded::put(server, &shared, path, domain::DomainObject::new(domain, shared.clone())).await.map_err(broken)?;
    }
    publisher::place(connection, &shared, shared.networks.registry.views()).await.map_err(broken)?;
    publisher::place(connection, &shared, shared.secrets.views()).await.map_err(broken)?;
    let pools = shared.storage.registry.views();
    let volumes = pools.iter().flat_map(|pool| pool.volume_views()).collect();
    publisher::place(connection, &shared, pools).await.map_err(broken)?;
    publisher::place(connection, &shared, volumes).await.map_err(broken)?;
    publisher::place(connection, &shared, shared.devices.views()).await.map_err(broken)?;
    server.at(ROOT_PATH, object_manager::ObjectManager::new(shared.clone())).await.map_err(broken)?;
    let root = zbus::ObjectPath::from_static_str(ROOT_PATH).map_err(broken)?;
    guarded::put(server, &shared, root, manager::ManagerObject::new(shared.clone())).await.map_err(broken)?;
    tokio::spawn(publisher::run(connection.clone(), shared, publications));
    Ok(clients)
}

fn broken(error: zbus::Error) -> Error {
    Error::new(ErrorKind::HostFailed, "the message bus does not work").caused_by(error)
}
