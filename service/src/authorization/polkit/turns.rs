//! So many at a time, for each user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Users of whom more than this many have been seen are forgotten when they have nothing under way.
const REMEMBERED: usize = 1024;

/// Room for so many things under way for each user.
#[derive(Debug)]
pub struct Turns {
    each: usize,
    users: Mutex<HashMap<u32, Arc<Semaphore>>>,
}

/// Something under way; over when dropped.
pub type Turn = OwnedSemaphorePermit;

impl Turns {
    /// Room for `each`.
    pub fn new(each: usize) -> Self {
        Self { each, users: Mutex::default() }
    }

    /// Waits for the user's turn. `None` cannot be: nothing closes the door.
    pub async fn wait(&self, uid: u32) -> Option<Turn> {
        let user = self.user(uid);
        user.acquire_owned().await.ok()
    }

    /// The user's turn, if there is room now.
    pub fn take(&self, uid: u32) -> Option<Turn> {
        self.user(uid).try_acquire_owned().ok()
    }

    fn user(&self, uid: u32) -> Arc<Semaphore> {
        let mut users = self.users();
        if users.len() >= REMEMBERED {
            users.retain(|_, user| Arc::strong_count(user) > 1);
        }
        users.entry(uid).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
    }

    fn users(&self) -> MutexGuard<'_, HashMap<u32, Arc<Semaphore>>> {
        // Held for operations on the map only.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_user_has_a_room_of_his_own() {
        let turns = Turns::new(2);
        let (_one, two) = (turns.take(1).unwrap(), turns.wait(1).await.unwrap());
        assert!(turns.take(1).is_none());
        assert!(turns.take(2).is_some());
        drop(two);
        assert!(turns.take(1).is_some());
    }

    #[test]
    fn users_with_nothing_under_way_are_forgotten() {
        let turns = Turns::new(1);
        let kept = turns.take(0).unwrap();
        for uid in 1..5000 {
            assert!(turns.take(uid).is_some());
        }
        assert!(turns.users().len() <= REMEMBERED);
        assert!(turns.take(0).is_none());
        drop(kept);
    }
}
