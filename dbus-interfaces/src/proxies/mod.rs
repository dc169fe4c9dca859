//! One typed proxy per interface of the contract.
//!
//! They speak to [`BUS_NAME`](crate::BUS_NAME) unless built with another destination, and may start the service. Methods
//! may let the service ask the person for authorization. Methods return the contract's [`Error`](crate::Error).

mod domain;
mod hypervisor;
mod job;
mod manager;
mod network;
mod secret;
mod storage_pool;
mod storage_volume;

pub use domain::*;
pub use hypervisor::*;
pub use job::*;
pub use manager::*;
pub use network::*;
pub use secret::*;
pub use storage_pool::*;
pub use storage_volume::*;
