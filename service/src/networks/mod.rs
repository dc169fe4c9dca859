//! Virtual networks: what guests are connected to.
//!
//! ```text
//!  NetworkHandle ──message──▶ actor ──▶ Live ──▶ apparatus ──▶ host: netlink, nftables, dnsmasq
//!       ▲                       │        ▲
//!       └──── NetworkView ◀─────┘        └── Plan, of a mode in `backends`
//! ```
//! [`Networks`] knows all of them. Each has one actor, the only one to change it. A definition becomes a [`Plan`](backends),
//! which is data; [`apparatus`] makes what of it is missing on the host, and takes all of it away.
//!
//! Invariants: nothing here knows domains or D-Bus. Nothing is made of the host before it is written down. What is not of
//! the service is never changed: a bridge is known by its Ethernet address, rules stand in tables of our own. A network runs
//! on when the service leaves.

mod actor;
mod addressing;
mod apparatus;
mod backends;
mod changes;
mod complete;
mod dnsmasq;
mod filter;
mod firewall;
mod handle;
mod host;
mod leases;
mod limits;
mod live;
mod ports;
mod recover;
mod registry;
mod request;
mod status;
mod update;
mod view;
mod vlans;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::StreamExt as _;
use lodge_model::document::Document as _;
use lodge_model::network::Network;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub use filter::Filter;
pub use handle::NetworkHandle;
pub use leases::{Lease, read as read_leases};
pub use limits::{Limits, Rate};
pub use ports::{Plug, Plugged, To, Whose};
pub use request::{Connect, Connection, Request};
pub use update::Update;
pub use view::{Facts, NetworkView};
pub use vlans::members as vlans;

use crate::authorization::{Action, Details, Grant, Subject};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Change, Event, Publisher};
use crate::host::firewalld::Firewalld;
use crate::store::{Store, StoreError};
use actor::Actor;
use handle::MAILBOX;
use host::Host;
use live::Live;
use registry::Registry;
use view::Definition;

/// The network that is offered: as libvirt has it. Its bridge gets a name that is free.
const DEFAULT: &str = "<network><name>default</name><forward mode='nat'/><ip address='192.168.122.1' netmask='255.255.255.0'>\
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>";

/// The networks of one instance.
pub struct Networks {
    /// All of them.
    pub registry: Registry,
    store: Arc<Store>,
    publisher: Publisher,
    host: Host,
    /// Whether it is a user's own instance, which may change nothing of the host.
    session: bool,
}

/// A document that was read and is in itself in order.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says.
    pub network: Network,
    /// What it says that is not understood.
    pub warnings: Vec<String>,
}

impl Draft {
    /// Reads a document.
    ///
    /// # Errors
    /// `InvalidXml` with path and place.
    pub fn read(xml: &str) -> Result<Self> {
        let (network, warnings) = Network::parse(xml)?;
        network.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        Ok(Self { network, warnings: warnings.iter().map(ToString::to_string).collect() })
    }
}

impl Draft {
    /// What an authorizer is told when a verb is about it.
    pub fn details(&self, verb: &'static str) -> Details {
        Details::about(verb, Subject::Network(self.network.name.clone()))
    }
}

impl Networks {
    /// The networks of a store, none yet; [`Networks::recover`] finds them. Needs a tokio runtime.
    ///
    /// # Errors
    /// The kernel's network cannot be spoken to.
    pub fn new(store: Arc<Store>, publisher: Publisher, session: bool) -> Result<Arc<Self>> {
        let host = Host::new(&store.layout().networks(), store.layout().searchable)?;
        Ok(Arc::new(Self { registry: Registry::default(), store, publisher, host, session }))
    }

    /// Tells firewalld of the bridges from now on, where it runs, also when it comes later. To be called before
    /// [`Networks::recover`].
    pub async fn follow_firewalld(self: &Arc<Self>, firewalld: Firewalld) {
        self.host.set_firewalld(firewalld.clone());
        let mut renewals = match firewalld.renewals().await {
            Ok(renewals) => renewals,
            Err(error) => {
                tracing::warn!("whether firewalld starts anew is not told: {error}");
                return;
            }
        };
        let networks = Arc::downgrade(self);
        tokio::spawn(async move {
            while renewals.next().await.is_some() {
                let Some(networks) = networks.upgrade() else { return };
                for network in networks.registry.all() {
                    network.firewalld_renewed().await;
                }
            }
        });
    }

    /// Stores a network, or another definition of one that has the same name and UUID.
    ///
    /// # Errors
    /// `AlreadyExists`; those of the store.
    pub async fn define(self: &Arc<Self>, grant: Grant, draft: Draft, only_new: bool) -> Result<NetworkHandle> {
        grant.covers(Action::NetworkDefine)?;
        let Draft { mut network, warnings } = draft;
        let existing = self.reserve(&mut network).await?;
        let place = Place::of(self, &network);
        let definition = Definition::of(&network, warnings);
        if let Some(existing) = existing {
            if only_new && existing.view().persistent {
                let reason = format!("network '{}' exists already; leave the option new out to replace its definition", network.name);
                return Err(Error::new(ErrorKind::AlreadyExists, reason));
            }
            existing.request(grant, Request::Define(definition)).await?;
            return Ok(existing);
        }
        let (name, xml) = (network.name.clone(), definition.xml.clone());
        self.store(move |store| store.networks().save(&name, &xml)).await?;
        self.add(network, place, Some(definition), None).await
    }

