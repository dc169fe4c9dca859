//! How guests are kept away from the host and from each other. Each layer is a
//! [`Confine`](crate::hypervisors::confine::Confine) of its own and knows nothing of the others; [`Stack`] makes one of them all.
//!
//! Invariant: a layer that fails means that the guest does not start, and what earlier layers did is taken back.

pub mod apparmor;
mod build;
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

pub use build::{Facts, Module, Options, session, system};
pub use stack::Stack;
