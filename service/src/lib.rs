//! The Lodge service.
//!
//! # Code map, from the bottom up
//! Each may use only what stands before it; `tests/layering.rs` checks that.
//!
//! | module | what |
//! |---|---|
//! | `lodge_model` (a crate) | pure types and codecs of every document |
//! | [`host`] | processes, sockets, systemd, hardware: the only system calls |
//! | [`store`], [`settings`] | files: definitions, status, settings |
//! | [`authorization`] | who may do what |
//! | [`hypervisors`] | drivers: QEMU, and one in memory |
//! | [`confinement`] | how guests are kept away from the host and from each other |
//! | [`scope`] | whether a change is for what runs or for what is stored |
//! | [`jobs`] | work that takes a while, as clients see it |
//! | [`node_devices`] | devices of the host |
//! | [`secrets`] | passphrases and keys, and their values |
//! | [`networks`] | what guests are connected to |
//! | [`storage`] | pools and volumes: one actor for each pool |
//! | [`domains`] | the engine: one actor for each domain |
//! | [`events`] | what the engine tells |
//! | [`bus`] | the D-Bus front door |
//! | [`daemon`] | composition: start, recover, serve, idle, stop |

pub mod authorization;
pub mod bus;
pub mod confinement;
pub mod daemon;
pub mod domains;
pub mod error;
pub mod events;
pub mod host;
pub mod hypervisors;
pub mod jobs;
pub mod networks;
pub mod node_devices;
pub mod scope;
pub mod secrets;
pub mod settings;
pub mod storage;
pub mod store;
