//! The mode `route`: guests reach the world with their own addresses, to which others know the way.

use lodge_model::network::{Network, OwnBridge};

use super::Plan;
use super::own_bridge::{self, Mode, Surroundings};
use crate::error::Result;
use crate::networks::firewall::firewalld;
use crate::networks::firewall::nftables::Way;

pub(super) fn plan(network: &Network, own: &OwnBridge<'_>, dev: Option<&str>, surroundings: &Surroundings<'_>) -> Result<Plan> {
    own_bridge::plan(network, own, Mode { way: Some(Way::Route { dev }), forwards: true, zone: firewalld::ROUTED }, surroundings)
}
