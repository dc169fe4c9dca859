//! QEMU, with or without KVM.
//!
//! Definition to guest, in order: [`complete`] fills a definition in, [`facts`] looks at the host, [`command`] plans
//! ([`plan`]), [`start`] carries the plan out, [`machine`] takes the engine's orders and [`watch`] tells what happens.
//! [`reconnect`] finds a guest of an earlier run of the service by its [`record`]. [`script`] prints a plan for a person instead,
//! and [`offer`] tells which definitions can become plans.

pub mod agent;
pub mod agent_interfaces;
pub mod alias;
pub mod block;
pub mod buses;
pub mod capabilities;
pub mod chardev;
pub mod choices;
pub mod command;
pub mod companions;
pub mod complete;
pub mod confined;
pub mod devices;
pub mod driver;
pub mod facts;
pub mod firmware;
pub mod guest;
pub mod input;
pub mod live;
pub mod log;
pub mod machine;
pub mod offer;
pub mod plan;
pub mod prepare;
pub mod props;
pub mod qmp;
pub mod reconnect;
pub mod record;
pub mod refusal;
pub mod script;
pub mod start;
pub mod threads;
mod undo;
pub mod validate;
pub mod watch;

pub use choices::Choices;
pub use driver::{Options, Policy, QemuDriver};

#[cfg(test)]
mod tests;
