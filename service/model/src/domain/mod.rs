//! The domain format.

pub mod devices;
