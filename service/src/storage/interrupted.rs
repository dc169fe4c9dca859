//! Work that changes a volume in place, written down while it goes on: what a service leaves that is killed meanwhile cannot be undone,
//! but is told by the next one, in the log and in the pool's warnings, until something is done with the volume again.
//!
//! What is being *made* needs no record: it is named or tagged as unfinished where it is ([`super::backends`]).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::backends::{Volumes, blocking};
use crate::error::Result;
use crate::store::Store;

/// What is done in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Another size.
    Resize,
    /// All of it overwritten.
    Wipe,
    /// Other content.
    Upload,
    /// It is made, with a secret that is made for it and goes with it.
    Create(Uuid),
}

/// One record.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    pool: String,
    volume: String,
    operation: Operation,
}

#[derive(Debug, Default)]
struct Held {
    /// Of this service, by pool and volume.
    running: BTreeMap<(String, String), Operation>,
    /// Of one that was killed.
    interrupted: BTreeMap<(String, String), Operation>,
}

/// The records of one instance. Cheap to clone.
#[derive(Clone)]
pub struct Interrupted {
    store: Arc<Store>,
    held: Arc<Mutex<Held>>,
}

/// Work that goes on. It stays written down unless [`Work::end`] is called.
pub struct Work {
    records: Interrupted,
    key: (String, String),
    operation: Operation,
}

impl Interrupted {
    /// No records; [`Interrupted::load`] reads what an earlier service left.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, held: Arc::default() }
    }

    /// Reads what an earlier service left, and says so in the log. Blocks.
    pub fn load(&self) {
        let records: Vec<Record> = match self.store.volume_work() {
            Ok(records) => records.unwrap_or_default(),
            Err(error) => return tracing::error!("what was being done with volumes when the service ended is not known: {error}"),
        };
        let mut held = self.held();
        for Record { pool, volume, operation } in records {
            if let Some(sentence) = sentence(&volume, operation) {
                tracing::warn!("pool '{pool}': {sentence}");
            }
            held.interrupted.insert((pool, volume), operation);
        }
    }

    /// Writes down that work on a volume begins; what was interrupted of it before is forgotten.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn begin(&self, pool: &str, volume: &str, operation: Operation) -> Result<Work> {
        let key = (pool.to_owned(), volume.to_owned());
        {
            let mut held = self.held();
            held.interrupted.remove(&key);
            held.running.insert(key.clone(), operation);
        }
        let work = Work { records: self.clone(), key, operation };
        match self.save().await {
            Ok(()) => Ok(work),
            Err(error) => {
                self.held().running.remove(&work.key);
                Err(error)
            }
        }
    }

    /// Forgets what was interrupted of a volume that is there no more, or anew.
    pub async fn forget(&self, pool: &str, volume: &str) {
        self.retain(|of, name| of != pool || name != volume).await;
    }

    /// Forgets what was interrupted of a pool that is there no more.
    pub async fn forget_pool(&self, pool: &str) {
        self.retain(|of, _| of != pool).await;
    }

    async fn retain(&self, stays: impl Fn(&str, &str) -> bool) {
        let forgotten = {
            let mut held = self.held();
            let before = held.interrupted.len();
            held.interrupted.retain(|(pool, volume), _| stays(pool, volume));
            before != held.interrupted.len()
        };
        if forgotten && let Err(error) = self.save().await {
            tracing::warn!("that work on volumes was interrupted stays written down: {error}");
        }
    }

    /// What was interrupted of a pool's volumes, in sentences.
    pub fn of_pool(&self, pool: &str, volumes: &Volumes) -> Vec<String> {
        let held = self.held();
        let here = held.interrupted.iter().filter(|((of, volume), _)| of == pool && volumes.contains_key(volume));
        here.filter_map(|((_, volume), operation)| sentence(volume, *operation)).collect()
    }

    /// The secrets that were made for volumes of a pool that were not finished; volumes that are there were. They are forgotten here.
    pub async fn secrets_of_nothing(&self, pool: &str, volumes: &Volumes) -> Vec<Uuid> {
        let mut secrets = Vec::new();
        self.held().interrupted.retain(|(of, volume), operation| match operation {
            Operation::Create(secret) if of == pool => {
                secrets.extend(Some(*secret).filter(|_| !volumes.contains_key(volume)));
                false
            }
            _ => true,
        });
        if !secrets.is_empty()
            && let Err(error) = self.save().await
        {
            tracing::warn!("what was interrupted in pool '{pool}' stays written down: {error}");
        }
        secrets
    }

    async fn save(&self) -> Result<()> {
        let this = self.clone();
        blocking(move || {
            // Under the lock, so that an older list is never written over a newer one.
            let held = this.held();
            let all = held.interrupted.iter().chain(&held.running);
            let record = |((pool, volume), operation): (&(String, String), &Operation)| Record {
                pool: pool.clone(),
                volume: volume.clone(),
                operation: *operation,
            };
            let records: Vec<Record> = all.map(record).collect();
            Ok(this.store.save_volume_work(&records)?)
        })
        .await
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// What is done.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The name of the volume.
    pub fn volume(&self) -> &str {
        &self.key.1
    }

    /// It is over, well or not.
    pub async fn end(self) {
        self.records.held().running.remove(&self.key);
        if let Err(error) = self.records.save().await {
            tracing::warn!("work on volume '{}' of pool '{}' stays written down: {error}", self.key.1, self.key.0);
        }
    }
}

fn sentence(volume: &str, operation: Operation) -> Option<String> {
    let (what, next) = match operation {
        Operation::Resize => ("was being resized when the service ended", "look at its size, and resize it again"),
        Operation::Wipe => ("was being wiped when the service ended, and is overwritten in part", "wipe it again"),
        Operation::Create(_) => return None,
        Operation::Upload => ("was being uploaded to when the service ended, and has the new content in part", "upload it again"),
    };
    Some(format!("volume '{volume}' {what}; {next}"))
}
