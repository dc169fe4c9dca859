//! All domains of the instance, by identity, name and number.
//!
//! Invariants: a name and a UUID belong to one domain at most, also while that is being defined or
//! renamed: they are reserved first. Locks are held for map operations only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::handle::DomainHandle;
use super::view::DomainView;
use crate::error::{Error, ErrorKind, Result};

/// All domains.
#[derive(Default)]
pub struct Registry {
    maps: Mutex<Maps>,
}

#[derive(Default)]
struct Maps {
    /// Every name in use or reserved, with the domain's identity.
    names: HashMap<String, Uuid>,
    /// Every domain that is there.
    domains: HashMap<Uuid, DomainHandle>,
    /// Names of domains that are left alone, each with the reason: a definition that cannot be read, a guest that cannot
    /// be found again. Nothing is defined under them, so nothing writes over them.
    left_alone: HashMap<String, String>,
}

impl Registry {
    /// All domains, in order of names.
    pub fn all(&self) -> Vec<DomainHandle> {
        // Not by the map of names: a domain that is just being renamed is there twice.
        let mut domains: Vec<_> = self.maps().domains.values().cloned().collect();
        domains.sort_by_cached_key(|domain| domain.view.borrow().name.clone());
        domains
    }

    /// The snapshots of all domains, in order of names.
    pub fn views(&self) -> Vec<Arc<DomainView>> {
        let mut views: Vec<_> = self.maps().domains.values().map(DomainHandle::view).collect();
        views.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// How many domains there are.
    pub fn len(&self) -> usize {
        self.maps().domains.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any domain runs.
    pub fn any_active(&self) -> bool {
        self.maps().domains.values().any(|domain| domain.view.borrow().state.is_active())
    }

    /// A domain by identity.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<DomainHandle> {
        self.maps().domains.get(&uuid).cloned()
    }

    /// A domain by name.
    pub fn by_name(&self, name: &str) -> Option<DomainHandle> {
        let maps = self.maps();
        maps.domains.get(maps.names.get(name)?).cloned()
    }

    /// A domain by name, UUID or the number of its run, tried in this order.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn find(&self, text: &str) -> Result<DomainHandle> {
        let by_number = || {
            let number: u32 = text.parse().ok().filter(|number| *number > 0)?;
            self.maps().domains.values().find(|domain| domain.view.borrow().id == number).cloned()
        };
        self.by_name(text)
            .or_else(|| self.by_uuid(Uuid::try_parse(text).ok()?))
            .or_else(by_number)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, self.maps().why_not_found(text)))
    }

    /// Sets a name and a UUID aside for a new domain. Answers with the domain that has both already.
    ///
    /// # Errors
    /// `AlreadyExists` when one of the two belongs to another domain, `Busy` when the domain is just
    /// being made.
    pub(super) fn reserve(&self, name: &str, uuid: Uuid) -> Result<Option<DomainHandle>> {
        let mut maps = self.maps();
        let existing = maps.owner(name, uuid)?;
        if existing.is_none() {
            maps.names.insert(name.to_owned(), uuid);
        }
        Ok(existing)
    }

    /// Whether [`Registry::reserve`] would succeed.
    ///
    /// # Errors
    /// Those of `reserve`.
    pub(super) fn check(&self, name: &str, uuid: Uuid) -> Result<()> {
        self.maps().owner(name, uuid).map(drop)
    }

    /// Fills a reserved place.
    pub(super) fn insert(&self, domain: DomainHandle) {
        self.maps().domains.insert(domain.uuid, domain);
    }

    /// Sets another name aside for a domain.
    ///
    /// # Errors
    /// `AlreadyExists`.
    pub(super) fn reserve_name(&self, name: &str, uuid: Uuid) -> Result<()> {
        let mut maps = self.maps();
        maps.refuse_left_alone(name)?;
        if maps.names.contains_key(name) {
            return Err(Error::new(ErrorKind::AlreadyExists, format!("the name '{name}' belongs to another domain; choose another one")));
        }
        maps.names.insert(name.to_owned(), uuid);
        Ok(())
    }

    /// Keeps a name for a domain that is left alone; the reason is a clause with the next step.
    pub(super) fn leave_alone(&self, name: &str, reason: String) {
        self.maps().left_alone.insert(name.to_owned(), reason);
    }

    /// Gives a running guest its name, also where the definition of that name cannot be read.
    ///
    /// # Errors
    /// `AlreadyExists` when another domain has the name.
    pub(super) fn adopt(&self, name: &str, uuid: Uuid) -> Result<()> {
        match self.maps().names.entry(name.to_owned()).or_insert(uuid) {
            owner if *owner == uuid => Ok(()),
            owner => Err(Error::new(ErrorKind::AlreadyExists, format!("the name '{name}' belongs to the domain with UUID {owner}"))),
        }
    }

    /// Gives a name up, unless it belongs to another domain meanwhile.
    pub(super) fn release_name(&self, name: &str, uuid: Uuid) {
        let mut maps = self.maps();
        if maps.names.get(name) == Some(&uuid) {
            maps.names.remove(name);
        }
    }

    /// Takes a domain out.
    pub(super) fn remove(&self, uuid: Uuid) {
        let mut maps = self.maps();
        maps.domains.remove(&uuid);
        maps.names.retain(|_, owner| *owner != uuid);
    }

    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maps {
    fn refuse_left_alone(&self, name: &str) -> Result<()> {
        match self.left_alone.get(name) {
            None => Ok(()),
            Some(reason) => {
                Err(Error::new(ErrorKind::AlreadyExists, format!("the name '{name}' belongs to a domain that is left alone: {reason}")))
            }
        }
    }

    fn why_not_found(&self, text: &str) -> String {
        match self.left_alone.get(text) {
            None => format!("there is no domain with the name, UUID or id '{text}'"),
            Some(reason) => format!("domain '{text}' is left alone: {reason}"),
        }
    }

    /// The domain that has both, `None` when both are free.
    fn owner(&self, name: &str, uuid: Uuid) -> Result<Option<DomainHandle>> {
        let taken = |what: String| Err(Error::new(ErrorKind::AlreadyExists, what));
        self.refuse_left_alone(name)?;
        if let Some(owner) = self.names.get(name) {
            if *owner != uuid {
                return taken(format!(
                    "the name '{name}' belongs to another domain, with UUID {owner}; give this one another name, or that UUID to replace its definition"
                ));
            }
            return match self.domains.get(&uuid) {
                Some(domain) => Ok(Some(domain.clone())),
                None => Err(Error::new(ErrorKind::Busy, format!("domain '{name}' is just being made; try again when that is done"))),
            };
        }
        if let Some((owner, _)) = self.names.iter().find(|(_, other)| **other == uuid) {
            return taken(format!(
                "UUID {uuid} belongs to another domain, '{owner}'; leave <uuid> out to get a new one, or rename that domain"
            ));
        }
        Ok(None)
    }
}
