//! The mode `bridge` on a bridge of the host: nothing is made, guests are connected to what is there.

use lodge_model::domain::devices::VirtualPortType;
use lodge_model::network::Network;

use super::Plan;
use crate::error::{Error, ErrorKind, Result};

/// A bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBridge {
    /// Its name.
    pub name: String,
    /// Whether guests are kept from each other.
    pub isolated_ports: bool,
}

pub(super) fn plan(network: &Network, name: &str, switch: Option<VirtualPortType>) -> Result<Plan> {
    if let Some(switch) = switch {
        let reason = format!(
            "network '{}' is on a bridge of '{switch}', which this version cannot connect guests to: use one of the kernel",
            network.name
        );
        return Err(Error::new(ErrorKind::NotSupported, reason));
    }
    Ok(Plan::HostBridge(HostBridge { name: name.to_owned(), isolated_ports: network.isolates_ports() }))
}
