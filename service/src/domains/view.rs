//! How a domain looks from outside: one immutable snapshot, replaced whole. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Graphics, GraphicsType};
use uuid::Uuid;

use super::agent::Agent;
use super::console::Consoles;
use super::request::Definition;
use super::state::State;
use crate::authorization::{Details, Subject};

/// A snapshot of a domain. Readers hold it as long as they like.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainView {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// The number of the running guest, 0 when there is none.
    pub id: u32,
    /// The hypervisor's name.
    pub hypervisor: &'static str,
    /// What it does and why.
    pub state: State,
    /// Whether it has a stored definition.
    pub persistent: bool,
    /// Whether it starts with the service.
    pub autostart: bool,
    /// Whether the stored definition differs from what runs.
    pub pending_changes: bool,
    /// What the document says: of the running guest, else the definition.
    pub facts: Arc<Facts>,
    /// Security model and label of each confinement of the running guest.
    pub security_labels: Vec<(String, String)>,
    /// What is kept without being understood.
    pub warnings: Vec<String>,
    /// The stored definition.
    pub definition: Option<Arc<str>>,
    /// The document of the running guest.
    pub live: Option<Arc<str>>,
    /// The consoles of the running guest.
    pub consoles: Consoles,
    /// The agent of the running guest.
    pub agent: Agent,
}

impl DomainView {
    /// What an authorizer is told when a verb is about this domain.
    pub fn details(&self, verb: &'static str) -> Details {
        Details { verb, subject: Some(Subject::Domain(self.name.clone())), uuid: Some(self.uuid), hypervisor: Some(self.hypervisor) }
    }
}

/// What clients read daily of a domain's document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The domain type's word.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// More text for people.
    pub description: String,
    /// Memory in bytes.
    pub memory: u64,
    /// Most memory in bytes.
    pub max_memory: u64,
    /// Virtual processors.
    pub vcpus: u32,
    /// Most virtual processors.
    pub max_vcpus: u32,
    /// Guest architecture.
    pub arch: String,
    /// Full name of the machine type.
    pub machine: String,
    /// The displays in document order.
    pub graphics: Vec<Display>,
    /// Security model and label, as the document has them.
    pub security_labels: Vec<(String, String)>,
}

/// A display: its properties by name. Never a password.
pub type Display = BTreeMap<&'static str, DisplayValue>;

/// A property of a display.
#[derive(Debug, Clone, PartialEq)]
pub enum DisplayValue {
    /// A word, an address or a path.
    Text(String),
    /// A port.
    Port(u16),
}

impl Facts {
    /// Reads them from a document.
    pub fn of(domain: &Domain) -> Self {
        let os = domain.os.os_type.as_ref();
        Self {
            kind: domain.kind.to_string(),
            title: domain.title.clone().unwrap_or_default(),
            description: domain.description.clone().unwrap_or_default(),
            memory: domain.current_memory_bytes(),
            max_memory: domain.memory_bytes(),
            vcpus: domain.current_vcpus(),
            max_vcpus: domain.max_vcpus(),
            arch: os.and_then(|os| os.arch.clone()).unwrap_or_default(),
            machine: os.and_then(|os| os.machine.clone()).unwrap_or_default(),
            graphics: domain.devices.graphics().map(display).collect(),
            security_labels: domain.seclabels.iter().filter_map(|one| Some((one.model.clone()?, one.label.clone()?))).collect(),
        }
    }
}

fn display(graphics: &Graphics) -> Display {
    let port = |number: Option<i32>| number.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0).map(DisplayValue::Port);
    let text = |text: Option<&String>| text.cloned().map(DisplayValue::Text);
    let address = graphics.listens.iter().find_map(|listen| listen.address.as_ref()).or(graphics.listen.as_ref());
    let socket = graphics.listens.iter().find_map(|listen| listen.socket.as_ref()).or(graphics.socket.as_ref());
    let networked = matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Spice);
    [
        ("type", Some(DisplayValue::Text(graphics.kind.to_string()))),
        ("listen", text(address).filter(|_| networked)),
        ("port", port(graphics.port)),
        ("tls-port", port(graphics.tls_port)),
        ("websocket-port", port(graphics.websocket)),
        ("socket", text(socket)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

impl Definition {
    /// The stored form of a document.
    pub fn of(domain: &Domain, warnings: Vec<String>) -> Self {
        Self { name: domain.name.clone(), xml: domain.to_xml().into(), warnings, facts: Arc::new(Facts::of(domain)) }
    }
}
