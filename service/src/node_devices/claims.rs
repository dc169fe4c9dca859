//! Which guest has which device: one claim for each device, written down before anything is done because of it.
//!
//! Invariants:
//! - A device has one claim at most.
//! - What stands in memory stands in the file. So a service that comes later knows the devices of guests that run on, and those
//!   that are to be given back.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::functions::Function;
use super::view::DeviceView;
use super::wanted::Chosen;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// Who has devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The domain's identity.
    pub uuid: Uuid,
    /// The domain's name; a running one keeps it.
    pub name: String,
}

/// A device that a guest has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The device's name.
    pub device: String,
    /// Its special file, which tells it from another that is plugged in at the same place; empty without one.
    pub node: String,
    /// Who has it.
    pub guest: Guest,
    /// The driver that the service gives it for the guest; empty where that is none of the service's business.
    pub driver: String,
    /// The host's driver was taken from it, or is about to be: it gets that back.
    pub taken: bool,
    /// What it is held to for the guest, of a virtual function.
    pub function: Option<Function>,
    /// What it was held to before that was changed: it gets that back.
    pub before: Option<Function>,
}

impl Claim {
    /// A claim of a guest on a device as it is now.
    pub fn of(guest: &Guest, Chosen { view, driver, function }: Chosen) -> Self {
        let (device, node) = (view.name.clone(), node(&view).to_owned());
        Self { device, node, guest: guest.clone(), driver, taken: false, function, before: None }
    }

    fn covers(&self, view: &DeviceView) -> bool {
        self.device == view.name && self.node == node(view)
    }
}

fn node(view: &DeviceView) -> &str {
    view.files.first().map(String::as_str).unwrap_or_default()
}

/// All claims.
pub(super) struct Claims {
    store: Arc<Store>,
    all: Vec<Claim>,
    /// Guests that have devices, or are about to.
    guests: BTreeSet<Uuid>,
}

impl Claims {
    /// Those that an earlier service wrote down.
    pub fn load(store: Arc<Store>) -> Self {
        let read = || match store.device_claims().map_err(Error::from)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| Error::new(ErrorKind::Internal, error.to_string())),
            None => Ok(Vec::<Claim>::new()),
        };
        let all = read().unwrap_or_else(|error| {
            tracing::error!("which devices guests have is not known any more, and none is given back: {error}");
            Vec::new()
        });
        let guests = all.iter().map(|claim| claim.guest.uuid).collect();
        Self { store, all, guests }
    }

    /// The guest that has a device.
    pub fn holder(&self, view: &DeviceView) -> Option<&Guest> {
        self.all.iter().find(|claim| claim.covers(view)).map(|claim| &claim.guest)
    }

    /// What a guest has.
    pub fn of(&self, guest: Uuid) -> Vec<Claim> {
        self.all.iter().filter(|claim| claim.guest.uuid == guest).cloned().collect()
    }

    /// Guests that have devices, or are about to.
    pub fn guests(&self) -> Vec<Uuid> {
        self.guests.iter().copied().collect()
    }

    /// Notes that a guest is about to claim devices.
    pub fn expect(&mut self, guest: Uuid) {
        self.guests.insert(guest);
    }

    /// Whether a guest has devices, or is about to.
    pub fn knows(&self, guest: Uuid) -> bool {
        self.guests.contains(&guest)
    }

    /// Adds claims on devices that nobody has.
    ///
    /// # Errors
    /// They could not be written down, and are not made.
    pub fn add(&mut self, claims: Vec<Claim>) -> Result<()> {
        self.replace(self.all.iter().cloned().chain(claims).collect())
    }

    /// Notes what is about to be done to a device.
    ///
    /// # Errors
    /// It could not be written down, and must not be done.
    pub fn note(&mut self, device: &str, change: impl Fn(&mut Claim)) -> Result<()> {
        let mut all = self.all.clone();
        all.iter_mut().filter(|claim| claim.device == device).for_each(change);
        self.replace(all)
    }

    /// Forgets the claims of a guest.
    pub fn remove(&mut self, guest: Uuid) {
        self.guests.remove(&guest);
        let rest: Vec<_> = self.all.iter().filter(|claim| claim.guest.uuid != guest).cloned().collect();
        if rest.len() == self.all.len() {
            return;
        }
        if let Err(error) = self.replace(rest.clone()) {
            // What is over is over; a later service gives back once more what has been given back.
            tracing::error!("that a guest has its devices no longer could not be written down: {error}");
            self.all = rest;
        }
    }

    fn replace(&mut self, all: Vec<Claim>) -> Result<()> {
        let bytes = serde_json::to_vec(&all).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        self.store.save_device_claims(&bytes)?;
        self.all = all;
        Ok(())
    }
}
