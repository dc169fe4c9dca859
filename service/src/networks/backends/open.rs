//! The mode `open`: as `route`, with no rule of ours.

use lodge_model::network::{Network, OwnBridge};

use super::Plan;
use super::own_bridge::{self, Mode, Surroundings};
use crate::error::Result;
use crate::networks::firewall::firewalld;

pub(super) fn plan(network: &Network, own: &OwnBridge<'_>, surroundings: &Surroundings<'_>) -> Result<Plan> {
    own_bridge::plan(network, own, Mode { way: None, forwards: true, zone: firewalld::ROUTED }, surroundings)
}
