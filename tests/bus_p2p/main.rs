//! The service over a socket pair: the real engine, store and bus objects, with guests in memory.
//!
//! Server and client are in one process, each on a runtime of its own, so that a crash of the service
//! can be played: its runtime ends in the middle of whatever it does.

#![allow(clippy::unwrap_used, reason = "a test says what it expected by failing there")]

mod seen;
mod service;

mod capabilities;
mod edits;
mod events;
mod host_devices;
mod inventory;
mod jobs;
mod life;
mod native;
mod networks;
mod node_devices;
mod refusals;
mod restart;
mod rivals;
mod secrets;
mod storage;
