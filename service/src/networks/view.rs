//! How a network looks from outside: one immutable snapshot, replaced whole. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use lodge_model::addresses::Subnet;
use lodge_model::document::Document as _;
use lodge_model::network::{ForwardMode, Network};
use uuid::Uuid;

/// A snapshot of a network. Readers hold it as long as they like.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkView {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Whether it runs.
    pub active: bool,
    /// Whether it has a stored definition.
    pub persistent: bool,
    /// Whether it starts with the service.
    pub autostart: bool,
    /// Whether the stored definition differs from what runs.
    pub pending_changes: bool,
    /// What the document says: of the running network, else the definition.
    pub facts: Arc<Facts>,
    /// Interfaces of guests in it.
    pub connections: u32,
    /// What is kept without being understood, and what of the host keeps it from working.
    pub warnings: Vec<String>,
    /// The stored definition.
    pub definition: Option<Arc<str>>,
    /// The document that it runs by.
    pub live: Option<Arc<str>>,
}

impl NetworkView {
    /// That of a network of which nothing else is known.
    pub(super) fn unknown(name: &str, uuid: Uuid) -> Self {
        Self {
            name: name.to_owned(),
            uuid,
            active: false,
            persistent: false,
            autostart: false,
            pending_changes: false,
            facts: Arc::default(),
            connections: 0,
            warnings: Vec::new(),
            definition: None,
            live: None,
        }
    }

    /// The document: as it runs, else as it is stored.
    pub fn document(&self) -> &str {
        self.live.as_deref().or(self.definition.as_deref()).unwrap_or_default()
    }
}

/// What clients read daily of a network's document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// One line for people.
    pub title: String,
    /// More text for people.
    pub description: String,
    /// How guests reach the world: the word of `<forward>`, or `isolated`.
    pub mode: String,
    /// The bridge, empty where there is none.
    pub bridge: String,
    /// Name that the guests' names end with.
    pub domain: String,
    /// Addresses of the host, with the length of the prefix behind a slash.
    pub addresses: Vec<String>,
    /// What it says that is understood, kept, and not done by this version.
    pub not_done: Vec<String>,
}

impl Facts {
    /// The length of the prefix of the network that an address is in.
    pub fn prefix_of(&self, address: IpAddr) -> Option<u8> {
        let subnets = self.addresses.iter().filter_map(|one| {
            let (address, prefix) = one.split_once('/')?;
            Subnet::new(address.parse().ok()?, prefix.parse().ok()?)
        });
        subnets.filter(|subnet| subnet.contains(address)).map(|subnet| subnet.prefix()).max()
    }

    /// Reads them from a document.
    pub fn of(network: &Network) -> Self {
        let address = |ip: &lodge_model::network::NetworkIp| {
            let address = ip.address?;
            let prefix = ip.prefix.map(|prefix| prefix.0).or_else(|| ip.netmask.and_then(|netmask| netmask.prefix()));
            Some(prefix.map_or_else(|| address.to_string(), |prefix| format!("{address}/{prefix}")))
        };
        Self {
            title: network.title.clone().unwrap_or_default(),
            description: network.description.clone().unwrap_or_default(),
            mode: network.mode().map_or("isolated", word).to_owned(),
            bridge: network.bridge.as_ref().and_then(|bridge| bridge.name.clone()).unwrap_or_default(),
            domain: network.domain.as_ref().map(|domain| domain.name.clone()).unwrap_or_default(),
            addresses: network.ips.iter().filter_map(address).collect(),
            not_done: not_done(network),
        }
    }
}

/// Parts that have no effect yet. Nobody is to rely on them without knowing.
fn not_done(network: &Network) -> Vec<String> {
    let register = network.domain.as_ref().and_then(|domain| domain.register).is_some_and(|register| register.0);
    let effect = "the host does not ask this network's server for names";
    register.then(|| format!("/network/domain/@register is kept and has no effect in this version: {effect}")).into_iter().collect()
}

fn word(mode: ForwardMode) -> &'static str {
    match mode {
        ForwardMode::Nat => "nat",
        ForwardMode::Route => "route",
        ForwardMode::Open => "open",
        ForwardMode::Bridge => "bridge",
        ForwardMode::Private => "private",
        ForwardMode::Vepa => "vepa",
        ForwardMode::Passthrough => "passthrough",
        ForwardMode::Hostdev => "hostdev",
        ForwardMode::None => "isolated",
    }
}

/// A document as it is stored or runs, with what is read of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Normalized XML.
    pub xml: Arc<str>,
    /// What clients read daily.
    pub facts: Arc<Facts>,
    /// What is kept without being understood.
    pub warnings: Vec<String>,
}

impl Definition {
    /// That of a document.
    pub fn of(network: &Network, warnings: Vec<String>) -> Self {
        Self { xml: network.to_xml().into(), facts: Arc::new(Facts::of(network)), warnings }
    }
}
