//! Networks without `<forward>`: guests reach each other and the host.

use lodge_model::network::{Network, OwnBridge};

use super::Plan;
use super::own_bridge::{self, Mode, Surroundings};
use crate::error::Result;
use crate::networks::firewall::firewalld;
use crate::networks::firewall::nftables::Way;

pub(super) fn plan(network: &Network, own: &OwnBridge<'_>, surroundings: &Surroundings<'_>) -> Result<Plan> {
    own_bridge::plan(network, own, Mode { way: Some(Way::Isolated), forwards: false, zone: firewalld::GUARDED }, surroundings)
}
