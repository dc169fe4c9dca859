//! Guests and volumes: which volumes running guests have, and that nobody works on those a guest just starts with.
//!
//! A guest's disk is a volume when its path leads to the volume's file, however it is spelled.
//!
//! Invariant: between the claims of a guest that starts and [`Users::disks`], which tells of those that run, there is no moment in
//! which neither tells.

use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, PoisonError};

use super::backends::blocking;
use super::chain;
use super::claims::{Claim, Sharing};
use super::engine::Storage;
use super::volume::Volume;
use crate::error::Result;

/// Tells what running guests use.
pub trait Users: Send + Sync {
    /// The running guests and the paths of their disks.
    fn disks(&self) -> Vec<(String, Vec<String>)>;
}

/// What a guest does with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestDisk {
    /// Absolute path.
    pub path: String,
    /// Whether it is only read.
    pub read_only: bool,
}

/// Volumes that a guest starts with; while this is there, nobody changes them.
#[derive(Debug, Default)]
pub struct ForGuest(#[allow(dead_code, reason = "held to be dropped")] Vec<Claim>);

impl Storage {
    /// Says who tells which disks guests have.
    pub fn ask_for_users(&self, users: Arc<dyn Users>) {
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) = Some(users);
    }

    /// The running guest that one of the volumes is a disk of.
    pub(super) async fn guest_with(&self, volumes: &[Arc<Volume>]) -> Option<String> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let named = |path: &String| volumes.iter().any(|volume| volume.path == *path);
        let guests = users.disks();
        if let Some((guest, _)) = guests.iter().find(|(_, disks)| disks.iter().any(named)) {
            return Some(guest.clone());
        }
        let volumes = volumes.to_vec();
        let found = blocking(move || Ok(guests.into_iter().find(|(_, disks)| disks.iter().any(|path| is_one_of(path, &volumes)))));
        found.await.ok().flatten().map(|(guest, _)| guest)
    }

    /// Claims the volumes that a guest starts with, and those that they are laid over.
    ///
    /// # Errors
    /// `Busy` while one of them is worked on.
    pub async fn claim_for_guest(&self, disks: Vec<GuestDisk>) -> Result<ForGuest> {
        let pools = self.registry.views();
        let find = move || {
            let mut found = Vec::new();
            for GuestDisk { path, read_only } in disks {
                let identity = identity(&path);
                let is_meant = |volume: &Volume| volume.path == path || is(volume, identity);
                for volume in pools.iter().flat_map(|pool| pool.volumes_where(is_meant)) {
                    // A chain that is no good is the hypervisor's to refuse.
                    let below = chain::below(&volume.volume, &pools).map(|chain| chain.levels).unwrap_or_default();
                    found.push((volume, read_only));
                    found.extend(below.into_iter().map(|level| (level, true)));
                }
            }
            Ok(found)
        };
        let mut claims = Vec::new();
        for (view, read_only) in blocking(find).await? {
            let Some(pool) = self.registry.by_name(&view.pool) else { continue };
            let sharing = if read_only { Sharing::Read } else { Sharing::Use };
            claims.push(pool.claims.volume(&view.pool, &view.volume.name, "used by a guest that starts", sharing)?);
        }
        Ok(ForGuest(claims))
    }
}

fn is_one_of(path: &str, volumes: &[Arc<Volume>]) -> bool {
    let identity = identity(path);
    volumes.iter().any(|volume| is(volume, identity))
}

fn is(volume: &Volume, identity: Option<(u64, u64)>) -> bool {
    identity.is_some() && volume.inode.as_ref().map(|inode| inode.identity) == identity
}

/// Blocks.
fn identity(path: &str) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