    /// Starts a network that has no stored definition.
    ///
    /// # Errors
    /// Those of a definition and of the start; nothing remains then.
    pub async fn create(self: &Arc<Self>, define: Grant, start: Grant, draft: Draft) -> Result<NetworkHandle> {
        define.covers(Action::NetworkDefine)?;
        start.covers(Action::NetworkManage)?;
        let Draft { mut network, warnings } = draft;
        if self.reserve(&mut network).await?.is_some() {
            let reason = format!("network '{}' exists already; start it, or choose another name", network.name);
            return Err(Error::new(ErrorKind::AlreadyExists, reason));
        }
        let place = Place::of(self, &network);
        let definition = Definition::of(&network, warnings);
        let handle = self.add(network, place, None, Some(definition)).await?;
        handle.request(start, Request::Start).await?;
        Ok(handle)
    }

    /// Defines the network `default`, which documents of other programs take for granted, unless there are networks already or
    /// it was offered before: who removed it does not get it back. It is not started.
    pub async fn offer_default(self: &Arc<Self>) {
        let offered = async {
            if self.store(|store| store.has_offered_network()).await? {
                return Ok(());
            }
            let mut text = None;
            if self.registry.all().is_empty() {
                let grant = Grant::for_the_service(Action::NetworkDefine);
                text.clone_from(&self.define(grant, Draft::read(DEFAULT)?, true).await?.view().definition);
            }
            self.store(move |store| store.note_offered_network(text.as_deref().unwrap_or_default())).await
        };
        if let Err(error) = offered.await {
            tracing::error!("the network default is not offered: {error}");
        }
    }

    /// Starts every network that is marked for it.
    pub async fn autostart(&self) {
        for network in self.registry.all() {
            let view = network.view();
            if view.autostart && !view.active {
                let grant = Grant::for_the_service(Action::NetworkManage);
                if let Err(error) = network.request(grant, Request::Start).await {
                    tracing::error!("autostart: {error}");
                }
            }
        }
    }

    /// What is lent in a network. Of one that does not run it is nothing.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn leases(&self, network: Uuid) -> Result<Vec<Lease>> {
        let path = self.host.directory(network).join(dnsmasq::config::LEASES);
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => Ok(leases::read(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::new(ErrorKind::HostFailed, format!("cannot read {}", path.display())).caused_by(error)),
        }
    }

    /// Whom the host has seen on its links: Ethernet address and address.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub async fn neighbours(&self) -> Result<Vec<([u8; 6], IpAddr)>> {
        let all = self.host.netlink.neighbours().await?;
        Ok(all.iter().filter_map(|one| Some((one.mac.as_slice().try_into().ok()?, one.address))).collect())
    }

    /// Whether it is a user's own instance, which may change nothing of the host.
    pub fn is_session(&self) -> bool {
        self.session
    }

    fn refuse_session(&self) -> Result<()> {
        match self.session {
            true => Err(Error::new(
                ErrorKind::NotSupported,
                "networks of the host belong to the system's service; a user's own guests have <interface type='user'>",
            )),
            false => Ok(()),
        }
    }

    async fn reserve(&self, network: &mut Network) -> Result<Option<NetworkHandle>> {
        let links: BTreeSet<String> = self.host.netlink.links().await?.into_iter().map(|link| link.name).collect();
        self.registry.reserve(network, &links)
    }

    async fn add(
        self: &Arc<Self>,
        network: Network,
        mut place: Place,
        definition: Option<Definition>,
        transient: Option<Definition>,
    ) -> Result<NetworkHandle> {
        let uuid = place.uuid;
        let handle = self.spawn(Seed { name: network.name, uuid, definition, autostart: false, live: None, transient });
        place.networks = None;
        self.registry.release_bridge(uuid);
        self.publisher.publish_and_wait(Event::Network(Change::Added(handle.view()))).await;
        Ok(handle)
    }

    /// Gives a network its actor.
    fn spawn(self: &Arc<Self>, seed: Seed) -> NetworkHandle {
        let Seed { name, uuid, definition, autostart, live, transient } = seed;
        let (sender, mailbox) = mpsc::channel(MAILBOX);
        let view = watch::Sender::new(Arc::new(NetworkView::unknown(&name, uuid)));
        let left = Vec::new();
        let actor = Actor { networks: self.clone(), name: name.clone(), uuid, definition, autostart, live, left, transient, view, mailbox };
        actor.view.send_replace(Arc::new(actor.look()));
        let handle = NetworkHandle { uuid, view: actor.view.subscribe(), mailbox: sender };
        self.registry.insert(&name, handle.clone());
        tokio::spawn(actor.run());
        handle
    }

    /// Works with the files.
    async fn store<T: Send + 'static>(&self, work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static) -> Result<T> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        Ok(done.map_err(|error| Error::new(ErrorKind::Internal, "the work on a network's files crashed").caused_by(error))??)
    }
}

/// What an actor begins with.
struct Seed {
    name: String,
    uuid: Uuid,
    definition: Option<Definition>,
    autostart: bool,
    live: Option<Box<Live>>,
    transient: Option<Definition>,
}

/// A name, UUID and bridge set aside, given up again unless a network takes the place.
struct Place {
    networks: Option<Arc<Networks>>,
    name: String,
    uuid: Uuid,
}

impl Place {
    fn of(networks: &Arc<Networks>, network: &Network) -> Self {
        Self { networks: Some(networks.clone()), name: network.name.clone(), uuid: network.uuid.unwrap_or_default() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(networks) = &self.networks {
            networks.registry.release(&self.name, self.uuid);
        }
    }
}
