//! Changes of a network that runs: what of it another document asks for is made otherwise, without a new start where that is
//! possible.
//!
//! Invariants: what takes a new start is refused before anything has changed. A change that fails in the middle is taken back. What
//! will be made is written down first.

use lodge_model::addresses::Subnet;
use lodge_model::network::Network;

use super::backends::{Direct, HostBridge, OwnBridgePlan, Plan};
use super::firewall::firewalld;
use super::firewall::nftables::{remove, table_of};
use super::host::Host;
use super::live::{Live, Surroundings, require_bridge, require_interfaces};
use super::view::Definition;
use super::{apparatus, dnsmasq, limits};
use crate::error::{Error, ErrorKind, Result};
use crate::host::nftables;

impl Live {
    /// Lets it run by another document, as far as that is possible without a new start.
    ///
    /// # Errors
    /// `InvalidState` for what takes a new start, `InUse` for an interface that a guest has or an address of the host's; nothing
    /// has changed then.
    pub async fn change(&mut self, network: &Network, with: &Surroundings<'_>) -> Result<()> {
        let new = Plan::of(network, &with.host.surroundings(&self.directory))?;
        match (&self.plan, &new) {
            (Plan::OwnBridge(old), Plan::OwnBridge(new)) => {
                let (old, new) = (old.clone(), new.clone());
                self.refuse_restart(&old, &new)?;
                refuse_collisions(with.host, &self.name, &old, &new).await?;
                if old.zone != new.zone {
                    firewalld::check(with.host.firewalld(), &self.name, &new.zone).await?;
                }
                if let Err(error) = self.change_bridge(&old, &new, with).await {
                    if let Err(undo) = self.change_bridge(&new, &old, with).await {
                        tracing::error!("network '{}' is half changed: {undo}", self.name);
                        self.problems.push(format!("a change failed in the middle ({undo}); stop the network and start it again"));
                    }
                    return Err(error);
                }
            }
            // Only port groups, which may be the first that are in virtual networks.
            (Plan::HostBridge(old), Plan::HostBridge(new)) if (HostBridge { filters_vlans: new.filters_vlans, ..old.clone() }) == *new => {
                require_bridge(with.host, &self.name, new).await?;
            }
            (Plan::Direct(old), Plan::Direct(new)) if old.mode == new.mode => self.change_interfaces(with.host, new).await?,
            _ => return Err(self.takes_restart()),
        }
        self.plan = new;
        self.definition = Definition::of(network, self.definition.warnings.clone());
        self.save(with.status, true)
    }

    fn takes_restart(&self) -> Error {
        let reason =
            format!("network '{}' has to be stopped and started for that; change its definition with the option config", self.name);
        Error::new(ErrorKind::InvalidState, reason)
    }

    /// What the bridge is known by, and what its ports were made with, stays.
    fn refuse_restart(&self, old: &OwnBridgePlan, new: &OwnBridgePlan) -> Result<()> {
        let lasting = |plan: &OwnBridgePlan| {
            let bridge = &plan.bridge;
            (
                bridge.name.clone(),
                bridge.mac,
                bridge.mtu,
                plan.isolated_ports,
                plan.fixed_addresses,
                plan.vlans.clone(),
                plan.addresses.routes.clone(),
            )
        };
        if lasting(old) == lasting(new) { Ok(()) } else { Err(self.takes_restart()) }
    }

    /// Other interfaces for the guests to come. Those of guests stay.
    async fn change_interfaces(&self, host: &Host, new: &Direct) -> Result<()> {
        let used = self.ports.iter().filter_map(|port| port.lower.as_deref());
        if let Some(dev) = used.into_iter().find(|dev| new.interfaces.iter().all(|interface| interface != dev)) {
            let reason = format!("a guest of network '{}' uses the interface {dev}; stop the guest first", self.name);
            return Err(Error::new(ErrorKind::InUse, reason));
        }
        require_interfaces(host, &self.name, &new.interfaces).await
    }

    async fn change_bridge(&mut self, old: &OwnBridgePlan, new: &OwnBridgePlan, with: &Surroundings<'_>) -> Result<()> {
        let (rules, limit) = (table_of(&new.bridge.name), limits::table_of(&new.bridge.name));
        self.made.table = (old.rules.is_some() || new.rules.is_some()).then_some(rules.clone());
        self.made.limits = (old.limits.is_some() || new.limits.is_some()).then_some(limit.clone());
        self.made.zone |= old.zone != new.zone;
        self.save(with.status, true)?;
        if old.zone != new.zone {
            self.made.zone = firewalld::bind(with.host.firewalld(), &new.bridge.name, &new.zone).await?;
        }
        apparatus::readdress(with.host, old, new).await?;
        match (&old.rules, &new.rules) {
            (old, Some(new)) if old.as_ref() != Some(new) => nftables::apply(new).await?,
            (Some(_), None) => nftables::apply(&remove(&rules)).await?,
            _ => {}
        }
        match (&old.limits, &new.limits) {
            (old, Some(wanted)) if old.as_ref() != Some(wanted) => {
                nftables::apply(&limits::make(&new.bridge.name, wanted, limits::Side::Host)).await?
            }
            (Some(_), None) => nftables::apply(&limits::remove(&limit)).await?,
            _ => {}
        }
        self.made.table = new.rules.is_some().then_some(rules);
        self.made.limits = new.limits.is_some().then_some(limit);
        self.change_dnsmasq(old, new, with).await
    }

    async fn change_dnsmasq(&mut self, old: &OwnBridgePlan, new: &OwnBridgePlan, with: &Surroundings<'_>) -> Result<()> {
        match (&old.dnsmasq, &new.dnsmasq) {
            (before, Some(files)) if before.as_ref().map(|before| &before.config) != Some(&files.config) => {
                self.restart_dnsmasq(new, with).await
            }
            (Some(before), Some(files)) if before != files => {
                dnsmasq::write_live(&self.directory, &files.hosts, &files.names)?;
                self.dnsmasq.as_ref().map_or(Ok(()), dnsmasq::reload)
            }
            (Some(_), None) => {
                if let Some(process) = self.dnsmasq.take() {
                    dnsmasq::stop(&process).await?;
                }
                self.made.dnsmasq = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Refuses addresses that the network did not have and that the host has otherwise.
async fn refuse_collisions(host: &Host, network: &str, old: &OwnBridgePlan, new: &OwnBridgePlan) -> Result<()> {
    let added: Vec<Subnet> = new.addresses.subnets.iter().filter(|subnet| !old.addresses.subnets.contains(subnet)).copied().collect();
    if !added.is_empty() {
        host.taken().await?.refuse_collisions(network, &added, &new.bridge.name)?;
    }
    if new.dnsmasq.is_some() {
        dnsmasq::require_program()?;
    }
    Ok(())
}
