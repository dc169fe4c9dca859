//! What is written down of a running network, so that a later service finds it again and a stop finds all that was made.
//!
//! It is written before anything is made, with the names that things will have; so removing what it names is always enough,
//! also when making them was interrupted at any moment.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::filter::Filter;
use super::limits::{Limits, Side};
use crate::host::netlink::VlanMember;
use crate::host::process::Process;

/// The form of the file; another one is of another version.
pub const FORMAT: u32 = 1;

/// A running network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// Its name.
    pub name: String,
    /// Which boot of the host it was started in.
    pub boot: String,
    /// The document that it runs by.
    pub live: String,
    /// Whether its start was finished.
    pub started: bool,
    /// What was made of the host.
    pub made: Made,
    /// Guests' interfaces in it.
    pub ports: Vec<Port>,
}

/// What a start makes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    /// The bridge: its name and its Ethernet address, by which it is known from one that somebody else made.
    pub bridge: Option<(String, [u8; 6])>,
    /// The table of the packet filter.
    pub table: Option<String>,
    /// The table with the limits of the bridge.
    #[serde(default)]
    pub limits: Option<String>,
    /// Whether firewalld was told of the bridge.
    #[serde(default)]
    pub zone: bool,
    /// dnsmasq.
    pub dnsmasq: Option<ProcessRecord>,
}

/// A process: see [`Process::reopen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// Its number.
    pub pid: i32,
    /// When it was started.
    pub start_time: u64,
}

impl ProcessRecord {
    /// That of a process.
    pub fn of(process: &Process) -> Self {
        Self { pid: process.pid(), start_time: process.start_time() }
    }
}

/// A guest's interface in a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The guest.
    pub owner: Uuid,
    /// The guest's Ethernet address.
    pub mac: [u8; 6],
    /// The interface on the host, where it is known.
    pub interface: Option<String>,
    /// The interface of the host that it is on, of networks of such.
    pub lower: Option<String>,
    /// Its limits.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// Its virtual networks.
    #[serde(default)]
    pub vlans: Vec<VlanMember>,
    /// The filter of what it sends.
    #[serde(default)]
    pub filter: Option<Filter>,
}

impl Port {
    /// On which side of the cable its interface is.
    pub const fn side(&self) -> Side {
        if self.lower.is_some() { Side::Guest } else { Side::Host }
    }
}
