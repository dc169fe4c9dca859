//! All networks of the instance, by name and by identity.
//!
//! Invariants: a name, a UUID and a bridge that the service makes belong to one network at most, also while that is being
//! defined: they are set aside first. Locks are held for map operations only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lodge_model::document::Document as _;
use lodge_model::network::{Network, NetworkView as Checked};
use uuid::Uuid;

use super::complete::{complete, keep_bridge};
use super::handle::NetworkHandle;
use super::view::NetworkView;
use crate::error::{Error, ErrorKind, Result};

/// All networks.
#[derive(Default)]
pub struct Registry {
    maps: Mutex<Maps>,
}

#[derive(Default)]
struct Maps {
    /// Every name in use or set aside, with the network's identity.
    names: BTreeMap<String, Uuid>,
    networks: HashMap<Uuid, NetworkHandle>,
    /// Bridges of networks that are being defined.
    bridges: HashMap<Uuid, String>,
    /// Names of networks whose definitions cannot be read, so that nothing writes over them.
    left_alone: BTreeSet<String>,
}

impl Registry {
    /// The snapshots of all networks, in order of names.
    pub fn views(&self) -> Vec<Arc<NetworkView>> {
        self.all().iter().map(NetworkHandle::view).collect()
    }

    /// All networks, in order of names.
    pub fn all(&self) -> Vec<NetworkHandle> {
        let maps = self.maps();
        maps.names.values().filter_map(|uuid| maps.networks.get(uuid).cloned()).collect()
    }

    /// A network by identity.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<NetworkHandle> {
        self.maps().networks.get(&uuid).cloned()
    }

    /// A network by name.
    pub fn by_name(&self, name: &str) -> Option<NetworkHandle> {
        let maps = self.maps();
        maps.networks.get(maps.names.get(name)?).cloned()
    }

    /// A network by name or UUID, tried in this order.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, text: &str) -> Result<NetworkHandle> {
        let by_uuid = || self.by_uuid(Uuid::try_parse(text).ok()?);
        self.by_name(text).or_else(by_uuid).ok_or_else(|| {
            let left_alone = self.maps().left_alone.contains(text);
            let reason = match left_alone {
                true => format!("network '{text}' is left alone, because its definition cannot be read; the journal says why"),
                false => format!("there is no network with the name or UUID '{text}'"),
            };
            Error::new(ErrorKind::NotFound, reason)
        })
    }

    /// Completes a definition, and sets name, UUID and bridge aside for it. Answers with the network that has name and UUID
    /// already. `links` are the host's interfaces.
    ///
    /// # Errors
    /// `AlreadyExists` when one of the three belongs to another network, `Busy` when the network is just being made.
    pub(super) fn reserve(&self, network: &mut Network, links: &BTreeSet<String>) -> Result<Option<NetworkHandle>> {
        let mut maps = self.maps();
        let existing = maps.owner(network)?;
        if let Some(existing) = &existing {
            network.uuid = Some(existing.uuid);
            if let Some((before, _)) = existing.view().definition.as_deref().and_then(|xml| Network::parse(xml).ok()) {
                keep_bridge(network, &before);
            }
        }
        let own = network.uuid;
        let mut taken = maps.bridges_of_others(own);
        refuse_bridge(network, &taken)?;
        taken.extend(links.iter().cloned());
        complete(network, &taken)?;
        let Some(uuid) = network.uuid else { return Err(Error::new(ErrorKind::Internal, "a completed network has no UUID")) };
        if existing.is_none() {
            maps.names.insert(network.name.clone(), uuid);
        }
        if let Some(bridge) = own_bridge(network) {
            maps.bridges.insert(uuid, bridge);
        }
        Ok(existing)
    }

    /// Gives a reserved bridge up: the network's view has it now, or nothing came of it.
    pub(super) fn release_bridge(&self, uuid: Uuid) {
        self.maps().bridges.remove(&uuid);
    }

    /// Gives a name up that no network came to have.
    pub(super) fn release(&self, name: &str, uuid: Uuid) {
        let mut maps = self.maps();
        maps.bridges.remove(&uuid);
        if maps.names.get(name) == Some(&uuid) && !maps.networks.contains_key(&uuid) {
            maps.names.remove(name);
        }
    }

    /// Fills a place.
    pub(super) fn insert(&self, name: &str, network: NetworkHandle) {
        let mut maps = self.maps();
        maps.names.insert(name.to_owned(), network.uuid);
        maps.networks.insert(network.uuid, network);
    }

    /// Keeps a name for a network that is left alone.
    pub(super) fn leave_alone(&self, name: &str) {
        self.maps().left_alone.insert(name.to_owned());
    }

    /// Takes a network out.
    pub(super) fn remove(&self, uuid: Uuid) {
        let mut maps = self.maps();
        maps.networks.remove(&uuid);
        maps.names.retain(|_, owner| *owner != uuid);
    }

    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maps {
    /// The network that has name and UUID of a definition, `None` when both are free.
    fn owner(&self, network: &Network) -> Result<Option<NetworkHandle>> {
        let name = &network.name;
        let taken = |what: String| Err(Error::new(ErrorKind::AlreadyExists, what));
        if self.left_alone.contains(name) {
            return taken(format!("the name '{name}' belongs to a network whose definition cannot be read; the journal says why"));
        }
        match (self.names.get(name), network.uuid) {
            (Some(owner), Some(uuid)) if *owner != uuid => taken(format!(
                "the name '{name}' belongs to another network, with UUID {owner}; give this one another name, or that UUID to replace its \
                 definition"
            )),
            (Some(owner), _) => match self.networks.get(owner) {
                Some(network) => Ok(Some(network.clone())),
                None => Err(Error::new(ErrorKind::Busy, format!("network '{name}' is just being made; try again when that is done"))),
            },
            (None, Some(uuid)) => match self.names.iter().find(|(_, owner)| **owner == uuid) {
                Some((other, _)) => taken(format!("UUID {uuid} belongs to another network, '{other}'; leave <uuid> out to get a new one")),
                None => Ok(None),
            },
            (None, None) => Ok(None),
        }
    }

    /// Bridges that the service makes for other networks, as they run or are stored.
    fn bridges_of_others(&self, own: Option<Uuid>) -> BTreeSet<String> {
        let set_aside = self.bridges.iter().filter(|(uuid, _)| Some(**uuid) != own).map(|(_, bridge)| bridge.clone());
        let others = self.networks.values().filter(|network| Some(network.uuid) != own).map(NetworkHandle::view);
        let written = others.flat_map(|view| [view.live.clone(), view.definition.clone()]).flatten();
        written.filter_map(|xml| own_bridge(&Network::parse(&xml).ok()?.0)).chain(set_aside).collect()
    }
}

/// The bridge that the service makes for a network, by its name.
fn own_bridge(network: &Network) -> Option<String> {
    match network.view().ok()? {
        Checked::Isolated(own) | Checked::Open(own) => own.name.map(str::to_owned),
        Checked::Nat { bridge, .. } | Checked::Route { bridge, .. } => bridge.name.map(str::to_owned),
        Checked::Bridge { .. } | Checked::Direct { .. } | Checked::Hostdev { .. } => None,
    }
}

fn refuse_bridge(network: &Network, taken: &BTreeSet<String>) -> Result<()> {
    match own_bridge(network).filter(|bridge| taken.contains(bridge)) {
        Some(bridge) => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("the bridge {bridge} belongs to another network; write another name into <bridge name='…'/>, or leave it out"),
        )),
        None => Ok(()),
    }
}
