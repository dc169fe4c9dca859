//! The Lodge daemon.

pub mod host;
pub mod hypervisors;
pub mod store;
