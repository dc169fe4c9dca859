//! The Lodge daemon.

pub mod store;
