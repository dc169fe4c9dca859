//! Who works on what of a pool: one piece of work changes a volume at a time, several may read it, or several guests start with it,
//! and work on the pool itself is alone.
//!
//! Claims are taken and given back, never waited for: what is taken is `Busy`. So work that needs two pools cannot dead-lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};

/// What is claimed of one pool. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    /// Work on the pool itself.
    pool: Option<&'static str>,
    volumes: HashMap<String, Hold>,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    /// What is done, as in "is being VERB".
    verb: &'static str,
    sharing: Sharing,
    /// How many do the same.
    holders: usize,
}

/// Whether others may do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It is read.
    Read,
    /// It is written by a guest, which may share it with others.
    Use,
    /// It is changed.
    Change,
}

/// A claim, given back when dropped.
#[derive(Debug)]
pub struct Claim {
    claims: Claims,
    /// The volume; the pool itself without.
    volume: Option<String>,
}

impl Claims {
    /// Claims the whole pool for work on itself.
    ///
    /// # Errors
    /// `Busy` when anything of it is claimed.
    pub fn pool(&self, name: &str, verb: &'static str) -> Result<Claim> {
        let mut taken = self.taken();
        taken.refuse_while_pool_is_claimed(name)?;
        if let Some((volume, hold)) = taken.volumes.iter().next() {
            let message = format!("volume '{volume}' of pool '{name}' is being {}; try again when that is done, or cancel it", hold.verb);
            return Err(Error::new(ErrorKind::Busy, message));
        }
        taken.pool = Some(verb);
        Ok(Claim { claims: self.clone(), volume: None })
    }

    /// Claims a volume.
    ///
    /// # Errors
    /// `Busy` when it, or the whole pool, is claimed by work that this one cannot go along with.
    pub fn volume(&self, pool: &str, volume: &str, verb: &'static str, sharing: Sharing) -> Result<Claim> {
        let mut taken = self.taken();
        taken.refuse_while_pool_is_claimed(pool)?;
        let holders = match taken.volumes.get(volume) {
            None => 1,
            Some(hold) if hold.sharing == sharing && sharing != Sharing::Change => hold.holders + 1,
            Some(hold) => {
                let message =
                    format!("volume '{volume}' of pool '{pool}' is being {}; try again when that is done, or cancel it", hold.verb);
                return Err(Error::new(ErrorKind::Busy, message));
            }
        };
        taken.volumes.insert(volume.to_owned(), Hold { verb, sharing, holders });
        Ok(Claim { claims: self.clone(), volume: Some(volume.to_owned()) })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn refuse_while_pool_is_claimed(&self, name: &str) -> Result<()> {
        match self.pool {
            None => Ok(()),
            Some(verb) => Err(Error::new(ErrorKind::Busy, format!("pool '{name}' is being {verb}; try again when that is done"))),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut taken = self.claims.taken();
        let Some(volume) = &self.volume else {
            taken.pool = None;
            return;
        };
        match taken.volumes.get_mut(volume) {
            Some(hold) if hold.holders > 1 => hold.holders -= 1,
            _ => drop(taken.volumes.remove(volume)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changes_several_read_and_the_pool_is_alone() {
        let claims = Claims::default();
        let read = || claims.volume("p", "v", "cloned", Sharing::Read);
        let change = || claims.volume("p", "v", "resized", Sharing::Change);
        let first = read().unwrap();
        let second = read().unwrap();
        assert_eq!(change().unwrap_err().to_string(), "volume 'v' of pool 'p' is being cloned; try again when that is done, or cancel it");
        drop(first);
        assert_eq!(change().unwrap_err().kind(), ErrorKind::Busy);
        drop(second);
        let changed = change().unwrap();
        assert!(read().is_err() && change().is_err() && claims.pool("p", "stopped").is_err());
        let other = claims.volume("p", "w", "made", Sharing::Change).unwrap();
        drop((changed, other));
        let pool = claims.pool("p", "stopped").unwrap();
        assert_eq!(read().unwrap_err().to_string(), "pool 'p' is being stopped; try again when that is done");
        assert!(claims.pool("p", "started").is_err());
        drop(pool);
        let used = || claims.volume("p", "v", "used", Sharing::Use);
        let guests = (used().unwrap(), used().unwrap());
        assert!(read().is_err() && change().is_err());
        drop(guests);
        read().unwrap();
    }
}
