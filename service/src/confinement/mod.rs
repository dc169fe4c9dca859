//! How guests are kept away from the host and from each other. Each layer is a
//! [`Confine`](crate::hypervisors::confine::Confine) of its own and knows nothing of the others; [`Stack`] makes one of them all.
//!
//! Invariant: a layer that fails means that the guest does not start, and what earlier layers did is taken back.

pub mod apparmor;
pub mod capabilities;
pub mod cgroup;
pub mod dac;
pub mod limits;
pub mod namespaces;
pub mod required;
pub mod seccomp;
mod seclabel;
pub mod selinux;
mod stack;

use std::sync::Arc;

pub use stack::Stack;

use crate::host::systemd::{Bus, Slice};
use crate::hypervisors::confine::Confine;
use cgroup::Cgroup;

/// A user's own guests run as that user. They get scopes of their own, with the limits of their definitions.
pub fn of_session(bus: Bus) -> Arc<dyn Confine> {
    Arc::new(Stack::new(vec![Arc::new(Cgroup::new(cgroup::Options { bus: Some(bus), slice: Slice::App, devices: None }))]))
}
