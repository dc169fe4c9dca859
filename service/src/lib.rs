//! The Lodge daemon.

pub mod host;
pub mod hypervisors;
pub mod settings;
pub mod store;
