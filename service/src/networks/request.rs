//! What can be asked of a network.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::filter::Filter;
use super::limits::Limits;
use super::ports::Whose;
use super::update::Update;
use super::view::Definition;
use crate::authorization::Action;
use crate::error::Result;
use crate::host::netlink::VlanMember;
use crate::scope::Scope;

/// A request to one network. Reading a network is not a request: its view is always at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Take a new definition.
    Define(Definition),
    /// Give up the definition.
    Undefine,
    /// Start.
    Start,
    /// Stop.
    Destroy,
    /// Start with the service, or not.
    SetAutostart(bool),
    /// Change a part of the definition, of what runs, or of both.
    Update(Box<Update>, Scope),
}

impl Request {
    /// What a caller needs for it.
    pub const fn action(&self) -> Action {
        match self {
            Self::Define(_) | Self::Undefine | Self::SetAutostart(_) | Self::Update(..) => Action::NetworkDefine,
            Self::Start | Self::Destroy => Action::NetworkManage,
        }
    }

    /// The verb, for sentences.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Define(_) => "define",
            Self::Undefine => "undefine",
            Self::Start => "start",
            Self::Destroy => "stop",
            Self::SetAutostart(_) => "set autostart of",
            Self::Update(..) => "change",
        }
    }
}

/// A guest's interface that is to be connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Connect {
    /// The guest.
    pub owner: Uuid,
    /// The interface's Ethernet address.
    pub mac: [u8; 6],
    /// The port group that it asks for.
    pub port_group: Option<String>,
    /// Its own limits.
    pub limits: Option<Limits>,
    /// Its own virtual networks.
    pub vlans: Vec<VlanMember>,
    /// The filter of what it sends.
    pub filter: Option<Filter>,
}

/// What a guest's interface is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// A bridge.
    Bridge {
        /// Its name.
        bridge: String,
        /// Whether it is kept from other isolated ports.
        isolated: bool,
        /// Whether the bridge learns nothing of it.
        fixed_addresses: bool,
        /// Largest packet in bytes.
        mtu: Option<u32>,
        /// Its limits: its own, else those of its port group.
        limits: Option<Limits>,
        /// Its virtual networks: its own, else those of its port group, else those of the network.
        vlans: Vec<VlanMember>,
        /// Whose bridge it is.
        whose: Whose,
    },
    /// An interface of the host, through macvtap.
    Direct {
        /// Its name.
        dev: String,
        /// How frames are treated.
        mode: lodge_model::domain::devices::DirectMode,
        /// Its limits: its own, else those of its port group.
        limits: Option<Limits>,
    },
}

/// How a request is answered.
pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// What an actor's mailbox holds.
pub(super) enum Message {
    /// A request of a client.
    Do(Request, Reply<()>),
    /// A guest starts.
    Connect(Connect, Reply<Connection>),
    /// A guest's interface was made.
    Connected {
        /// The guest.
        owner: Uuid,
        /// Its Ethernet address.
        mac: [u8; 6],
        /// The interface on the host.
        interface: String,
    },
    /// A guest ended.
    Disconnect(Uuid),
    /// firewalld has forgotten what it was told.
    FirewalldRenewed,
}
