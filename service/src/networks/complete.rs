//! What a definition leaves open, filled in when it is defined: so that a network is the same at every start, and its bridge
//! has the same name and the same Ethernet address.

use std::collections::BTreeSet;

use lodge_model::domain::devices::MacAddress;
use lodge_model::network::{Bridge, BridgeMac, Network, NetworkView};
use lodge_model::xml::OnOff;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};

/// How bridges are called that have no name.
const PREFIX: &str = "virbr";

/// Fills in what is open. `taken` are the names of interfaces and of other networks' bridges.
///
/// # Errors
/// No name is free.
pub fn complete(network: &mut Network, taken: &BTreeSet<String>) -> Result<()> {
    network.uuid.get_or_insert_with(Uuid::new_v4);
    // What is reported and never configured.
    network.connections = None;
    let own = match network.view() {
        Ok(NetworkView::Isolated(own) | NetworkView::Open(own)) => Some(own),
        Ok(NetworkView::Nat { bridge, .. } | NetworkView::Route { bridge, .. }) => Some(bridge),
        _ => None,
    };
    let Some(own) = own else { return Ok(()) };
    let name = match own.name {
        Some(name) if !name.contains('%') => name.to_owned(),
        Some(pattern) => free(pattern, taken)?,
        None => free(&format!("{PREFIX}%d"), taken)?,
    };
    let (stp, delay) = (own.stp, own.delay);
    let bridge = network.bridge.get_or_insert_with(Bridge::default);
    bridge.name = Some(name);
    bridge.stp.get_or_insert(OnOff(stp));
    bridge.delay.get_or_insert(delay);
    network.mac.get_or_insert_with(BridgeMac::default).address.get_or_insert_with(random_mac);
    Ok(())
}

/// A change that leaves the bridge's name and Ethernet address open means those that the network had, where the service makes its
/// bridge before and after.
pub fn keep_bridge(network: &mut Network, before: &Network) {
    if !makes_bridge(network) || !makes_bridge(before) {
        return;
    }
    let named = network.bridge.as_ref().is_some_and(|bridge| bridge.name.is_some());
    if let (false, Some(name)) = (named, before.bridge.as_ref().and_then(|bridge| bridge.name.clone())) {
        network.bridge.get_or_insert_default().name = Some(name);
    }
    if network.mac.is_none() {
        network.mac.clone_from(&before.mac);
    }
}

fn makes_bridge(network: &Network) -> bool {
    !matches!(network.view(), Ok(NetworkView::Bridge { .. } | NetworkView::Direct { .. } | NetworkView::Hostdev { .. }) | Err(_))
}

/// The first name of a pattern that is free: `%d` in it stands for a number.
fn free(pattern: &str, taken: &BTreeSet<String>) -> Result<String> {
    let mut names = (0..=taken.len()).map(|number| pattern.replacen("%d", &number.to_string(), 1));
    names.find(|name| !taken.contains(name)).ok_or_else(|| {
        Error::new(ErrorKind::InUse, format!("no name of the form {pattern} is free for a bridge; write another into <bridge name='…'/>"))
    })
}

fn random_mac() -> MacAddress {
    let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
    MacAddress::from_parts(MacAddress::KVM_PREFIX, [a, b, c])
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    fn completed(xml: &str, taken: &[&str]) -> Network {
        let (mut network, _) = Network::parse(xml).unwrap();
        complete(&mut network, &taken.iter().map(|name| (*name).to_owned()).collect()).unwrap();
        network
    }

    #[test]
    fn a_bridge_gets_what_is_open_and_keeps_what_is_written() {
        let open = completed("<network><name>a</name></network>", &["virbr0", "virbr1", "eth0"]);
        let bridge = open.bridge.as_ref().unwrap();
        assert_eq!((bridge.name.as_deref(), bridge.stp, bridge.delay), (Some("virbr2"), Some(OnOff(true)), Some(0)));
        assert!(open.uuid.is_some() && open.mac.as_ref().unwrap().address.is_some());
        // Completing it again changes nothing.
        assert_eq!(completed(&open.to_xml(), &["virbr2"]), open);
        let pattern = completed("<network><name>a</name><bridge name='lab%d' stp='off' delay='4'/></network>", &["lab0"]);
        let bridge = pattern.bridge.unwrap();
        assert_eq!((bridge.name.as_deref(), bridge.stp, bridge.delay), (Some("lab1"), Some(OnOff(false)), Some(4)));
    }

    #[test]
    fn what_is_no_bridge_of_the_service_is_left_alone() {
        for forward in ["<forward mode='bridge'/><bridge name='br0'/>", "<forward mode='bridge'><interface dev='eth0'/></forward>"] {
            let network = completed(&format!("<network><name>a</name>{forward}</network>"), &[]);
            assert_eq!((network.mac, network.bridge.and_then(|bridge| bridge.stp)), (None, None));
        }
    }
}
