//! The addresses that a guest has, as the host knows them: lent by its networks, seen beside the host, or told by the guest itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_model::domain::devices::{Interface, InterfaceSource, MacAddress};

use super::engine::Engine;
use super::view::DomainView;
use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::GuestInterface;
use crate::networks::Lease;

/// Where addresses are known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressSource {
    /// What the networks of the guest have lent.
    #[default]
    Lease,
    /// Whom the host has seen on its links.
    Arp,
    /// What the agent in the guest tells.
    Agent,
}

/// Addresses, each with the length of its network's prefix; 0 where that is not known.
pub type Addresses = BTreeMap<IpAddr, u8>;

/// An interface of a guest, with the addresses that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddresses {
    /// The interface's name on the host, or in the guest where that tells; empty where there is none.
    pub name: String,
    /// Its Ethernet address; a guest has interfaces without.
    pub mac: Option<MacAddress>,
    /// Its addresses.
    pub addresses: Addresses,
}

impl Engine {
    /// The addresses of a running guest's interfaces. Interfaces of which none is known are left out.
    ///
    /// # Errors
    /// `InvalidState` when it does not run; `HostFailed` when the host does not tell; of the agent those of
    /// [`Machine::guest_interfaces`](crate::hypervisors::Machine::guest_interfaces).
    pub async fn interface_addresses(&self, view: &DomainView, source: AddressSource) -> Result<Vec<InterfaceAddresses>> {
        let Some(live) = &view.live else {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("domain '{}' does not run, and so has no addresses; start it", view.name),
            ));
        };
        let all = match source {
            AddressSource::Agent => {
                let told = view.agent.interfaces().await?;
                let of = |one: GuestInterface| InterfaceAddresses {
                    name: one.name,
                    mac: one.mac,
                    addresses: one.addresses.into_iter().collect(),
                };
                told.into_iter().map(of).collect()
            }
            AddressSource::Lease | AddressSource::Arp => self.known_addresses(&Domain::parse(live)?.0, source).await?,
        };
        Ok(all.into_iter().filter(|one: &InterfaceAddresses| !one.addresses.is_empty()).collect())
    }

    /// What the host knows of each interface.
    async fn known_addresses(&self, domain: &Domain, source: AddressSource) -> Result<Vec<InterfaceAddresses>> {
        let seen = if source == AddressSource::Arp { self.networks.neighbours().await? } else { Vec::new() };
        let mut all = Vec::new();
        for interface in domain.devices.interfaces() {
            let Some(mac) = interface.mac_address() else { continue };
            let addresses = match source {
                AddressSource::Lease => self.lent(interface, mac).await?,
                _ => seen.iter().filter(|(of, _)| *of == mac.0).map(|(_, address)| (*address, 0)).collect(),
            };
            let name = interface.target.as_ref().and_then(|target| target.dev.clone()).unwrap_or_default();
            all.push(InterfaceAddresses { name, mac: Some(mac), addresses });
        }
        Ok(all)
    }

    async fn lent(&self, interface: &Interface, mac: MacAddress) -> Result<Addresses> {
        let Ok(InterfaceSource::Network { network, .. }) = interface.source_view() else { return Ok(Addresses::new()) };
        let Ok(network) = self.networks.registry.find(network) else { return Ok(Addresses::new()) };
        let leases = self.networks.leases(network.uuid()).await?;
        let view = network.view();
        let prefix = |address: IpAddr| view.facts.prefix_of(address).unwrap_or_default();
        Ok(leases.iter().filter(|lease| is_of(lease, mac)).map(|lease| (lease.address, prefix(lease.address))).collect())
    }
}

/// Whether a lease is of an Ethernet address. That of DHCPv6 has it at the end of the identifier, where it was made of it
/// (RFC 8415, 11.2 and 11.4).
fn is_of(lease: &Lease, mac: MacAddress) -> bool {
    let by_id = || lease.client_id.as_ref().is_some_and(|id| id.ends_with(&mac.to_string()));
    lease.mac == Some(mac) || (lease.mac.is_none() && by_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_known_by_the_address_of_the_card() {
        let mac: MacAddress = "52:54:00:6b:3c:58".parse().unwrap();
        let lease = |mac: Option<&str>, id: Option<&str>| Lease {
            expiry: 0,
            mac: mac.map(|mac| mac.parse().unwrap()),
            address: "fd00::1".parse().unwrap(),
            name: None,
            client_id: id.map(str::to_owned),
        };
        assert!(is_of(&lease(Some("52:54:00:6b:3c:58"), None), mac));
        assert!(is_of(&lease(None, Some("00:03:00:01:52:54:00:6b:3c:58")), mac));
        assert!(!is_of(&lease(Some("52:54:00:6b:3c:59"), Some("01:52:54:00:6b:3c:58")), mac));
        assert!(!is_of(&lease(None, None), mac));
    }
}
