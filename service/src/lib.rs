//! The Lodge daemon.
