//! The pure types of Lodge and their codecs: every XML format and native configuration that the
//! service reads or writes. The desktop app edits with them too.
//!
//! Invariant: no input or output, no tokio, no bus. Everything here is a function of its arguments.

pub mod addresses;
pub mod capabilities;
pub mod document;
pub mod documents;
pub mod domain;
pub mod domain_capabilities;
pub mod encryption;
pub mod fibre_channel;
pub mod native;
pub mod network;
pub mod node_device;
pub mod permissions;
pub mod secret;
pub mod snapshot;
pub mod storage_pool;
pub mod storage_volume;
pub mod timestamps;
pub mod units;
pub mod xml;

#[cfg(test)]
mod testing;
