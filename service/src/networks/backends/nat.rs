//! The mode `nat`: guests reach the world behind addresses of the host.

use lodge_model::network::{NatView, Network, OwnBridge};

use super::Plan;
use super::own_bridge::{self, Mode, Surroundings};
use crate::error::Result;
use crate::networks::firewall::firewalld;
use crate::networks::firewall::nftables::Way;

pub(super) fn plan(
    network: &Network,
    own: &OwnBridge<'_>,
    dev: Option<&str>,
    nat: &NatView,
    surroundings: &Surroundings<'_>,
) -> Result<Plan> {
    own_bridge::plan(
        network,
        own,
        Mode { way: Some(Way::Nat { dev, nat: nat.clone() }), forwards: true, zone: firewalld::GUARDED },
        surroundings,
    )
}
