//! The modes of networks: what each makes of a definition. Pure; [`super::apparatus`] carries it out.

mod bridge;
mod direct;
mod isolated;
mod nat;
mod open;
mod own_bridge;
mod route;

use lodge_model::network::{Network, NetworkView};

pub use bridge::HostBridge;
pub use direct::Direct;
pub use own_bridge::{Addresses, OwnBridgePlan, Surroundings};

use super::ports::Whose;
use super::vlans::refuse_elsewhere;
use crate::error::{Error, ErrorKind, Result};

/// What a running network is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// A bridge that is made.
    OwnBridge(Box<OwnBridgePlan>),
    /// A bridge of the host.
    HostBridge(HostBridge),
    /// Interfaces of the host.
    Direct(Direct),
}

impl Plan {
    /// What a definition asks for.
    ///
    /// # Errors
    /// `InvalidXml`; `NotSupported` for what this host or this version cannot do.
    pub fn of(network: &Network, surroundings: &Surroundings<'_>) -> Result<Self> {
        let view = network.view().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        match &view {
            NetworkView::Isolated(own) => isolated::plan(network, own, surroundings),
            NetworkView::Nat { bridge, dev, nat } => nat::plan(network, bridge, *dev, nat, surroundings),
            NetworkView::Route { bridge, dev } => route::plan(network, bridge, *dev, surroundings),
            NetworkView::Open(own) => open::plan(network, own, surroundings),
            NetworkView::Bridge { name, switch, .. } => bridge::plan(network, name, *switch),
            NetworkView::Direct { .. } if network.vlan.is_some() => Err(refuse_elsewhere("an interface of the host")),
            NetworkView::Direct { mode, pool, .. } => direct::plan(network, *mode, pool),
            NetworkView::Hostdev { .. } => {
                let reason =
                    format!("network '{}' gives out PCI functions, which this version cannot: use the mode 'passthrough'", network.name);
                Err(Error::new(ErrorKind::NotSupported, reason))
            }
        }
    }

    /// The bridge that guests are connected to, if there is one, and whose it is.
    pub fn bridge(&self) -> Option<(&str, Whose)> {
        match self {
            Self::OwnBridge(plan) => Some((&plan.bridge.name, Whose::Ours)),
            Self::HostBridge(plan) => Some((&plan.name, Whose::Others)),
            Self::Direct(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
