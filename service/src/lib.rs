//! The Lodge daemon.

pub mod settings;
pub mod store;
